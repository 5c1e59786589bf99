"""From records to blocks that nobody sees yet: in one process, or shared out to several."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.content_warnings import content_warnings
from airflow_provider_kafka_odps.core.accounting.counts import Counts, RejectsUpload
from airflow_provider_kafka_odps.core.accounting.lateness import Lateness
from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.accounting.rejects import NEEDS, Rejecting
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.ports import RunningWorkers
from airflow_provider_kafka_odps.core.load.blocks import ShareBlocks
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.load_rejects import CountedRejects, LoadRejects
from airflow_provider_kafka_odps.core.load.loaded import Loaded, gather, holes
from airflow_provider_kafka_odps.core.load.shares import ShareProgress, ShareResult, plan_shares
from airflow_provider_kafka_odps.core.load.stage_times import StageTimes
from airflow_provider_kafka_odps.core.load.stages import ShareLoad, Stages
from airflow_provider_kafka_odps.core.load.throttle import Progress
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.upload import Upload
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window


class WindowLoad:
    """The pass over a window: this process loads the first share itself, and workers the others."""

    def __init__(self, attempt: Attempt, window: Window, *, replaces: bool) -> None:
        load, ports, run = attempt.load, attempt.ports, attempt.run
        self._attempt, self._window, self._replaces = attempt, window, replaces
        self._wanted = load.projection.wanted | Lateness.of(window).columns | (NEEDS if load.keep_rejects else set())
        self._rejects = LoadRejects(load.tolerance, Rejecting(ports.rejects) if load.keep_rejects else CountedRejects())
        self._shares = plan_shares(window, load.resources.workers)
        stages = Stages(
            read=self._read,
            projection=load.projection,
            take_rejects=self._rejects.take,
            resources=load.resources,
            clock=ports.clock,
            stop=run.cancellation.cancel,
        )
        self._own = ShareLoad(self._shares[0], stages)
        self._others = _Others()

    def progress(self) -> str:
        """Return how far the load has come."""
        others = f"; {self._others.passed} by other workers" if len(self._shares) > 1 else ""
        return f"{self._own.progress()}{others}"

    def nothing(self) -> Loaded:
        """Return what is loaded of a window without an offset: nothing."""
        nothing = ShareResult(Ledger(self._window), blocks=0, bytes=0, not_json=0, seconds={})
        return self._loaded(nothing, self._prove(nothing), rejected_to=None)

    def write(self, upload: Upload) -> Loaded:
        """Write the whole window to the upload, and prove that it is complete.

        Raises what the first worker that failed has raised, once none runs.
        """
        results = self._write_shares(upload)
        whole = gather(self._window, results, len(self._shares))
        times = StageTimes(self._attempt.ports.clock)
        empty, added = ShareBlocks(self._shares[0], times), 0
        for number in holes(results):
            empty.write(upload, number, [])
        counts = self._prove(whole)
        # Rejects are made visible with a commit of the rows, also where there are no rows.
        rejected_to = self._rejects.seal()
        replaces = self._replaces or self._attempt.load.target.mode is Mode.OVERWRITE
        if not whole.blocks and (rejected_to is not None or replaces):
            # Whether a commit of no block at all replaces the old rows is not documented; one of an empty block does.
            empty.write(upload, 0, [])
            added = 1
        return self._loaded(whole.plus(added, empty.bytes, times.spent()), counts, rejected_to)

    def _write_shares(self, upload: Upload) -> Sequence[ShareResult]:
        attempt, window = self._attempt, self._window
        attempt.run.log(f"upload {upload.id}: loading {window.span} offsets: {', '.join(map(str, window.ranges))}")
        with self._start_workers(upload) as running:
            hooks = _LoadHooks(attempt, running, window, self._rejects, self._others)
            own = self._own.run(upload, hooks)
            # What was reported between the last look at the reports and the one at the results.
            hooks.receive()
            return [own, *(running.results() or ())]

    def _start_workers(self, upload: Upload) -> AbstractContextManager[RunningWorkers]:
        others = self._shares[1:]
        if not others:
            return nullcontext(_NobodyElse())
        span = self._shares[0].window.span
        self._attempt.run.log(f"{len(self._shares)} workers load a share each, of about {span} offsets")
        return self._attempt.ports.workers.start(upload.id, others, self._wanted)

    def _read(self, share: Window, evidence: Evidence) -> Generator[pa.RecordBatch]:
        return self._attempt.ports.source.read(share, self._wanted, evidence)

    def _prove(self, whole: ShareResult) -> Mapping[TopicPartition, Counts]:
        load, ports, run = self._attempt.load, self._attempt.ports, self._attempt.run
        records = whole.ledger.records - whole.ledger.filtered
        self._rejects.prove(records)
        counts = whole.ledger.prove(lambda: ports.source.cleanup_policy(self._window.topic), load.request.on_data_loss)
        if rejected := self._rejects.warning(records, ports.rejects.place if load.keep_rejects else None):
            run.warn(rejected)
        for warning in content_warnings(whole.ledger.content, load.projection, records, self._rejects.count):
            run.warn(warning)
        if missing := ", ".join(map(str, whole.ledger.missing)):
            run.log(f"on_data_loss='skip': the window is loaded without {missing}: these are lost")
        return counts

    def _loaded(
        self, whole: ShareResult, counts: Mapping[TopicPartition, Counts], rejected_to: RejectsUpload | None
    ) -> Loaded:
        return Loaded(
            counts=counts,
            offsets=whole.ledger.first_last,
            missing=tuple(map(str, whole.ledger.missing)),
            blocks=whole.blocks,
            bytes=whole.bytes,
            not_json=whole.not_json,
            nulls=whole.ledger.content.most_nulls,
            empty_rows=whole.ledger.content.empty_rows,
            seconds=whole.seconds,
            workers=len(self._shares),
            rejected_to=rejected_to,
        )


class _NobodyElse:
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
class _Others:
    """How far the other processes are."""

    passed: int = 0


class _LoadHooks:
    """Looks at the load of this process, and receives what the others report."""

    def __init__(
        self, attempt: Attempt, running: RunningWorkers, window: Window, rejects: LoadRejects, others: _Others
    ) -> None:
        self._cancellation, self._clock = attempt.run.cancellation, attempt.ports.clock
        self._running, self._rejects, self._others = running, rejects, others
        self._progress = Progress(window.span, attempt.run.log, self._clock.monotonic())
        self._own_passed = 0

    def check(self) -> None:
        """Raise where the task is to stop, or a worker has failed."""
        self._cancellation.check()
        self._running.check()

    def advance(self, rows: int, size: int, passed: int) -> None:
        """Count a batch of this process."""
        self.receive()
        self._own_passed = passed
        self._count(rows, size)

    def others_done(self) -> bool:
        """Tell whether every worker has loaded its share."""
        self.receive()
        return self._running.results() is not None

    def receive(self) -> None:
        """Count what the workers have reported; raise RecordsRejected for more rejects than are tolerated."""
        for report in self._running.reports():
            self._others.passed += report.passed
            self._rejects.receive(report)
            self._count(report.rows, report.bytes)

    def _count(self, rows: int, size: int) -> None:
        self._progress.add(rows, size, self._own_passed + self._others.passed, self._clock.monotonic())
