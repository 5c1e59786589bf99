"""From records to blocks that nobody sees yet: in one process, or shared out to several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace

from airflow_provider_kafka_odps.core.accounting.content_warnings import content_warnings
from airflow_provider_kafka_odps.core.accounting.counts import Counts, RejectsUpload
from airflow_provider_kafka_odps.core.accounting.lateness import Lateness
from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.accounting.rejects import NEEDS
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.load.lanes.load_hooks import LoadHooks, NobodyElse, Others
from airflow_provider_kafka_odps.core.load.lanes.sampling import in_blocks
from airflow_provider_kafka_odps.core.load.lanes.share_load import ShareLoad
from airflow_provider_kafka_odps.core.load.lanes.stages import OpenReader, Stages
from airflow_provider_kafka_odps.core.load.layout import Block
from airflow_provider_kafka_odps.core.load.load_rejects import CountedRejects, LoadRejects
from airflow_provider_kafka_odps.core.load.loaded import Loaded, gather
from airflow_provider_kafka_odps.core.load.pacing.progress import LoadProgress, Progress
from airflow_provider_kafka_odps.core.load.rejecting import Rejecting
from airflow_provider_kafka_odps.core.load.shares import RunningWorkers, Share, ShareResult, share_out
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.upload import Upload
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window


class WindowLoad:
    """The pass over a window: this process loads the first share itself, and workers the others."""

    def __init__(self, attempt: Attempt, window: Window, *, replaces: bool) -> None:
        load, ports = attempt.load, attempt.ports
        self._attempt, self._window, self._replaces = attempt, window, replaces
        self._wanted = load.projection.wanted | Lateness.of(window).columns | (NEEDS if load.keep_rejects else set())
        self._keeping = Rejecting(ports.rejects, ports.open_spool) if load.keep_rejects else CountedRejects()
        self._rejects = LoadRejects(load.tolerance, self._keeping)
        self._others = Others()
        self._own_progress: Callable[[], str] = lambda: "nothing was read yet"

    def progress(self) -> str:
        """Return how far the load has come."""
        others = f"; {self._others.passed} by other workers" if self._others.workers else ""
        return f"{self._own_progress()}{others}"

    def nothing(self) -> Loaded:
        """Return what is loaded of a window without an offset: nothing."""
        nothing = ShareResult(Ledger(self._window), blocks=0, bytes=0, not_json=0, seconds={})
        return self._loaded(nothing, self._prove(nothing), None, self._per_partition(nothing))

    def write(self, upload: Upload) -> Loaded:
        """Write the whole window to the upload, and prove that it is complete.

        Raises what the first worker that failed has raised, once none runs.
        """
        with closing(self._keeping):
            return self._write(upload)

    def _write(self, upload: Upload) -> Loaded:
        # What the logs are like when the load begins: no block has to ask.
        facts = self._attempt.ports.look(self._window.topic)
        stages = self._stages(facts)
        shares = self._share_out(stages.open_reader)
        clock, began = stages.clock, stages.clock.monotonic()
        whole = gather(self._window, self._write_shares(upload, shares, stages, facts), len(shares))
        seconds = {"prepare": began - self._attempt.run.began, **whole.seconds}
        # With workers it is not that of the longest share: those begin later.
        whole = replace(whole, seconds=seconds, speed=replace(whole.speed, elapsed=clock.monotonic() - began))
        counts = self._prove(whole)
        # Too many partitions are refused before anything of the load is sealed.
        per_partition = self._per_partition(whole)
        # Rejects are made visible with a commit of the rows, also where there are no rows.
        rejected_to = self._rejects.seal()
        replaces = self._replaces or self._attempt.load.target.mode is Mode.OVERWRITE
        if not sum(each.rows for each in counts.values()) and rejected_to is None and not replaces:
            # Nothing is to become visible: the upload with its empty blocks is left to expire.
            whole = replace(whole, blocks=0)
        return self._loaded(whole, counts, rejected_to, per_partition)

    def _stages(self, facts: TopicFacts) -> Stages:
        load, ports = self._attempt.load, self._attempt.ports
        return Stages(
            open_reader=lambda: ports.open_reader(self._wanted, facts),
            projection=load.projection,
            take_rejects=self._rejects.take,
            resources=load.resources,
            clock=ports.clock,
            stop=self._attempt.run.cancellation.cancel,
            cpu=self._attempt.run.machine.cpu,
            refusals=self._attempt.run.refusals,
        )

    def _share_out(self, open_reader: OpenReader) -> Sequence[Share]:
        """Lay the window out into blocks, and share them out to this process and to workers."""
        resources = self._attempt.load.resources
        projection = self._attempt.load.projection
        sized = in_blocks(self._window, open_reader, projection, resources)
        # Whether a commit of no block at all replaces the old rows is not documented; one of an empty block does.
        shares = share_out(self._window, sized.blocks or (Block(0, ()),), sized.workers, projection.origin)
        self._attempt.run.log(
            f"{len(sized.blocks)} blocks of about {sized.size // 1000 // max(1, len(sized.blocks))} kB, "
            f"up to {sized.at_once(resources)} at a time"
        )
        return shares

    def _write_shares(
        self, upload: Upload, shares: Sequence[Share], stages: Stages, facts: TopicFacts
    ) -> Sequence[ShareResult]:
        attempt, window = self._attempt, self._window
        attempt.run.log(f"upload {upload.id}: loading {window.span} offsets: {', '.join(map(str, window.ranges))}")
        own, self._others.workers = ShareLoad(shares[0], stages), len(shares) - 1
        self._own_progress = own.progress
        with self._start_workers(upload, shares[1:], facts) as running:
            progress = Progress(window.span, attempt.run.log, attempt.ports.clock.monotonic())
            check, clock = attempt.run.cancellation.check, attempt.ports.clock

            def show(reached: LoadProgress) -> None:
                passed = own.passed() + self._others.partitions
                told = reached.to_json(upload.id, attempt.run.try_number, clock.now(), window, passed)
                attempt.ports.show_progress(told)

            hooks = LoadHooks(check, running, self._rejects, attempt.run.refusals, progress, self._others, clock, show)
            loaded = own.run(upload, hooks)
            # What was reported between the last look at the reports and the one at the results.
            hooks.receive()
            return [loaded, *(running.results() or ())]

    def _start_workers(
        self, upload: Upload, others: Sequence[Share], facts: TopicFacts
    ) -> AbstractContextManager[RunningWorkers]:
        if not others:
            return nullcontext(NobodyElse())
        self._attempt.run.log(f"{len(others) + 1} workers load a share each, of about {others[0].window.span} offsets")
        return self._attempt.ports.workers.start(upload.id, others, self._wanted, facts)

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
        self,
        whole: ShareResult,
        counts: Mapping[TopicPartition, Counts],
        rejected_to: RejectsUpload | None,
        per_partition: Mapping[PartitionSpec, int] | None,
    ) -> Loaded:
        run = self._attempt.run
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
            workers=self._others.workers + 1,
            speed=replace(whole.speed, cores=run.machine.cores, refused=run.refusals.count),
            rejected_to=rejected_to,
            per_partition=per_partition,
        )

    def _per_partition(self, whole: ShareResult) -> Mapping[PartitionSpec, int] | None:
        routing = self._attempt.load.routing
        if routing is None:
            return None
        return whole.ledger.content.per_partition.of(routing.routes, routing.max_partitions)
