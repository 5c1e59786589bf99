"""What a read tells beside its records: what the broker says about gaps, and how long it took to answer."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver


class Evidence:
    """Offsets that a read has passed over, and how long it has waited for the broker; in the thread that reads."""

    def __init__(self) -> None:
        self.waited = 0.0
        """Seconds so far."""
        self._passed_over: list[PassedOver] = []

    def pass_over(self, passed: PassedOver) -> None:
        """Note offsets without a record that the log itself accounts for, in offset order per partition."""
        self._passed_over.append(passed)

    def wait(self, seconds: float) -> None:
        """Note a wait for the broker."""
        self.waited += seconds

    def take_passed_over(self) -> Sequence[PassedOver]:
        """Return, once, what was passed over by now."""
        taken, self._passed_over = self._passed_over, []
        return taken
