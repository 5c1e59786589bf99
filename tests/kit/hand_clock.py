"""A clock that only moves when somebody sleeps."""

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
