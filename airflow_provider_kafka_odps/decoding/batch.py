"""The Arrow batches that records become, and Kafka's record batches as they came over the wire."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from airflow_provider_kafka_odps.core.window.offsets import next_offset

HEADERS = pa.list_(pa.struct([pa.field("key", pa.string()), pa.field("value", pa.binary())]))
"""The type of the headers of one record, in their order; a name may be there more than once.

Names are bytes in Kafka: one that is not UTF-8 is null.
"""
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
empty list where there are none; the name of one that is not UTF-8 is null. Columns that were not wanted are all null.
"""
ALL_COLUMNS = frozenset(BATCH_SCHEMA.names)
"""What ``wanted`` may contain; ``partition`` and ``offset`` are always there."""
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
