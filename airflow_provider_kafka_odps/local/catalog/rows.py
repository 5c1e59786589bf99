"""Rows of a partition: files read in the table's present columns, and new files written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.local.catalog.blobs import BlobStore, open_batches, stream_end
from airflow_provider_kafka_odps.local.catalog.model import Blob, Column, Spec, Table
from airflow_provider_kafka_odps.local.errors import MalformedError
from airflow_provider_kafka_odps.local.wire.timestamps import (
    FIRST_SECOND,
    LAST_SECOND,
    NARROW,
    WIDE,
    is_timestamp,
    narrowed,
    timestamp_texts,
    widened,
)
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind, arrow_type

_ROWS_PER_BATCH = 65536


_SECONDS_OF_A_DAY = 24 * 60 * 60


_COUNTED = frozenset({Kind.CHAR, Kind.VARCHAR})


def stored_schema(columns: Sequence[Column], *, wide: bool = False) -> pa.Schema:
    """Return the schema inside files: columns are named by their field id, so that renaming one changes no file.

    Files that are written record by record are `wide`: they have each TIMESTAMP as seconds and nanoseconds.
    """
    return pa.schema(
        [
            pa.field(column.stored_name, WIDE if wide and is_timestamp(column.type) else arrow_type(column.type))
            for column in columns
        ]
    )


def shown_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the schema that readers see."""
    return pa.schema([pa.field(column.name, arrow_type(column.type)) for column in columns])


def read_rows(store: BlobStore, blobs: Sequence[Blob], columns: Sequence[Column]) -> pa.Table:
    """Return all rows of these files in these columns, mapped; a column that a file lacks is NULL.

    A TIMESTAMP is in nanoseconds where all its values fit, and otherwise `WIDE`.
    """
    schema = shown_schema(columns)
    tables = [_adapted(open_batches(store.read(blob.name)).read_all(), columns, schema) for blob in blobs]
    return concatenated(tables) if tables else schema.empty_table()


