"""How the lanes of the task's own process are looked at and stopped, and what comes from other processes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.load.load_rejects import LoadRejects
from airflow_provider_kafka_odps.core.load.pacing.progress import LoadProgress, Progress
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
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
    partitions: Counter[int] = field(default_factory=Counter)
    """The same by partition."""


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
        show: Callable[[LoadProgress], None],
    ) -> None:
        """Take what is asked and told; ``show`` is called in the thread that makes this, and in no lane."""
        self._check, self._running, self._rejects = check, running, rejects
        self._refusals, self._progress, self._others, self._clock = refusals, progress, others, clock
        self._show, self._thread = show, threading.get_ident()
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
        self._show_reached()

    def others_done(self) -> bool:
        """Tell whether every worker has loaded its share."""
        self.receive()
        self._show_reached()
        return self._running.results() is not None

    def receive(self) -> None:
        """Count what the workers have reported; raise RecordsRejected for more rejects than are tolerated."""
        with self._lock:
            for report in self._running.reports():
                self._others.passed += report.passed
                # Another one, for the thread that shows it may be reading this one.
                partitions = Counter(self._others.partitions)
                partitions.update(report.partitions)
                self._others.partitions = partitions
                self._rejects.receive(report)
                for words in report.refused:
                    self._refusals.add(words)
                self._count(report.rows, report.bytes)

    def _show_reached(self) -> None:
        # What is shown is written somewhere: a lane does not wait for that.
        if threading.get_ident() != self._thread:
            return
        with self._lock:
            reached = self._progress.take_reached()
        if reached is not None:
            self._show(reached)

    def _count(self, rows: int, size: int) -> None:
        self._progress.add(rows, size, self._own_passed + self._others.passed, self._clock.monotonic())
