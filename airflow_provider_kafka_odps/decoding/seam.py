"""The seam in kafka-python: its consumer returns whole record batches instead of records.

Connections, metadata, retries, leader changes, authentication, fetch sessions, CRC checks, aborted transactions and
control batches stay the client's business. Its innermost loop, "for record in batch", meets batches that iterate as one
stand-in record, whose value is the batch. What is relied on is held by ``tests/decoding/test_seam.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.decoding.batch import BatchKind, BatchSpan, LegacyBatch, RawBatch

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition

_FORMAT_2 = 2


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
        self._consumer = consumer
        self._passed_over: dict[TopicPartition, list[BatchSpan]] = {}

    def poll(
        self, timeout_ms: int, max_batches: int | None = None
    ) -> dict[TopicPartition, list[RawBatch | LegacyBatch]]:
        """Wait up to ``timeout_ms`` for batches and return them, in offset order per partition.

        The positions of the consumer move past what is returned, and past what nobody may see. Raises what the client's
        ``poll`` raises, and CorruptBatch; after either the consumer can only be closed.
        """
        polled = self._consumer.poll(timeout_ms=timeout_ms, max_records=max_batches)
        return {partition: [record.value for record in records] for partition, records in polled.items()}

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
    """The batches of one fetch response, each to be met as a ``_BatchAsOne``."""

    def __init__(self, records: Any, where: str, pass_over: Callable[[BatchSpan], None]) -> None:
        self._records, self._where, self._pass_over = records, where, pass_over
        self._last: _BatchAsOne | None = None

    def next_batch(self) -> _BatchAsOne | None:
        if self._last is not None and not self._last.was_read:
            self._pass_over(self._last.span_passed_over())
        batch = self._records.next_batch()
        self._last = None if batch is None else _BatchAsOne(batch, self._where)
        return self._last


class _BatchAsOne:
    """A batch of the client that iterates as one record; in everything else it is the client's."""

    def __init__(self, batch: Any, where: str) -> None:
        self._batch, self._where = batch, where
        self.was_read = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        # The client looks into a control batch for the kind of its marker.
        return next(self._batch)

    def __iter__(self) -> Iterator[_StandIn]:
        self.was_read = True
        octets: Any = self._batch._buffer  # noqa: SLF001  # the seam
        if self._batch.magic < _FORMAT_2:
            yield _StandIn(LegacyBatch.parse(octets, self._batch.base_offset, self._batch.compression_type))
        else:
            yield _StandIn(RawBatch.parse(octets, self._where))

    def span_passed_over(self) -> BatchSpan:
        batch = self._batch
        kind = BatchKind.CONTROL if batch.is_control_batch else BatchKind.ABORTED
        return BatchSpan(batch.base_offset, batch.last_offset, batch.records_count, kind)


class _StandIn:
    """What the client takes for a record: its value is a batch, its offset the batch's last one."""

    __slots__ = ("offset", "size_in_bytes", "value")

    key = None
    headers = ()
    timestamp = timestamp_type = checksum = None

    def __init__(self, batch: RawBatch | LegacyBatch) -> None:
        self.value = batch
        self.offset = batch.last_offset
        self.size_in_bytes = len(batch)

    def validate_crc(self) -> bool:
        """Say yes: the client has checked the batch's CRC."""
        return True
