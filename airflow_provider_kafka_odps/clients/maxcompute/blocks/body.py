"""The body of one block, made while its rows come."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.clients.maxcompute.blocks.arrow import framed
from airflow_provider_kafka_odps.clients.maxcompute.blocks.compression import packed
from airflow_provider_kafka_odps.clients.maxcompute.blocks.records import record_body

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import Retrier
    from airflow_provider_kafka_odps.core.options import Compression
    from airflow_provider_kafka_odps.core.table.schema import TableSchema
    from airflow_provider_kafka_odps.core.upload import Sending


class RowsFailed(Exception):
    """The rows of a block have raised: an error that no client takes for one of the connection, and tries again."""


class BlockBody:
    """The bytes of one block, made anew for every try; one batch of its rows at a time is in memory."""

    def __init__(
        self,
        batches: Iterable[pa.RecordBatch],
        fits: Callable[[pa.RecordBatch], None],
        schema: TableSchema,
        retrier: Retrier,
        compression: Compression,
        sending: Sending,
    ) -> None:
        """Take the rows, what raises for those that are not the table's, and the deadline for sending them.

        Waiting for rows and for a slot does not count against it.
        """
        self._batches, self._fits, self._schema = batches, fits, schema
        self._clock, self._check = retrier.clock, retrier.check
        self._compression, self._sending = compression, sending
        self._until, self._waited = retrier.clock.monotonic() + retrier.policy.total, 0.0
        self.bytes = 0
        """Of the last try, before compression."""
        self.failure: BaseException | None = None
        """What the rows have raised: no other try is made."""
        self.is_sent = False
        """Whether the last try has come to its end: whoever sends it has asked for more, and there was no more."""
        self._open: Iterator[pa.RecordBatch] | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body in pieces."""
        self.close()
        self.bytes, self.is_sent = 0, False
        return self._to_its_end(packed(self._unpacked(), self._compression))

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for what a try is made in."""
        asked = self._clock.monotonic()
        with self._sending.slot():
            self._waited += self._clock.monotonic() - asked
            yield

    def waited(self) -> float:
        """Return the seconds for which rows and slots were waited for, in all tries: they do not count."""
        return self._waited

    def close(self) -> None:
        """Leave the rows of a try that has failed: who reads them still waits to be asked for more."""
        rows, self._open = self._open, None
        # A request that was not waited for may still be at it, in its own thread: it finds out by itself.
        if isinstance(rows, Generator):
            with suppress(ValueError):
                rows.close()

    def _to_its_end(self, body: Iterator[bytes]) -> Iterator[bytes]:
        while True:
            asked = self._clock.monotonic() - self._waited
            piece = next(body, None)
            self._sending.packed(self._clock.monotonic() - self._waited - asked)
            if piece is None:
                break
            yield piece
        self.is_sent = True

    def _unpacked(self) -> Iterator[bytes]:
        for piece in self._pieces():
            if self._check is not None:
                self._check()
            # The HTTP client bounds one write; this bounds all of them.
            if self._clock.monotonic() > self._until + self._waited:
                raise TimeoutError(f"{self.bytes} bytes were sent before the deadline")
            self.bytes += len(piece)
            yield piece

    def _pieces(self) -> Iterator[bytes]:
        if self._schema.in_arrow_blocks:
            return framed(self._timed())
        return record_body(self._timed(), [column.type for column in self._schema.columns])

    def _timed(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, and count the time for which they were waited for."""
        if self.failure is not None:
            raise RowsFailed from self.failure
        rows = self._open = iter(self._batches)
        while True:
            asked = self._clock.monotonic()
            try:
                batch = next(rows, None)
                if batch is not None:
                    self._fits(batch)
            except BaseException as error:
                self.failure = error
                raise RowsFailed from error
            self._waited += self._clock.monotonic() - asked
            if batch is None:
                return
            yield batch
