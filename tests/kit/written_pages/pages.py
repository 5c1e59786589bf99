"""All pages that have something written by a tool, as they should be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from kit.airflow_home import ROOT
from kit.written_pages.reference import reference_pages
from kit.written_pages.snippets import with_snippets

DOCS = ROOT / "docs"


@cache
def pages() -> Mapping[Path, str]:
    """Return the text that each page should have: those of the reference whole, the others with their snippets."""
    reference = {DOCS / "reference" / name: text for name, text in reference_pages().items()}
    by_hand = [page for page in sorted(DOCS.glob("*.md")) if page not in reference]
    return reference | {page: with_snippets(page.read_text(encoding="utf-8")) for page in by_hand}
