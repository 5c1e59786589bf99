"""A partition that is named after the time at which a window starts: ``ds=%Y%m%d,hh=%H``.

| directive | of 2026-11-22T10:05:07, by the clock of a zone |
|---|---|
| ``%Y`` | ``2026`` |
| ``%m`` | ``11`` |
| ``%d`` | ``22`` |
| ``%H`` | ``10`` |
| ``%M`` | ``05`` |
| ``%S`` | ``07`` |

They are Python's and C's. The others are refused: their texts depend on a language, or name no time of a window.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.table.names import PartitionInput, PartitionSpec, parse_levels
from airflow_provider_kafka_odps.exceptions import InvalidInput

_DIRECTIVES: Mapping[str, Callable[[datetime], str]] = {
    "%Y": lambda moment: f"{moment.year:04}",
    "%m": lambda moment: f"{moment.month:02}",
    "%d": lambda moment: f"{moment.day:02}",
    "%H": lambda moment: f"{moment.hour:02}",
    "%M": lambda moment: f"{moment.minute:02}",
    "%S": lambda moment: f"{moment.second:02}",
}


_DIRECTIVE = re.compile(r"%.?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PartitionPattern:
    """Column and value per level, outermost first; values may have directives."""

    levels: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        """Refuse directives that are not in the table above."""
        for name, value in self.levels:
            if unknown := [found for found in _DIRECTIVE.findall(value) if found not in _DIRECTIVES]:
                raise InvalidInput(
                    f"partition {name}={value!r}: {unknown[0]!r} is no part of a time here; "
                    f"write {', '.join(_DIRECTIVES)} such as ds=%Y%m%d,hh=%H"
                )

    @classmethod
    def parse(cls, asked: PartitionInput) -> PartitionPattern:
        """Read what ``PartitionSpec.parse`` reads, with directives in values.

        >>> PartitionPattern.parse("ds=%Y%m%d,hh=%H").at(datetime.fromisoformat("2026-11-22T09:00Z"), ZoneInfo("UTC"))
        PartitionSpec(levels=(('ds', '20261122'), ('hh', '09')))
        """
        return cls(parse_levels(asked))

    def of_window(self, starts: datetime | None, zone: ZoneInfo, mode: Mode) -> PartitionSpec:
        """Return the partition of a window that starts at an instant, by the clock of a zone; None: at offsets only.

        Raises InvalidInput for directives without an instant, and for an overwrite of a partition of two windows.
        """
        if not any("%" in value for _, value in self.levels):
            return PartitionSpec(self.levels)
        if starts is None:
            raise InvalidInput(
                f"partition={str(self)!r} is named after the time at which the window starts, and this one starts at "
                "no time. Give start='interval' or a time, or write a partition without %"
            )
        if mode is Mode.OVERWRITE:
            self._check_own(starts, zone)
        return self.at(starts, zone)

    def at(self, moment: datetime, zone: ZoneInfo) -> PartitionSpec:
        """Return the partition of an instant, by the clock of a zone."""
        clock = _clock(moment, zone)
        return PartitionSpec(
            tuple(
                (name, _DIRECTIVE.sub(lambda found: _DIRECTIVES[found[0]](clock), value)) for name, value in self.levels
            )
        )

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.levels)

    def _check_own(self, moment: datetime, zone: ZoneInfo) -> None:
        """Refuse an hour that the clock shows twice, as it does where summer time ends.

        Two windows have one partition then: the rows of one would replace those of the other.
        """
        clock = _clock(moment, zone)
        shown_twice = clock.replace(fold=0).utcoffset() != clock.replace(fold=1).utcoffset()
        if shown_twice and any("%H" in value for _, value in self.levels):
            raise InvalidInput(
                f"partition={str(self)!r} of {moment.isoformat()}: the clock of {zone.key} shows {clock:%H:%M} twice "
                "on this day, so two windows have one partition, and mode='overwrite' would replace the rows of one "
                "by those of the other. Load with mode='append', or with partition_timezone='UTC'"
            )


def _clock(moment: datetime, zone: ZoneInfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError:
        raise InvalidInput(f"{moment.isoformat()} is beyond the calendar by the clock of {zone.key}") from None
