"""Reads one value of a record body, and the bytes of it that the checksum covers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any, TypeAlias

from airflow_provider_kafka_odps.local.errors import MalformedError
from airflow_provider_kafka_odps.local.wire import varint
from airflow_provider_kafka_odps.local.wire.timestamps import NANOS
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind
from airflow_provider_kafka_odps.local.wire.varint import read_varint, unzigzag

LONGEST_VALUE = 200 << 20
"""Bytes of one record at most, as the service documents."""


_LEGACY_SCALE = 18


_EXACT = Context(prec=100)


_INT64 = struct.Struct("<q")


_INT32 = struct.Struct("<i")


_FLOAT = struct.Struct("<f")


_DOUBLE = struct.Struct("<d")


ReadValue: TypeAlias = Callable[[bytes, int], tuple[Any, int, bytes]]
"""(body, at) → (value for Arrow, where the next byte is, bytes under the checksum); IndexError: more is needed."""


def wire_type(column: ColumnType) -> int:
    """Return the wire type in the tag of a column."""
    match column.kind:
        case Kind.FLOAT:
            return varint.FIXED32
        case Kind.DOUBLE:
            return varint.FIXED64
        case kind if kind in INTEGERS or kind is Kind.BOOLEAN:
            return varint.VARINT
        case _:
            return varint.BYTES


INTEGERS = frozenset(
    {
        Kind.TINYINT,
        Kind.SMALLINT,
        Kind.INT,
        Kind.BIGINT,
        Kind.DATE,
        Kind.DATETIME,
        Kind.INTERVAL_YEAR_MONTH,
    }
)


def reader(column: ColumnType, longest: int = LONGEST_VALUE) -> ReadValue:  # noqa: C901 - one flat table of types
    """Return what reads a value of this type; a string of more than `longest` bytes is refused."""
    match column.kind:
        case kind if kind in INTEGERS:
            return _read_integer
        case Kind.BOOLEAN:
            return _read_boolean
        case Kind.FLOAT:
            return _fixed_reader(_FLOAT)
        case Kind.DOUBLE:
            return _fixed_reader(_DOUBLE)
        case Kind.DECIMAL:
            return _decimal_reader(column, longest)
        case Kind.TIMESTAMP | Kind.TIMESTAMP_NTZ:
            return _read_timestamp
        case Kind.INTERVAL_DAY_TIME:
            return _read_interval
        case Kind.ARRAY:
            return _list_reader(reader(column.parts[0][1], longest))
        case Kind.VECTOR:
            return _vector_reader(reader(column.parts[0][1]), column)
        case Kind.MAP:
            return _map_reader(*(_list_reader(reader(part, longest)) for _, part in column.parts))
        case Kind.STRUCT:
            return _struct_reader([(name, reader(part, longest)) for name, part in column.parts])
        case _:
            return _bytes_reader(longest)


def _read_integer(body: bytes, at: int) -> tuple[int, int, bytes]:
    raw, at = read_varint(body, at)
    value = (raw >> 1) ^ -(raw & 1)
    return value, at, _INT64.pack(value)


def _read_boolean(body: bytes, at: int) -> tuple[bool, int, bytes]:
    raw, at = read_varint(body, at)
    if raw > 1:
        raise MalformedError(f"a boolean is {raw}; it must be 0 or 1")
    return raw == 1, at, b"\1" if raw else b"\0"


def _fixed_reader(shape: struct.Struct) -> ReadValue:
    def read(body: bytes, at: int) -> tuple[float, int, bytes]:
        end = at + shape.size
        if end > len(body):
            raise IndexError
        piece = body[at:end]
        return shape.unpack(piece)[0], end, piece

    return read


def _bytes_reader(longest: int) -> ReadValue:
    def read(body: bytes, at: int) -> tuple[bytes, int, bytes]:
        size, at = read_varint(body, at)
        if size > longest:
            raise MalformedError(f"a value has {size} bytes; at most {longest} are allowed", "MaxMessageLengthExceeded")
        end = at + size
        if end > len(body):
            raise IndexError
        piece = body[at:end]
        return piece, end, piece

    return read


def _decimal_reader(column: ColumnType, longest: int) -> ReadValue:
    read_bytes = _bytes_reader(longest)
    scale = column.sizes[1] if column.sizes else _LEGACY_SCALE
    unit = Decimal(1).scaleb(-scale)

    def read(body: bytes, at: int) -> tuple[Decimal, int, bytes]:
        text, at, covered = read_bytes(body, at)
        try:
            value = Decimal(text.decode("ascii").strip())
            return value.quantize(unit, ROUND_HALF_UP, _EXACT), at, covered
        except (InvalidOperation, UnicodeDecodeError):
            raise MalformedError(f"{text[:40]!r} is not a value of {column}") from None

    return read


def _read_seconds(body: bytes, at: int) -> tuple[int, int, int, bytes]:
    seconds, at = read_varint(body, at)
    nanos, at = read_varint(body, at)
    seconds, nanos = unzigzag(seconds), unzigzag(nanos)
    if not -NANOS < nanos < NANOS:
        raise MalformedError(f"the nanoseconds of a timestamp are {nanos}")
    return seconds, nanos, at, _INT64.pack(seconds) + _INT32.pack(nanos)


def _read_timestamp(body: bytes, at: int) -> tuple[int, int, bytes]:
    seconds, nanos, at, covered = _read_seconds(body, at)
    return seconds * NANOS + nanos, at, covered


def _read_interval(body: bytes, at: int) -> tuple[dict[str, int], int, bytes]:
    seconds, nanos, at, covered = _read_seconds(body, at)
    return {"sec": seconds, "nano": nanos}, at, covered


def _list_reader(read_element: ReadValue) -> ReadValue:
    def read(body: bytes, at: int) -> tuple[list[Any], int, bytes]:
        count, at = read_varint(body, at)
        if count > LONGEST_VALUE:
            raise MalformedError(f"an array claims {count} elements")
        values: list[Any] = []
        covered: list[bytes] = []
        for _ in range(count):
            missing = body[at]
            at += 1
            if missing > 1:
                raise MalformedError(f"the null flag of an element is {missing}")
            if missing:
                values.append(None)
                continue
            value, at, piece = read_element(body, at)
            values.append(value)
            covered.append(piece)
        return values, at, b"".join(covered)

    return read


def _vector_reader(read_element: ReadValue, column: ColumnType) -> ReadValue:
    def read(body: bytes, at: int) -> tuple[list[Any], int, bytes]:
        count, at = read_varint(body, at)
        if count != column.sizes[0]:
            raise MalformedError(f"a {column} has {count} elements")
        values: list[Any] = []
        start = at
        for _ in range(count):
            value, at, _ = read_element(body, at)
            values.append(value)
        return values, at, body[start:at]

    return read


def _map_reader(read_keys: ReadValue, read_values: ReadValue) -> ReadValue:
    def read(body: bytes, at: int) -> tuple[list[tuple[Any, Any]], int, bytes]:
        keys, at, covered_keys = read_keys(body, at)
        values, at, covered_values = read_values(body, at)
        if len(keys) != len(values):
            raise MalformedError(f"a map has {len(keys)} keys and {len(values)} values")
        return list(zip(keys, values, strict=True)), at, covered_keys + covered_values

    return read


def _struct_reader(fields: list[tuple[str, ReadValue]]) -> ReadValue:
    def read(body: bytes, at: int) -> tuple[dict[str, Any], int, bytes]:
        values: dict[str, Any] = {}
        covered = b""
        for name, read_field in fields:
            missing = body[at]
            at += 1
            if missing:
                values[name] = None
                continue
            values[name], at, piece = read_field(body, at)
            covered += piece
        return values, at, covered

    return read
