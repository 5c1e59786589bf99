"""One pass over a window's records: projected, counted, timed."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting import Account
from airflow_provider_kafka_odps.core.gaps import OnDataLoss, PassedOver
from airflow_provider_kafka_odps.core.journal import Target
from airflow_provider_kafka_odps.core.projection import Projection
from airflow_provider_kafka_odps.core.receipt import Receipt, RejectsUpload
from airflow_provider_kafka_odps.core.rejects import Rejecting
from airflow_provider_kafka_odps.core.settling import Clock, Upload
from airflow_provider_kafka_odps.core.tolerance import Rejections, Tolerance
from airflow_provider_kafka_odps.core.window import Window


class Loading:
    """The pass, and what it has counted so far."""

    def __init__(
        self,
        target: Target,
        projection: Projection,
        window: Window,
        clock: Clock,
        on_data_loss: OnDataLoss,
        tolerance: Tolerance,
        rejecting: Rejecting | None = None,
        drift: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.window = window
        self.blocks = 0
        self._target, self._projection, self._clock = target, projection, clock
        self._account = Account(window, on_data_loss)
        self._counts = self._account.counts()
        self._rejections = Rejections(tolerance)
        self._rejecting = rejecting
        self._drift = drift
        self._rejected_to: RejectsUpload | None = None
        self._bytes = 0
        self._not_json = 0
        self._seconds: defaultdict[str, float] = defaultdict(float)
        # Blocks are written by several threads. All else has one writer: the thread of its stage.
        self._adding = threading.Lock()

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
                self._rejections.add(projected.rejects)
                if self._rejecting is not None:
                    self._rejecting.take(batch, projected.rejects)
                self._account.add(batch, rejects=len(projected.rejects))
                self._not_json += projected.not_json
            yield projected.columns

    def writing(self, upload: Upload, block: Sequence[pa.RecordBatch]) -> Callable[[], None]:
        """Give the block the next number, and return what writes it, in whatever thread."""
        number, self.blocks = self.blocks, self.blocks + 1

        def write() -> None:
            with self._timed("write"):
                written = upload.write_block(number, block)
            with self._adding:
                self._bytes += written

        return write

    @property
    def passed(self) -> int:
        """How many offsets of the window are behind the last record that was projected."""
        return self._account.passed

    def pass_over(self, passed: Iterable[PassedOver]) -> None:
        """Take note of offsets without a record that the log itself accounts for."""
        for each in passed:
            self._account.pass_over(each)

    def prove(self, cleanup_policy: Callable[[], str | None] | None) -> None:
        """Account for every offset of the window, which has been read to its end.

        Raises UnexplainedGap, see ``Account.counts``; and RecordsRejected for a larger share than is tolerated.
        """
        self._rejections.prove(self._account.records)
        self._counts = self._account.counts(cleanup_policy)

    def seal_rejects(self) -> bool:
        """Write the rejects that still wait to be written; tell whether there is something to make visible."""
        self._rejected_to = None if self._rejecting is None else self._rejecting.seal()
        return self._rejected_to is not None

    def progress(self) -> str:
        """Return how far the load has come."""
        return f"{self._account.progress()}; {self.blocks} blocks"

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
