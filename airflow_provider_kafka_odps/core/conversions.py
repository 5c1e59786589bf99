"""Strict conversions: a source column becomes a column of the table's type, or says which rows do not fit.

| source | becomes |
|---|---|
| key, value (bytes) | STRING, VARCHAR, CHAR as UTF-8; BINARY as they are |
| partition, offset | STRING, VARCHAR, CHAR; integers that hold every such number; DECIMAL wide enough |
| timestamp | STRING and BIGINT as milliseconds; DATETIME, TIMESTAMP as the instant |
| headers | STRING as JSON: a list of ``{"key", "value"}`` in their order |
| constant | what a JSON path becomes, of the constant's text |
| JSON path | STRING, VARCHAR, CHAR; integers, FLOAT, DOUBLE, DECIMAL, BOOLEAN from their text |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.expressions import Constant, Expression, JsonPath, Part
from airflow_provider_kafka_odps.core.json_paths import to_json
from airflow_provider_kafka_odps.core.schema import Column
from airflow_provider_kafka_odps.core.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidMapping

Convert: TypeAlias = Callable[[pa.Array], pa.Array]
"""Source column → column of the target type; raises ArrowInvalid if any value does not fit."""

_TEXTS = frozenset({"string", "varchar", "char"})
_INTEGERS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
_PARTITION_BITS, _OFFSET_BITS = 32, 64
_DIGITS = {_PARTITION_BITS: 10, _OFFSET_BITS: 19}
# Arrow takes hexadecimal digits for the bits of a number: 0xFF would become -1 in a TINYINT.
_HEXADECIMAL = r"^-?0[xX]"
_NEARLY = 1e-6


def conversion(source: Expression, column: Column) -> Convert | None:
    """Return how ``source`` becomes ``column``, or None where no value of it could without being altered."""
    target = column.type
    match source:
        case Part.KEY | Part.VALUE:
            return _from_bytes(target)
        case Part.PARTITION:
            return _from_integer(target, _PARTITION_BITS)
        case Part.OFFSET:
            return _from_integer(target, _OFFSET_BITS)
        case Part.TIMESTAMP:
            return _from_instant(target)
        case Part.HEADERS:
            return headers_to_json if target.name == "string" else None
        case JsonPath():
            return _from_text(target)
        case Constant():
            return None
        case _:
            assert_never(source)


def constant(source: Constant, column: Column) -> pa.Scalar:
    """Return the constant as a value of the column's type; raise InvalidMapping if its text is none."""
    convert = _from_text(column.type)
    problem: Exception | None = None
    if convert:
        try:
            return convert(pa.array([source.text]))[0]
        except pa.ArrowInvalid as error:
            problem = error
    raise InvalidMapping(
        f"column {column.name}: the constant {source.text!r} is no value of {column.type}"
    ) from problem


def _from_bytes(target: OdpsType) -> Convert | None:
    if target.name == "binary":
        return _as_is
    return _utf8(target) if target.name in _TEXTS else None


def _utf8(target: OdpsType) -> Convert:
    fits = _fitting(target)
    return lambda values: fits(values.cast(pa.string()))


def _from_integer(target: OdpsType, bits: int) -> Convert | None:
    if target.name in _TEXTS:
        fits = _fitting(target)
        return lambda values: fits(values.cast(pa.string()))
    wide = target.name == "decimal" and target.arrow.precision - target.arrow.scale >= _DIGITS[bits]
    if wide or _INTEGERS.get(target.name, 0) >= bits:
        return _cast(target)
    return None


def _from_instant(target: OdpsType) -> Convert | None:
    if target.name in ("datetime", "timestamp"):
        naive = pa.timestamp("ms")
        arrow = target.arrow
        return lambda values: values.cast(naive).cast(arrow)
    if target.name == "bigint":
        return lambda values: values.cast(pa.int64())
    if target.name == "string":
        return lambda values: values.cast(pa.int64()).cast(pa.string())
    return None


def _from_text(target: OdpsType) -> Convert | None:
    if target.name in _TEXTS:
        return _fitting(target)
    if target.name in ("float", "double"):
        return _finite(target)
    if target.name == "boolean":
        return _boolean
    if target.name == "decimal":
        return _decimal(target)
    return _integer(target) if target.name in _INTEGERS else None


