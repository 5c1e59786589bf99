"""The machine's clock, and one whose waits can be broken off."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from airflow_provider_kafka_odps.core.clock import GLANCE_SECONDS, Clock


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


class StoppableClock:
    """The time of another clock, for a task that may be asked to stop while it waits."""

    def __init__(self, check: Callable[[], None], clock: Clock | None = None) -> None:
        """Take what raises where the task is to stop, and the clock beneath: the machine's, if none is given."""
        self.check, self._clock = check, clock or SystemClock()

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return seconds that only go forward."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; raise what ``check`` raises, within a fifth of a second."""
        ends = self._clock.monotonic() + seconds
        while (left := ends - self._clock.monotonic()) > 0:
            self.check()
            self._clock.sleep(min(left, GLANCE_SECONDS))
