"""The machine's clock, and one whose waits can be broken off."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.exceptions import Cancelled

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.clock import Clock

GLANCE_SECONDS = 0.2
"""Between two looks at whether to stop."""


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

    def __init__(self, cancelled: Callable[[], bool], clock: Clock | None = None) -> None:
        """Take what is asked whether to stop, and the clock beneath: the machine's, if none is given."""
        self._cancelled, self._clock = cancelled, clock or SystemClock()

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return seconds that only go forward."""
        return self._clock.monotonic()

    def check(self) -> None:
        """Raise Cancelled if the task was asked to stop."""
        if self._cancelled():
            raise Cancelled("the task was asked to stop while it waited for an answer")

    def sleep(self, seconds: float) -> None:
        """Wait; raise Cancelled within a fifth of a second after the task was asked to stop."""
        ends = self._clock.monotonic() + seconds
        while (left := ends - self._clock.monotonic()) > 0:
            self.check()
            self._clock.sleep(min(left, GLANCE_SECONDS))
