"""What a verification comes to: the same, different, or that nobody can tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kafka_odps.commands.ending import Code
from airflow_provider_kafka_odps.core.verification.differences import Differences
from airflow_provider_kafka_odps.core.window.window import Window


@dataclass(slots=True)
class Verified:
    """What was compared, and what came of it."""

    window: Window
    table: str
    partition: str | None
    against: list[str] = field(default_factory=list)
    """``receipt``, ``topic``."""
    differences: Differences | None = None
    """Offset by offset; None: the topic was not read."""
    different: list[str] = field(default_factory=list)
    """Further differences, in words."""
    unknown: list[str] = field(default_factory=list)
    """What cannot be told, and why."""
    notes: list[str] = field(default_factory=list)
    """What a reader has to know."""
    values: str = "none"
    """Whose values were compared: of ``none``, of a ``sample`` or of ``all``."""

    @property
    def code(self) -> Code:
        """The exit code: a difference that was found counts, whatever cannot be told."""
        if self.different or (self.differences is not None and self.differences.any):
            return Code.NO
        return Code.CANNOT_TELL if self.unknown else Code.YES

    @property
    def word(self) -> str:
        """The verdict in one word."""
        return {Code.YES: "the same", Code.NO: "different"}.get(self.code, "unknown")

    def to_json(self) -> dict[str, Any]:
        """Return it for a script."""
        return {
            "verdict": self.word,
            "table": self.table,
            "partition": self.partition,
            "against": self.against,
            "window": self.window.to_json(),
            **({} if self.differences is None else self._compared(self.differences)),
            "different": self.different,
            "unknown": self.unknown,
            "notes": self.notes,
        }

    def _compared(self, found: Differences) -> dict[str, Any]:
        return {
            "rows": {"wanted": found.wanted, "found": found.found},
            "values": {
                "of": self.values,
                "compared": found.compared,
                "different": found.different,
                "first": [str(each) for each in found.first],
            },
            "partitions": {
                str(place.partition): {
                    "wanted": each.wanted,
                    "found": each.found,
                    **{
                        name: {"offsets": kind.covered, "first": [str(some) for some in each.listed(kind)]}
                        for name, kind in (("missing", each.missing), ("doubled", each.doubled), ("extra", each.extra))
                    },
                    "surplus_rows": each.surplus,
                    "different": each.different,
                }
                for place, each in sorted(found.partitions.items())
            },
        }
