"""Partitions that belong to one interval: each of their rows has its time in it, so no other load has rows there.

Only such partitions may be overwritten by a load whose records say theirs. That they are such is proved before anything
is read: all levels are made of one time, the interval begins and ends where partitions do, and a record of another time
is a reject.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.calls import Call
from airflow_provider_kafka_odps.core.mapping.conversions.rules import conversion
from airflow_provider_kafka_odps.core.mapping.expressions import Piped, Source, parse_expression
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat, SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.catalogue import through
from airflow_provider_kafka_odps.core.mapping.instants.clocks import QUARTER
from airflow_provider_kafka_odps.core.mapping.instants.time_columns import INSTANTS, NANOS
from airflow_provider_kafka_odps.core.mapping.instants.time_patterns import TimePattern
from airflow_provider_kafka_odps.core.mapping.sources.records import kind_of
from airflow_provider_kafka_odps.core.mapping.strict import Chained, Conversion
from airflow_provider_kafka_odps.core.routing.routes import Routes
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.table.schema import TableSchema
from airflow_provider_kafka_odps.core.window.bounds import AskedBound, At
from airflow_provider_kafka_odps.core.zones import zone_of
from airflow_provider_kafka_odps.exceptions import InvalidInput

_UNITS = ("yyyy", "MM", "dd", "HH", "mm", "ss")
_MILLIS = dict(zip(_UNITS, (31_536_000_000, 2_419_200_000, 82_800_000, 3_600_000, 60_000, 1_000), strict=True))
"""How long one of a unit is at least."""
_LOOKED_AT = {"yyyy": 12, "MM": 28, "dd": 4, "HH": 4, "mm": 1, "ss": 1}
"""At how many moments of each a clock is looked at, which may jump: a day has 23 hours or 25."""
_GOES_BACK = 48 * 3_600_000
"""No clock goes back by so much; by a day, some did that went over the date line."""
_WHOLE = re.compile("0|-?[1-9][0-9]*")
_RULE = "partitions_within_interval=True"


@dataclass(frozen=True, slots=True)
class IntervalPartitions:
    """What a load knows of the partitions of its interval."""

    routes: Routes
    """The same levels; a record whose time is not in the interval is a reject."""
    places: tuple[PartitionSpec, ...]
    """All of them, in the order of time."""


@dataclass(frozen=True, slots=True)
class _Level:
    """One level that is made of a time."""

    name: str
    text: str
    source: Source
    before: tuple[Call, ...]
    """What makes the time of the source."""
    made: Call
    """What makes the level of the time: ``format`` or ``date``."""
    kind: SourceKind
    zone: str
    letters: frozenset[str]

    @property
    def time(self) -> tuple[object, ...]:
        """What says the time: the same in each level."""
        return (self.source, *((call.name, call.arguments) for call in self.before))

    def inside(self, start: At, end: At) -> str:
        """Return the expression, through which only times of an interval go."""
        at = self.made.position
        return f"{self.text[:at]}within('{start}', '{end}') | {self.text[at:]}"


def interval_partitions(
    routes: Routes,
    schema: TableSchema,
    bounds: tuple[AskedBound, AskedBound],
    record_format: RecordFormat,
    most: int,
) -> IntervalPartitions:
    """Return the partitions of the interval between two bounds, and what keeps other times out of them.

    Raises InvalidInput, with what would have to be otherwise, where they may have rows of another time.
    """
    start, end = bounds
    if not isinstance(start, At) or not isinstance(end, At):
        raise InvalidInput(
            f"{_RULE}: the window is from {start} to {end}, and only one between two times has partitions of its own. "
            "Use start='interval' and end='interval', or two times"
        )
    _check_given(routes, schema)
    levels = [_level(name, text, record_format) for name, text in routes.by.items()]
    unit = _finest(levels)
    if start == end:
        # Its window has no records to be compared, and no range is without an instant.
        return IntervalPartitions(routes, ())
    by = dict(zip(routes.names, (level.inside(start, end) for level in levels), strict=True))
    inside = replace(routes, by=by)
    if (end.millis - start.millis) // _MILLIS[unit] > 2 * most:
        raise _too_many(f"more than {2 * most}", start, end, most)
    clock = _Clock([_conversion(level, schema, record_format) for level in levels], levels[0].kind)
    _check_bounds(clock, routes, start, end)
    if unit in ("mm", "ss"):
        _check_once(levels[0].zone, start, end)
    _check_outside(clock, routes, start, end)
    step = _MILLIS[unit] // _LOOKED_AT[unit]
    names = dict.fromkeys(clock.shows(range(start.millis, end.millis, step)))
    if len(names) > most:
        raise _too_many(str(len(names)), start, end, most)
    return IntervalPartitions(inside, tuple(routes.partition(values) for values in names))


def _check_given(routes: Routes, schema: TableSchema) -> None:
    """Raise InvalidInput for a number that is given otherwise than the service names it: its partition is another."""
    types = {column.name.lower(): column.type for column in schema.partition_columns}
    for name, value in routes.given.levels if routes.given else ():
        if types[name.lower()].name in ("string", "varchar") or _WHOLE.fullmatch(value):
            continue
        wanted = f"{name}={int(value)}" if value.isdecimal() else "a whole number"
        raise InvalidInput(
            f"{_RULE}: {name}={value} is given, and the service names a partition of {types[name.lower()]} as a "
            f"number: write {wanted}"
        )


def _level(name: str, text: str, record_format: RecordFormat) -> _Level:
    expression = parse_expression(text)
    made = expression.calls[-1] if isinstance(expression, Piped) else None
    if not isinstance(expression, Piped) or made is None or made.name not in ("format", "date"):
        raise InvalidInput(
            f"{_RULE}: level {name} is {text!r}, and only what ends with | format(…) or | date(…) of a time surely "
            "belongs to one interval"
        )
    before = expression.calls[:-1]
    kind = kind_of(expression.source, record_format)
    kind = through(kind, before, record_format.timezone).kind if before else kind
    if kind not in (SourceKind.INSTANT, SourceKind.NANOS):
        raise InvalidInput(
            f"{_RULE}: level {name} is made of {kind}, which may be of any zone; an instant is wanted, as epoch_ms and "
            "time(…) give it"
        )
    pattern, zone = made.arguments[:-1], made.arguments[-1:]
    if made.name == "format":
        pattern, zone = made.arguments[:1], made.arguments[1:]
    key = zone_of(str(zone[0] if zone else record_format.timezone), f"partition_by: {name}").key
    letters = TimePattern.parse(str(pattern[0])).letters if pattern else _UNITS[:3]
    return _Level(name, text, expression.source, before, made, kind, key, frozenset(letters))


def _finest(levels: Sequence[_Level]) -> str:
    """Return the smallest unit of time that the levels name together, with all greater ones."""
    first = levels[0]
    for level in levels[1:]:
        if level.time != first.time or level.zone != first.zone:
            raise InvalidInput(
                f"{_RULE}: levels {first.name} and {level.name} are made of different times, {first.text!r} and "
                f"{level.text!r}: one time in one zone says in which interval a record belongs"
            )
    letters = frozenset[str]().union(*(level.letters for level in levels))
    wanted = _UNITS[: len(letters)]
    if letters != set(wanted):
        raise InvalidInput(
            f"{_RULE}: the levels name {', '.join(sorted(letters))} of a time, and a partition that no other interval "
            f"has is named by {', '.join(_UNITS)}, from the year down to the smallest, without gaps"
        )
    return wanted[-1]


@dataclass(frozen=True, slots=True)
class _Clock:
    """What the levels show at moments."""

    levels: Sequence[Conversion]
    kind: SourceKind

    def shows(self, moments: Sequence[int]) -> list[tuple[object, ...]]:
        """Return the values of all levels at each moment, in milliseconds since 1970."""
        instants = pa.array(moments, pa.int64()).cast(INSTANTS)
        if self.kind is SourceKind.NANOS:
            instants = instants.cast(NANOS)
        columns = []
        for level in self.levels:
            column, problems = level.apply(instants)
            if problems:
                raise InvalidInput(f"{_RULE}: a bound of the interval names no partition: {problems[0].reason}")
            columns.append(column.to_pylist())
        return list(zip(*columns, strict=True))


def _conversion(level: _Level, schema: TableSchema, record_format: RecordFormat) -> Conversion:
    given = through(level.kind, [level.made], record_format.timezone)
    column = next(column for column in schema.partition_columns if column.name.lower() == level.name.lower())
    convert = conversion(given.kind, column.type)
    if convert is None:
        raise InvalidInput(f"{_RULE}: {level.text!r} cannot become {column.type}")
    return Chained(given.conversion, convert)


def _check_bounds(clock: _Clock, routes: Routes, start: At, end: At) -> None:
    """Raise InvalidInput for an interval that begins or ends inside of a partition."""
    for bound, name in ((start, "begins"), (end, "ends")):
        before, at = clock.shows([bound.millis - 1, bound.millis])
        if before == at:
            raise InvalidInput(
                f"{_RULE}: the interval {name} at {bound}, inside of partition {routes.partition(at)}: the rows of its "
                "other part would be lost. Partitions have to be as long as the interval, or shorter: add a level, or "
                "load longer intervals"
            )


def _check_outside(clock: _Clock, routes: Routes, start: At, end: At) -> None:
    """Raise InvalidInput where the clock goes back, out of a partition and into it again, on two sides of a bound."""
    near = [
        moment
        for bound in (start.millis, end.millis)
        for moment in range(max(0, bound - _GOES_BACK), bound + _GOES_BACK, QUARTER)
    ]
    shown = list(zip(near, clock.shows(near), strict=True))
    inside = {name for moment, name in shown if start.millis <= moment < end.millis}
    for moment, name in shown:
        if name in inside and not start.millis <= moment < end.millis:
            raise InvalidInput(
                f"{_RULE}: the interval is from {start} to {end}, and the clock of the levels shows "
                f"{routes.partition(name)} at {At(moment)}, outside of the interval, too: the rows of that time would "
                "be lost. Use a zone without summer time, such as UTC, or load longer intervals"
            )


def _check_once(zone: str, start: At, end: At) -> None:
    """Raise InvalidInput where a bound is a minute that the clock shows twice, an hour apart."""
    for bound in (start, end):
        shown = bound.moment.astimezone(zone_of(zone, "partition_by"))
        if shown.replace(fold=0).utcoffset() != shown.replace(fold=1).utcoffset():
            raise InvalidInput(
                f"{_RULE}: the clock of {zone} shows {shown:%H:%M} twice on {shown:%Y-%m-%d}, so the partition of "
                f"{bound} is that of another interval, too. Use a zone without summer time, such as UTC"
            )


def _too_many(seen: str, start: At, end: At, most: int) -> InvalidInput:
    return InvalidInput(
        f"{_RULE}: from {start} to {end} there are {seen} partitions, and max_partitions={most} allows {most}; load "
        "shorter intervals, or raise it"
    )
