"""How many histories a test has played, for the summary at the end of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

PLAYED, MET = "histories played", "histories that met what was played before"
Property: TypeAlias = tuple[str, object]


def summary(properties: Iterable[Property]) -> str:
    """Return the sum of what tests have recorded; empty where none has.

    >>> summary([(PLAYED, 1200), (PLAYED, 34), (MET, 5)])
    'simulation: 1,234 histories played, and 5 left where they met one that was played before'
    """
    counts: Counter[str] = Counter()
    for name, value in properties:
        if name in {PLAYED, MET} and isinstance(value, int):
            counts[name] += value
    if not counts[PLAYED]:
        return ""
    return (
        f"simulation: {counts[PLAYED]:,} histories played, and {counts[MET]:,} left where they met one that was "
        "played before"
    )
