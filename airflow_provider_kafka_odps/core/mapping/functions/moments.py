"""Functions of times: numbers and texts that mean an instant, and instants by the clock of a zone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.conversions.text import text_conversion
from airflow_provider_kafka_odps.core.mapping.conversions.times import moment_conversion
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.function import TEXTUAL, Change, Given, function
from airflow_provider_kafka_odps.core.mapping.instants.clocks import DAY_MILLIS, Millis, ZoneClock
from airflow_provider_kafka_odps.core.mapping.instants.shown_times import OfMoments
from airflow_provider_kafka_odps.core.mapping.instants.time_columns import (
    INSTANTS,
    NANOS,
    InPattern,
    to_local,
    to_millis,
    to_nanos,
)
from airflow_provider_kafka_odps.core.mapping.instants.time_patterns import TimePattern
from airflow_provider_kafka_odps.core.mapping.instants.time_writing import unit_of, write_times
from airflow_provider_kafka_odps.core.mapping.strict import (
    Always,
    Chained,
    Checked,
    Conversion,
    Converted,
    Unconvertible,
    shown,
)
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.core.zones import zone_of
from airflow_provider_kafka_odps.exceptions import InvalidInput

_MOMENTS = frozenset({SourceKind.INSTANT, SourceKind.NANOS, SourceKind.LOCAL, SourceKind.DATE})
_MILLI_DIGITS = 3


def _whole(name: str, each: int, of: pa.DataType) -> Conversion:
    """Return the conversion of whole numbers, of which ``each`` is so many units of a type of instants."""
    numbers = text_conversion(OdpsType("bigint"))
    assert numbers is not None, "texts can be whole numbers"
    high = (2**63 - 1) // each
    # The first whole millisecond: what is before it could not be cut to one, and the very first number is no instant.
    low = -(2**63 // 10**6 * 10**6 // each) if of == NANOS else -high

    def convert(values: pa.Array) -> pa.Array:
        if pc.any(unfit(values)).as_py():
            raise pa.ArrowInvalid("some numbers are no such instants")
        return pc.multiply_checked(values, pa.scalar(each, pa.int64())).cast(of)

    def unfit(values: pa.Array) -> pa.Array:
        return pc.or_(pc.greater(values, high), pc.less(values, low))

    scaled = Checked(convert, unfit, lambda value: f"{name}: {value} is no instant of the calendar")
    return Chained(_Named(name, numbers, "a whole number"), scaled)


@dataclass(frozen=True, slots=True)
class _Named:
    """A conversion whose problems are told as those of a function."""

    name: str
    then: Conversion
    wanted: str

    def apply(self, values: pa.Array) -> Converted:
        found, problems = self.then.apply(values)
        if problems:
            seen = values.take(pa.array([problem.row for problem in problems], pa.int64())).to_pylist()
            problems = [
                Unconvertible(problem.row, f"{self.name}: {shown(value)} is not {self.wanted}")
                for problem, value in zip(problems, seen, strict=True)
            ]
        return found, problems


@function(takes=TEXTUAL, gives=SourceKind.INSTANT)
def epoch_s() -> Conversion:
    """Read seconds since 1970 (UTC), with up to three decimals."""
    seconds = text_conversion(OdpsType("decimal", (18, _MILLI_DIGITS)))
    assert seconds is not None, "texts can be decimals"
    thousand = pa.scalar(1000, pa.decimal128(4, 0))
    scaled = Always(lambda values: pc.multiply(values, thousand).cast(pa.int64()).cast(INSTANTS))
    return Chained(_Named("epoch_s", seconds, "a number of seconds, with at most three decimals"), scaled)


@function(takes=TEXTUAL, gives=SourceKind.INSTANT)
def epoch_ms() -> Conversion:
    """Read whole milliseconds since 1970 (UTC)."""
    return _whole("epoch_ms", 1, INSTANTS)


@function(takes=TEXTUAL, gives=SourceKind.NANOS)
def epoch_us() -> Conversion:
    """Read whole microseconds since 1970 (UTC), of the years 1677 to 2262."""
    return _whole("epoch_us", 1000, NANOS)


@function(takes=TEXTUAL, gives=SourceKind.NANOS)
def epoch_ns() -> Conversion:
    """Read whole nanoseconds since 1970 (UTC), of the years 1677 to 2262."""
    return _whole("epoch_ns", 1, NANOS)


@function(takes=TEXTUAL, gives=SourceKind.INSTANT)
def time(pattern: str = "", zone: str = "", *, timezone: str | None) -> Given | Conversion:
    """Read a text in a pattern, by the clock of a zone, or with the offset that the text has.

    Without a pattern: in ISO 8601 with Z or an offset.
    """
    if not pattern:
        read = _Named("time", moment_conversion(OdpsType("datetime")), "a time such as 2026-11-22T10:00:00Z")
        return Chained(read, Always(lambda values: values.cast(pa.timestamp("ms")).cast(INSTANTS)))
    parsed = TimePattern.parse(pattern)
    zone = zone or ("" if parsed.has_offset else timezone or "")
    if parsed.has_offset == bool(zone):
        raise InvalidInput(
            f"pattern {pattern!r} and zone {zone!r}: one of the two says which instant a text means, "
            "XXX in the pattern, or a zone such as 'Asia/Shanghai', here or as the operator's timezone"
        )
    if "yyyy" not in parsed.letters:
        raise InvalidInput(f"pattern {pattern!r}: an instant has a year, yyyy")
    clock = ZoneClock(zone_of(zone, "zone")) if zone else None
    if parsed.fraction > _MILLI_DIGITS:
        return Given(SourceKind.NANOS, InPattern("time", parsed, lambda times: to_nanos(times, clock)))
    return InPattern("time", parsed, lambda times: to_millis(times, clock))


@function(takes=TEXTUAL, gives=SourceKind.LOCAL)
def local_time(pattern: str) -> Conversion:
    """Read a text in a pattern as a date and a time without a zone, of the years 1677 to 2262."""
    parsed = TimePattern.parse(pattern)
    if parsed.has_offset or "yyyy" not in parsed.letters:
        raise InvalidInput(f"pattern {pattern!r}: a local time has a year, yyyy, and no offset; time() reads offsets")
    return InPattern("local_time", parsed, to_local)


@function(takes=_MOMENTS, gives=SourceKind.TEXT, name="format")
def formatted(pattern: str, zone: str = "", *, kind: SourceKind, timezone: str | None) -> Conversion:
    """Write a time in a pattern: an instant by the clock of a zone; a local time or a date as it is."""
    parsed = TimePattern.parse(pattern)
    clock = _clock(kind, zone, timezone)
    if clock is None and parsed.has_offset:
        raise InvalidInput(f"pattern {pattern!r}: a {kind} has no offset")
    return OfMoments(
        "format", kind, clock, lambda local, nanos, offset: write_times(local, nanos, offset, parsed), unit_of(parsed)
    )


@function(takes=_MOMENTS - {SourceKind.DATE}, gives=SourceKind.DATE)
def date(zone: str = "", *, kind: SourceKind, timezone: str | None) -> Conversion:
    """Take the date: of an instant by the clock of a zone; of a local time as it is."""

    def days(local: Millis, nanos: Millis, offset: Millis) -> pa.Array:
        del nanos, offset
        return pa.array((local // DAY_MILLIS).astype(np.int32)).cast(pa.date32())

    return OfMoments("date", kind, _clock(kind, zone, timezone), days, DAY_MILLIS)


@function(takes=frozenset({SourceKind.NANOS}), gives=SourceKind.INSTANT)
def to_ms() -> Change:
    """Cut what is smaller than a millisecond."""
    return lambda values: pc.floor_temporal(values, unit="millisecond").cast(INSTANTS)


def _clock(kind: SourceKind, zone: str, timezone: str | None) -> ZoneClock | None:
    is_instant = kind in (SourceKind.INSTANT, SourceKind.NANOS)
    zone = zone or (timezone or "" if is_instant else "")
    if is_instant != bool(zone):
        raise InvalidInput(
            f"zone={zone!r}: an instant needs a zone, such as 'Asia/Shanghai', and a local time or a date has none; "
            f"this is {kind}"
        )
    return ZoneClock(zone_of(zone, "zone")) if zone else None