def concatenated(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of several tables that differ in the form of their TIMESTAMPs at most."""
    wide = {
        name
        for table in tables
        for name, kind in zip(table.schema.names, table.schema.types, strict=True)
        if kind == WIDE
    }
    return pa.concat_tables([_with_wide(table, wide) for table in tables])


def _with_wide(table: pa.Table, names: set[str]) -> pa.Table:
    for at, field in enumerate(table.schema):
        if field.name in names and field.type == NARROW:
            table = table.set_column(at, field.name, widened(table.column(at)))
    return table


def _adapted(found: pa.Table, columns: Sequence[Column], schema: pa.Schema) -> pa.Table:
    arrays = []
    for column, field in zip(columns, schema, strict=True):
        at = found.schema.get_field_index(column.stored_name)
        if at < 0:
            arrays.append(pa.chunked_array([pa.nulls(found.num_rows, field.type)]))
            continue
        arrays.append(padded(_shown(found.column(at), column, field.type), column.type))
    return pa.Table.from_arrays(arrays, names=schema.names)


def padded(array: pa.Array | pa.ChunkedArray, column: ColumnType) -> pa.Array | pa.ChunkedArray:
    """Return the values of a CHAR(n) filled up with blanks to n characters, and any others as they are."""
    return pc.utf8_rpad(array, width=column.sizes[0]) if column.kind is Kind.CHAR else array


def _shown(stored: pa.ChunkedArray, column: Column, wanted: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if stored.type == wanted:
        return stored
    if stored.type == WIDE:
        # Of a column that is a TIMESTAMP now, or was one before it became a STRING.
        return narrowed(stored) if is_timestamp(column.type) else timestamp_texts(narrowed(stored)).cast(wanted)
    return stored.cast(wanted, safe=False)


def with_partition_columns(rows: pa.Table, table: Table, spec: Spec) -> pa.Table:
    """Return the rows with the partition's values as further columns."""
    for column, (name, value) in zip(table.partition_columns, spec, strict=True):
        only = pa.array([value]).cast(arrow_type(column.type))
        rows = rows.append_column(name, pa.repeat(only[0], rows.num_rows))
    return rows


@dataclass(frozen=True, slots=True)
class RowRange:
    """The rows [start, end) of one snapshot: files in order, read in these columns."""

    store: BlobStore
    blobs: tuple[Blob, ...]
    columns: tuple[Column, ...]
    start: int
    end: int

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in batches."""
        passed = 0
        for blob in self.blobs:
            first, last = max(self.start - passed, 0), min(self.end - passed, blob.rows)
            passed += blob.rows
            if first < last:
                rows = read_rows(self.store, [blob], self.columns).slice(first, last - first)
                yield from rows.to_batches(max_chunksize=_ROWS_PER_BATCH)


def write_rows(store: BlobStore, name: str, columns: Sequence[Column], rows: pa.Table) -> Blob:
    """Write rows, whose columns are in this order and of these types, as a file, and return it."""
    schema = pa.schema(
        [pa.field(column.stored_name, kind) for column, kind in zip(columns, rows.schema.types, strict=True)]
    )
    writer = store.create(name)
    try:
        writer.write(schema.serialize().to_pybytes())
        for batch in rows.to_batches(max_chunksize=_ROWS_PER_BATCH):
            stored = pa.RecordBatch.from_arrays(batch.columns, schema=schema)
            writer.write(stored.serialize().to_pybytes())
        writer.write(stream_end())
        return Blob(name, rows.num_rows, writer.publish())
    finally:
        writer.discard()


def _check_lengths(column: pa.Array, longest: int) -> None:
    found = pc.max(pc.binary_length(column)).as_py() or 0
    if found > longest:
        raise MalformedError(f"a value has {found} bytes; at most {longest} are allowed", "MaxMessageLengthExceeded")


def _check_column(stored: pa.Array, column: Column, longest: int | None) -> None:
    if not column.nullable and stored.null_count:
        raise MalformedError(f"column {column.name} is NOT NULL, but {stored.null_count} rows have NULL there")
    _check_texts(stored, column.type, column.name, longest)
    check_times(stored, column)


def check_times(stored: pa.Array | pa.ChunkedArray, column: Column) -> None:
    """Refuse a time that no client can read.

    Raises MalformedError.
    """
    match column.type.kind:
        case Kind.DATE:
            numbers, each = stored.cast(pa.int32()), float(_SECONDS_OF_A_DAY)
        case Kind.DATETIME:
            numbers, each = stored.cast(pa.int64()), 1 / 1000
        case Kind.TIMESTAMP | Kind.TIMESTAMP_NTZ if stored.type == WIDE:
            numbers, each = pc.struct_field(stored, "sec"), 1.0
        case _:
            return
    bounds = pc.min_max(numbers)
    for bound in (bounds["min"].as_py(), bounds["max"].as_py()):
        if bound is not None and not FIRST_SECOND <= bound * each < LAST_SECOND + 1:
            raise MalformedError(f"column {column.name} is {column.type}, but a value is outside the years 1 to 9999")


def _check_texts(stored: pa.Array, column: ColumnType, name: str, longest: int | None) -> None:
    # Texts are checked as bytes: the tunnel carries them whatever their encoding.
    # Validated before the cast too: the cast keeps the offsets, but drops a wrong count of NULLs.
    stored.validate()
    plain = stored.cast(pa.binary()) if pa.types.is_string(stored.type) else stored
    plain.validate(full=True)
    if longest is not None and pa.types.is_binary(plain.type):
        _check_lengths(plain, longest)
    match column.kind:
        case kind if kind in _COUNTED:
            _check_characters(stored, column, name)
        case Kind.ARRAY:
            _check_texts(stored.flatten(), column.parts[0][1], f"{name}[]", longest)
        case Kind.VECTOR:
            _check_vector(stored, column, name)
        case Kind.MAP:
            _check_texts(stored.keys, column.parts[0][1], f"{name}.key", longest)
            _check_texts(stored.items, column.parts[1][1], f"{name}.value", longest)
        case Kind.STRUCT:
            for at, (part, part_type) in enumerate(column.parts):
                _check_texts(stored.field(at), part_type, f"{name}.{part}", longest)
        case _:
            pass


def _check_vector(stored: pa.Array, column: ColumnType, name: str) -> None:
    lengths = pc.min_max(pc.list_value_length(stored))
    if {lengths["min"].as_py(), lengths["max"].as_py()} - {None, column.sizes[0]} or stored.flatten().null_count:
        raise MalformedError(f"column {name} is {column}, but a value has another number of elements, or NULL in it")


def _check_characters(stored: pa.Array, column: ColumnType, name: str) -> None:
    # What isn't UTF-8 has no characters to count.
    stored.validate(full=True)
    found = pc.max(pc.utf8_length(stored)).as_py() or 0
    if found > column.sizes[0]:
        raise MalformedError(f"column {name} is {column}, but a value has {found} characters")


def count_checked_rows(content: pa.Buffer, columns: Sequence[Column], longest: int | None = None) -> int:
    """Return how many rows a file has, having checked in every buffer whether these columns may hold what is there.

    Texts and binaries have at most `longest` bytes, when that is given.
    Raises MalformedError when it isn't a stream of sound record batches, or breaks NOT NULL or the length of a CHAR.
    """
    rows = 0
    source = pa.BufferReader(content)
    try:
        for batch in pa.ipc.open_stream(source):
            for stored, column in zip(batch.columns, columns, strict=True):
                _check_column(stored, column, longest)
            rows += batch.num_rows
    except (pa.ArrowException, OSError, ValueError, MemoryError) as reason:
        raise MalformedError(f"not a stream of record batches of this table: {reason}") from None
    if source.tell() != content.size:
        raise MalformedError(f"{content.size - source.tell()} bytes follow the end of the record batches")
    return rows
