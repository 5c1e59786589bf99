"""The documents hold together: links lead somewhere, snippets compile, nothing names one person's machine."""

import re
from pathlib import Path

import pytest
from kit.airflow_home import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
# The glossary lists them.
_WITH_OTHER_WORDS = {"glossary", "mutation-testing"}
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _fences(document: Path) -> list[tuple[str, str]]:
    return [(fence["kind"].strip(), fence["body"]) for fence in _FENCE.finditer(document.read_text())]


def _anchors(document: Path) -> set[str]:
    """Return the anchors of the document's headings, as GitHub and MyST write them."""
    headings = _HEADING.findall(_FENCE.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _is_dead(document: Path, link: str) -> bool:
    if re.match(r"https?://|mailto:", link):
        return False
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    return not target.exists() or (bool(anchor) and anchor not in _anchors(target))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_every_link_leads_somewhere(document: Path) -> None:
    """A link between documents names a file, and a heading if it names one, that exist."""
    prose = _FENCE.sub("", document.read_text())
    assert [link for link in _LINK.findall(prose) if _is_dead(document, link)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_every_python_snippet_compiles(document: Path) -> None:
    """A snippet that is written out in a document is at least Python."""
    for kind, body in _fences(document):
        if kind in {"python", "py"}:
            compile(body, str(document), "exec")


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_a_line_holds_one_sentence(document: Path) -> None:
    """One sentence per line, so that a diff shows the sentence that changed; tables are free."""
    prose = [line for line in _FENCE.sub("", document.read_text()).splitlines() if not line.startswith("|")]
    assert [line for line in prose if re.search(r"[a-z)`][.?!] [A-Z`]", line)] == []


def _avoided() -> list[str]:
    """Return what the last table of the glossary has another word for."""
    _, _, table = (ROOT / "docs" / "glossary.md").read_text().partition("## In messages and docs")
    rows = re.findall(r"^\| (?!instead of )([a-z][^|]*) \|", table, re.MULTILINE)
    return [word for row in rows for word in row.split(", ")]


@pytest.mark.parametrize("document", [page for page in DOCUMENTS if page.stem not in _WITH_OTHER_WORDS], ids=_named)
def test_the_fields_words_are_used(document: Path) -> None:
    """A page has none of the words for which the glossary has one that people search for; names in code are free."""
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", document.read_text()))
    avoided = _avoided()
    assert len(avoided) > 5
    assert [found.group() for word in avoided for found in re.finditer(rf"\b{word}(?:s|ed|ing)?\b", prose)] == []


def test_every_page_is_reached_from_the_index() -> None:
    """A reader who starts at the index finds every page, in the built pages and in a repository's."""
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {str(page.relative_to(ROOT / "docs").with_suffix("")) for page in (ROOT / "docs").rglob("*.md")} - {"index"}
    assert pages <= set(index.splitlines())
    assert {f"{page}.md" for page in pages} <= set(_LINK.findall(index))
