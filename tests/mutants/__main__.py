"""Removes each guard, or those whose table has the given words, and prints a table of what noticed.

``--model`` asks the simulation about each of them, also where a test is named.
"""

from __future__ import annotations

import sys
from time import monotonic

from mutants.guard import MODEL
from mutants.tool import GUARDS, SECTIONS, noticed


def main(words: str, *, by_model: bool) -> int:
    """Return how many guards nothing noticed."""
    began, asked, unnoticed = monotonic(), 0, 0
    for title, guards in SECTIONS.items():
        chosen = [guard for guard in guards if words in f"{title}: {guard.about}: {guard.broken}"]
        if not chosen:
            continue
        sys.stdout.write(f"## {title}\n\n| | what was broken | what notices |\n|---|---|---|\n")
        for guard in chosen:
            by = MODEL if by_model else guard.noticed_by
            found = noticed(guard, by)
            asked, unnoticed = asked + 1, unnoticed + (not found)
            sys.stdout.write(f"{guard.row(by, found=found)}\n")
            sys.stdout.flush()
        sys.stdout.write("\n")
    minutes = (monotonic() - began) / 60
    sys.stdout.write(f"{asked} of {len(GUARDS)} guards in {minutes:.1f} minutes; {unnoticed} are noticed by nothing\n")
    return unnoticed


if __name__ == "__main__":
    arguments = [each for each in sys.argv[1:] if each != "--model"]
    sys.exit(min(1, main(" ".join(arguments), by_model="--model" in sys.argv)))
