"""Conversions between the types of columns and those of DuckDB, through Arrow."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.local.catalog.model import Column
from airflow_provider_kafka_odps.local.catalog.rows import check_times, padded
from airflow_provider_kafka_odps.local.errors import MalformedError, SqlError
from airflow_provider_kafka_odps.local.wire.timestamps import MICROS, WIDE, as_micros, from_micros, is_timestamp
from airflow_provider_kafka_odps.local.wire.types import MAX_PRECISION, ColumnType, Kind, arrow_type

QUOTE = '"'


_FROM_ARROW = {
    pa.int8(): Kind.TINYINT,
    pa.int16(): Kind.SMALLINT,
    pa.uint8(): Kind.SMALLINT,
    pa.int32(): Kind.INT,
    pa.uint16(): Kind.INT,
    pa.int64(): Kind.BIGINT,
    pa.uint32(): Kind.BIGINT,
    pa.uint64(): Kind.BIGINT,
    pa.float32(): Kind.FLOAT,
    pa.float64(): Kind.DOUBLE,
    pa.bool_(): Kind.BOOLEAN,
    pa.date32(): Kind.DATE,
    pa.timestamp("s"): Kind.DATETIME,
    pa.timestamp("ms"): Kind.DATETIME,
    pa.timestamp("us"): Kind.DATETIME,
    pa.timestamp("ns"): Kind.TIMESTAMP,
    MICROS: Kind.TIMESTAMP,
    pa.binary(): Kind.BINARY,
    pa.large_binary(): Kind.BINARY,
}


_IN_DUCKDB = {
    Kind.FLOAT: "FLOAT",
    Kind.STRING: "VARCHAR",
    Kind.CHAR: "VARCHAR",
    Kind.VARCHAR: "VARCHAR",
    Kind.JSON: "VARCHAR",
    Kind.BINARY: "BLOB",
    Kind.INT: "INTEGER",
    Kind.DATETIME: "TIMESTAMP_MS",
    Kind.TIMESTAMP: "TIMESTAMP_NS",
    Kind.TIMESTAMP_NTZ: "TIMESTAMP_NS",
    Kind.INTERVAL_YEAR_MONTH: "BIGINT",
    Kind.INTERVAL_DAY_TIME: "STRUCT(sec BIGINT, nano INTEGER)",
}


def is_wide(table: pa.Table, columns: Sequence[Column]) -> bool:
    """Return whether a TIMESTAMP of the table is beyond nanoseconds."""
    return any(is_timestamp(column.type) and table.schema.field(at).type == WIDE for at, column in enumerate(columns))


def in_micros(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Return the table with its TIMESTAMPs in microseconds, which hold every year."""
    for at, column in enumerate(columns):
        if is_timestamp(column.type):
            table = table.set_column(at, column.name, as_micros(table.column(at)))
    return table


def without_padding(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Return the table with its CHARs as they compare: blanks at the end don't count."""
    for at, column in enumerate(columns):
        if column.type.kind is Kind.CHAR:
            table = table.set_column(at, column.name, pc.utf8_rtrim(table.column(at), " "))
    return table


def cast_text(expression: str, column: ColumnType, *, wide: bool) -> str:
    """Return DuckDB's cast of an expression to a column's type; a text is cut to the length of its column."""
    cast = f"CAST({expression} AS {duckdb_type(column, wide=wide)})"
    return f"left({cast}, {column.sizes[0]})" if column.kind in (Kind.CHAR, Kind.VARCHAR) else cast


def for_duckdb(table: pa.Table) -> pa.Table:
    """Return the table in types that DuckDB reads: 256-bit decimals become DECIMAL(38, 18)."""
    schema = pa.schema([pa.field(field.name, _readable(field.type)) for field in table.schema])
    return table if schema == table.schema else table.cast(schema)


def _readable(found: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal256(found):
        return pa.decimal128(38, found.scale)
    if pa.types.is_list(found):
        return pa.list_(_readable(found.value_type))
    if pa.types.is_map(found):
        return pa.map_(_readable(found.key_type), _readable(found.item_type))
    if pa.types.is_struct(found):
        return pa.struct([pa.field(field.name, _readable(field.type)) for field in found])
    return found


def duckdb_type(column: ColumnType, *, wide: bool = False) -> str:
    """Return the type that DuckDB casts to for a column; `wide` when TIMESTAMPs are in microseconds."""
    match column.kind:
        case Kind.TIMESTAMP | Kind.TIMESTAMP_NTZ if wide:
            return "TIMESTAMPTZ"
        case Kind.DECIMAL:
            precision, scale = column.sizes or (38, 18)
            return f"DECIMAL({precision},{scale})"
        case Kind.ARRAY | Kind.VECTOR:
            return f"{duckdb_type(column.parts[0][1])}[]"
        case Kind.MAP:
            return f"MAP({', '.join(duckdb_type(part) for _, part in column.parts)})"
        case Kind.STRUCT:
            fields = (f'"{name.replace(QUOTE, QUOTE * 2)}" {duckdb_type(part)}' for name, part in column.parts)
            return f"STRUCT({', '.join(fields)})"
        case kind:
            return _IN_DUCKDB.get(kind, kind.name)


def column_type(found: pa.DataType) -> ColumnType:
    """Return the column type of a query's Arrow column.

    Raises SqlError for an interval of DuckDB's, which is none of the service's.
    """
    if pa.types.is_interval(found):
        raise SqlError.unsupported("a result that is computed from intervals; add it to a time, or compare it")
    if found in _FROM_ARROW:
        return ColumnType(_FROM_ARROW[found])
    if pa.types.is_decimal(found):
        # Sums of BIGINT arrive as 38 digits without a scale.
        if (found.precision, found.scale) == (MAX_PRECISION, 0):
            return ColumnType(Kind.BIGINT)
        return ColumnType(Kind.DECIMAL, (found.precision, found.scale))
    if pa.types.is_list(found):
        return ColumnType(Kind.ARRAY, (), (("element", column_type(found.value_type)),))
    if pa.types.is_map(found):
        return ColumnType(Kind.MAP, (), (("key", column_type(found.key_type)), ("value", column_type(found.item_type))))
    if pa.types.is_struct(found):
        return ColumnType(Kind.STRUCT, (), tuple((field.name, column_type(field.type)) for field in found))
    return ColumnType(Kind.STRING)


def in_columns(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Return the rows in exactly the types of these columns, by position.

    Raises SqlError for a time outside of the years 1 to 9999.
    """
    arrays = [_cast(array, column.type) for array, column in zip(table.columns, columns, strict=True)]
    for array, column in zip(arrays, columns, strict=True):
        try:
            check_times(array, column)
        except MalformedError as reason:
            raise SqlError("ODPS-0121095", f"[0,0] {reason.message}") from None
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def _cast(array: pa.ChunkedArray, column: ColumnType) -> pa.Array | pa.ChunkedArray:
    if is_timestamp(column) and array.type == MICROS:
        return from_micros(array)
    wanted = arrow_type(column)
    return padded(array if array.type == wanted else array.cast(wanted, safe=False), column)
