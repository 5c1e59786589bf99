"""Whether a load is still wanted: one flag, and the deadline of the load, for all that wait for something."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_kafka_odps.exceptions import Cancelled, LoadTimedOut


class Cancellation:
    """Asked to stop, failed in another thread, or out of time: whoever waits for something checks it.

    It sets flags and nothing else, so a handler of signals may cancel, and any thread may look.
    """

    def __init__(self, seconds: float | None = None, monotonic: Callable[[], float] = lambda: 0.0) -> None:
        """Take how long the load may take up to its commit, None for any time, and a clock that only goes forward."""
        self._seconds, self._monotonic = seconds, monotonic
        self._cancelled = self._loading = False
        self._until: float | None = None
        self._progress: Callable[[], str] = str

    def cancel(self) -> None:
        """Ask whatever is still at work for this load to end."""
        self._cancelled = True

    @property
    def is_cancelled(self) -> bool:
        """Whether the load is to end."""
        return self._cancelled

    def begin(self, progress: Callable[[], str]) -> None:
        """Start to count the seconds of the load; ``progress`` says how far it has come."""
        self._progress, self._loading = progress, True
        self._until = None if self._seconds is None else self._monotonic() + self._seconds

    def lift(self) -> None:
        """Count no more: what follows has deadlines of its own."""
        self._until, self._loading = None, False

    def check(self) -> None:
        """Raise Cancelled if the load is to end, and LoadTimedOut, with how far it is, if it took too long."""
        if self.is_cancelled:
            raise Cancelled(f"the task was asked to stop{'; nothing was committed' if self._loading else ''}")
        if self._until is not None and self._monotonic() >= self._until:
            raise LoadTimedOut(
                f"the load was not ready to be committed within load_timeout={self._seconds:g} s, and nothing was "
                f"committed: {self._progress()}. A retry loads the whole window again: give it more time, or load "
                "smaller windows"
            )
