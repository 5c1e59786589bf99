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
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from airflow_provider_kafka_odps.exceptions import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_LAST_MILLIS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def time_text(millis: int) -> str:
    """Return a record's timestamp as a time, or as a number where it is beyond every calendar.

    >>> time_text(1795341600000), time_text(10**18)
    ('2026-11-22T10:00:00Z', '1000000000000000000 ms after 1970')
    """
    if not 0 <= millis <= _LAST_MILLIS:
        return f"{millis} ms after 1970"
    return (_EPOCH + timedelta(milliseconds=millis)).isoformat().replace("+00:00", "Z")


def moment_text(moment: datetime) -> str:
    """Return a moment as messages and documents have it: in UTC, in whole seconds.

    >>> moment_text(datetime.fromisoformat("2026-11-22T18:00:00.9+08:00"))
    '2026-11-22T10:00:00Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


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

    @property
    def moment(self) -> datetime:
        """The instant, in UTC."""
        return _EPOCH + timedelta(milliseconds=self.millis)

    def __str__(self) -> str:
        return time_text(self.millis)


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

    asked: At | Previous
    offsets: Mapping[int, int]
    """A partition that is not among them did not exist then: all of it lies behind the cut."""
    source: str
    remembered: bool = True
    """False: it was made just now, of what the broker says."""

    def of(self, partition: int) -> int:
        """Return where the cut goes through ``partition``: one that did not exist then has its first offset behind it.

        That is 0, also where the log starts later by now: what expired in between was behind the cut.
        """
        return self.offsets.get(partition, 0)

    def __str__(self) -> str:
        return str(self.asked)


def asked_of_the_broker(bound: PlannableBound | None) -> At | None:
    """Return the instant of a bound of which the broker alone has said where it lies."""
    asked = bound.asked if isinstance(bound, Cut) and not bound.remembered else bound
    return asked if isinstance(asked, At) else None


SurveyBound: TypeAlias = Earliest | Latest | Committed | At | Offsets
"""What facts alone turn into offsets: a survey of the topic answers it."""
AskedBound: TypeAlias = SurveyBound | Previous
"""What a user may ask for."""
PlannableBound: TypeAlias = SurveyBound | Cut
"""What a window can be planned from: what a task remembers has become offsets."""
