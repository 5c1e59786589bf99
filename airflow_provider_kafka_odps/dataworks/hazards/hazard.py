"""One way in which a job loses, doubles or alters records, or stops working."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hazard:
    """One way in which a job loses, doubles or alters records, or stops working."""

    name: str
    where: str
    """The place in the job's JSON."""
    seen: str
    means: str
    instead: str

    def __str__(self) -> str:
        return f"{self.name}: {self.where} {self.seen}\n  today:   {self.means}\n  instead: {self.instead}"
