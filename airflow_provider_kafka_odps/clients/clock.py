"""The machine's clock, and one whose waits can be broken off."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from airflow_provider_kafka_odps.exceptions import Cancelled

_GLANCE = 0.2
"""Seconds between two looks at whether to stop."""


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that only go forward."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class StoppableClock(SystemClock):
    """The time of this machine, for a task that may be asked to stop while it waits."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled

    def check(self) -> None:
        """Raise Cancelled if the task was asked to stop."""
        if self._cancelled():
            raise Cancelled("the task was asked to stop while it waited for an answer")

    def sleep(self, seconds: float) -> None:
        """Wait; raise Cancelled within a fifth of a second after the task was asked to stop."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, _GLANCE))
