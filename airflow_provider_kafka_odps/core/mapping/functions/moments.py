"""Functions of times: numbers and texts that mean an instant, and instants by the clock of a zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.conversions.text import text_conversion
from airflow_provider_kafka_odps.core.mapping.conversions.times import moment_conversion
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.function import TEXTUAL, Always, Change, Given, function
from airflow_provider_kafka_odps.core.mapping.functions.instants.clocks import Millis, Where, ZoneClock, shown
from airflow_provider_kafka_odps.core.mapping.functions.instants.time_patterns import TimePattern
from airflow_provider_kafka_odps.core.mapping.functions.instants.time_reading import Times, read_times
from airflow_provider_kafka_odps.core.mapping.functions.instants.time_writing import write_times
from airflow_provider_kafka_odps.core.mapping.strict import Chained, Checked, Conversion, Converted, Unconvertible
from airflow_provider_kafka_odps.core.mapping.strict import shown as value_shown
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.core.zones import zone_of
from airflow_provider_kafka_odps.exceptions import InvalidInput

_INSTANTS, _NANOS, _LOCAL = pa.timestamp("ms", "UTC"), pa.timestamp("ns", "UTC"), pa.timestamp("ns")
_MOMENTS = frozenset({SourceKind.INSTANT, SourceKind.NANOS, SourceKind.LOCAL, SourceKind.DATE})
_LAST_NANOS = (2**63 - 1) // 10**6 - 1
_MILLI_DIGITS = 3


def _whole(name: str, each: int, of: pa.DataType) -> Conversion:
    """Return the conversion of whole numbers, of which ``each`` is so many units of a type of instants."""
    numbers = text_conversion(OdpsType("bigint"))
    assert numbers is not None, "texts can be whole numbers"
    limit = (2**63 - 1) // each

    def convert(values: pa.Array) -> pa.Array:
        return pc.multiply_checked(values, pa.scalar(each, pa.int64())).cast(of)

    def unfit(values: pa.Array) -> pa.Array:
        return pc.or_(pc.greater(values, limit), pc.less(values, -limit))

    scaled = Checked(convert, unfit, lambda value: f"{name}: {value} is no instant of the calendar")
    return Chained(_named(name, numbers, "a whole number"), scaled)


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
                Unconvertible(problem.row, f"{self.name}: {value_shown(value)} is not {self.wanted}")
                for problem, value in zip(problems, seen, strict=True)
            ]
        return found, problems


def _named(name: str, then: Conversion, wanted: str) -> Conversion:
    return _Named(name, then, wanted)


@function(takes=TEXTUAL, gives=SourceKind.INSTANT)
def epoch_s() -> Conversion:
    """Read seconds since 1970 (UTC), with up to three decimals."""
    seconds = text_conversion(OdpsType("decimal", (18, _MILLI_DIGITS)))
    assert seconds is not None, "texts can be decimals"
    thousand = pa.scalar(1000, pa.decimal128(4, 0))

    def convert(values: pa.Array) -> pa.Array:
        return pc.multiply(values, thousand).cast(pa.int64()).cast(_INSTANTS)

    scaled = Checked(convert, pc.is_null, lambda value: f"epoch_s: {value} is no instant of the calendar")
    return Chained(_named("epoch_s", seconds, "a number of seconds, with at most three decimals"), scaled)


@function(takes=TEXTUAL, gives=SourceKind.INSTANT)
def epoch_ms() -> Conversion:
    """Read whole milliseconds since 1970 (UTC)."""
    return _whole("epoch_ms", 1, _INSTANTS)


@function(takes=TEXTUAL, gives=SourceKind.NANOS)
def epoch_us() -> Conversion:
    """Read whole microseconds since 1970 (UTC), of the years 1677 to 2262."""
    return _whole("epoch_us", 1000, _NANOS)


@function(takes=TEXTUAL, gives=SourceKind.NANOS)
def epoch_ns() -> Conversion:
    """Read whole nanoseconds since 1970 (UTC), of the years 1677 to 2262."""
    return _whole("epoch_ns", 1, _NANOS)


@function(takes=TEXTUAL, gives=SourceKind.INSTANT)
def time(pattern: str = "", zone: str = "") -> Given | Conversion:
    """Read a text in a pattern, by the clock of a zone, or with the offset that the text has.

    Without a pattern: in ISO 8601 with Z or an offset.
    """
    if not pattern:
        read = _named("time", moment_conversion(OdpsType("datetime")), "a time such as 2026-11-22T10:00:00Z")
        return Chained(read, Always(lambda values: values.cast(pa.timestamp("ms")).cast(_INSTANTS)))
    parsed = TimePattern.parse(pattern)
    if parsed.has_offset == bool(zone):
        raise InvalidInput(
            f"pattern {pattern!r} and zone {zone!r}: one of the two says which instant a text means, "
            "XXX in the pattern, or a zone such as 'Asia/Shanghai'"
        )
    if "yyyy" not in parsed.letters:
        raise InvalidInput(f"pattern {pattern!r}: an instant has a year, yyyy")
    clock = ZoneClock(zone_of(zone, "zone")) if zone else None
    if parsed.fraction > _MILLI_DIGITS:
        return Given(SourceKind.NANOS, _Reading("time", parsed, lambda times: _nanos(times, clock)))
    return _Reading("time", parsed, lambda times: _millis(times, clock))


@function(takes=TEXTUAL, gives=SourceKind.LOCAL)
def local_time(pattern: str) -> Conversion:
    """Read a text in a pattern as a date and a time without a zone, of the years 1677 to 2262."""
    parsed = TimePattern.parse(pattern)
    if parsed.has_offset or "yyyy" not in parsed.letters:
        raise InvalidInput(f"pattern {pattern!r}: a local time has a year, yyyy, and no offset; time() reads offsets")
    return _Reading("local_time", parsed, _locals)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Texts in a pattern."""

    name: str
    pattern: TimePattern
    become: Callable[[Times], tuple[pa.Array, Where]]
    """Returns the column, and which times are none."""

    def apply(self, values: pa.Array) -> Converted:
        times = read_times(values, self.pattern)
        column, none = self.become(times)
        none &= ~times.bad & values.is_valid().to_numpy(zero_copy_only=False)
        if not (none.any() or times.bad.any() or values.null_count):
            return column, []
        absent = pa.array(none | times.bad | values.is_null().to_numpy(zero_copy_only=False))
        column = pc.if_else(absent, pa.scalar(None, column.type), column)
        return column, self._problems(values, times.bad, none)

    def _problems(self, values: pa.Array, bad: Where, none: Where) -> list[Unconvertible]:
        rows = np.flatnonzero(bad | none).tolist()
        texts = values.take(pa.array(rows, pa.int64())).to_pylist()
        return [
            Unconvertible(row, f"{self.name}: {value_shown(text)} {self._why(text, bad=bad[row])}")
            for row, text in zip(rows, texts, strict=True)
        ]

    def _why(self, text: str, *, bad: bool) -> str:
        if not bad:
            return "is no time of that clock, or two, or out of range"
        place = self.pattern.misfit(text)
        where = "" if place is None else f" from position {place} on"
        return f"is not {self.pattern.text}{where}"


