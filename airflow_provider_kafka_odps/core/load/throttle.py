"""How fast a load goes: no faster than it may, and told while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import pyarrow as pa

from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.load.blocks import size_of

_CREDIT_SECONDS = 1.0


_LINE_SECONDS = 10.0


class Throttled:
    """Tells how far a load is, and holds it back."""

    def __init__(
        self,
        clock: Clock,
        span: int,
        say: Callable[[str], None],
        bytes_per_second: float | None,
        sleep_until: Callable[[float, Clock], None],
    ) -> None:
        """Take how many offsets there are to pass, who is told, how fast it may go, and what waits for an instant."""
        self._clock, self._sleep_until = clock, sleep_until
        now = clock.monotonic()
        self._progress = Progress(span, say, now)
        self.rows = self.bytes = 0
        self._throttle = None if bytes_per_second is None else Throttle(bytes_per_second, now)

    def keep(self, columns: Iterable[pa.RecordBatch], passing: Passing) -> Iterator[pa.RecordBatch]:
        """Yield the batches, at the pace."""
        for batch in columns:
            yield batch
            size, now = size_of(batch), self._clock.monotonic()
            self.rows += batch.num_rows
            self.bytes += size
            self._progress.add(batch.num_rows, size, passing.passed, now)
            if self._throttle is not None:
                self._sleep_until(self._throttle.take(size, now), self._clock)

    def count_others(self, rows: int, size: int, passing: Passing) -> None:
        """Take note of what other processes have done; each keeps a pace of its own."""
        self._progress.add(rows, size, passing.passed, self._clock.monotonic())


class Passing(Protocol):
    """What passes the offsets of a window."""

    @property
    def passed(self) -> int:
        """How many it has passed."""


class Throttle:
    """A bucket of bytes that fills at a steady rate; time is an argument.

    What was not used while nothing came is kept for a second, so that a load which waits for its broker now and then
    still has its rate, and none has bursts.
    """

    def __init__(self, bytes_per_second: float, now: float) -> None:
        """Take the rate, and the present in seconds of a clock that only goes forward."""
        self._rate = bytes_per_second
        self._paid_until = now

    def take(self, size: int, now: float) -> float:
        """Take out ``size`` bytes; return the instant before which no more may be taken.

        >>> throttle = Throttle(100, now=0.0)
        >>> throttle.take(50, now=0.0), throttle.take(200, now=0.5)
        (0.5, 2.5)
        """
        self._paid_until = max(self._paid_until, now - _CREDIT_SECONDS) + size / self._rate
        return self._paid_until


class Progress:
    """Says how far a load is, at most once in ten seconds; time is an argument."""

    def __init__(self, span: int, say: Callable[[str], None], now: float) -> None:
        """Take how many offsets there are to pass, who is told, and the present."""
        self._span, self._say = span, say
        self._began = self._told = now
        self._rows = self._bytes = 0

    def add(self, rows: int, size: int, passed: int, now: float) -> None:
        """Count rows and their bytes, once all but ``span - passed`` offsets were passed, and say so if it is time."""
        self._rows += rows
        self._bytes += size
        if now - self._told < _LINE_SECONDS:
            return
        self._told = now
        spent = now - self._began
        left = spent * (self._span - passed) / passed if passed else None
        self._say(
            f"{self._rows} rows, {self._bytes / 1e6:.0f} MB, {self._rows / spent:.0f} rows/s, "
            f"{100 * passed / self._span:.0f} % of the window"
            + ("" if left is None else f", about {_duration(left)} left")
        )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
