"""How long each stage of a load takes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from airflow_provider_kafka_odps.core.clock import Clock


class StageTimes:
    """Seconds per stage, which several threads add to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    def add(self, stage: str, seconds: float) -> None:
        """Count seconds that a stage took."""
        with self._lock:
            self._spent[stage] += seconds

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count as a stage's what passes until the context is left."""
        started = self._clock.monotonic()
        try:
            yield
        finally:
            self.add(stage, self._clock.monotonic() - started)

    def spent(self) -> Mapping[str, float]:
        """Return the seconds of each stage so far."""
        with self._lock:
            return dict(self._spent)