def _millis(times: Times, clock: ZoneClock | None) -> tuple[pa.Array, Where]:
    millis, none = _instants(times, clock)
    return pa.array(millis).cast(_INSTANTS), none


def _nanos(times: Times, clock: ZoneClock | None) -> tuple[pa.Array, Where]:
    millis, none = _instants(times, clock)
    none = none | (np.abs(millis) > _LAST_NANOS)
    return pa.array(np.where(none, 0, millis) * 10**6 + times.nanos).cast(_NANOS), none


def _instants(times: Times, clock: ZoneClock | None) -> tuple[Millis, Where]:
    if clock is None:
        millis = times.millis - times.offset
        return millis, ~shown(millis)
    out = ~shown(times.millis)
    millis, none = clock.instants(np.where(out, 0, times.millis))
    return millis, none | out


def _locals(times: Times) -> tuple[pa.Array, Where]:
    none = np.abs(times.millis) > _LAST_NANOS
    return pa.array(np.where(none, 0, times.millis) * 10**6 + times.nanos).cast(_LOCAL), none


@function(takes=_MOMENTS, gives=SourceKind.TEXT, name="format")
def formatted(pattern: str, zone: str = "", *, kind: SourceKind) -> Conversion:
    """Write a time in a pattern: an instant by the clock of a zone; a local time or a date as it is."""
    parsed = TimePattern.parse(pattern)
    clock = _clock(kind, zone)
    if clock is None and parsed.has_offset:
        raise InvalidInput(f"pattern {pattern!r}: a {kind} has no offset")
    return _OfMoments("format", kind, clock, lambda local, nanos, offset: write_times(local, nanos, offset, parsed))


