"""The Arrow batches that records become, and Kafka's record batches as they came over the wire."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from airflow_provider_kafka_odps.core.offsets import next_offset
from airflow_provider_kafka_odps.exceptions import CorruptBatch

HEADERS = pa.list_(pa.struct([pa.field("key", pa.string(), nullable=False), pa.field("value", pa.binary())]))
"""The type of the headers of one record, in their order; a name may be there more than once."""

BATCH_SCHEMA = pa.schema(
    [
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("timestamp", pa.timestamp("ms", "UTC")),
        pa.field("timestamp_type", pa.int8()),
        pa.field("leader_epoch", pa.int32()),
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
        pa.field("headers", HEADERS),
    ]
)
"""One row per record, in offset order; a batch holds records of one partition only.

``timestamp`` is null where the record has none (format 0, or -1 on the wire). ``timestamp_type`` is 0 for the
producer's time, 1 for the broker's, null for format 0. ``leader_epoch`` is null for formats 0 and 1. ``headers`` is an
empty list where there are none. Columns that were not wanted are all null.
"""

ALL_COLUMNS = frozenset(BATCH_SCHEMA.names)
"""What ``wanted`` may contain; ``partition`` and ``offset`` are always there."""

# base offset, length, leader epoch, magic, CRC, attributes, last offset delta, base and max timestamp, producer id,
# producer epoch, base sequence, record count (https://kafka.apache.org/documentation/#recordbatch)
_HEADER = struct.Struct(">qiibIhiqqqhii")
_LENGTH_ENDS_AT = 12
LOG_APPEND_TIME = 0x08
"""The attribute that says that the broker set the timestamps; in all formats."""
CODEC = 0x07
"""The attributes that number the compression; in all formats."""


class BatchKind(StrEnum):
    """What a record batch of the log holds."""

    RECORDS = "records"
    CONTROL = "control"
    """A transaction marker: one offset, never a record."""
    ABORTED = "aborted"
    """Records of a transaction that was aborted; a committed reader does not see them."""


@dataclass(frozen=True, slots=True)
class BatchSpan:
    """The offsets that a batch of the log covers, whether or not records are left in it."""

    base_offset: int
    last_offset: int
    """The last offset that the batch ever had; compaction may have removed its record."""
    records: int
    """How many records the batch's header promises."""
    kind: BatchKind

    @property
    def next_offset(self) -> int:
        """Return the offset to read after this batch."""
        return next_offset(self.last_offset)


# Not frozen: one is made per batch, and of batches with few records that would cost more than reading the header.
@dataclass(slots=True)
class RawBatch:
    """A record batch of message format 2, still encoded; its header was read, its CRC is the client's business."""

    octets: memoryview
    base_offset: int
    last_offset: int
    records: int
    leader_epoch: int
    attributes: int
    base_timestamp: int
    max_timestamp: int

    @classmethod
    def parse(cls, octets: bytes | bytearray | memoryview, where: str) -> RawBatch:
        """Read the 61 bytes of header; ``where`` is for messages, such as ``orders[3]``.

        Raises CorruptBatch where the numbers contradict each other.
        """
        size = len(octets)
        if size < _HEADER.size:
            raise CorruptBatch(f"{where}: a record batch of {size} bytes; its header alone has {_HEADER.size}")
        base, length, epoch, magic, _, attributes, last_delta, first, latest, _, _, _, count = _HEADER.unpack_from(
            octets
        )
        if magic != 2 or length != size - _LENGTH_ENDS_AT or last_delta < 0 or count < 0 or base < 0:  # noqa: PLR2004
            raise CorruptBatch(
                f"{where}: the record batch at offset {base} has an impossible header: format {magic}, length {length} "
                f"of {size - _LENGTH_ENDS_AT} bytes, last offset delta {last_delta}, {count} records"
            )
        return cls(memoryview(octets), base, base + last_delta, count, epoch, attributes, first, latest)

    @property
    def span(self) -> BatchSpan:
        """Return which offsets the batch covers."""
        return BatchSpan(self.base_offset, self.last_offset, self.records, BatchKind.RECORDS)

    @property
    def section(self) -> memoryview:
        """Return the records, compressed by ``codec``."""
        return self.octets[_HEADER.size :]

    @property
    def codec(self) -> int:
        """Return the number of the compression: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."""
        return self.attributes & CODEC

    @property
    def log_append_time(self) -> bool:
        """Return whether every record has the broker's time, which is ``max_timestamp``."""
        return bool(self.attributes & LOG_APPEND_TIME)

    def __len__(self) -> int:
        """Return the size on the wire in bytes."""
        return len(self.octets)


@dataclass(frozen=True, slots=True)
class LegacyBatch:
    """A message of format 0 or 1, still encoded: one plain record, or a compressed set of them."""

    octets: memoryview
    last_offset: int
    """The offset of the message: of its last record."""
    base_offset: int
    """The offset of its first record, or 0 where only unpacking would tell."""

    @classmethod
    def parse(cls, octets: memoryview, last_offset: int, codec: int) -> LegacyBatch:
        """Take a whole message, and what the client read of it."""
        return cls(octets, last_offset, 0 if codec else last_offset)

    def __len__(self) -> int:
        """Return the size on the wire in bytes."""
        return len(self.octets)
