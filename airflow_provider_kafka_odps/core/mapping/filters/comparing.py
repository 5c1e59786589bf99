"""Comparisons of whole columns with constants, compiled once: a number with numbers, a text with texts, and so on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal, InvalidOperation
from typing import Any, TypeAlias, assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.conversions.rules import conversion
from airflow_provider_kafka_odps.core.mapping.filters.condition import (
    Compared,
    Comparison,
    IsNull,
    Leaf,
    Literal,
    Matches,
    OneOf,
)
from airflow_provider_kafka_odps.core.mapping.filters.verdicts import Verdicts
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.strict import UNCHANGED, Chained, Conversion, Converted, Sieved, shown
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidMapping

_NUMBERS = frozenset(
    {SourceKind.NUMBER, SourceKind.INT8, SourceKind.INT16, SourceKind.INT32, SourceKind.INT64, SourceKind.DOUBLE}
) | {SourceKind.FLOAT}
_TEXTS = frozenset({SourceKind.TEXT, SourceKind.BYTES})
_MOMENTS = {
    SourceKind.INSTANT: ("datetime", "an instant such as '2026-11-22T10:00:00.123Z'"),
    SourceKind.NANOS: ("timestamp", "an instant such as '2026-11-22T10:00:00Z'"),
    SourceKind.LOCAL: ("timestamp_ntz", "a local time such as '2026-11-22T10:00:00'"),
    SourceKind.DATE: ("date", "a date such as '2026-11-22'"),
}
"""Kinds that are compared with texts that mean one of them."""
_SIGNS: dict[Comparison, Callable[[Any, Any], pa.Array]] = {
    Comparison.EQUAL: pc.equal,
    Comparison.UNEQUAL: pc.not_equal,
    Comparison.LESS: pc.less,
    Comparison.AT_MOST: pc.less_equal,
    Comparison.GREATER: pc.greater,
    Comparison.AT_LEAST: pc.greater_equal,
}
_DIGITS, _SCALE = 36, 18
_EXACT = Context(prec=_DIGITS + _SCALE + 1, traps=[InvalidOperation])
_UNIT, _LIMIT = Decimal(1).scaleb(-_SCALE), Decimal(10) ** _DIGITS
_COMPARED = pa.decimal256(_DIGITS + _SCALE + 2, _SCALE + 1)
"""Has one digit more than constants have, at both ends: see ``_Compared``."""
Decide: TypeAlias = Callable[[pa.Array], pa.Array]


@dataclass(frozen=True, slots=True)
class Comparing:
    """One comparison, compiled for the kind of its source."""

    reading: Conversion
    """Makes of the source what is compared."""
    decide: Decide
    """Return true, false or NULL for each value."""

    def apply(self, source: Converted) -> Verdicts:
        """Return what it says of each record; what could not be read of the source cannot be told."""
        values, unreadable = source
        read, problems = self.reading.apply(values)
        unclear = {each.row: each.reason for each in (*problems, *unreadable)}
        return Verdicts.of(self.decide(read), unclear)


def comparing(leaf: Leaf, kind: SourceKind) -> Comparing:
    """Compile a comparison.

    Raises InvalidMapping for one that can never be true, because kind and constant differ.
    """
    match leaf:
        case IsNull():
            return Comparing(UNCHANGED, pc.is_null)
        case Matches(_, pattern):
            reading, _ = _texts(kind)
            like = _like(pattern)
            return Comparing(reading, lambda texts: pc.match_substring_regex(texts, like))
        case Compared(_, sign, literal):
            reading, value, arrow = _reading(kind, literal)
            constant = pa.array([value], arrow)
            if isinstance(literal, Decimal) and _is_int64(literal):
                reading = _Integers(reading)
            return Comparing(reading, lambda values: _SIGNS[sign](values, constant.cast(values.type)[0]))
        case OneOf(_, literals):
            read = [_reading(kind, literal) for literal in literals]
            reading, _, arrow = read[0]
            if len({each for _, _, each in read}) > 1:
                raise InvalidMapping("the constants of one IN are of several kinds: texts, numbers, or TRUE and FALSE")
            wanted = pa.array([value for _, value, _ in read], arrow)
            if all(isinstance(each, Decimal) and _is_int64(each) for each in literals):
                reading = _Integers(reading)
            return Comparing(reading, lambda values: _one_of(values, wanted.cast(values.type)))
        case _:
            assert_never(leaf)


def _one_of(values: pa.Array, wanted: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_valid(values), pc.is_in(values, value_set=wanted), pa.scalar(None, pa.bool_()))


def _reading(kind: SourceKind, literal: Literal) -> tuple[Conversion, Any, pa.DataType]:
    """Return how a source is read to be compared with a constant, that constant, and the type of both."""
    if isinstance(literal, bool):
        return _booleans(kind), literal, pa.bool_()
    if isinstance(literal, Decimal):
        return _Compared(_numbers(kind, OdpsType("decimal"))), _checked(literal), _COMPARED
    if kind in _MOMENTS:
        return _moments(kind, literal)
    reading, arrow = _texts(kind)
    return reading, literal, arrow


def _is_int64(number: Decimal) -> bool:
    return number == number.to_integral_value() and -(2**63) <= number < 2**63


@dataclass(frozen=True, slots=True)
class _Integers:
    """Numbers of which all are whole in most batches: as such they are compared ten times as fast."""

    then: Conversion

    def apply(self, values: pa.Array) -> Converted:
        if pa.types.is_string(values.type):
            try:
                return values.cast(pa.int64()), []
            except pa.ArrowInvalid:
                pass
        return self.then.apply(values)


def _booleans(kind: SourceKind) -> Conversion:
    if kind not in (SourceKind.JSON, SourceKind.BOOLEAN):
        raise _never(kind, "TRUE and FALSE", "| bool")
    return _found(conversion(kind, OdpsType("boolean")))


def _numbers(kind: SourceKind, target: OdpsType) -> Conversion:
    if kind is SourceKind.INSTANT:
        raise _never(kind, "numbers", "a text such as '2026-11-22T10:00:00Z' as the constant")
    if kind in (SourceKind.FLOAT, SourceKind.DOUBLE):
        # Their decimals are those of the shortest text that is the same number.
        return Chained(_found(conversion(kind, OdpsType("string"))), _found(conversion(SourceKind.NUMBER, target)))
    if kind is not SourceKind.JSON and kind not in _NUMBERS:
        raise _never(kind, "numbers", "| number")
    return _found(conversion(kind, target))


def _texts(kind: SourceKind) -> tuple[Conversion, pa.DataType]:
    if kind is SourceKind.JSON:
        only = Sieved(
            lambda leaves: pc.invert(pc.starts_with(leaves, '"')),
            lambda leaf: f"{shown(leaf)} is no text, and is compared with one; '| trim' behind the source makes it one",
            _found(conversion(kind, OdpsType("string"))),
        )
        return only, pa.string()
    if kind not in _TEXTS:
        raise _never(kind, "texts", "a number, TRUE, FALSE or a time as the constant")
    return _found(conversion(kind, OdpsType("string"))), pa.string()


def _moments(kind: SourceKind, literal: str) -> tuple[Conversion, Any, pa.DataType]:
    name, wanted = _MOMENTS[kind]
    target = OdpsType(name)
    constant, problems = _found(conversion(SourceKind.TEXT, target)).apply(pa.array([literal]))
    if problems:
        raise InvalidMapping(f"{literal!r} is compared with {kind}, and is not {wanted}")
    number = constant.cast(pa.int32() if name == "date" else pa.int64())[0].as_py()
    return _found(conversion(kind, target)), number, target.arrow


@dataclass(frozen=True, slots=True)
class _Compared:
    """Numbers as they are compared: those that are no decimals lie between constants, or beyond them all."""

    then: Conversion

    def apply(self, values: pa.Array) -> Converted:
        read, problems = self.then.apply(values)
        read = read.cast(_COMPARED)
        if not problems:
            return read, problems
        seen = values.take(pa.array([each.row for each in problems], pa.int64())).to_pylist()
        found = {each.row: _between(str(value)) for each, value in zip(problems, seen, strict=True)}
        mask = np.zeros(len(values), bool)
        mask[[row for row, number in found.items() if number is not None]] = True
        numbers = pa.array([number for number in found.values() if number is not None], _COMPARED)
        unread = [each for each in problems if found[each.row] is None]
        return pc.replace_with_mask(read, pa.array(mask), numbers), unread


def _between(text: str) -> Decimal | None:
    """Return what every constant is to it as it is to a number that no constant can be; None for what is no number."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if number.is_nan():
        return None
    # Python's abs and minus round to 28 digits.
    if number.copy_abs() >= _LIMIT:
        return _LIMIT.copy_sign(number)
    return _EXACT.add(number.quantize(_UNIT, ROUND_FLOOR, _EXACT), _UNIT / 2)


def _checked(number: Decimal) -> Decimal:
    try:
        exact = number.quantize(_UNIT, context=_EXACT)
    except InvalidOperation:
        exact = None
    if exact is None or exact != number or number.copy_abs() >= _LIMIT:
        raise InvalidMapping(f"{number} has more than {_DIGITS} digits before or {_SCALE} behind the point")
    return exact


def _never(kind: SourceKind, other: str, remedy: str) -> InvalidMapping:
    return InvalidMapping(f"it is {kind}, and never one of the {other} that it is compared with; write {remedy}")


def _found(found: Conversion | None) -> Conversion:
    assert found is not None, "kinds are compared with what they can become"
    return found


def _like(pattern: str) -> str:
    signs = {"%": ".*", "_": "."}
    return "(?s)^" + "".join(signs.get(each) or re.escape(each) for each in pattern) + "$"
