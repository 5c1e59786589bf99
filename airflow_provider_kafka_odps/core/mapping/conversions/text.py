"""Texts become values of a column's type, exactly or not at all.

| type | takes |
|---|---|
| TINYINT … BIGINT | digits with at most a minus before them, within the type's range |
| FLOAT, DOUBLE | a finite number, as the nearest one; no whole number that would become another, and 0 for 0 only |
| DECIMAL | a number with no more digits, before and behind the point, than the type has |
| BOOLEAN | ``true``, ``false`` |
| STRING, VARCHAR, CHAR | any text; no more characters than it has room for |
| DATE | ``2026-11-22`` |
| DATETIME, TIMESTAMP | ``2026-11-22T10:00:00.123Z``: always with Z or an offset; a blank may stand for the T |
| TIMESTAMP_NTZ | the same, never with an offset |
| JSON | JSON |
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.conversions.hints import Hinted, hinting
from airflow_provider_kafka_odps.core.mapping.conversions.leniency import STRICT, Leniency
from airflow_provider_kafka_odps.core.mapping.conversions.local_times import by_clock, dates, days_of_millis
from airflow_provider_kafka_odps.core.mapping.conversions.times import instant_conversion, moment_conversion
from airflow_provider_kafka_odps.core.mapping.conversions.usual_texts import boolean_texts, number_texts, whole_texts
from airflow_provider_kafka_odps.core.mapping.sources.json_paths import invalid_json
from airflow_provider_kafka_odps.core.mapping.strict import Chained, Checked, Conversion, Prepared, Retried, shown
from airflow_provider_kafka_odps.core.table.types import OdpsType

TEXTS = frozenset({"string", "varchar", "char"})


INTEGERS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}


_WHOLE = r"^-?[0-9]+$"


_NUMBER = r"^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"


# What of a number Arrow takes beside these: a plus, and a point without digits on both sides.
_NO_NUMBER = r"^\+|(?:^|-)\.|\.(?:$|[eE])"


_DIGITS = r"^-?0*(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*?)0*)?$"


# Whole numbers with fewer digits are all of them doubles, or floats.
_EXACT_DIGITS = {"double": 16, "float": 8}


_NEARLY = 1e-6


def text_conversion(target: OdpsType, leniency: Leniency = STRICT) -> Conversion | None:
    """Return how texts become a column of this type, or None for types that have no text."""
    if target.name in TEXTS:
        return fitting(target)
    match target.name:
        case "json":
            return _json(target)
        case "boolean":
            return boolean_texts("boolean") if leniency.converts else _boolean()
        case "date" | "datetime" | "timestamp" | "timestamp_ntz":
            return _moments(target, leniency)
        case _:
            exact = _number(target)
            return exact and (_lenient(target, exact) if leniency.converts else exact)


def _lenient(target: OdpsType, exact: Conversion) -> Conversion:
    numbers = Chained(number_texts(target.name), exact)
    return Retried(numbers, Prepared(whole_texts, exact)) if target.name in INTEGERS else numbers


def _number(target: OdpsType) -> Conversion | None:
    if target.name in INTEGERS:
        return _integer(target)
    if target.name in ("float", "double"):
        return _real(target)
    return _decimal(target) if target.name == "decimal" else None


def _moments(target: OdpsType, leniency: Leniency) -> Conversion:
    strict = moment_conversion(target)
    if target.name == "date":
        return dates(strict) if leniency.converts else strict
    if target.name == "timestamp_ntz":
        return strict
    if leniency.zone is None:
        return Hinted(target.name, strict, zoned=False)
    return Hinted(target.name, by_clock(target, leniency.zone, strict, days=leniency.converts), zoned=True)


def epoch_millis(target: OdpsType) -> Conversion | None:
    """Return how whole numbers, as texts, become instants as milliseconds since 1970, or None for other types."""
    instants = instant_conversion(target)
    return instants and Chained(_integer(OdpsType("bigint")), instants)


def epoch_days(zone: ZoneInfo) -> Conversion:
    """Return how whole numbers, as texts, become the days of milliseconds since 1970 by the clock of a zone."""
    return Chained(_integer(OdpsType("bigint")), days_of_millis(zone))


def _no_value(target: OdpsType) -> Callable[[Any], str]:
    return lambda value: f"{shown(value)} is no {target}"


def _matching(values: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(values, pattern)


def _raise_if(wrong: pa.Array) -> None:
    if pc.any(wrong).as_py():
        raise pa.ArrowInvalid("some values do not fit")


def fitting(target: OdpsType) -> Conversion:
    """Return the conversion of texts that only looks at their length."""
    limit = target.numbers[0] if target.numbers else None

    def unfit(values: pa.Array) -> pa.Array:
        return pc.greater(pc.utf8_length(values), limit)

    def convert(values: pa.Array) -> pa.Array:
        if limit is not None:
            _raise_if(unfit(values))
        return values

    return Checked(convert, unfit, lambda value: f"{len(value)} characters, more than the {limit} of {target}")


def _integer(target: OdpsType) -> Conversion:
    arrow = target.arrow
    bound = 2 ** (INTEGERS[target.name] - 1)

    def convert(values: pa.Array) -> pa.Array:
        numbers = values.cast(arrow)
        # Arrow reads hexadecimal digits as the bits of a number: 0xFF would become -1 in a TINYINT.
        _raise_if(pc.match_substring(values, "x", ignore_case=True))
        return numbers

    def unfit(values: pa.Array) -> pa.Array:
        other = pc.invert(_matching(values, _WHOLE))
        digits = pc.replace_substring_regex(values, r"^(-?)0*([0-9]+)$", r"\1\2")
        long = pc.greater(pc.utf8_length(digits), 20)
        numbers = pc.if_else(pc.or_(other, long), pa.scalar(None, pa.string()), digits).cast(pa.decimal128(38, 0))
        high, low = (pa.scalar(Decimal(edge), pa.decimal128(38, 0)) for edge in (bound - 1, -bound))
        beyond = pc.or_(pc.greater(numbers, high), pc.less(numbers, low))
        return pc.or_(pc.or_(other, long), pc.fill_null(beyond, fill_value=False))

    return Checked(convert, unfit, _no_value(target))


def _real(target: OdpsType) -> Conversion:
    arrow = target.arrow
    large = rf"^-?[0-9]{{{_EXACT_DIGITS[target.name]},}}$"

    def altered(values: pa.Array, numbers: pa.Array) -> pa.Array:
        """Return where the nearest number is none, or another one than was written."""
        wrong = pc.invert(pc.is_finite(numbers))
        zero = pc.equal(numbers, pa.scalar(0, arrow))
        if pc.any(zero).as_py():
            wrong = pc.or_(wrong, pc.and_(zero, _matching(values, r"^[^eE]*[1-9]")))
        whole = pc.fill_null(_matching(values, large), fill_value=False)
        if pc.any(whole).as_py():
            # As decimals: Python's integers take no more than 4300 digits, and no infinity.
            both = zip(values.filter(whole).to_pylist(), numbers.filter(whole).to_pylist(), strict=True)
            other = pa.array([Decimal(text) != Decimal(number) for text, number in both], pa.bool_())
            wrong = pc.replace_with_mask(wrong, whole, other)
        return wrong

    def convert(values: pa.Array) -> pa.Array:
        numbers = values.cast(arrow)
        _raise_if(altered(values, numbers))
        _raise_if(_matching(values, _NO_NUMBER))
        return numbers

    def unfit(values: pa.Array) -> pa.Array:
        other = pc.fill_null(pc.invert(_matching(values, _NUMBER)), fill_value=False)
        texts = pc.if_else(other, pa.scalar(None, pa.string()), values)
        return pc.or_(other, pc.fill_null(altered(texts, texts.cast(arrow)), fill_value=False))

    return Checked(convert, unfit, lambda value: f"{shown(value)} is no finite number that a {target} holds")


_ZERO = r"^-?0(?:\.0*)?[eE][+-]?[0-9]+$"


def _decimal(target: OdpsType) -> Conversion:
    arrow = target.arrow
    limit = 10.0 ** (arrow.precision - arrow.scale)

    def convert(values: pa.Array) -> pa.Array:
        try:
            numbers = values.cast(arrow)
        except pa.ArrowInvalid:
            # Of a zero Arrow refuses an exponent that it could not write out.
            values = pc.replace_substring_regex(values, _ZERO, "0")
            numbers = values.cast(arrow)
        # Arrow wraps around beyond 38 digits (2**128 + 1 becomes 1); a wrapped number is nowhere near the one written.
        # The limit is for the one number, -2**127, that comes out near what was written but for its sign.
        written = values.cast(pa.float64())
        size = pc.abs(written)
        off = pc.abs(pc.subtract(numbers.cast(pa.float64()), written))
        _raise_if(pc.or_(pc.greater(off, pc.multiply(size, _NEARLY)), pc.greater(size, limit * (1 + _NEARLY))))
        _raise_if(_matching(values, _NO_NUMBER))
        return numbers

    def unfit(values: pa.Array) -> pa.Array:
        other = pc.invert(_matching(values, _NUMBER))
        digits = pc.extract_regex(values, _DIGITS)
        whole, fraction = (pc.utf8_length(pc.struct_field(digits, part)) for part in (0, 1))
        many = pc.or_(pc.greater(whole, arrow.precision - arrow.scale), pc.greater(fraction, arrow.scale))
        return pc.or_(other, pc.fill_null(many, fill_value=False))

    return Checked(convert, unfit, lambda value: f"{shown(value)} is no number that {target} holds exactly")


def _boolean() -> Conversion:
    names = pa.array(["true", "false"])

    def unfit(values: pa.Array) -> pa.Array:
        return pc.and_(pc.is_valid(values), pc.invert(pc.is_in(values, names)))

    def convert(values: pa.Array) -> pa.Array:
        _raise_if(unfit(values))
        return values.cast(pa.bool_())

    reason = hinting("boolean", lambda value: f"{shown(value)} is neither true nor false")
    return Checked(convert, unfit, reason)


def _json(target: OdpsType) -> Conversion:
    def convert(values: pa.Array) -> pa.Array:
        _raise_if(invalid_json(values))
        # A JSON null is NULL, wherever it comes from.
        null = pc.fill_null(pc.match_substring_regex(values, r"^[ \t\r\n]*null[ \t\r\n]*$"), fill_value=False)
        return pc.if_else(null, pa.scalar(None, pa.string()), values)

    return Checked(convert, invalid_json, _no_value(target))
