"""Record bodies built from the description of the protocol alone, and read by the decoder."""

from __future__ import annotations

import struct
from typing import Any

import google_crc32c
import pyarrow as pa

from airflow_provider_kafka_odps.local.wire import varint
from airflow_provider_kafka_odps.local.wire.records import RecordDecoder
from airflow_provider_kafka_odps.local.wire.types import parse_type


def crc(*pieces: bytes) -> int:
    """Return the checksum of the pieces together."""
    return int(google_crc32c.value(b"".join(pieces)))


def body_of(records: list[tuple[bytes, bytes]]) -> bytes:
    """Return a record body from (fields on the wire, bytes under the checksum) of each record."""
    body = b""
    crcs = b""
    for wire, covered in records:
        checksum = crc(covered)
        crcs += struct.pack("<I", checksum)
        body += wire + varint.tag(33553408, 0) + varint.write_varint(checksum)
    count = varint.tag(33554430, 0) + varint.write_varint(2 * len(records))
    return body + count + varint.tag(33554431, 0) + varint.write_varint(crc(crcs))


def number(column: int, covered: bytes) -> bytes:
    """Return what the checksum covers of a field."""
    return struct.pack("<i", column) + covered


def decode(columns: list[str], body: bytes, pieces: int = 0) -> list[dict[str, Any]]:
    """Decode a record body fed in pieces of this size, or at once."""
    batches: list[pa.RecordBatch] = []
    typed = [(f"c{at}", parse_type(text)) for at, text in enumerate(columns)]
    decoder = RecordDecoder(typed, batches.append)
    size = pieces or len(body) or 1
    for at in range(0, len(body), size):
        decoder.feed(body[at : at + size])
    decoder.close()
    return [row for batch in batches for row in batch.to_pylist()]
