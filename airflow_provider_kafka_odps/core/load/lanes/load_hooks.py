"""How the lanes of the task's own process are looked at and stopped, and what comes from other processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.load.load_rejects import LoadRejects
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.load.pacing.throttle import Progress
from airflow_provider_kafka_odps.core.load.shares import RunningWorkers, ShareProgress, ShareResult


class NobodyElse:
    """No workers: this process loads the whole window."""

    def check(self) -> None:
        """Find nothing."""

    def reports(self) -> Sequence[ShareProgress]:
        """Return nothing."""
        return ()

    def results(self) -> Sequence[ShareResult]:
        """Return nothing: nobody is waited for."""
        return ()


@dataclass(slots=True)
class Others:
    """How many other processes there are, and how far they are."""

    workers: int = 0
    passed: int = 0


class LoadHooks:
    """Looks at the load of this process, in all of its lanes, and receives what the others report."""

    def __init__(
        self,
        check: Callable[[], None],
        running: RunningWorkers,
        rejects: LoadRejects,
        refusals: Refusals,
        progress: Progress,
        others: Others,
        clock: Clock,
    ) -> None:
        self._check, self._running, self._rejects = check, running, rejects
        self._refusals, self._progress, self._others, self._clock = refusals, progress, others, clock
        self._own_passed = 0
        self._lock = threading.RLock()

    def check(self) -> None:
        """Raise where the task is to stop, or a worker has failed."""
        self._check()
        self._running.check()

    def advance(self, rows: int, size: int, passed: int) -> None:
        """Count what this process has read."""
        self.receive()
        with self._lock:
            self._own_passed += passed
            self._count(rows, size)

    def others_done(self) -> bool:
        """Tell whether every worker has loaded its share."""
        self.receive()
        return self._running.results() is not None

    def receive(self) -> None:
        """Count what the workers have reported; raise RecordsRejected for more rejects than are tolerated."""
        with self._lock:
            for report in self._running.reports():
                self._others.passed += report.passed
                self._rejects.receive(report)
                for words in report.refused:
                    self._refusals.add(words)
                self._count(report.rows, report.bytes)

    def _count(self, rows: int, size: int) -> None:
        self._progress.add(rows, size, self._own_passed + self._others.passed, self._clock.monotonic())
