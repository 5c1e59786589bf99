"""Message formats 0 and 1, from before Kafka 0.11 (2017): rare, so decoded one message at a time.

Not by the client: it can be made to loop for ever, and to unpack without a bound, by what a message set says of itself.
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from airflow_provider_kafka_odps.decoding.assembly import completed
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA, CODEC, LOG_APPEND_TIME, LegacyBatch
from airflow_provider_kafka_odps.decoding.workspace import Workspace
from airflow_provider_kafka_odps.exceptions import CorruptBatch

# offset, length, CRC, format, attributes (https://kafka.apache.org/documentation/#messageset)
_HEADER = struct.Struct(">qiIbb")
_LENGTH_ENDS_AT = 12
_CRC_ENDS_AT = 16
_TIMESTAMP = struct.Struct(">q")
_SIZE = struct.Struct(">i")


@dataclass(frozen=True, slots=True)
class _Message:
    """One message of a message set; a compressed one holds a message set as its value."""

    offset: int
    magic: int
    attributes: int
    timestamp: int | None
    key: bytes | None
    value: bytes | None

    @property
    def timestamp_type(self) -> int | None:
        return None if self.magic == 0 else int(bool(self.attributes & LOG_APPEND_TIME))


def legacy_columns(
    batches: Iterable[LegacyBatch], workspace: Workspace, partition: int, wanted: frozenset[str], where: str
) -> pa.RecordBatch:
    """Return the messages as a batch of ``BATCH_SCHEMA``: without leader epochs, with empty headers.

    Raises CorruptBatch, with ``where`` and the offset, for anything malformed.
    """
    messages: list[_Message] = []
    for batch in batches:
        try:
            messages.extend(_unpacked(batch, workspace, where))
        except (ValueError, struct.error) as error:
            raise CorruptBatch(
                f"{where}: the message set at offset {batch.last_offset} is malformed: {error}"
            ) from error
    offset = np.array([message.offset for message in messages], np.int64)
    if (np.diff(offset, prepend=-1) <= 0).any():
        raise CorruptBatch(f"{where}: offsets do not increase in the message sets up to offset {offset.max()}")
    columns = {
        "partition": [partition] * len(messages),
        "offset": offset,
        "timestamp": [None if message.timestamp == -1 else message.timestamp for message in messages],
        "timestamp_type": [message.timestamp_type for message in messages],
        "key": [message.key for message in messages],
        "value": [message.value for message in messages],
        "headers": [[]] * len(messages),
    }
    chosen = wanted | {"partition", "offset"}
    return completed(
        {name: pa.array(column, BATCH_SCHEMA.field(name).type) for name, column in columns.items() if name in chosen},
        len(messages),
    )


def _unpacked(batch: LegacyBatch, workspace: Workspace, where: str) -> Iterable[_Message]:
    """Return the one plain message that the batch is, or the messages inside a compressed one."""
    (outer,) = _messages(batch.octets)
    codec = outer.attributes & CODEC
    if not codec:
        return [outer]
    if outer.value is None:
        raise ValueError("it is compressed, but has no value")
    inner = list(_messages(workspace.unpacked(codec, memoryview(outer.value), where, outer.offset)))
    if not inner or any(message.attributes & CODEC or message.magic != outer.magic for message in inner):
        raise ValueError("what it contains is empty, compressed again, or of another format")
    # Format 1 counts from the start of the set, and the outer message has the offset of the last one inside.
    shift = outer.offset - inner[-1].offset if outer.magic else 0
    if shift < 0:
        raise ValueError(f"its last message has offset {inner[-1].offset}")
    by_broker = outer.timestamp_type == 1
    return [
        replace(
            message,
            offset=message.offset + shift,
            attributes=outer.attributes,
            timestamp=outer.timestamp if by_broker else message.timestamp,
        )
        for message in inner
    ]


def _messages(octets: memoryview) -> Iterator[_Message]:
    """Yield the messages that fill ``octets``; raise ValueError where they do not, or where a CRC is wrong."""
    position = 0
    while position < len(octets):
        offset, length, crc, magic, attributes = _HEADER.unpack_from(octets, position)
        end = position + _LENGTH_ENDS_AT + length
        if magic not in {0, 1} or offset < 0 or not position + _HEADER.size <= end <= len(octets):
            raise ValueError(f"a message of format {magic} and {length} bytes at byte {position} of {len(octets)}")
        if crc32(octets[position + _CRC_ENDS_AT : end]) != crc:
            raise ValueError(f"the CRC of the message at byte {position} is wrong")
        yield _message(octets[position + _HEADER.size : end], offset, magic, attributes)
        position = end


def _message(body: memoryview, offset: int, magic: int, attributes: int) -> _Message:
    timestamp = None
    if magic:
        (timestamp,) = _TIMESTAMP.unpack_from(body)
        body = body[_TIMESTAMP.size :]
    key, body = _octets(body)
    value, body = _octets(body)
    if body:
        raise ValueError(f"{len(body)} bytes follow the message at offset {offset}")
    return _Message(offset, magic, attributes, timestamp, key, value)


def _octets(body: memoryview) -> tuple[bytes | None, memoryview]:
    """Return the bytes that stand behind their length (-1 for null), and what follows them."""
    (size,) = _SIZE.unpack_from(body)
    after = _SIZE.size + max(size, 0)
    if after > len(body):
        raise ValueError(f"a key or value of {size} bytes where {len(body) - _SIZE.size} are left")
    return None if size < 0 else bytes(body[_SIZE.size : after]), body[after:]
