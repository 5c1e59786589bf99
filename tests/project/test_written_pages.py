"""Pages show all of their content where nothing is built: on the repository's own pages."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
from kit.airflow_home import ROOT
from kit.written_pages import markdown, snippets
from kit.written_pages.pages import DOCS, pages
from kit.written_pages.reference import reference_pages
from kit.written_pages.snippets import MARK, between, with_snippets

from airflow_provider_kafka_odps import exceptions
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.parameters import NAMES

PAGES = sorted(DOCS.rglob("*.md"))
_BUILT = {
    "index.md": {"{toctree}"},
    "changelog.md": {"{include}"},
}
"""What only a build shows, and where: the order of the pages, and the changelog, which a repository has elsewhere."""


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_a_page_is_as_the_code_says(page: Path) -> None:
    """What is written from docstrings, signatures and example DAGs is committed as it is now: run `make reference`."""
    assert page.read_text(encoding="utf-8") == pages()[page], f"{_named(page)} is out of date: run `make reference`"


def test_no_page_of_the_reference_is_missing_or_left_over() -> None:
    """A page that the tool writes no more is removed."""
    assert {page.name for page in (DOCS / "reference").iterdir()} == set(reference_pages())


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_a_page_reads_without_a_build(page: Path) -> None:
    """No role and no directive of Sphinx stands in a page: a repository's own pages would show its text."""
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"^```+(\{[\w:-]+\})|^:::", text, re.MULTILINE)) == _BUILT.get(page.name, set())
    assert re.findall(r"(?<![`$\w])\{[a-z][a-z:-]*\}`[^`]", text) == []


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_a_dag_in_a_page_is_a_copy(page: Path) -> None:
    """A DAG of the examples is never typed into a page: each has the mark by which it is kept equal to its file."""
    typed = MARK.sub("", page.read_text(encoding="utf-8"))
    examples = [path.stem for path in (ROOT / "example_dags").glob("*.py")]
    assert [name for name in examples if f'DAG(\n    "{name}"' in typed or f'DAG("{name}"' in typed] == []


def test_every_parameter_of_the_operator_is_in_its_page() -> None:
    """The tables have each parameter once, in the order of the signature."""
    before, _, _ = reference_pages()["operator.md"].partition("## Methods")
    assert re.findall(r"^\| `(\w+)` \|", before, re.MULTILINE) == list(NAMES)


@pytest.mark.parametrize("hook", [KafkaHook, OdpsHook])
def test_every_public_method_of_a_hook_is_in_their_page(hook: type) -> None:
    """Whoever uses a hook alone finds its methods without reading the source."""
    methods = {name for name, each in vars(hook).items() if inspect.isfunction(each) and not name.startswith("_")}
    found = re.findall(rf"^### {hook.__name__}\.(\w+)$", reference_pages()["hooks.md"], re.MULTILINE)
    assert len(methods) > 5
    assert set(found) == methods


def test_the_page_of_errors_says_what_the_classes_say() -> None:
    """Name, parent, and whether a retry may help: as Python has them."""
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (yes|no) \|", reference_pages()["errors.md"], re.MULTILINE)
    errors = [each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, Exception)]
    wanted = [
        (each.__name__, each.__bases__[0].__name__, "yes" if getattr(each, "retry_helps", False) else "no")
        for each in errors
    ]
    assert rows == wanted


def test_a_copy_follows_its_file() -> None:
    """Whatever stands in a copy is replaced by what the file has; the rest of the page stays."""
    mark = "<!-- copied from example_dags/dataworks_job.py [dataworks] -->"
    page = with_snippets(f"Before.\n\n{mark}\n```python\nold()\n```\n\nAfter.\n")
    assert page.startswith(f"Before.\n\n{mark}\n```python\nwith DAG(")
    assert page.endswith("\n```\n\nAfter.\n")
    assert "old()" not in page
    with pytest.raises(AssertionError, match="there is no part 'b'"):
        between("# [START a]\n# [END a]\n", "b")


@pytest.mark.parametrize("module", [markdown, snippets])
def test_the_tools_own_examples_hold(module: ModuleType) -> None:
    """What the docstrings of the tool show is what it does."""
    assert doctest.testmod(module).failed == 0