def _fitting(target: OdpsType) -> Convert:
    if target.name == "string":
        return _as_is
    (limit,) = target.numbers

    def check(values: pa.Array) -> pa.Array:
        if (pc.max(pc.utf8_length(values)).as_py() or 0) > limit:
            raise pa.ArrowInvalid(f"longer than {limit} characters")
        return values

    return check


def _finite(target: OdpsType) -> Convert:
    arrow = target.arrow

    def check(values: pa.Array) -> pa.Array:
        numbers = values.cast(arrow)
        if not pc.all(pc.is_finite(numbers)).as_py() and pc.count(numbers).as_py():
            raise pa.ArrowInvalid(f"no finite number that {target} holds")
        return numbers

    return check


def _integer(target: OdpsType) -> Convert:
    arrow = target.arrow

    def check(values: pa.Array) -> pa.Array:
        if pc.any(pc.match_substring_regex(values, _HEXADECIMAL)).as_py():
            raise pa.ArrowInvalid("hexadecimal digits are no number")
        return values.cast(arrow)

    return check


def _decimal(target: OdpsType) -> Convert:
    arrow = target.arrow
    limit = 10.0 ** (arrow.precision - arrow.scale)

    def check(values: pa.Array) -> pa.Array:
        numbers = values.cast(arrow)
        # Arrow wraps around beyond 38 digits (2**128 + 1 becomes 1); a wrapped number is nowhere near the one written.
        # The limit is for the one number, -2**127, that comes out near what was written but for its sign.
        written = values.cast(pa.float64())
        size = pc.abs(written)
        off = pc.abs(pc.subtract(numbers.cast(pa.float64()), written))
        wrong = pc.or_(pc.greater(off, pc.multiply(size, _NEARLY)), pc.greater(size, limit * (1 + _NEARLY)))
        if pc.any(wrong).as_py():
            raise pa.ArrowInvalid(f"more digits than {target} holds")
        return numbers

    return check


def _boolean(values: pa.Array) -> pa.Array:
    if not pc.all(pc.is_in(values.drop_null(), pa.array(["true", "false"]))).as_py() and pc.count(values).as_py():
        raise pa.ArrowInvalid("neither true nor false")
    return values.cast(pa.bool_())


def _cast(target: OdpsType) -> Convert:
    arrow = target.arrow
    return lambda values: values.cast(arrow)


def _as_is(values: pa.Array) -> pa.Array:
    return values


def headers_to_json(headers: pa.Array) -> pa.Array:
    """Return each record's headers as JSON text; a header value that is not UTF-8 raises ArrowInvalid."""
    if not len(headers.flatten()):
        return pc.if_else(pc.is_valid(headers), "[]", pa.scalar(None, pa.string()))
    return to_json(_as_text(headers))


def _as_text(headers: pa.Array) -> pa.Array:
    # Not by casting the lists: that casts the values behind a slice's end too, so one bad value fails good rows.
    names, values = headers.flatten().flatten()
    pairs = pa.StructArray.from_arrays([names, values.cast(pa.string())], names=["key", "value"])
    sizes = pc.fill_null(pc.list_value_length(headers), 0)
    edges = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(sizes)])
    return pa.ListArray.from_arrays(edges, pairs, mask=pc.is_null(headers))


@dataclass(frozen=True, slots=True)
class Misfit:
    """One row whose value does not fit."""

    row: int
    reason: str


def convert_strictly(values: pa.Array, convert: Convert) -> tuple[pa.Array, list[Misfit]]:
    """Convert a column; rows that do not fit become NULL and are listed.

    A column that fits costs one conversion; k rows that do not cost about ``2 k log2(n / k)`` smaller ones.
    """
    try:
        return convert(values), []
    except pa.ArrowInvalid as error:
        if len(values) == 1:
            return convert(pa.nulls(1, values.type)), [Misfit(0, str(error))]
    middle = len(values) // 2
    left, left_misfits = convert_strictly(values.slice(0, middle), convert)
    right, right_misfits = convert_strictly(values.slice(middle), convert)
    moved = [Misfit(misfit.row + middle, misfit.reason) for misfit in right_misfits]
    return pa.concat_arrays([left, right]), left_misfits + moved
