"""The seam in kafka-python: its consumer returns whole record batches instead of records.

Connections, metadata, retries, leader changes, authentication, fetch sessions, aborted transactions and control batches
stay the client's business. Its innermost loop, "for record in batch", meets batches that iterate as one stand-in
record, whose value is the batch, or a run of them. ``tests/clients/kafka/test_seam.py`` holds what is relied on.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.clients.kafka.runs import Run, run_at
from airflow_provider_kafka_odps.decoding.batch import BatchKind, BatchSpan, LegacyBatch
from airflow_provider_kafka_odps.decoding.raw import FORMAT_2, RawBatches
from airflow_provider_kafka_odps.exceptions import CorruptBatch

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition


class BatchConsumer:
    """A consumer of kafka-python that returns whole batches; it has to be left to this object from now on."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        """Take a consumer without deserializers.

        Raises RuntimeError if the client is not built as this seam needs it: another release than those it was
        tested with.
        """
        fetcher: Any = getattr(consumer, "_fetcher", None)
        if not hasattr(fetcher, "PartitionRecords"):
            raise RuntimeError(
                "this release of kafka-python has no Fetcher.PartitionRecords; install one from 3.0.12 on"
            )
        if fetcher.config["key_deserializer"] or fetcher.config["value_deserializer"]:
            raise ValueError("the consumer has deserializers; records are decoded in columns, so it must have none")
        self._client_records: Any = fetcher.PartitionRecords
        fetcher.PartitionRecords = self._partition_records
        self.consumer = consumer
        """For positions and partitions."""
        self._passed_over: dict[TopicPartition, list[BatchSpan]] = {}

    def poll(self, timeout_ms: int) -> dict[TopicPartition, Iterable[RawBatches | LegacyBatch]]:
        """Wait up to ``timeout_ms`` for batches and return them, to be iterated once, in offset order per partition.

        The positions of the consumer move past what is returned, and past what nobody may see. Raises what the client's
        ``poll`` raises; it and the iteration raise CorruptBatch. After either the consumer can only be closed.
        """
        polled = self.consumer.poll(timeout_ms=timeout_ms)
        return {place: (record.value for record in got) for place, got in polled.items()}

    def take_passed_over(self) -> dict[TopicPartition, list[BatchSpan]]:
        """Return, once, the batches that positions moved past unread: markers and aborted transactions."""
        taken, self._passed_over = self._passed_over, {}
        return taken

    def _partition_records(self, fetch_offset: int, tp: TopicPartition, records: Any, **options: Any) -> Any:
        """Stand where the client builds its reader of one fetch response."""

        def pass_over(span: BatchSpan) -> None:
            self._passed_over.setdefault(tp, []).append(span)

        batches = _Batches(records, f"{tp.topic}[{tp.partition}]", pass_over)
        return self._client_records(fetch_offset, tp, batches, **options)


class _Batches:
    """The batches of one fetch response, each to be met as a ``_BatchAsOne``, or many as a ``_RunAsOne``."""

    def __init__(self, records: Any, where: str, pass_over: Callable[[BatchSpan], None]) -> None:
        self._client_records, self._response = type(records), memoryview(records._buffer)  # noqa: SLF001  # the seam
        self._where, self._pass_over = where, pass_over
        self._position = 0
        self._last: _BatchAsOne | _RunAsOne | None = None

    def next_batch(self) -> _BatchAsOne | _RunAsOne | None:
        # Behind what was read of the last one: a run may have become shorter.
        if self._last is not None:
            self._position += self._last.size
            if isinstance(self._last, _BatchAsOne) and not self._last.was_read:
                self._pass_over(self._last.span_passed_over())
        self._last = self._run() or self._single()
        return self._last

    def _run(self) -> _RunAsOne | None:
        run = run_at(self._response, self._position, self._where)
        return None if run is None else _RunAsOne(run)

    def _single(self) -> _BatchAsOne | None:
        with _read_by_the_client(f"{self._where}: byte {self._position} of the broker's answer"):
            batch = self._client_records(self._response[self._position :]).next_batch()
        return None if batch is None else _BatchAsOne(batch, self._where)


@contextmanager
def _read_by_the_client(place: str) -> Iterator[None]:
    """Turn what the client stumbles over into CorruptBatch: it does not look at every length before it believes it."""
    try:
        yield
    except (ArithmeticError, AssertionError, LookupError, MemoryError, TypeError, ValueError, struct.error) as error:
        raise CorruptBatch(f"{place} is malformed: {error}") from error


class _RunAsOne:
    """A run of batches that iterates as one record."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def __iter__(self) -> Iterator[_StandIn]:
        yield _StandIn(self._run.batches, self._run.last_offset, self._run.size)


class _BatchAsOne:
    """A batch of the client that iterates as one record; in everything else it is the client's."""

    def __init__(self, batch: Any, where: str) -> None:
        self._batch, self._where = batch, where
        self.was_read = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        # The client looks into a control batch for the kind of its marker. It unpacks without a bound, and brokers do
        # not compress these.
        place = f"{self._where}: the transaction marker at offset {self._batch.base_offset}"
        if self._batch.compression_type:
            raise CorruptBatch(f"{place} is compressed, which no broker does")
        with _read_by_the_client(place):
            return next(self._batch)

    def __iter__(self) -> Iterator[_StandIn]:
        self.was_read = True
        octets: Any = self._batch._buffer  # noqa: SLF001  # the seam
        if self._batch.magic < FORMAT_2:
            batch = LegacyBatch.parse(octets, self._batch.base_offset, self._batch.compression_type)
            yield _StandIn(batch, batch.last_offset, self.size)
        else:
            yield _StandIn(RawBatches.parse(octets, self._where), self._batch.last_offset, self.size)

    @property
    def size(self) -> int:
        return len(self._batch._buffer)  # noqa: SLF001  # the seam

    def span_passed_over(self) -> BatchSpan:
        batch = self._batch
        kind = BatchKind.CONTROL if batch.is_control_batch else BatchKind.ABORTED
        return BatchSpan(batch.base_offset, batch.last_offset, batch.records_count, kind)


class _StandIn:
    """What the client takes for a record: its value is what it holds, its offset the last one in it."""

    __slots__ = ("offset", "size_in_bytes", "value")

    key = None
    headers = ()
    timestamp = timestamp_type = checksum = None

    def __init__(self, batches: RawBatches | LegacyBatch, last_offset: int, size: int) -> None:
        self.value, self.offset, self.size_in_bytes = batches, last_offset, size

    def validate_crc(self) -> bool:
        """Say yes: the client has checked the batch's CRC."""
        return True
