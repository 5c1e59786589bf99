"""The table of guards is that of today's code, and removing one is noticed; `make mutants` removes all of them."""

from __future__ import annotations

import pytest
from mutants.guard import MODEL, Guard
from mutants.tool import GUARDS, PACKAGE, ROOT, failing_anyway, noticed

_DOCUMENT = (ROOT / "docs" / "mutation-testing.md").read_text()
FENCE = next(guard for guard in GUARDS if guard.broken == "`committing` is not saved: no fence")


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: f"{guard.about}: {guard.broken}")
def test_a_guard_stands_where_the_table_says(guard: Guard) -> None:
    """Its text is in its module once, what is left compiles, and its test is there: who moves one moves its entry."""
    left = guard.without((ROOT / PACKAGE / guard.module).read_text())
    compile(left, guard.module, "exec")
    if guard.noticed_by != MODEL:
        module, _, name = guard.noticed_by.partition("::")
        assert f"def {name}(" in (ROOT / "tests" / module).read_text()


def test_the_document_has_every_guard() -> None:
    """What noticed the lack of each guard is written down, and no guard that is not removed any more."""
    rows = {guard.row() for guard in GUARDS}
    assert len(rows) == len(GUARDS)
    written = {line for line in _DOCUMENT.splitlines() if line.startswith("|") and line.count("|") == 4}
    assert rows == written - {"| | what was broken | what notices |", "|---|---|---|"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("by", [FENCE.noticed_by, MODEL])
def test_a_missing_guard_is_noticed(by: str) -> None:
    """Without the fence, the test that is named fails, and so does the simulation."""
    assert noticed(FENCE, by)


@pytest.mark.timeout(600)
def test_nothing_is_noticed_where_nothing_is_missing() -> None:
    """On an unchanged copy the test passes: what fails on a changed one fails for its lack."""
    assert not failing_anyway([FENCE.noticed_by])
