"""When a task has to leave: Airflow's side of it."""

from __future__ import annotations

from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.clients.clock import StoppableClock
from airflow_provider_kafka_odps.core.cancellation import Cancellation

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.clock import Clock


class Stoppable:
    """What of the operator is about leaving early."""

    load_timeout: float
    """Seconds for the whole load, up to its commit."""

    @cached_property
    def cancellation(self) -> Cancellation:
        """What ends the load early. Airflow may call ``on_kill`` before ``execute``."""
        return Cancellation(self.load_timeout, monotonic)

    @cached_property
    def clock(self) -> Clock:
        """The time; a wait ends at once when the task is asked to stop, or when the load has taken too long."""
        return StoppableClock(self.cancellation.check)

    def on_kill(self) -> None:
        """Ask the load to stop; it does so within a second or two, and commits nothing.

        Only a flag is set: anything else here could wait for the very call that it interrupted.
        """
        self.cancellation.cancel()
