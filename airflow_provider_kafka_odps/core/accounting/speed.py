"""What a load took of time, lanes and processors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

AROUND = frozenset({"prepare", "commit"})
"""The stages that are not of lanes: what comes before the first block, and after the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What a load took, of all its processes together."""

    lanes: int = 0
    """The most that ran at once."""
    elapsed: float = 0.0
    """Seconds in which blocks were read and written."""
    cpu: float = 0.0
    """Seconds of processors that the processes took meanwhile; 0: nobody has counted."""
    cores: int = 0
    """How many there are for them; 0: not known."""
    refused: int = 0
    """How often MaxCompute has asked for less by then."""
    pace: int = 0
    """Bytes of rows per second of the whole load, from its first block to its last."""
    lane_pace: int = 0
    """Bytes of rows per second of one lane, while it had a block."""

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self | None:
        """Read what ``to_json`` wrote; None where an earlier release has written a receipt."""
        if "lanes" not in written:
            return None
        numbers = {name: int(written[name]) for name in ("lanes", "cores", "refused", "pace", "lane_pace")}
        return cls(**numbers, elapsed=float(written["elapsed"]), cpu=float(written["cpu"]))

    def to_json(self) -> dict[str, Any]:
        """Return what a receipt says of it."""
        return {
            "lanes": self.lanes,
            "pace": self.pace,
            "lane_pace": self.lane_pace,
            "elapsed": round(self.elapsed, 3),
            "cpu": round(self.cpu, 3),
            "cores": self.cores,
            "refused": self.refused,
        }

    def beside(self, other: Speed) -> Speed:
        """Return what two processes took at the same time.

        >>> Speed(lanes=2, elapsed=3.0, cpu=1.0).beside(Speed(lanes=4, elapsed=5.0, cpu=2.0))
        Speed(lanes=6, elapsed=5.0, cpu=3.0, cores=0, refused=0, pace=0, lane_pace=0)
        """
        return Speed(
            lanes=self.lanes + other.lanes,
            elapsed=max(self.elapsed, other.elapsed),
            cpu=self.cpu + other.cpu,
            cores=max(self.cores, other.cores),
            refused=max(self.refused, other.refused),
        )
