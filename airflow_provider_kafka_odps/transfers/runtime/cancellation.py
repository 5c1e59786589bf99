"""When a task has to leave: asked to stop by Airflow, out of time, or failed in another thread."""

from __future__ import annotations

from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.clients.clock import StoppableClock
from airflow_provider_kafka_odps.core.load.deadline import Deadline

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.clock import Clock


class Stoppable:
    """What of the operator is about leaving early."""

    load_timeout: float
    """Seconds for the whole load, up to its commit."""
    # Airflow may call `on_kill` before `execute`.
    asked_to_stop = False
    _given_up = False

    @cached_property
    def clock(self) -> Clock:
        """The time; a wait ends at once when the task is asked to stop, or when the load has taken too long."""
        return StoppableClock(self.has_to_stop)

    @cached_property
    def limit(self) -> Deadline:
        """How long the load may take up to its commit."""
        return Deadline(self.load_timeout, monotonic)

    def has_to_stop(self) -> bool:
        """Tell whether to stop, being asked to or after an error; raise LoadTimedOut if it has taken too long."""
        if self._given_up:
            return True
        if not self.asked_to_stop:
            self.limit.check()
        return self.asked_to_stop

    def give_up(self) -> None:
        """Have whatever the load still does end: it has failed."""
        self._given_up = True

    def on_kill(self) -> None:
        """Ask the load to stop; it does so within a second or two, and commits nothing.

        Only a flag is set: anything else here could wait for the very call that it interrupted.
        """
        self.asked_to_stop = True
