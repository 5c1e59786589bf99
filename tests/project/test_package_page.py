"""What a package index shows: the README, with links that lead to the built pages."""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from importlib.metadata import metadata

from kit.airflow_home import ROOT

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SITE = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Documentation"] + "/en/latest/"


@cache
def _shown() -> str:
    """Return the long description: that of the wheel where one is under test, what a build would write elsewhere."""
    if os.environ.get("BUILT_WHEEL"):
        return metadata("airflow-provider-kafka-odps")["Description"]
    from hatchling.metadata.core import ProjectMetadata
    from hatchling.plugin.manager import PluginManager

    return str(ProjectMetadata(str(ROOT), PluginManager()).core.readme)


def _links() -> list[str]:
    return _LINK.findall(re.sub(r"^```.*?^```$", "", _shown(), flags=re.MULTILINE | re.DOTALL))


def _anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / f"{page}.md").read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_what_is_shown() -> None:
    """Everything but its links is as in the repository."""
    without = [_LINK.sub("link", text) for text in (_shown(), (ROOT / "README.md").read_text())]
    assert without[0].strip() == without[1].strip()


def test_every_link_is_absolute() -> None:
    """A package page has no files beside it: a relative link would be dead there."""
    assert len(_links()) > 10
    assert [link for link in _links() if not re.match(r"https://", link)] == []


def test_a_link_into_the_docs_names_a_page_that_is_built() -> None:
    """The page is one of docs/, and has the heading that the link names."""
    pages = [link.removeprefix(_SITE).partition("#") for link in _links() if link.startswith(_SITE)]
    assert len(pages) > 10
    assert [page for page, _, _ in pages if not (ROOT / "docs" / page).with_suffix(".md").is_file()] == []
    assert [
        f"{page}#{anchor}" for page, _, anchor in pages if anchor and anchor not in _anchors(page.removesuffix(".html"))
    ] == []
