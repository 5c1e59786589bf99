"""Writes one value of a record body, and the bytes of it that the checksum covers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from airflow_provider_kafka_odps.local.wire.timestamps import NANOS
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind
from airflow_provider_kafka_odps.local.wire.value_reader import INTEGERS
from airflow_provider_kafka_odps.local.wire.varint import write_varint, zigzag

_INT64 = struct.Struct("<q")


_INT32 = struct.Struct("<i")


_FLOAT = struct.Struct("<f")


_DOUBLE = struct.Struct("<d")


WriteValue: TypeAlias = Callable[[Any], tuple[bytes, bytes]]
"""Raw value → (bytes on the wire, bytes under the checksum)."""


def writer(column: ColumnType) -> WriteValue:  # noqa: C901 - one flat table of types
    """Return what writes a raw value of this type; raw values are those of `raw_values`."""
    match column.kind:
        case kind if kind in INTEGERS:
            return _write_integer
        case Kind.BOOLEAN:
            return lambda value: (b"\1", b"\1") if value else (b"\0", b"\0")
        case Kind.FLOAT:
            return lambda value: (_FLOAT.pack(value),) * 2
        case Kind.DOUBLE:
            return lambda value: (_DOUBLE.pack(value),) * 2
        case Kind.DECIMAL:
            return lambda value: _write_bytes(_decimal_text(value))
        case Kind.TIMESTAMP | Kind.TIMESTAMP_NTZ:
            return lambda value: _write_seconds(*divmod(value, NANOS))
        case Kind.INTERVAL_DAY_TIME:
            return lambda value: _write_seconds(value["sec"], value["nano"])
        case Kind.ARRAY:
            return _list_writer(writer(column.parts[0][1]))
        case Kind.VECTOR:
            return _vector_writer(writer(column.parts[0][1]))
        case Kind.MAP:
            return _map_writer(*(_list_writer(writer(part)) for _, part in column.parts))
        case Kind.STRUCT:
            return _struct_writer([(name, writer(part)) for name, part in column.parts])
        case _:
            return _write_bytes


def _decimal_text(value: Decimal) -> bytes:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text).encode()


def _write_integer(value: int) -> tuple[bytes, bytes]:
    return write_varint(zigzag(value)), _INT64.pack(value)


def _write_bytes(value: bytes) -> tuple[bytes, bytes]:
    return write_varint(len(value)) + value, value


def _write_seconds(seconds: int, nanos: int) -> tuple[bytes, bytes]:
    wire = write_varint(zigzag(seconds)) + write_varint(zigzag(nanos))
    return wire, _INT64.pack(seconds) + _INT32.pack(nanos)


def _list_writer(write_element: WriteValue) -> WriteValue:
    def write(values: list[Any]) -> tuple[bytes, bytes]:
        wire, covered = [write_varint(len(values))], []
        for value in values:
            if value is None:
                wire.append(b"\1")
                continue
            piece, checked = write_element(value)
            wire += (b"\0", piece)
            covered.append(checked)
        return b"".join(wire), b"".join(covered)

    return write


def _vector_writer(write_element: WriteValue) -> WriteValue:
    def write(values: list[Any]) -> tuple[bytes, bytes]:
        covered = b"".join(write_element(value)[1] for value in values)
        return write_varint(len(values)) + covered, covered

    return write


def _map_writer(write_keys: WriteValue, write_values: WriteValue) -> WriteValue:
    def write(pairs: list[tuple[Any, Any]]) -> tuple[bytes, bytes]:
        keys, covered_keys = write_keys([key for key, _ in pairs])
        values, covered_values = write_values([value for _, value in pairs])
        return keys + values, covered_keys + covered_values

    return write


def _struct_writer(fields: list[tuple[str, WriteValue]]) -> WriteValue:
    def write(values: dict[str, Any]) -> tuple[bytes, bytes]:
        wire, covered = [], []
        for name, write_field in fields:
            if values[name] is None:
                wire.append(b"\1")
                continue
            piece, checked = write_field(values[name])
            wire += (b"\0", piece)
            covered.append(checked)
        return b"".join(wire), b"".join(covered)

    return write
