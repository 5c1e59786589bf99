"""What a whole load takes beside what is exact anyway: texts of numbers, usual texts of times, times without a zone.

docs/mapping.md has the rules, "Defaults for a whole load". What is taken without these is taken in the same way with
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Leniency:
    """The user's choice for a load."""

    converts: bool = False
    """Whether texts become numbers, booleans and dates, booleans numbers, and whole numbers instants and days."""
    zone: ZoneInfo | None = None
    """By whose clock a time without an offset is meant; None: it names no instant."""


STRICT = Leniency()
