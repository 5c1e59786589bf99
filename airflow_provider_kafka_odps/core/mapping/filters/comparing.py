"""Comparisons of whole columns with constants, compiled once: a number with numbers, a text with texts, and so on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, assert_never

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.conversions.leniency import Leniency
from airflow_provider_kafka_odps.core.mapping.conversions.rules import conversion
from airflow_provider_kafka_odps.core.mapping.filters.comparing_moments import MOMENTS, constant_moment
from airflow_provider_kafka_odps.core.mapping.filters.comparing_numbers import SIGNS, NumbersCompared, compared, one_of
from airflow_provider_kafka_odps.core.mapping.filters.condition import (
    Compared,
    IsNull,
    Leaf,
    Literal,
    Matches,
    OneOf,
)
from airflow_provider_kafka_odps.core.mapping.filters.verdicts import Verdicts
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.strict import UNCHANGED, Always, Conversion, Converted, Sieved, shown
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidMapping

_NUMBERS = frozenset(
    {SourceKind.NUMBER, SourceKind.INT8, SourceKind.INT16, SourceKind.INT32, SourceKind.INT64, SourceKind.DOUBLE}
) | {SourceKind.FLOAT}
_LONG = 64
_TEXTS = frozenset({SourceKind.TEXT, SourceKind.BYTES})


@dataclass(frozen=True, slots=True)
class Comparing:
    """One comparison, compiled for the kind of its source."""

    reading: Conversion
    """Makes of the source what is compared."""
    deciding: Conversion
    """Makes true, false or NULL of that."""
    near: tuple[float, ...] | None = None
    """How a number is written counts near these only; None: everywhere."""
    size: Any = None
    """The place of the one constant among others of its kind: a number, a text, an instant; None: there is none."""

    def apply(self, source: Converted) -> Verdicts:
        """Return what it says of each record; what could not be read of the source cannot be told."""
        values, unreadable = source
        read, unread = self.reading.apply(values)
        said, undecided = self.deciding.apply(read)
        return Verdicts.of(said, {each.row: each.reason for each in (*undecided, *unread, *unreadable)})


def comparing(leaf: Leaf, kind: SourceKind, leniency: Leniency) -> Comparing:
    """Compile a comparison; instants are compared with constants as the load's ``leniency`` reads them.

    Raises InvalidMapping for one that can never be true, because kind and constant differ.
    """
    match leaf:
        case IsNull():
            return Comparing(UNCHANGED, Always(pc.is_null), near=())
        case Matches(_, pattern):
            like = _like(pattern)
            return Comparing(_texts(kind), Always(lambda texts: pc.match_substring_regex(texts, like)))
        case Compared(_, sign, literal):
            if isinstance(literal, Decimal):
                return replace(_of_numbers(kind, compared(sign, literal)), size=literal)
            reading, constant = _reading(kind, literal, leniency)
            return Comparing(reading, Always(lambda values: SIGNS[sign](values, constant[0])), size=_size(constant))
        case OneOf(_, literals):
            return _one_of(kind, literals, leniency)
        case _:
            assert_never(leaf)


def _size(constant: pa.Array) -> Any:
    """Return a constant as something that Python compares, without what it would cut off of an instant."""
    moment = pa.types.is_temporal(constant.type)
    number = constant.view(pa.int64() if constant.type.bit_width == _LONG else pa.int32()) if moment else constant
    return number[0].as_py()


def _one_of(kind: SourceKind, literals: Sequence[Literal], leniency: Leniency) -> Comparing:
    if len({type(each) for each in literals}) > 1:
        raise InvalidMapping("the constants of one IN are of several kinds: texts, numbers, or TRUE and FALSE")
    if numbers := [each for each in literals if isinstance(each, Decimal)]:
        return _of_numbers(kind, one_of(numbers))
    read = [_reading(kind, each, leniency) for each in literals if not isinstance(each, Decimal)]
    wanted = pa.concat_arrays([constant for _, constant in read])
    null = pa.scalar(None, pa.bool_())
    return Comparing(
        read[0][0],
        Always(lambda values: pc.if_else(pc.is_valid(values), pc.is_in(values, value_set=wanted), null)),
    )


def _of_numbers(kind: SourceKind, deciding: NumbersCompared) -> Comparing:
    if kind is SourceKind.INSTANT:
        raise _never(kind, "numbers", "a text such as '2026-11-22T10:00:00Z' as the constant")
    if kind is not SourceKind.JSON and kind not in _NUMBERS:
        raise _never(kind, "numbers", "| number")
    return Comparing(UNCHANGED, deciding, deciding.near)


def _reading(kind: SourceKind, literal: str | bool, leniency: Leniency) -> tuple[Conversion, pa.Array]:
    """Return how a source is read to be compared with a constant, and a column of that constant."""
    if isinstance(literal, bool):
        return _booleans(kind), pa.array([literal])
    if kind in MOMENTS:
        return _found(conversion(kind, MOMENTS[kind])), constant_moment(kind, literal, leniency)
    return _texts(kind), pa.array([literal])


def _booleans(kind: SourceKind) -> Conversion:
    if kind not in (SourceKind.JSON, SourceKind.BOOLEAN):
        raise _never(kind, "TRUE and FALSE", "| bool")
    return _found(conversion(kind, OdpsType("boolean")))


def _texts(kind: SourceKind) -> Conversion:
    if kind is SourceKind.JSON:
        return Sieved(
            lambda leaves: pc.invert(pc.starts_with(leaves, '"')),
            lambda leaf: f"{shown(leaf)} is no text, and is compared with one; '| trim' behind the source makes it one",
            _found(conversion(kind, OdpsType("string"))),
        )
    if kind not in _TEXTS:
        raise _never(kind, "texts", "a number, TRUE, FALSE or a time as the constant")
    return _found(conversion(kind, OdpsType("string")))


def _never(kind: SourceKind, other: str, remedy: str) -> InvalidMapping:
    return InvalidMapping(f"it is {kind}, and never one of the {other} that it is compared with; write {remedy}")


def _found(found: Conversion | None) -> Conversion:
    assert found is not None, "kinds are compared with what they can become"
    return found


def _like(pattern: str) -> str:
    signs = {"%": ".*", "_": "."}
    return "(?s)^" + "".join(signs.get(each) or re.escape(each) for each in pattern) + "$"
