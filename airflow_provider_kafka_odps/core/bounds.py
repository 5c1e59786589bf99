"""What a user may ask for as a window's start or end, parsed once, at the operator's border.

| asked | bound |
|---|---|
| ``"earliest"``, ``"latest"``, ``"committed"``, ``"previous"`` | the value of that name |
| ``"interval"`` | ``At`` of the run's data interval |
| an aware datetime, ISO-8601 text with a zone | ``At`` |
| ``"2026-11-22T10:00[Asia/Shanghai]"``, ``"20261122100000[Asia/Shanghai]"`` | ``At``, by the clock of that zone |
| ``30``, ``"30"`` | ``Offsets`` with one offset for every partition |
| ``{0: 30}``, ``'{"0": 30}'`` | ``Offsets`` with one offset per partition |
"""

from __future__ import annotations

import json
import re
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_kafka_odps.exceptions import InvalidInput, NoInterval

BoundInput: TypeAlias = "str | int | datetime | Mapping[int | str, int | str]"
"""What a user may write as a bound."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLIS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
# Kafka's offsets have 64 bits; ASCII digits only, because `int` would take those of every script.
_OFFSET = re.compile(r"-?[0-9]{1,19}\Z")
_PARTITION = re.compile(r"[0-9]{1,10}\Z")
# A time and, as RFC 9557 writes it, the zone by whose clock it is meant; fourteen digits as DataWorks writes them.
_BY_CLOCK = re.compile(r"(.+)\[([A-Za-z0-9_+/-]+)\]\Z")
_DIGITS = re.compile(r"[0-9]{14}\Z")


class Side(StrEnum):
    """Which end of the window a bound is for."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class Earliest:
    """The log start."""

    def __str__(self) -> str:
        return "earliest"


@dataclass(frozen=True, slots=True)
class Latest:
    """The log end at planning: high watermark, or last stable offset under ``read_committed``."""

    def __str__(self) -> str:
        return "latest"


@dataclass(frozen=True, slots=True)
class Committed:
    """The consumer group's committed offset."""

    def __str__(self) -> str:
        return "committed"


@dataclass(frozen=True, slots=True)
class At:
    """The first offset whose timestamp is at or after an instant."""

    millis: int
    """Milliseconds since the epoch, UTC."""

    def __post_init__(self) -> None:
        """Refuse instants that Kafka cannot be asked for."""
        if self.millis < 0:
            raise InvalidInput(
                f"a bound before 1970-01-01T00:00:00Z ({self.millis} ms) cannot be looked up in Kafka; "
                "write 'earliest' for the log start"
            )
        if self.millis > _LAST_MILLIS:
            raise InvalidInput(f"a bound after the year 9999 ({self.millis} ms) is no time; write 'latest' instead")

    def __str__(self) -> str:
        return (_EPOCH + timedelta(milliseconds=self.millis)).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Offsets:
    """Offsets that the user typed: one for every partition, or one per partition."""

    everywhere: int | None
    each: Mapping[int, int]

    def __post_init__(self) -> None:
        """Refuse negative offsets: they are somebody's code for "earliest" or "latest"."""
        for partition, offset in (
            *self.each.items(),
            *([("*", self.everywhere)] if self.everywhere is not None else []),
        ):
            if offset < 0:
                raise InvalidInput(
                    f"offset {offset} (partition {partition}): offsets are >= 0; write 'earliest' or 'latest' instead"
                )

    def of(self, partition: int) -> int | None:
        """Return the offset for ``partition``, or None where none was given."""
        return self.each.get(partition, self.everywhere)

    def __str__(self) -> str:
        if self.everywhere is not None:
            return str(self.everywhere)
        return json.dumps({str(partition): offset for partition, offset in sorted(self.each.items())})


@dataclass(frozen=True, slots=True)
class Previous:
    """Where the last window ended that this task has committed."""

    def __str__(self) -> str:
        return "previous"


@dataclass(frozen=True, slots=True)
class Cut:
    """A bound that was turned into offsets before; nobody writes one, it is remembered."""

    asked: str
    offsets: Mapping[int, int]
    """A partition that is not among them did not exist then: all of it lies behind the cut."""
    source: str

    def __str__(self) -> str:
        return self.asked


Bound: TypeAlias = Earliest | Latest | Committed | At | Offsets | Previous | Cut


@dataclass(frozen=True, slots=True)
class Interval:
    """The run's data interval; either end may be missing, as it is for a manual run."""

    start: datetime | None
    end: datetime | None

    def at(self, side: Side) -> At:
        """Return the instant of one end.

        Raises NoInterval when the run has no interval, or one of no length.
        """
        if self.start is None or self.end is None:
            raise NoInterval(_no_interval("this run has no data interval"))
        if self.start >= self.end:
            raise NoInterval(_no_interval(f"the run's data interval [{self.start}, {self.end}) has no length"))
        return At(_millis(self.start if side is Side.START else self.end))


