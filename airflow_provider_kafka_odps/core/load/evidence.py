"""What a read tells beside its records: what the broker says about gaps, and when it is waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver


class Evidence:
    """Offsets that a read has passed over; in the thread that reads."""

    def __init__(self, waiting: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Take what is entered for as long as the broker is waited for."""
        self.waiting = waiting
        self._passed_over: list[PassedOver] = []

    def pass_over(self, passed: PassedOver) -> None:
        """Note offsets without a record that the log itself accounts for, in offset order per partition."""
        self._passed_over.append(passed)

    def take_passed_over(self) -> Sequence[PassedOver]:
        """Return, once, what was passed over by now."""
        taken, self._passed_over = self._passed_over, []
        return taken
