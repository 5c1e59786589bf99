"""Columns of values as they stand in records of the tunnel, and what of them a record's checksum covers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.arrow import edges
from airflow_provider_kafka_odps.core.table.types import OdpsType

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_INTEGERS = frozenset({"tinyint", "smallint", "int", "bigint"})
_NANOS = 1_000_000_000
_MORE = 0x80


@dataclass(frozen=True, slots=True)
class Coded:
    """A column, encoded; null where the value is NULL."""

    wire: pa.BinaryArray
    """What stands in the record, behind the tag."""
    covered: pa.BinaryArray
    """What the checksum of the record covers, behind the number of the column."""


Coder: TypeAlias = Callable[[pa.Array], Coded]


def wire_type(kind: OdpsType) -> int:
    """Return what the tag says of how a value of this type is encoded."""
    if kind.name in _INTEGERS or kind.name in ("boolean", "date", "datetime"):
        return VARINT
    return {"float": FIXED32, "double": FIXED64}.get(kind.name, BYTES)


def coder(kind: OdpsType) -> Coder:
    """Return how a column of this type is encoded."""
    if kind.name in _INTEGERS or kind.name == "datetime":
        return _integers
    match kind.name:
        case "date":
            return lambda values: _integers(values.cast(pa.int32()))
        case "boolean":
            return _booleans
        case "float" | "double":
            return _reals
        case "decimal":
            return lambda values: _octets(_plain_decimals(values).cast(pa.binary()))
        case "timestamp" | "timestamp_ntz":
            return _moments
        case "array":
            return _lists(coder(kind.fields[0][1]))
        case "map":
            return _maps(*(coder(inner) for _, inner in kind.fields))
        case "struct":
            return _structs([coder(inner) for _, inner in kind.fields])
    return lambda values: _octets(values.cast(pa.binary()))


def joined(parts: Sequence[pa.Array | bytes], null: bytes | None = None) -> pa.BinaryArray:
    """Return, row by row, the parts one behind the other; a null part makes the row null, or counts as ``null``."""
    scalars = [pa.scalar(part, pa.binary()) if isinstance(part, bytes) else part for part in (*parts, b"")]
    if null is None:
        return pc.binary_join_element_wise(*scalars)
    return pc.binary_join_element_wise(*scalars, null_handling="replace", null_replacement=null)


def as_varints(numbers: Any) -> pa.BinaryArray:
    """Return unsigned numbers in groups of seven bits, the lowest first, the highest bit saying that more follow."""
    numbers = np.asarray(numbers, np.uint64)
    width = max(1, (int(numbers.max(initial=0)).bit_length() + 6) // 7)
    shifted = numbers[:, None] >> (np.arange(width, dtype=np.uint64) * np.uint64(7))
    sizes = np.maximum(1, np.count_nonzero(shifted, axis=1))
    places = np.arange(width)
    octets = (shifted & np.uint64(0x7F)).astype(np.uint8) | np.where(places < sizes[:, None] - 1, _MORE, 0).astype(
        np.uint8
    )
    starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    return _binary(starts, octets[places < sizes[:, None]])


def _binary(starts: Any, octets: Any) -> pa.BinaryArray:
    buffers = [None, pa.py_buffer(np.ascontiguousarray(starts)), pa.py_buffer(np.ascontiguousarray(octets))]
    return pa.Array.from_buffers(pa.binary(), len(starts) - 1, buffers)


def _fixed(numbers: Any) -> pa.BinaryArray:
    starts = np.arange(len(numbers) + 1, dtype=np.int32) * np.int32(numbers.dtype.itemsize)
    return _binary(starts, numbers.view(np.uint8))


def _where(values: pa.Array, octets: pa.BinaryArray) -> pa.BinaryArray:
    """Return the octets, null where the values are."""
    return octets if not values.null_count else pc.if_else(values.is_valid(), octets, pa.scalar(None, pa.binary()))


def _zigzag(numbers: Any) -> pa.BinaryArray:
    return as_varints(((numbers << 1) ^ (numbers >> 63)).view(np.uint64))


def _integers(values: pa.Array) -> Coded:
    numbers = pc.fill_null(values.cast(pa.int64()), 0).to_numpy()
    return Coded(_where(values, _zigzag(numbers)), _where(values, _fixed(numbers.astype("<i8"))))


def _booleans(values: pa.Array) -> Coded:
    octets = _where(values, _fixed(pc.fill_null(values, fill_value=False).cast(pa.uint8()).to_numpy()))
    return Coded(octets, octets)


def _reals(values: pa.Array) -> Coded:
    numbers = pc.fill_null(values, 0).to_numpy()
    octets = _where(values, _fixed(numbers.astype(numbers.dtype.newbyteorder("<"))))
    return Coded(octets, octets)


def _octets(values: pa.BinaryArray) -> Coded:
    sizes = as_varints(pc.fill_null(pc.binary_length(values), 0).to_numpy())
    return Coded(joined([sizes, values]), values)


def _plain_decimals(values: pa.Array) -> pa.StringArray:
    """Return decimals without exponents, which Arrow prints for small ones."""
    kind = values.type
    digits = pa.Array.from_buffers(_unscaled(kind), len(values), values.buffers(), offset=values.offset).cast(
        pa.string()
    )
    if not kind.scale:
        return digits
    padded = pc.utf8_lpad(pc.utf8_ltrim(digits, "-"), kind.scale + 1, "0")
    sign = pc.if_else(pc.starts_with(digits, "-"), "-", "")
    before = pc.utf8_slice_codeunits(padded, 0, -kind.scale)
    behind = pc.utf8_slice_codeunits(padded, -kind.scale)
    return pc.binary_join_element_wise(pc.binary_join_element_wise(sign, before, ""), behind, ".")


def _unscaled(kind: pa.DataType) -> pa.DataType:
    return pa.decimal256(kind.precision, 0) if kind.bit_width > 128 else pa.decimal128(kind.precision, 0)  # noqa: PLR2004


def _moments(values: pa.Array) -> Coded:
    seconds, nanos = np.divmod(pc.fill_null(values.cast(pa.int64()), 0).to_numpy(), _NANOS)
    wire = joined([_zigzag(seconds), _zigzag(nanos)])
    covered = joined([_fixed(seconds.astype("<i8")), _fixed(nanos.astype("<i4"))])
    return Coded(_where(values, wire), _where(values, covered))


def _flagged(coded: Coded) -> Coded:
    """Return values within a nested one: a byte says whether it is NULL, and a NULL has nothing behind it."""
    there = joined([b"\0", coded.wire])
    return Coded(pc.fill_null(there, b"\1"), pc.fill_null(coded.covered, b""))


def _lists(element: Coder) -> Coder:
    def code(values: pa.Array) -> Coded:
        sizes = pc.fill_null(pc.list_value_length(values), 0)
        inner = _flagged(element(values.flatten()))
        wire, covered = (
            pc.binary_join(pa.ListArray.from_arrays(edges(values), octets), b"")
            for octets in (inner.wire, inner.covered)
        )
        return Coded(_where(values, joined([as_varints(sizes.to_numpy()), wire])), _where(values, covered))

    return code


def _maps(key: Coder, item: Coder) -> Coder:
    def code(values: pa.Array) -> Coded:
        entries = pa.struct([pa.field("key", values.type.key_type, nullable=False), ("value", values.type.item_type)])
        pairs = values.cast(pa.list_(entries))
        keys, inner = (
            _lists(part)(pa.ListArray.from_arrays(edges(pairs), flat))
            for part, flat in zip((key, item), pairs.flatten().flatten(), strict=True)
        )
        wire, covered = joined([keys.wire, inner.wire]), joined([keys.covered, inner.covered])
        return Coded(_where(values, wire), _where(values, covered))

    return code


def _structs(parts: Sequence[Coder]) -> Coder:
    def code(values: pa.Array) -> Coded:
        fields = [_flagged(part(field)) for part, field in zip(parts, values.flatten(), strict=True)]
        wire, covered = joined([field.wire for field in fields]), joined([field.covered for field in fields])
        return Coded(_where(values, wire), _where(values, covered))

    return code
