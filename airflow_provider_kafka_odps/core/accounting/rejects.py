"""Where rejects go: a second upload, made visible right before the rows, and settled with them."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.upload import Upload

REJECT_SCHEMA = pa.schema(
    [
        ("topic", pa.string()),
        ("kafka_partition", pa.int64()),
        ("kafka_offset", pa.int64()),
        ("kafka_timestamp", pa.int64()),
        ("record_key", pa.string()),
        ("record_value", pa.string()),
        ("column_name", pa.string()),
        ("reason", pa.string()),
    ]
)
"""A reject, one row each: timestamp in ms since 1970 (UTC), key and value as base64, NULL where the record has none."""


NEEDS = frozenset({"key", "value", "timestamp"})
"""What of a record has to be decoded for its reject, mapped or not."""


BLOCK_BYTES = 16 * 1024 * 1024
"""How many bytes of rejects are written at once."""


BASE64 = ("record_key", "record_value")
"""The columns with bytes as base64: they may be long."""


_OCTETS, _CHARACTERS = 3, 4
"""So many bytes become so many characters."""


class RejectSink(Protocol):
    """A place for the rejects of one load; loading its window again replaces what is there."""

    @property
    def place(self) -> str:
        """The place as people write it."""

    def open_upload(self) -> Upload:
        """Open a fresh upload, invisible until its commit, which replaces what an earlier load has left there."""

    def attach_upload(self, upload_id: str) -> Upload:
        """Return an upload that an earlier attempt opened, alive or not."""

    def stale(self) -> bool:
        """Tell whether an earlier load of this window has left something there."""


@dataclass(frozen=True, slots=True)
class NoRejectSink:
    """No place at all: rejects are counted, and the first of them are in the log."""

    place: str = "nowhere"

    def open_upload(self) -> Upload:
        """Raise: a load that keeps no rejects writes none."""
        raise RuntimeError("rejects are not kept")

    def attach_upload(self, upload_id: str) -> Upload:
        """Raise: nobody has written any."""
        raise RuntimeError(f"rejects are not kept, so there is no upload {upload_id} of them")

    def stale(self) -> bool:
        """Return False: nothing is there."""
        return False


def pieces(batch: pa.RecordBatch, rejects: Sequence[Reject]) -> Iterator[Sequence[Reject]]:
    """Yield the rejects of one batch in their order, as many at once as make about one block."""
    if not rejects:
        return
    taken = pa.array([reject.row for reject in rejects])
    sizes = np.zeros(len(rejects), np.int64)
    for name in ("key", "value"):
        sizes += pc.fill_null(pc.binary_length(batch.column(name)).take(taken), 0).to_numpy(zero_copy_only=False)
    before = np.cumsum(sizes) - sizes
    block = before * _CHARACTERS // _OCTETS // BLOCK_BYTES
    edges = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(rejects)]
    for start, end in pairwise(edges):
        yield rejects[start:end]


def cut_to_fit(rows: pa.RecordBatch, limit: int) -> pa.RecordBatch:
    """Return rejects whose keys and values have no more than so many characters; the reason says what was cut."""
    for name in BASE64:
        lengths = pc.binary_length(rows.column(name))
        if (pc.max(lengths).as_py() or 0) > limit:
            rows = _cut(rows, name, pc.fill_null(pc.greater(lengths, limit), fill_value=False), limit)
    return rows


def _cut(rows: pa.RecordBatch, name: str, long: pa.Array, limit: int) -> pa.RecordBatch:
    """Cut one column between two groups of characters, so that what is left can be decoded."""
    kept, texts = limit // _CHARACTERS, [text.as_buffer() for text in rows.column(name)]
    reasons = rows.column("reason").to_pylist()
    for row in pc.indices_nonzero(long).to_pylist():
        text = texts[row]
        size = text.size // _CHARACTERS * _OCTETS - text.slice(text.size - 2).to_pybytes().count(b"=")
        reasons[row] += f"; {name} is cut: the first {kept * _OCTETS} of {size} bytes are here"
        texts[row] = text.slice(0, kept * _CHARACTERS)
    for column, values in ((name, _texts(texts)), ("reason", pa.array(reasons, pa.string()))):
        rows = rows.set_column(rows.schema.get_field_index(column), rows.schema.field(column), values)
    return rows


def reject_rows(batch: pa.RecordBatch, rejects: Sequence[Reject]) -> pa.RecordBatch:
    """Return one row per reject: Python objects for these few records only."""
    rows = [reject.row for reject in rejects]
    columns: list[pa.Array | list[Any]] = [
        [reject.topic for reject in rejects],
        [reject.partition for reject in rejects],
        [reject.offset for reject in rejects],
        [reject.timestamp for reject in rejects],
        _base64(batch.column("key"), rows),
        _base64(batch.column("value"), rows),
        [reject.column for reject in rejects],
        [reject.reason for reject in rejects],
    ]
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for column, field in zip(columns, REJECT_SCHEMA, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=REJECT_SCHEMA)


def _base64(column: pa.Array, rows: Sequence[int]) -> pa.Array:
    contents = (column[row].as_buffer() for row in rows)
    return _texts([None if content is None else b2a_base64(content, newline=False) for content in contents])


def _texts(texts: Sequence[bytes | pa.Buffer | None]) -> pa.StringArray:
    """Return texts as a column; one may fill a large part of the memory, and alone it is not copied."""
    there = np.packbits([text is not None for text in texts], bitorder="little")
    edges = np.cumsum([0, *(0 if text is None else len(text) for text in texts)], dtype=np.int64)
    some = [text for text in texts if text is not None]
    whole = some[0] if len(some) == 1 else b"".join(some)
    buffers = [pa.py_buffer(there), pa.py_buffer(edges.astype(np.int32)), pa.py_buffer(whole)]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)
