"""Which kind of source becomes which type, and how; docs/mapping.md has the whole table.

A pair that is missing here would alter values, or could not say which ones: it is refused when the table is described.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, assert_never

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.arrow import edges
from airflow_provider_kafka_odps.core.mapping.arrow_sql import to_json
from airflow_provider_kafka_odps.core.mapping.conversions.json_leaves import leaf_conversion
from airflow_provider_kafka_odps.core.mapping.conversions.leniency import STRICT, Leniency
from airflow_provider_kafka_odps.core.mapping.conversions.text import INTEGERS, TEXTS, fitting, text_conversion
from airflow_provider_kafka_odps.core.mapping.conversions.times import instant_conversion, nanos_conversion
from airflow_provider_kafka_odps.core.mapping.expressions import Header
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.strict import (
    Chained,
    Checked,
    Conversion,
    Converted,
    Prepared,
    Unconvertible,
    merged,
    shown,
    utf8,
)
from airflow_provider_kafka_odps.core.table.types import NUMBERS, OdpsType

_BITS = {SourceKind.INT8: 8, SourceKind.INT16: 16, SourceKind.INT32: 32, SourceKind.INT64: 64}


_OF_NUMBERS = TEXTS | NUMBERS | {"json"}


_DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}


# How many bits of a whole number fit without rounding.
_EXACT_BITS = {"float": 24, "double": 53}


def conversion(kind: SourceKind, target: OdpsType, leniency: Leniency = STRICT) -> Conversion | None:
    """Return how a source of this kind becomes a column of this type, or None where values would be altered."""
    if not target.writable:
        return None
    match kind:
        case SourceKind.BYTES:
            return _from_bytes(target)
        case SourceKind.TEXT:
            return from_text(target, leniency)
        case SourceKind.JSON:
            return leaf_conversion(target, leniency)
        case SourceKind.INT8 | SourceKind.INT16 | SourceKind.INT32 | SourceKind.INT64:
            return _from_integer(target, _BITS[kind])
        case SourceKind.FLOAT | SourceKind.DOUBLE:
            return _from_real(target, kind)
        case SourceKind.INSTANT:
            return instant_conversion(target)
        case SourceKind.HEADERS:
            return Headers(from_text(target)) if target.name in ("string", "json") else None
        case SourceKind.NUMBER | SourceKind.BOOLEAN | SourceKind.NANOS | SourceKind.LOCAL | SourceKind.DATE:
            return _from_function(kind, target)
        case _:
            assert_never(kind)


FunctionKind: TypeAlias = Literal[
    SourceKind.NUMBER, SourceKind.BOOLEAN, SourceKind.NANOS, SourceKind.LOCAL, SourceKind.DATE
]
"""Kinds that no source has: only functions give them."""


def _from_function(kind: FunctionKind, target: OdpsType) -> Conversion | None:
    match kind:
        case SourceKind.NUMBER:
            return text_conversion(target) if target.name in _OF_NUMBERS else None
        case SourceKind.BOOLEAN:
            return _as_it_is(target, "boolean")
        case SourceKind.NANOS:
            return nanos_conversion(target)
        case SourceKind.LOCAL:
            return _cast(target) if target.name == "timestamp_ntz" else None
        case SourceKind.DATE:
            return _as_it_is(target, "date")
        case _:
            assert_never(kind)


def from_text(target: OdpsType, leniency: Leniency = STRICT) -> Conversion | None:
    """Return how texts become a column of this type: for nested types they are read as JSON."""
    if not target.fields:
        return text_conversion(target, leniency)
    json = text_conversion(OdpsType("json"))
    nested = leaf_conversion(target, leniency)
    return json and nested and Chained(json, nested)


def _from_bytes(target: OdpsType) -> Conversion | None:
    if target.name == "binary":
        return Checked(lambda values: values, pc.is_null, shown)
    if target.name not in TEXTS and target.name != "json":
        return None
    then = from_text(target)
    return then and Chained(utf8(), then)


def _from_integer(target: OdpsType, bits: int) -> Conversion | None:
    arrow = target.arrow
    if target.name in TEXTS:
        return Prepared(lambda values: values.cast(pa.string()), fitting(target))
    wide = target.name == "decimal" and arrow.precision - arrow.scale >= _DIGITS[bits]
    real = _EXACT_BITS.get(target.name, 0) >= bits
    return _cast(target) if wide or real or INTEGERS.get(target.name, 0) >= bits else None


def _from_real(target: OdpsType, kind: SourceKind) -> Conversion | None:
    if target.name in TEXTS:
        # Python's and Arrow's shortest text that gives the same number again.
        return Prepared(lambda values: values.cast(pa.string()), fitting(target))
    if target.name == "double" or (target.name == "float" and kind is SourceKind.FLOAT):
        return _cast(target)
    return None


def _as_it_is(target: OdpsType, name: str) -> Conversion | None:
    """Return the conversion to the one type that has these values, and to texts as Arrow writes them."""
    if target.name == "string" or (name == "boolean" and target.name in TEXTS):
        return Prepared(lambda values: values.cast(pa.string()), fitting(target))
    return _cast(target) if target.name == name else None


def _cast(target: OdpsType) -> Conversion:
    arrow = target.arrow
    return Checked(lambda values: values.cast(arrow), pc.is_null, shown)


class Headers:
    """Headers become a JSON list of ``{"key", "value"}``, in their order."""

    def __init__(self, then: Conversion | None) -> None:
        self._then = then

    def apply(self, values: pa.Array) -> Converted:
        """Convert headers whose names and values are UTF-8."""
        names, octets = values.flatten().flatten()
        texts, problems = utf8().apply(octets)
        found = _problems(values, names, problems) if problems or names.null_count else []
        return _printed(values, names, texts, found), found


def _problems(headers: pa.Array, names: pa.Array, values: list[Unconvertible]) -> list[Unconvertible]:
    """Return which rows have a header without a name, or with a value that is no text, and which header it is."""
    nameless = [Unconvertible(at, "") for at in pc.indices_nonzero(pc.is_null(names)).to_pylist()]
    each = sorted([*values, *nameless], key=lambda problem: problem.row)
    places = pa.array([problem.row for problem in each], pa.int64())
    rows, starts = pc.list_parent_indices(headers).take(places).to_pylist(), edges(headers).to_pylist()
    called = names.take(places).to_pylist()
    return merged(
        [
            Unconvertible(row, _why(name, problem.reason, problem.row - starts[row] + 1, starts[row + 1] - starts[row]))
            for row, name, problem in zip(rows, called, each, strict=True)
        ]
    )


def _why(name: str | None, reason: str, number: int, of: int) -> str:
    """Say what is wrong with one header, and how to keep it or to leave it out."""
    if name is None:
        return (
            f"header {number} of {of}: its name is not UTF-8; map only the headers that you need, such as "
            "__headers__.name, in place of all"
        )
    return (
        f"header {shown(name)}: {reason}; map it to a BINARY column, as {Header(name)}, or only the headers that you "
        "need in place of all"
    )


def _printed(headers: pa.Array, names: pa.Array, texts: pa.Array, problems: list[Unconvertible]) -> pa.Array:
    if not len(names):
        printed = pc.if_else(pc.is_valid(headers), "[]", pa.scalar(None, pa.string()))
    else:
        pairs = pa.StructArray.from_arrays([names, texts], names=["key", "value"])
        printed = to_json(pa.ListArray.from_arrays(edges(headers), pairs, mask=pc.is_null(headers)))
    if not problems:
        return printed
    bad: Any = pc.is_in(pa.array(range(len(headers))), pa.array([problem.row for problem in problems]))
    return pc.if_else(bad, pa.scalar(None, pa.string()), printed)
