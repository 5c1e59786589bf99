"""Conversions between Arrow arrays and the Python values of record bodies: integers for times, bytes for texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.local.errors import MalformedError
from airflow_provider_kafka_odps.local.wire.timestamps import NANOS, NARROW, WIDE, from_pairs, is_timestamp, widened
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind, arrow_type

_AS_INTEGERS = {
    Kind.DATE: pa.int32(),
    Kind.DATETIME: pa.int64(),
    Kind.TIMESTAMP: pa.int64(),
    Kind.TIMESTAMP_NTZ: pa.int64(),
}


_TEXTS = frozenset({Kind.STRING, Kind.CHAR, Kind.VARCHAR, Kind.JSON})


def build_array(values: list[Any], column: ColumnType) -> pa.Array:
    """Convert values as `value_reader.reader` reads them to an Arrow array of the column's type, or of `WIDE`.

    Raises MalformedError when one is outside its type. Texts that aren't UTF-8 are kept as they came.
    """
    wanted = arrow_type(column)
    try:
        if column.kind in _TEXTS:
            return pa.array(values, pa.binary()).cast(pa.string(), safe=False)
        if is_timestamp(column):
            return from_pairs([None if value is None else divmod(value, NANOS) for value in values])
        return pa.array(values, wanted)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, ValueError) as reason:
        raise MalformedError(f"a value is outside {column}: {reason}") from None


def raw_values(array: pa.Array, column: ColumnType) -> list[Any]:
    """Convert an Arrow array of the column's type to the values that `value_writer.writer` takes."""
    match column.kind:
        case kind if is_timestamp(column) and array.type == WIDE:
            return [None if pair is None else pair["sec"] * NANOS + pair["nano"] for pair in array.to_pylist()]
        case kind if kind in _AS_INTEGERS:
            return list(array.cast(_AS_INTEGERS[kind], safe=False).to_pylist())
        case kind if kind in _TEXTS:
            return list(array.cast(pa.binary()).to_pylist())
        case Kind.ARRAY | Kind.VECTOR:
            return _cut(array, raw_values(_reached(array, array.values), column.parts[0][1]))
        case Kind.MAP:
            keys = raw_values(_reached(array, array.keys), column.parts[0][1])
            items = raw_values(_reached(array, array.items), column.parts[1][1])
            return _cut(array, list(zip(keys, items, strict=True)))
        case Kind.STRUCT:
            fields = [
                (name, raw_values(pc.struct_field(array, [at]), part)) for at, (name, part) in enumerate(column.parts)
            ]
            present = array.is_valid().to_pylist()
            return [
                {name: values[row] for name, values in fields} if there else None for row, there in enumerate(present)
            ]
        case _:
            return list(array.to_pylist())


def _reached(array: pa.Array, children: pa.Array) -> pa.Array:
    # A slice of a list array still has all children: convert only those that its rows reach.
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    return children.slice(first, last - first)


def _cut(array: pa.Array, elements: list[Any]) -> list[list[Any] | None]:
    offsets = array.offsets.to_pylist()
    starts = [at - offsets[0] for at in offsets]
    present = array.is_valid().to_pylist()
    return [elements[starts[row] : starts[row + 1]] if there else None for row, there in enumerate(present)]


def seconds_and_nanos(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch with each TIMESTAMP column as struct{sec, nano}: query results and previews carry them so."""
    arrays = [widened(array) if array.type == NARROW else array for array in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def wide_timestamps(batch: pa.RecordBatch, columns: Sequence[ColumnType]) -> pa.RecordBatch:
    """Return the batch with each column of type TIMESTAMP, but none inside a nested one, as `WIDE`."""
    arrays = [
        widened(array) if is_timestamp(column) and array.type == NARROW else array
        for array, column in zip(batch.columns, columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