@function(takes=_MOMENTS - {SourceKind.DATE}, gives=SourceKind.DATE)
def date(zone: str = "", *, kind: SourceKind) -> Conversion:
    """Take the date: of an instant by the clock of a zone; of a local time as it is."""

    def days(local: Millis, nanos: Millis, offset: Millis) -> pa.Array:
        del nanos, offset
        return pa.array((local // 86_400_000).astype(np.int32)).cast(pa.date32())

    return _OfMoments("date", kind, _clock(kind, zone), days)


@function(takes=frozenset({SourceKind.NANOS}), gives=SourceKind.INSTANT)
def to_ms() -> Change:
    """Cut what is smaller than a millisecond."""
    return lambda values: pc.floor_temporal(values, unit="millisecond").cast(_INSTANTS)


def _clock(kind: SourceKind, zone: str) -> ZoneClock | None:
    if (kind in (SourceKind.INSTANT, SourceKind.NANOS)) != bool(zone):
        raise InvalidInput(
            f"zone={zone!r}: an instant needs a zone, such as 'Asia/Shanghai', and a local time or a date has none; "
            f"this is {kind}"
        )
    return ZoneClock(zone_of(zone, "zone")) if zone else None


@dataclass(frozen=True, slots=True)
class _OfMoments:
    """What is made of times by a clock."""

    name: str
    kind: SourceKind
    clock: ZoneClock | None
    made: Callable[[Any, Any, Any], pa.Array]
    """Takes what the clock shows, what is smaller than a millisecond, and the offset."""

    def apply(self, values: pa.Array) -> Converted:
        millis, nanos = self._numbers(values)
        there = values.is_valid().to_numpy(zero_copy_only=False)
        out = there & ~shown(millis)
        millis = np.where(there & ~out, millis, 0)
        local = millis if self.clock is None else self.clock.local(millis)
        column = self.made(local, nanos, local - millis)
        if out.any() or values.null_count:
            column = pc.if_else(pa.array(there & ~out), column, pa.scalar(None, column.type))
        return column, [
            Unconvertible(int(row), f"{self.name}: {int(number)} ms after 1970 is beyond the calendar")
            for row, number in zip(np.flatnonzero(out), self._numbers(values)[0][out], strict=True)
        ]

    def _numbers(self, values: pa.Array) -> tuple[Millis, Millis]:
        numbers = pc.fill_null(values.cast(pa.int32() if self.kind is SourceKind.DATE else pa.int64()), 0)
        integers = numbers.cast(pa.int64()).to_numpy()
        match self.kind:
            case SourceKind.DATE:
                return integers * 86_400_000, np.zeros(len(values), np.int64)
            case SourceKind.INSTANT:
                return integers, np.zeros(len(values), np.int64)
            case _:
                return integers // 10**6, integers % 10**6
