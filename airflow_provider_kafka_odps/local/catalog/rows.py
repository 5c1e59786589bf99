"""Rows of a partition: files read in the table's present columns, and new files written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.local.errors import MalformedError
from airflow_provider_kafka_odps.local.wire.types import Kind, arrow_type

from .blobs import BlobStore, open_batches, stream_end
from .model import Blob, Column, Spec, Table

_ROWS_PER_BATCH = 65536
_COUNTED = frozenset({Kind.CHAR, Kind.VARCHAR})


def stored_schema(columns: Sequence[Column]) -> pa.Schema:
    """Give the schema inside files: columns are named by their field id, so that renaming one changes no file."""
    return pa.schema([pa.field(column.stored_name, arrow_type(column.type)) for column in columns])


def shown_schema(columns: Sequence[Column]) -> pa.Schema:
    """Give the schema that readers see."""
    return pa.schema([pa.field(column.name, arrow_type(column.type)) for column in columns])


def read_rows(store: BlobStore, blobs: Sequence[Blob], columns: Sequence[Column]) -> pa.Table:
    """Map all rows of these files in these columns; a column that a file lacks is NULL."""
    schema = shown_schema(columns)
    tables = [_adapted(open_batches(store.read(blob.name)).read_all(), columns, schema) for blob in blobs]
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _adapted(found: pa.Table, columns: Sequence[Column], schema: pa.Schema) -> pa.Table:
    arrays = []
    for column, field in zip(columns, schema, strict=True):
        at = found.schema.get_field_index(column.stored_name)
        if at < 0:
            arrays.append(pa.chunked_array([pa.nulls(found.num_rows, field.type)]))
            continue
        stored = found.column(at)
        arrays.append(stored if stored.type == field.type else stored.cast(field.type, safe=False))
    return pa.Table.from_arrays(arrays, schema=schema)


def with_partition_columns(rows: pa.Table, table: Table, spec: Spec) -> pa.Table:
    """Give the rows with the partition's values as further columns."""
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
        """Give the rows, in pieces."""
        begin = 0
        for blob in self.blobs:
            first, last = max(self.start - begin, 0), min(self.end - begin, blob.rows)
            begin += blob.rows
            if first < last:
                rows = read_rows(self.store, [blob], self.columns).slice(first, last - first)
                yield from rows.to_batches(max_chunksize=_ROWS_PER_BATCH)


def write_rows(store: BlobStore, name: str, columns: Sequence[Column], rows: pa.Table) -> Blob:
    """Write rows, whose columns are in this order and of these types, as a file."""
    schema = stored_schema(columns)
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
    # Texts are checked as bytes: the tunnel carries them whatever their encoding.
    plain = stored.cast(pa.binary()) if pa.types.is_string(stored.type) else stored
    plain.validate(full=True)
    if longest is not None and pa.types.is_binary(plain.type):
        _check_lengths(plain, longest)
    if column.type.kind in _COUNTED:
        _check_characters(stored, column)


def _check_characters(stored: pa.Array, column: Column) -> None:
    found = pc.max(pc.utf8_length(stored)).as_py() or 0
    if found > column.type.sizes[0]:
        raise MalformedError(f"column {column.name} is {column.type}, but a value has {found} characters")


def count_checked(content: pa.Buffer, columns: Sequence[Column], longest: int | None = None) -> int:
    """How many rows a file has, after looking at every buffer of it: whether these columns may hold what is there.

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
