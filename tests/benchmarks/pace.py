"""How fast a sink takes blocks: as fast as they come, or as slowly as the real service."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

_BYTES = {"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}
_SECONDS = {"": 1, "s": 1, "ms": 1e-3}
_CREDIT = 0.25
"""Seconds by which a block that was late may be ahead later: a rate is a limit, and no savings account."""
_NAP = 0.02
"""Shorter waits are put off, and added to later ones."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Bytes per second of each block's body (None: no limit), and seconds until each answer."""

    bytes_per_second: float | None = None
    latency: float = 0.0

    @classmethod
    def parsed(cls, pace: str, latency: str) -> Pace:
        """Read ``10MB`` and ``50ms``; what is empty is no limit, and no wait."""
        return cls(_quantity(pace, _BYTES) or None, _quantity(latency, _SECONDS))

    def __str__(self) -> str:
        """Say it as it stands in a table."""
        speed = "null sink" if self.bytes_per_second is None else f"{self.bytes_per_second / 1e6:g} MB/s per block"
        return f"{speed}, {self.latency * 1e3:g} ms per answer" if self.latency else speed


class Brake:
    """Holds up who reads a block, so that on average it is no faster than its pace."""

    def __init__(
        self, speed: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._due = clock()

    def read(self, size: int) -> None:
        """Return when the bytes that have just been read are due."""
        now = self._clock()
        self._due = max(self._due, now - _CREDIT) + size / self._speed
        if self._due - now > _NAP:
            self._sleep(self._due - now)

    def end(self) -> None:
        """Return when the whole block is due."""
        self._sleep(max(0.0, self._due - self._clock()))


def quantity_of_bytes(text: str) -> int:
    """Read ``340MB``, in units of a thousand."""
    return round(_quantity(text, _BYTES))


def _quantity(text: str, units: dict[str, float]) -> float:
    if not text:
        return 0.0
    found = re.fullmatch(r"([\d.]+)\s*([A-Za-z]*)", text)
    if found is None or found[2] not in units:
        raise ValueError(f"{text!r} is no number with one of the units {', '.join(filter(None, units))}")
    return float(found[1]) * units[found[2]]
