"""What docs/architecture.md and other pages say about the code's layout is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kit.airflow_home import ROOT
from kit.layers_picture import PICTURE, layers, picture

PACKAGE = "airflow_provider_kafka_odps"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
_PATH = re.compile(r"`((?:[a-z_]+/)+(?:\w+(?:\.[a-z]+)?)?)`")


def _paths(page: str) -> set[str]:
    """Return the files and folders that a page names, without what is made by running something.

    >>> sorted(_paths("`core/window/` has `core/window/bounds.py`; `build/bench.json` and `a/b c` are left out"))
    ['core/window/', 'core/window/bounds.py']
    """
    return {path for path in _PATH.findall(page) if not path.startswith("build/")}


def test_the_picture_is_that_of_the_contracts() -> None:
    """The drawn layers are those that import-linter checks; `make picture` draws them again."""
    assert PICTURE.read_text(encoding="utf-8") == picture()


def test_the_picture_has_every_layer() -> None:
    """Each package of the core and each client stands in the picture, by its name."""
    names = re.findall(r'class="name"[^>]*>(\w+)<', picture())
    for container in (PACKAGE, f"{PACKAGE}.core", f"{PACKAGE}.clients", f"{PACKAGE}.transfers"):
        drawn = {name for layer in layers(container) for name in layer.names}
        assert len(drawn) > 1
        assert drawn <= set(names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_a_page_exists(page: Path) -> None:
    """A reader who looks for a file that a page names finds it, in the checkout or below the package."""
    paths = _paths(page.read_text(encoding="utf-8"))
    assert [path for path in paths if not (ROOT / path).exists() and not (ROOT / PACKAGE / path).exists()] == []


def test_every_package_has_its_line() -> None:
    """The page says what each package of the provider knows, and which question each package of the core answers."""
    top = {path.parent.name for path in (ROOT / PACKAGE).glob("*/__init__.py")}
    core = {f"core/{path.parent.name}" for path in (ROOT / PACKAGE / "core").glob("*/__init__.py")}
    rows = "\n".join(line.split(" | ")[0] for line in ARCHITECTURE.splitlines() if line.startswith("|"))
    assert len(core) > 5
    assert [package for package in sorted(top | core) if f"`{package}/`" not in rows] == []


def test_a_record_and_a_retry_are_followed_through_the_core() -> None:
    """The two walks name a module of every package of the core; none of them is left out of the story."""
    _, _, walks = ARCHITECTURE.partition("## How a record travels")
    walked = {path.split("/")[1] for path in _paths(walks) if path.startswith("core/")}
    core = {path.parent.name for path in (ROOT / PACKAGE / "core").glob("*/__init__.py")}
    assert core - walked == set()
