"""The records of several batches, put together as one Arrow batch."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA, HEADERS, LOG_APPEND_TIME
from airflow_provider_kafka_odps.decoding.records import Fields, HeaderSlices, Slices, read_bytes
from airflow_provider_kafka_odps.decoding.varints import Ints, Malformed, read_varint, refuse
from airflow_provider_kafka_odps.decoding.workspace import Workspace

_NONE = -1
"""How Kafka writes "no timestamp" and "no leader epoch"."""
_ROUNDS = 32
"""Headers per record that are read for all records at once; a record that has more is read on alone."""


def arrow_batch(workspace: Workspace, fields: Fields, partition: int, wanted: frozenset[str]) -> pa.RecordBatch:
    """Return the records of the workspace as a batch of ``BATCH_SCHEMA``.

    Raises Malformed where offsets do not increase or leave their batch, and for malformed headers.
    """
    headers, counts = workspace.headers, workspace.counts

    def each(numbers: Ints) -> Ints:
        """Repeat one number per batch for each of its records."""
        return np.repeat(numbers.astype(np.int64), counts)

    base = each(headers["base_offset"])
    offset, last = base + fields.offset_delta, base + each(headers["last_offset_delta"])
    refuse((fields.offset_delta < 0) | (offset > last), "its offset is outside of its batch")
    refuse(np.diff(offset, prepend=-1) <= 0, "its offset is not above the one before")
    columns: dict[str, pa.Array] = {
        "partition": pa.array(np.full(len(offset), partition, np.int32)),
        "offset": pa.array(offset),
    }
    by_broker = each(headers["attributes"] & LOG_APPEND_TIME != 0)
    if "timestamp" in wanted:
        created = each(headers["base_timestamp"]) + fields.timestamp_delta
        moment = np.where(by_broker, each(headers["max_timestamp"]), created)
        columns["timestamp"] = pa.array(moment, mask=moment == _NONE).view(BATCH_SCHEMA.field("timestamp").type)
    if "timestamp_type" in wanted:
        columns["timestamp_type"] = pa.array(by_broker.astype(np.int8))
    if "leader_epoch" in wanted:
        epoch = each(headers["leader_epoch"])
        columns["leader_epoch"] = pa.array(epoch.astype(np.int32), mask=epoch == _NONE)
    for name, slices in (("key", fields.key), ("value", fields.value)):
        if name in wanted and slices is not None:
            columns[name] = binary_column(workspace, slices)
    if fields.headers is not None:
        columns["headers"] = header_column(workspace, fields.headers)
    return completed(columns, len(offset))


def completed(columns: dict[str, pa.Array], rows: int) -> pa.RecordBatch:
    """Return a batch of ``BATCH_SCHEMA``; columns that are missing are all null."""
    present = [columns[field.name] if field.name in columns else pa.nulls(rows, field.type) for field in BATCH_SCHEMA]
    return pa.RecordBatch.from_arrays(present, schema=BATCH_SCHEMA)


def binary_column(workspace: Workspace, slices: Slices) -> pa.BinaryArray:
    """Return the byte strings as a column of ``binary``.

    The workspace is looked at as a binary array whose slots are the strings and what stands between them; ``take`` of
    every second slot copies the strings.
    """
    count = len(slices.start)
    edges = np.empty(2 * count, np.int32)
    edges[0::2] = slices.start
    edges[1::2] = slices.start + np.maximum(slices.size, 0)
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(workspace.octets)]
    slots = pa.Array.from_buffers(pa.binary(), max(2 * count - 1, 0), buffers)
    null = slices.size < 0
    return slots.take(pa.array(np.arange(0, 2 * count, 2, dtype=np.int32), mask=null if null.any() else None))


def header_column(workspace: Workspace, headers: HeaderSlices) -> pa.ListArray:
    """Return the headers as lists of (key, value); an empty list where a record has none.

    Raises Malformed if headers do not fill the rest of their record exactly.
    """
    # The smallest header has two bytes: this bounds what a made-up number makes us allocate.
    possible = (headers.end - headers.start) // 2
    refuse((headers.count < 0) | (headers.count > possible), "it cannot have as many headers as it says")
    edges = np.concatenate(([0], np.cumsum(headers.count)))
    found = np.empty((4, int(edges[-1])), np.int64)
    position = headers.start.copy()
    for done in range(min(_ROUNDS, int(headers.count.max(initial=0)))):
        some = np.flatnonzero(headers.count > done)
        try:
            found[:, edges[some] + done], position[some] = _read_headers(workspace, position[some], headers.end[some])
        except Malformed as one:
            raise Malformed(int(some[one.record]), one.problem) from None
    for many in np.flatnonzero(headers.count > _ROUNDS).tolist():
        remaining = found[:, edges[many] + _ROUNDS : edges[many + 1]]
        start, end = int(position[many]), int(headers.end[many])
        try:
            position[many] = _read_remaining_headers(workspace.view, start, end, remaining)
        except Malformed as only:
            raise Malformed(many, only.problem) from None
    refuse(position != headers.end, "it does not end where its headers do")
    names = _as_text(binary_column(workspace, Slices(found[0], found[1])))
    values = binary_column(workspace, Slices(found[2], found[3]))
    pairs = pa.StructArray.from_arrays([names, values], fields=list(HEADERS.value_type))
    return pa.ListArray.from_arrays(pa.array(edges, pa.int32()), pairs, type=HEADERS)


def _read_headers(workspace: Workspace, position: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Read the next header of each record: rows of name start, name size, value start, value size; and what follows."""
    name, position = read_bytes(workspace.octets, position, end)
    refuse(name.size < 0, "a header has no name")
    value, position = read_bytes(workspace.octets, position, end)
    return np.stack([name.start, name.size, value.start, value.size]), position


def _read_remaining_headers(octets: memoryview, position: int, end: int, found: Ints) -> int:
    """Fill ``found`` with the headers from ``position`` on, one by one, and return the position after them.

    Raises Malformed for record 0: there is only one.
    """
    for column in range(found.shape[1]):
        for row in (0, 2):
            size, start = read_varint(octets, position)
            taken = max(size, 0)
            if taken > end - start or (row == 0 and size < 0):
                raise Malformed(0, "a header does not end inside it, or has no name")
            found[row : row + 2, column] = start, max(size, -1)
            position = start + taken
    return position


def _as_text(names: pa.BinaryArray) -> pa.StringArray:
    """Return the names, null where one is not UTF-8."""
    try:
        return names.cast(pa.string())
    except pa.ArrowInvalid:
        odd = pa.array([not _is_text(name) for name in names.to_pylist()])
        return pc.if_else(odd, pa.scalar(None, pa.binary()), names).cast(pa.string())


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
