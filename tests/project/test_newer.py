"""`make newest` says which packages are newer than those of constraints.txt."""

from __future__ import annotations

from importlib.metadata import version

from kit.newer import others, pinned, table


def test_pins_are_those_of_this_interpreter() -> None:
    """A pin for another Python or system is none here."""
    lines = ["# ours", "", "duckdb==2.0.0", "Odd_Name==1 ; python_version >= '3'", "odd-name==2 ; python_version < '3'"]
    assert pinned(lines) == {"duckdb": "2.0.0", "odd-name": "1"}


def test_what_differs_is_listed() -> None:
    """With the pin and what is installed; what is at its pin, or has none, is not."""
    rows = list(others({"pytest": "0.1", "duckdb": version("duckdb")}))
    assert rows == [("pytest", "0.1", version("pytest"))]
    caption, line = table(rows).splitlines()
    assert caption.split() == ["package", "constraints.txt", "here"]
    assert line.split() == list(rows[0])
    assert table([]) == "every package is the one of constraints.txt"
