"""One pass over a window's records: projected, counted, timed."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.counts import RejectsUpload
from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver
from airflow_provider_kafka_odps.core.accounting.ledger import Ledger
from airflow_provider_kafka_odps.core.accounting.rejects import Rejecting
from airflow_provider_kafka_odps.core.accounting.tolerance import Rejections, Tolerance
from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.load.blocks import BLOCK_BYTES, QUEUE_BYTES, cut_blocks, size_of
from airflow_provider_kafka_odps.core.load.pipeline import Pipeline
from airflow_provider_kafka_odps.core.load.shares import Share, ShareProgress, ShareResult
from airflow_provider_kafka_odps.core.load.throttle import Throttled
from airflow_provider_kafka_odps.core.mapping.projection import Projection, Reject
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.upload import Upload
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import WorkerFailed


class Loading:
    """The pass, and what it has counted so far."""

    def __init__(  # noqa: PLR0913 - named at the two calls
        self,
        target: Target,
        projection: Projection,
        window: Window,
        clock: Clock,
        on_data_loss: OnDataLoss,
        tolerance: Tolerance,
        rejecting: Rejecting | None = None,
        drift: Mapping[str, Sequence[str]] | None = None,
        *,
        share: Share | None = None,
        tell_rejects: Callable[[pa.RecordBatch, Sequence[Reject]], None] = lambda *_: None,
    ) -> None:
        """Take what is loaded, and what of it this process loads: ``share``, or None for all of it.

        ``tell_rejects`` is called with each batch and its rejects.
        """
        self.window = window
        self.share = share or Share(0, 1, window)
        self.blocks = 0
        self._numbers = count(self.share.number, self.share.of)
        self._tell_rejects = tell_rejects
        self._others_passed = 0
        self._target, self._projection, self._clock = target, projection, clock
        self._account = Ledger(window, on_data_loss)
        self._own = Ledger(self.share.window, on_data_loss)
        self._counts = self._account.counts()
        self._rejections = Rejections(tolerance)
        self._rejecting = rejecting
        self._drift = drift
        self._rejected_to: RejectsUpload | None = None
        self._bytes = 0
        self._not_json = 0
        self._seconds: defaultdict[str, float] = defaultdict(float)
        # Blocks are written by several threads, and rejects come from other processes too. All else has one writer:
        # the thread of its stage.
        self._adding = threading.Lock()
        self._rejects_adding = threading.Lock()

    def read(
        self, batches: Generator[pa.RecordBatch], check: Callable[[], None], waited: Callable[[], float]
    ) -> Generator[pa.RecordBatch]:
        """Yield the batches, and close them; ``check`` is called before each and may raise.

        ``waited`` tells the seconds that reading has waited for the broker so far.
        """
        with closing(batches):
            while True:
                check()
                before = waited()
                with self._timed("decode"):
                    batch = next(batches, None)
                self._spend("wait", waited() - before)
                self._spend("decode", before - waited())
                if batch is None:
                    return
                yield batch

    def columns(self, batches: Generator[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
        """Yield the rows of each batch in the table's columns.

        Raises RecordsRejected as soon as more records do not fit than is tolerated.
        """
        for batch in batches:
            with self._timed("project"):
                projected = self._projection.apply(self.window.topic, batch)
                with self._rejects_adding:
                    self._rejections.add(projected.rejects)
                    if self._rejecting is not None:
                        self._rejecting.take(batch, projected.rejects)
                self._tell_rejects(batch, projected.rejects)
                self._own.add(batch, rejects=len(projected.rejects))
                self._not_json += projected.not_json
            yield projected.columns

    def writing(self, upload: Upload, block: list[pa.RecordBatch]) -> Callable[[], None]:
        """Give the block the next number, and return what writes it, in whatever thread, and then empties it."""
        self.blocks += 1
        return self._writing(upload, next(self._numbers), block)

    def _writing(self, upload: Upload, number: int, block: list[pa.RecordBatch]) -> Callable[[], None]:
        def write() -> None:
            with self._timed("write"):
                written = upload.write_block(number, block)
            with self._adding:
                self._bytes += written
            block.clear()

        return write

    def hear(self, told: ShareProgress) -> None:
        """Take note of what another process has passed, and of its rejects.

        Raises RecordsRejected as ``columns`` does.
        """
        self._others_passed += told.passed
        with self._rejects_adding:
            self._rejections.add(told.rejects)
            if self._rejecting is not None and told.reject_rows is not None:
                self._rejecting.add(told.reject_rows)

    def tally(self) -> ShareResult:
        """Return what this process has loaded, once it has written all of it."""
        counted, missing = self._own.counted(), self._own.missing
        return ShareResult(counted, missing, self.blocks, self._bytes, self._not_json, dict(self._seconds))

    def gather(self, upload: Upload, others: Sequence[ShareResult]) -> None:
        """Put together what all processes have loaded, in the order of their shares, and fill up the blocks.

        A process writes every so many-th block, from its own number on; who has fewer than another leaves holes, which
        become empty blocks: the commit wants blocks without holes.
        Raises WorkerFailed where a share is missing: in a compacted topic its offsets would pass for removed ones.
        """
        tallies = [self.tally(), *others]
        if len(tallies) != self.share.of:
            raise WorkerFailed(f"{len(tallies)} of {self.share.of} shares are loaded; nothing was committed")
        for each in tallies:
            self._account.absorb(each.partitions, each.missing)
        for other in others:
            self._bytes += other.bytes
            self._not_json += other.not_json
            for stage, spent in other.seconds.items():
                self._spend(stage, spent)
        of = len(tallies)
        written = {number + of * turn for number, each in enumerate(tallies) for turn in range(each.blocks)}
        self.blocks = max(written, default=-1) + 1
        for number in sorted(set(range(self.blocks)) - written):
            self._writing(upload, number, [])()

    @property
    def passed(self) -> int:
        """How many offsets of the window are behind the last record that was projected."""
        return self._own.passed + self._others_passed

    def pass_over(self, passed: Iterable[PassedOver]) -> None:
        """Take note of offsets without a record that the log itself accounts for."""
        for each in passed:
            self._own.pass_over(each)

    def prove(self, cleanup_policy: Callable[[], str | None] | None) -> None:
        """Account for every offset of the window, which has been read to its end.

        Raises UnexplainedGap, see ``Ledger.counts``; and RecordsRejected for a larger share than is tolerated.
        """
        self._rejections.prove(self._account.records)
        self._counts = self._account.counts(cleanup_policy)

    def seal_rejects(self) -> bool:
        """Write the rejects that still wait to be written; tell whether there is something to make visible."""
        self._rejected_to = None if self._rejecting is None else self._rejecting.seal()
        return self._rejected_to is not None

    def progress(self) -> str:
        """Return how far the load has come."""
        others = f"; {self._others_passed} by other workers" if self.share.of > 1 else ""
        return f"{self._own.progress()}; {self.blocks} blocks{others}"

    @property
    def rejected(self) -> str:
        """How many records do not fit the table, and the first ten of them; empty where all do."""
        count = self._rejections.count
        return f"{count} records do not fit the table and are left out:{self._rejections.shown}" if count else ""

    @property
    def missing(self) -> tuple[str, ...]:
        """The ranges that were lost and skipped."""
        return tuple(map(str, self._account.missing))

    def receipt(self, upload_id: str | None) -> Receipt:
        """Return what is proved once the upload is committed; to be asked when the window has been read to its end."""
        return Receipt(
            window=self.window,
            table=self._target.table,
            partition=self._target.partition,
            mode=self._target.mode.value,
            upload_id=upload_id,
            blocks=self.blocks,
            partitions=self._counts,
            bytes=self._bytes,
            not_json=self._not_json,
            seconds=dict(self._seconds),
            missing=self.missing,
            offsets=self._account.offsets,
            rejected_to=self._rejected_to,
            drift=self._drift,
            workers=self.share.of,
        )

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = self._clock.monotonic()
        try:
            yield
        finally:
            self._spend(stage, self._clock.monotonic() - started)

    def _spend(self, stage: str, seconds: float) -> None:
        with self._adding:
            self._seconds[stage] += seconds


_GLANCE = 0.1
"""Seconds between two looks at whether the other workers are done."""


@dataclass(frozen=True, slots=True)
class StageHooks:
    """How the stages of one process are observed and stopped, and what they may take."""

    clock: Clock
    say: Callable[[str], None]
    check: Callable[[], None]
    """Raises where the load is to stop; called several times a second, in any thread."""
    before_read: Callable[[], None] = lambda: None
    """Called in the thread that reads, before each batch and at the end."""
    waited: Callable[[], float] = lambda: 0.0
    give_up: Callable[[], None] = lambda: None
    on_batch: Callable[[Throttled], bool] = lambda _: True
    """Called after each batch of columns, and at the end until it returns True: who else loads is done."""
    block_bytes: int = BLOCK_BYTES
    queue_bytes: int = QUEUE_BYTES
    concurrency: int = 0
    max_bytes_per_second: float | None = None


def run_stages(loading: Loading, upload: Upload, records: Generator[pa.RecordBatch], effects: StageHooks) -> None:
    """Read, project and write what this process loads; all of it is written when this returns."""
    with Pipeline(effects.concurrency, effects.check, effects.give_up) as pipeline:
        read = loading.read(records, effects.before_read, effects.waited)
        batches = pipeline.ahead(read, size_of, effects.queue_bytes)
        columns = pipeline.ahead(loading.columns(batches), size_of, effects.queue_bytes)
        rate, span = effects.max_bytes_per_second, loading.window.span
        pace = Throttled(effects.clock, span, effects.say, rate, pipeline.sleep_until)
        for block in cut_blocks(_beside(pace.keep(columns, loading), pace, effects), effects.block_bytes):
            pipeline.dispatch(loading.writing(upload, block))
        while not effects.on_batch(pace):
            pipeline.sleep_until(effects.clock.monotonic() + _GLANCE, effects.clock)
    effects.before_read()


def _beside(columns: Iterator[pa.RecordBatch], pace: Throttled, effects: StageHooks) -> Iterator[pa.RecordBatch]:
    for batch in columns:
        yield batch
        effects.on_batch(pace)
