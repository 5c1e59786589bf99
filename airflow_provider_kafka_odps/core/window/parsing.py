"""What a user writes as a bound, or as a list of partitions, parsed once, at the operator's border."""

from __future__ import annotations

import json
import re
from calendar import timegm
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias

from airflow_provider_kafka_odps.core.window.bounds import (
    AskedBound,
    At,
    Committed,
    Earliest,
    Latest,
    Offsets,
    Previous,
    Side,
    SurveyBound,
)
from airflow_provider_kafka_odps.core.zones import zone_of
from airflow_provider_kafka_odps.exceptions import InvalidInput, NoInterval

BoundInput: TypeAlias = "str | int | datetime | Mapping[int | str, int | str]"
"""What a user may write as a bound."""


# Kafka's offsets have 64 bits; ASCII digits only, because `int` would take those of every script.
_OFFSET = re.compile(r"-?[0-9]{1,19}\Z")


_PARTITION = re.compile(r"[0-9]{1,10}\Z")


# A time and, as RFC 9557 writes it, the zone by whose clock it is meant; fourteen digits as DataWorks writes them.
_BY_CLOCK = re.compile(r"(.+)\[([A-Za-z0-9_+/-]+)\]\Z")


_DIGITS = re.compile(r"[0-9]{14}\Z")


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


def parse_start(asked: BoundInput, interval: Interval) -> AskedBound:
    """Turn what a user asked for as a window's start into a bound; see ``parse_bound``."""
    if isinstance(asked, str) and asked.strip() == "previous":
        return Previous()
    return parse_bound(asked, Side.START, interval)


def parse_bound(asked: BoundInput, side: Side, interval: Interval) -> SurveyBound:
    """Turn what a user asked for into a bound that no task has to remember.

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


def _parse_text(text: str, side: Side, interval: Interval) -> SurveyBound:
    match text, side:
        case "interval", _:
            return interval.at(side)
        case "earliest", Side.START:
            return Earliest()
        case "committed", Side.START:
            return Committed()
        case "previous", Side.START:
            raise InvalidInput(
                "'previous' is answered by what a task remembers of its windows: ask for it with the operator's start"
            )
        case "latest", _:
            return Latest()
        case _ if _OFFSET.match(text):
            return Offsets(int(text), {})
        case _ if text.startswith("{"):
            return _per_partition(_json_object(text, side), side)
        case _:
            return _parse_moment(text, side)


def _parse_moment(text: str, side: Side) -> At:
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
    # Of an hour that the clock shows twice, the first.
    return moment.replace(tzinfo=zone_of(by_clock[2], f"{side}={text!r}"))


def _json_object(text: str, side: Side) -> Mapping[int | str, int | str]:
    try:
        parsed: Mapping[int | str, int | str] = json.loads(text, object_pairs_hook=partial(_named_once, side))
    except InvalidInput:
        raise
    except ValueError as error:
        raise InvalidInput(
            f"{side}={text!r} looks like offsets per partition but is not JSON ({error}); "
            "in a template write {{ params.offsets | tojson }}, or set render_template_as_native_obj=True on the DAG"
        ) from None
    return parsed


def _named_once(side: Side, pairs: Sequence[tuple[str, int | str]]) -> dict[str, int | str]:
    """Refuse what JSON allows: of a name that is there twice it would keep the last value and say nothing."""
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidInput(_twice(side, twice[0]))
    return dict(pairs)


def _twice(side: Side, partition: object) -> str:
    return f"{side}: partition {partition} is there twice; give one offset per partition"


def _per_partition(asked: Mapping[int | str, int | str], side: Side) -> Offsets:
    each: dict[int, int] = {}
    for partition, offset in asked.items():
        if isinstance(offset, bool) or not (_PARTITION.match(str(partition)) and _OFFSET.match(str(offset))):
            raise InvalidInput(
                f"{side}: {partition!r}: {offset!r} is not a partition number with an offset, such as {{'0': 120}}"
            )
        if int(partition) in each:
            raise InvalidInput(_twice(side, int(partition)))
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
        f"{seen}, so 'interval' names no window. A run that is triggered without a logical date has none, nor has one "
        "of Airflow's plain cron and timedelta schedules. Trigger it with a logical date; or schedule the DAG with "
        "CronDataIntervalTimetable, DeltaDataIntervalTimetable or CronPartitionTimetable; or give explicit bounds "
        "(start='earliest', end='latest', times, or offsets)"
    )


# Six digits: more partitions than a cluster can have, and few enough to list them all.
_PARTITIONS = re.compile(r"([0-9]{1,6})(?:\s*-\s*([0-9]{1,6}))?")


def parse_partitions(asked: Sequence[int | str] | str | int | None) -> frozenset[int] | None:
    """Return the partitions of the topic to load: a list, or text such as ``"0,2-4"`` or ``"[0, 2]"``; None means all.

    >>> sorted(parse_partitions("0,2-4"))
    [0, 2, 3, 4]
    """
    if asked is None or asked == "":
        return None
    words = asked.strip("[] ").split(",") if isinstance(asked, str) else [asked] if isinstance(asked, int) else asked
    numbers: set[int] = set()
    for word in words:
        found = _PARTITIONS.fullmatch(str(word).strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last:
            raise InvalidInput(
                f"partitions={asked!r}: {word!r} is no partition; write a list such as [0, 2] or '0,2-4'"
            )
        numbers.update(range(first, last + 1))
    return frozenset(numbers)
