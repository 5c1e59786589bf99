"""The stages of one process's load: read, project, account for, write."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.load.blocks import ShareBlocks, cut_blocks, size_of
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.pipeline import Pipeline
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.load.shares import Share, ShareResult
from airflow_provider_kafka_odps.core.load.stage_times import StageTimes
from airflow_provider_kafka_odps.core.load.throttle import Throttle
from airflow_provider_kafka_odps.core.mapping.projection import Projected, Projection
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.mapping.strict import TooMuchAtOnce
from airflow_provider_kafka_odps.core.upload import Upload
from airflow_provider_kafka_odps.core.window.window import Window

Read: TypeAlias = Callable[[Window, Evidence], Generator[pa.RecordBatch]]
"""Yields every record of a window, and tells the evidence of what has none."""


TakeRejects: TypeAlias = Callable[[pa.RecordBatch, Sequence[Reject]], None]
"""Takes a batch and its rejects; may raise RecordsRejected."""


_LIKELY = 0.8
"""How much of what has fitted is tried at once the next time."""


_GLANCE = 0.1
"""Seconds between two looks at whether whoever else loads is done."""


class StageHooks(Protocol):
    """How the stages of one process are observed and stopped."""

    def check(self) -> None:
        """Raise where the load is to stop; asked several times a second, in any thread."""

    def advance(self, rows: int, size: int, passed: int) -> None:
        """Take note of a batch of columns: its rows, its bytes, and how many offsets of the share are passed by now."""

    def others_done(self) -> bool:
        """Tell whether whoever else loads the window is done; asked at the end, until it is so."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What the stages work with."""

    read: Read
    projection: Projection
    take_rejects: TakeRejects
    resources: Resources
    clock: Clock
    stop: Callable[[], None]
    """Tells whatever waits for the outside in another thread that the load has failed."""


class ShareLoad:
    """The pass of one process over its share of a window, and what it has counted so far."""

    def __init__(self, share: Share, stages: Stages) -> None:
        self._share, self._stages = share, stages
        self._evidence = Evidence()
        self._seconds = StageTimes(stages.clock)
        self._blocks = ShareBlocks(share, self._seconds)
        # All but blocks and seconds has one writer: the thread of its stage.
        self._ledger = Ledger(share.window)
        self._not_json = 0
        self._passed: deque[int] = deque()
        """Per batch that was projected and waits to be written: how many offsets are passed with it."""

    def run(self, upload: Upload, hooks: StageHooks) -> ShareResult:
        """Load the share, all of which is written when this returns, and wait for whoever else loads the window."""
        stages, resources, clock = self._stages, self._stages.resources, self._stages.clock
        with Pipeline(resources.concurrency, hooks.check, stages.stop) as pipeline:
            batches = pipeline.ahead(self._read(hooks.check), size_of, resources.queue_bytes)
            columns = pipeline.ahead(self._project(batches), size_of, resources.queue_bytes)
            for block in cut_blocks(self._paced(columns, hooks, pipeline), resources.block_bytes):
                pipeline.dispatch(self._blocks.writing(upload, block))
            while not hooks.others_done():
                pipeline.sleep_until(clock.monotonic() + _GLANCE, clock)
        self._before_read(hooks.check)
        return self._result()

    def progress(self) -> str:
        """Return how far this process has come."""
        return f"{self._ledger.progress()}; {self._blocks.blocks} blocks"

    def _read(self, check: Callable[[], None]) -> Generator[pa.RecordBatch]:
        evidence, seconds = self._evidence, self._seconds
        with closing(self._stages.read(self._share.window, evidence)) as batches:
            while True:
                self._before_read(check)
                before = evidence.waited
                with seconds.timed("decode"):
                    batch = next(batches, None)
                seconds.add("wait", evidence.waited - before)
                seconds.add("decode", before - evidence.waited)
                if batch is None:
                    return
                yield batch

    def _before_read(self, check: Callable[[], None]) -> None:
        check()
        for passed in self._evidence.take_passed_over():
            self._ledger.pass_over(passed)

    def _project(self, batches: Iterable[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
        for batch in batches:
            yield from self._project_batch(batch)

    def _project_batch(self, batch: pa.RecordBatch) -> Generator[pa.RecordBatch]:
        """Yield the columns of a batch; those of its parts, where a function would make too much of all at once."""
        with self._seconds.timed("project"):
            projected = self._projected(batch)
        if isinstance(projected, int):
            for start in range(0, len(batch), projected):
                yield from self._project_batch(batch.slice(start, projected))
            return
        with self._seconds.timed("project"):
            self._stages.take_rejects(batch, projected.rejects)
            self._ledger.add(batch, rejects=len(projected.rejects), filtered=projected.filtered)
            self._ledger.content.add(projected, batch, self._stages.projection)
            self._not_json += projected.not_json
        self._passed.append(self._ledger.passed)
        yield projected.columns

    def _projected(self, batch: pa.RecordBatch) -> Projected | int:
        """Project a batch; return how many of its records are to be tried at once, where these are too many."""
        try:
            return self._stages.projection.apply(self._share.window.topic, batch)
        except TooMuchAtOnce as found:
            # The rest is not like what was seen of it: with less than that, fewer parts are tried in vain.
            return max(1, int(len(batch) * found.share * _LIKELY))

    def _paced(
        self, columns: Iterable[pa.RecordBatch], hooks: StageHooks, pipeline: Pipeline
    ) -> Iterator[pa.RecordBatch]:
        """Yield the batches no faster than they may go."""
        clock, rate = self._stages.clock, self._stages.resources.max_bytes_per_second
        throttle = None if rate is None else Throttle(rate / self._share.of, clock.monotonic())
        for batch in columns:
            yield batch
            size = size_of(batch)
            if throttle is not None:
                pipeline.sleep_until(throttle.take(size, clock.monotonic()), clock)
            # Projecting runs ahead of what may be written by now.
            hooks.advance(batch.num_rows, size, self._passed.popleft())

    def _result(self) -> ShareResult:
        blocks = self._blocks
        return ShareResult(self._ledger, blocks.blocks, blocks.bytes, self._not_json, self._seconds.spent())
