"""Arrow batches as the body of a record block, encoded column by column: for tables that Arrow blocks cannot carry.

A record is, for each column that is not NULL, a tag and a value, then its CRC-32C. Tags number the columns from 1.
At the end of the body stand the number of records and the CRC-32C of all their CRCs.
Source: what PyODPS 0.13.2 writes and reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from airflow_provider_kafka_odps.clients.maxcompute.blocks.values import as_varints, coder, joined, wire_type
from airflow_provider_kafka_odps.core.arrow import bytes_of
from airflow_provider_kafka_odps.core.table.types import OdpsType

_END_OF_RECORD, _RECORD_COUNT, _CRC_OF_CRCS = 33_553_408, 33_554_430, 33_554_431
# One piece is one write to the socket, and one look at the deadline.
_PIECE_BYTES = 512 * 1024


def record_body(batches: Iterable[pa.RecordBatch], kinds: Iterable[OdpsType]) -> Iterator[bytes]:
    """Yield the body of one block in pieces; one batch at a time is encoded.

    ``kinds`` are the types of all columns of the table, in its order; columns that cannot be written are left out.
    """
    from crc32c import crc32c

    coders = [(number, kind, coder(kind)) for number, kind in enumerate(kinds, 1) if kind.writable]
    rows = crc = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        columns = [(number, kind, code(batch.column(number - 1))) for number, kind, code in coders]
        covered = joined(
            [joined([number.to_bytes(4, "little"), each.covered]) for number, _, each in columns], null=b""
        )
        # The one loop over rows: a checksum has no other way.
        crcs = np.fromiter(map(crc32c, covered.to_pylist()), np.uint32, len(batch))
        records = joined(
            [
                *(joined([_tag(number, wire_type(kind)), each.wire]) for number, kind, each in columns),
                _tag(_END_OF_RECORD, 0),
                as_varints(crcs),
            ],
            null=b"",
        )
        rows, crc = rows + len(batch), crc32c(crcs.astype("<u4").tobytes(), crc)
        yield from _pieces(records)
    yield _tag(_RECORD_COUNT, 0) + _varint(2 * rows) + _tag(_CRC_OF_CRCS, 0) + _varint(crc)


def _pieces(records: pa.BinaryArray) -> Iterator[bytes]:
    whole = bytes_of(records)
    for start in range(0, len(whole), _PIECE_BYTES):
        yield bytes(whole[start : start + _PIECE_BYTES])


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(number: int) -> bytes:
    octets: bytes = as_varints(np.array([number], np.uint64))[0].as_py()
    return octets