def parse_bound(asked: BoundInput, side: Side, interval: Interval) -> Bound:
    """Turn what a user asked for into a bound.

    Raises InvalidInput with the text and what would be accepted, and NoInterval for ``"interval"`` without one.

    >>> parse_bound("2026-11-22T10:00:00Z", Side.START, Interval(None, None))
    At(millis=1795341600000)
    >>> parse_bound('{"0": 5}', Side.END, Interval(None, None))
    Offsets(everywhere=None, each={0: 5})
    """
    match asked:
        case bool():
            raise _refused(asked, side)
        case int():
            return Offsets(asked, {})
        case datetime():
            return _at(asked, side)
        case Mapping():
            return _per_partition(asked, side)
        case str():
            return _parse_text(asked.strip(), side, interval)
        case _:
            raise _refused(asked, side)


def _parse_text(text: str, side: Side, interval: Interval) -> Bound:
    match text, side:
        case "interval", _:
            return interval.at(side)
        case "earliest", Side.START:
            return Earliest()
        case "committed", Side.START:
            return Committed()
        case "previous", Side.START:
            return Previous()
        case "latest", _:
            return Latest()
    if _OFFSET.match(text):
        return Offsets(int(text), {})
    if text.startswith("{"):
        return _per_partition(_json_object(text, side), side)
    try:
        return _at(_moment(text, side), side)
    except ValueError as error:
        if isinstance(error, InvalidInput):
            raise
        raise _refused(text, side) from None


def _moment(text: str, side: Side) -> datetime:
    by_clock = _BY_CLOCK.match(text)
    if by_clock is None:
        return datetime.fromisoformat(text)
    digits = by_clock[1].strip()
    moment = datetime.fromisoformat(f"{digits[:8]}T{digits[8:]}" if _DIGITS.match(digits) else digits)
    if moment.tzinfo is not None:
        raise InvalidInput(f"{side}={text!r} has a zone twice; leave out the offset, or [{by_clock[2]}]")
    try:
        # Of an hour that the clock shows twice, the first.
        return moment.replace(tzinfo=ZoneInfo(by_clock[2]))
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidInput(
            f"{side}={text!r}: there is no time zone {by_clock[2]!r}; write for example Asia/Shanghai"
        ) from None


def _json_object(text: str, side: Side) -> Mapping[int | str, int | str]:
    try:
        parsed: Mapping[int | str, int | str] = json.loads(text)
    except ValueError as error:
        raise InvalidInput(
            f"{side}={text!r} looks like offsets per partition but is not JSON ({error}); "
            "in a template write {{ params.offsets | tojson }}, or set render_template_as_native_obj=True on the DAG"
        ) from None
    return parsed


def _per_partition(asked: Mapping[int | str, int | str], side: Side) -> Offsets:
    each: dict[int, int] = {}
    for partition, offset in asked.items():
        if isinstance(offset, bool) or not (_PARTITION.match(str(partition)) and _OFFSET.match(str(offset))):
            raise InvalidInput(
                f"{side}: {partition!r}: {offset!r} is not a partition number with an offset, such as {{'0': 120}}"
            )
        if int(partition) in each:
            raise InvalidInput(f"{side}: partition {int(partition)} is there twice; give one offset per partition")
        each[int(partition)] = int(offset)
    if not each:
        raise InvalidInput(f"{side}: an empty mapping names no offset; give one number per partition")
    return Offsets(None, each)


def _at(moment: datetime, side: Side) -> At:
    if moment.tzinfo is None:
        raise InvalidInput(
            f"{side}={moment.isoformat()!r} has no time zone, so it names no instant; "
            "write for example 2026-11-22T10:00:00+08:00 or …Z"
        )
    return At(_millis(moment))


def _millis(moment: datetime) -> int:
    """Return whole milliseconds, rounded up: the first record at or after an instant is at or after its next one."""
    # By the calendar: Airflow's instants are pendulum's, whose differences do not divide as the standard library's.
    return timegm(moment.utctimetuple()) * 1000 - (-moment.microsecond // 1000)


def _refused(asked: object, side: Side) -> InvalidInput:
    names = (
        "'interval', 'earliest', 'latest', 'committed', 'previous'" if side is Side.START else "'interval', 'latest'"
    )
    return InvalidInput(
        f"{side}={asked!r} is no bound; accepted: {names}, an ISO-8601 time with a zone, "
        "an offset, or offsets per partition such as {'0': 120, '1': 98}"
    )


def _no_interval(seen: str) -> str:
    return (
        f"{seen}, so 'interval' names no window. Airflow's plain cron and timedelta schedules, and manual runs, "
        "give none. "
        "Schedule the DAG with CronDataIntervalTimetable, DeltaDataIntervalTimetable or CronPartitionTimetable, "
        "or give explicit bounds "
        "(start='earliest', end='latest', times, or offsets)"
    )
