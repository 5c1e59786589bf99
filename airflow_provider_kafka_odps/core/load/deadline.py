"""How long a load may take."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_kafka_odps.exceptions import LoadTimedOut


class Deadline:
    """A deadline of the whole load, from its begin to its commit; whoever waits for something checks it."""

    def __init__(self, seconds: float | None = None, monotonic: Callable[[], float] = lambda: 0.0) -> None:
        """Take the seconds, None for no limit, and a clock that only goes forward."""
        self._seconds, self._monotonic = seconds, monotonic
        self._until: float | None = None
        self._progress: Callable[[], str] = str

    def begin(self, progress: Callable[[], str]) -> None:
        """Start to count; ``progress`` says how far the load has come."""
        self._progress = progress
        self._until = None if self._seconds is None else self._monotonic() + self._seconds

    def lift(self) -> None:
        """Count no more: what follows has deadlines of its own."""
        self._until = None

    def check(self) -> None:
        """Raise LoadTimedOut, with how far the load has come, if it has taken too long."""
        if self._until is not None and self._monotonic() >= self._until:
            raise LoadTimedOut(
                f"the load was not ready to be committed within load_timeout={self._seconds:g} s, and nothing was "
                f"committed: {self._progress()}. A retry loads the whole window again: give it more time, or load "
                "smaller windows"
            )
