"""A cancellation that comes when a test says so."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_kafka_odps.core.cancellation import Cancellation


class AskedBy(Cancellation):
    """Asks somebody else whether the task is to stop, whenever it is looked at."""

    def __init__(
        self, asked: Callable[[], bool], seconds: float | None = None, monotonic: Callable[[], float] = lambda: 0.0
    ) -> None:
        super().__init__(seconds, monotonic)
        self._asked = asked

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody says so, or the load itself has been cancelled."""
        return self._asked() or super().is_cancelled
