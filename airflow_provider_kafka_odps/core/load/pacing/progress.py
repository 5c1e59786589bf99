"""How far a load is: in the log while it runs, and for those who look on from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from airflow_provider_kafka_odps.core.versioned import VERSION
from airflow_provider_kafka_odps.core.window.bounds import moment_text
from airflow_provider_kafka_odps.core.window.window import Window

_LINE_SECONDS = 10.0


Passed: TypeAlias = Mapping[int, int]
"""By partition: how many of the window's offsets are behind the load. Several blocks of one partition are read at once,
so there is no one position."""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far a load was when its log had a line of it."""

    seconds: float
    """Since it began to read."""
    rows: int
    bytes: int

    def to_json(self, upload_id: str, try_number: int, at: datetime, window: Window, passed: Passed) -> dict[str, Any]:
        """Return the entry for those who look on; ``passed``: by partition, how many offsets are behind the load."""
        return {
            "version": VERSION,
            "upload_id": upload_id,
            "try_number": try_number,
            "at": moment_text(at),
            "seconds": round(self.seconds, 1),
            "rows": self.rows,
            "bytes": self.bytes,
            "span": window.span,
            "passed": sum(passed.values()),
            "partitions": {str(each.partition): passed.get(each.partition, 0) for each in window.ranges},
        }


class Progress:
    """Says how far a load is, at most once in ten seconds; time is an argument."""

    def __init__(self, span: int, log: Callable[[str], None], now: float) -> None:
        """Take how many offsets there are to pass, the task's log, and the present."""
        self._span, self._log = span, log
        self._began = self._told = now
        self._rows = self._bytes = 0
        self._reached: LoadProgress | None = None

    def add(self, rows: int, size: int, passed: int, now: float) -> None:
        """Count rows and their bytes, once all but ``span - passed`` offsets were passed, and say so if it is time.

        There is never 100 %: when the last offset was passed, its block is still to be written.
        """
        self._rows += rows
        self._bytes += size
        if now - self._told < _LINE_SECONDS:
            return
        self._told = now
        spent = now - self._began
        self._reached = LoadProgress(spent, self._rows, self._bytes)
        self._log(
            f"{self._rows} rows, {_amount(self._bytes)}, {_short(self._rows / spent)} rows/s, "
            f"{min(99, 100 * passed // self._span)} % of the window{self._left(passed, spent)}"
        )

    def take_reached(self) -> LoadProgress | None:
        """Return, once, what the last line said; None: there was none since."""
        reached, self._reached = self._reached, None
        return reached

    def _left(self, passed: int, spent: float) -> str:
        if not passed:
            return ""
        if passed >= self._span:
            return ", the last blocks are being written"
        return f", about {_duration(spent * (self._span - passed) / passed)} left"


def _amount(size: int) -> str:
    """Return bytes in the unit that fits: 640 B, 12 kB, 0.5 MB, 67 MB, 1.2 GB."""
    for least, unit, name in ((10**9, 10**9, "GB"), (10**5, 10**6, "MB"), (10**3, 10**3, "kB")):
        if size >= least:
            return f"{_short(size / unit)} {name}"
    return f"{size} B"


def _short(number: float) -> str:
    """Return a number with a decimal where it is small."""
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"  # noqa: PLR2004 - two digits are enough


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
