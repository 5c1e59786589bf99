"""A clock that only moves when somebody sleeps."""

import threading
from datetime import UTC, datetime


class HandClock:
    """Time by hand: no test waits."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return an instant of no meaning."""
        return datetime(2026, 11, 22, tzinfo=UTC)

    def monotonic(self) -> float:
        """Return what was slept so far."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Move."""
        self.slept.append(seconds)
        self.seconds += seconds


class HurriedClock(HandClock):
    """Time that moves with each look of the thread that waits, and stands still for the one that is waited for."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self._step, self._waits = step, threading.get_ident()

    def monotonic(self) -> float:
        """Let it become later, and return how late it is."""
        if threading.get_ident() == self._waits:
            self.seconds += self._step
        return self.seconds
