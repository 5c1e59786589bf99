"""Logs of Kafka in memory: record batches made with the client's own builders, and the ways to read them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import cramjam
from kafka import TopicPartition
from kafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from kafka.consumer.fetcher import Fetcher
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.legacy_records import LegacyRecordBatchBuilder
from kafka.record.util import calc_crc32c
from kit.decoders import batch_decoder

from airflow_provider_kafka_odps.clients.kafka.seam import BatchConsumer
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange

PACKERS = {
    "none": (0, bytes),
    "gzip": (1, gzip_encode),
    "snappy": (2, snappy_encode),
    "raw snappy": (2, lambda section: bytes(cramjam.snappy.compress_raw(section))),
    "lz4": (3, lz4_encode),
    "zstd": (4, zstd_encode),
}
"""Name → the number in a batch's attributes, and the function; Java frames its snappy, others do not."""
_LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x08, 0x10, 0x20
EVERYTHING = OffsetRange("orders", 3, 0, 1 << 62)
HERE = TopicPartition("orders", 3)


@dataclass(frozen=True, slots=True)
class Record:
    """One record, as a producer gives it; its offset is relative to the batch."""

    delta: int
    timestamp: int = 1_000
    key: bytes | None = None
    value: bytes | None = b"value"
    headers: Sequence[tuple[str, bytes | None]] = ()


def batch(
    base_offset: int,
    records: Iterable[Record],
    *,
    codec: str = "none",
    log_append_time: bool = False,
    last_delta: int | None = None,
    producer_id: int = -1,
    control: bool = False,
    leader_epoch: int = 7,
) -> bytes:
    """Return a batch of format 2; ``last_delta`` says that later records were compacted away."""
    transactional = producer_id >= 0
    builder = DefaultRecordBatchBuilder(2, 0, transactional, producer_id, 0 if transactional else -1, 0, 1 << 40)
    for record in records:
        builder.append(record.delta, record.timestamp, record.key, record.value, list(record.headers))
    built = bytes(builder.build())
    number, pack = PACKERS[codec]
    _, _, _, magic, _, attributes, last, first, latest, *producer, count = DefaultRecordBatch.HEADER_STRUCT.unpack_from(
        built
    )
    attributes |= number | (_LOG_APPEND_TIME if log_append_time else 0) | (_CONTROL if control else 0)
    section = pack(built[DefaultRecordBatch.HEADER_STRUCT.size :])
    return sealed(
        struct.pack(
            ">hiqqqhii", attributes, last if last_delta is None else last_delta, first, latest, *producer, count
        )
        + section,
        base_offset,
        leader_epoch,
        magic,
    )


def sealed(body: bytes, base_offset: int = 0, leader_epoch: int = 7, magic: int = 2) -> bytes:
    """Return a batch of format 2 with this body (from the attributes on), its length and its CRC."""
    return struct.pack(">qiibI", base_offset, len(body) + 9, leader_epoch, magic, calc_crc32c(memoryview(body))) + body


def marker(offset: int, producer_id: int, *, commit: bool) -> bytes:
    """Return the control batch that ends a transaction."""
    record = Record(0, key=struct.pack(">hh", 0, int(commit)), value=struct.pack(">hi", 0, 0))
    return batch(offset, [record], producer_id=producer_id, control=True)


def message_set(magic: int, base_offset: int, records: Iterable[Record], codec: str = "none") -> bytes:
    """Return records in message format 0 or 1, as one compressed message or as many plain ones."""
    builder = LegacyRecordBatchBuilder(magic, PACKERS[codec][0], 1 << 40)
    absolute = codec == "none" or magic == 0
    last = base_offset
    for record in records:
        last = base_offset + record.delta
        builder.append(last if absolute else record.delta, record.timestamp, record.key, record.value)
    built = bytearray(builder.build())
    if codec != "none":
        # The offset of a compressed message is that of the last record inside.
        struct.pack_into(">q", built, 0, last)
    return bytes(built)


def by_the_client(log: bytes, fetch_offset: int = 0, **options: Any) -> tuple[list[tuple[Any, ...]], int]:
    """Return what kafka-python makes of a fetch response, and the offset that it would fetch next."""
    reader = Fetcher.PartitionRecords(fetch_offset, HERE, MemoryRecords(log), **options)
    return [
        (
            record.offset,
            None if record.timestamp == -1 else record.timestamp,
            record.timestamp_type,
            record.key,
            record.value,
            [tuple(header) for header in record.headers],
        )
        for record in reader.take()
    ], reader.next_fetch_offset


def through_the_seam(log: bytes, fetch_offset: int = 0, **options: Any) -> tuple[list[Any], int, BatchConsumer]:
    """Return what comes through the seam for a fetch response, the next offset, and the seam."""
    fetcher = SimpleNamespace(
        PartitionRecords=Fetcher.PartitionRecords, config={"key_deserializer": None, "value_deserializer": None}
    )
    consumer = BatchConsumer(SimpleNamespace(_fetcher=fetcher))
    reader = fetcher.PartitionRecords(fetch_offset, HERE, MemoryRecords(log), **options)
    return [record.value for record in reader.take()], reader.next_fetch_offset, consumer


def in_columns(batches: Iterable[Any], offsets: OffsetRange = EVERYTHING) -> list[tuple[Any, ...]]:
    """Return what our decoder makes of batches, in the form of ``by_the_client``."""
    rows: list[tuple[Any, ...]] = []
    for decoded in batch_decoder().decode(batches, offsets):
        decoded.validate(full=True)
        columns = [
            decoded.column(name) for name in ("offset", "timestamp", "timestamp_type", "key", "value", "headers")
        ]
        columns[1] = columns[1].cast("int64")
        for *plain, headers in zip(*(column.to_pylist() for column in columns), strict=True):
            rows.append((*plain, [(header["key"], header["value"]) for header in headers]))
    return rows


COMMITTED = {"isolation_level": IsolationLevel.READ_COMMITTED}
