"""Removes each guard, or those whose table has the given words, and prints a table of what noticed.

``--model`` asks the simulation about each of them, also where a test is named.
"""

from __future__ import annotations

import sys
from time import monotonic

from mutants.guard import MODEL, Guard
from mutants.tool import SECTIONS, failing_anyway, noticed


def main(words: str, *, by_model: bool) -> int:
    """Return how many guards nothing noticed."""
    sections = {
        title: [guard for guard in guards if words in f"{title}: {guard.about}: {guard.broken}"]
        for title, guards in SECTIONS.items()
    }
    chosen = [guard for guards in sections.values() for guard in guards]
    if failing_anyway(MODEL if by_model else guard.noticed_by for guard in chosen):
        sys.exit("what is to notice fails where nothing is missing: see what the tests say of the code as it is")
    began, unnoticed = monotonic(), 0
    for title, guards in sections.items():
        unnoticed += _removed(title, guards, by_model=by_model) if guards else 0
    minutes = (monotonic() - began) / 60
    sys.stdout.write(f"{len(chosen)} guards removed in {minutes:.1f} minutes; noticed by nothing: {unnoticed}\n")
    return unnoticed


def _removed(title: str, guards: list[Guard], *, by_model: bool) -> int:
    """Remove the guards of a section and print its table; return how many nothing noticed."""
    sys.stdout.write(f"## {title}\n\n| | what was broken | what notices |\n|---|---|---|\n")
    unnoticed = 0
    for guard in guards:
        by = MODEL if by_model else guard.noticed_by
        found = noticed(guard, by)
        unnoticed += not found
        sys.stdout.write(f"{guard.row(by, found=found)}\n")
        sys.stdout.flush()
    sys.stdout.write("\n")
    return unnoticed


if __name__ == "__main__":
    arguments = [each for each in sys.argv[1:] if each != "--model"]
    sys.exit(min(1, main(" ".join(arguments), by_model="--model" in sys.argv)))
