"""A match of the core says what becomes of every case."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from kit.airflow_home import ROOT

CORE = ROOT / "airflow_provider_kafka_odps" / "core"


def _open_matches(source: str) -> list[int]:
    """Return the lines of the matches whose last case does not take what is left."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Match) and not _takes_all(node.cases[-1])
    ]


def _takes_all(case: ast.match_case) -> bool:
    return isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda path: str(path.relative_to(CORE)))
def test_every_match_ends_in_what_is_left(path: Path) -> None:
    """The last case takes what is left: by `assert_never`, which mypy proves to be nothing, or by an answer."""
    assert _open_matches(path.read_text(encoding="utf-8")) == []


def test_an_open_match_is_found() -> None:
    """A match that lets a case fall through, and one whose last case has a condition, are both seen."""
    closed = "match a:\n    case 1:\n        b()\n    case _:\n        c()\n"
    assert _open_matches(closed) == []
    assert _open_matches(closed.replace("case _:", "case 2:")) == [1]
    assert _open_matches(closed.replace("case _:", "case _ if d:")) == [1]
