"""Texts of one pattern, as a conversion of whole columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.instants.clocks import (
    DAY_MILLIS,
    Millis,
    Where,
    ZoneClock,
    within_calendar,
)
from airflow_provider_kafka_odps.core.mapping.instants.time_patterns import TimePattern
from airflow_provider_kafka_odps.core.mapping.instants.time_reading import Times, read_times
from airflow_provider_kafka_odps.core.mapping.strict import Converted, Unconvertible, shown

INSTANTS, NANOS, LOCAL = pa.timestamp("ms", "UTC"), pa.timestamp("ns", "UTC"), pa.timestamp("ns")
"""Arrow's types of instants, fine ones, and local times."""
_LAST_NANO_MILLI = (2**63 - 1) // 10**6 - 1


@dataclass(frozen=True, slots=True)
class InPattern:
    """Texts in a pattern."""

    name: str
    pattern: TimePattern
    become: Callable[[Times], tuple[pa.Array, Where]]
    """Returns the column, and which times are none."""

    def apply(self, values: pa.Array) -> Converted:
        """Read all texts."""
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
            Unconvertible(row, f"{self.name}: {shown(text)} {self._why(text, bad=bad[row])}")
            for row, text in zip(rows, texts, strict=True)
        ]

    def _why(self, text: str, *, bad: bool) -> str:
        if not bad:
            return "is no time of that clock, or two, or out of range"
        place = self.pattern.misfit(text)
        where = "" if place is None else f" from position {place} on"
        return f"is not {self.pattern.text}{where}"


def to_millis(times: Times, clock: ZoneClock | None) -> tuple[pa.Array, Where]:
    """Return instants by a clock, or by the offsets that the texts have; and which times are none."""
    millis, none = _instants(times, clock)
    return pa.array(millis).cast(INSTANTS), none


def to_nanos(times: Times, clock: ZoneClock | None) -> tuple[pa.Array, Where]:
    """Return the same in nanoseconds, of the years 1677 to 2262."""
    millis, none = _instants(times, clock)
    none = none | (np.abs(millis) > _LAST_NANO_MILLI)
    return pa.array(np.where(none, 0, millis) * 10**6 + times.nanos).cast(NANOS), none


def _instants(times: Times, clock: ZoneClock | None) -> tuple[Millis, Where]:
    if clock is None:
        millis = times.millis - times.offset
        return millis, ~within_calendar(millis)
    # Those that are bad may be anything.
    millis, none = clock.instants(np.where(times.bad, 0, times.millis))
    return millis, none | ~within_calendar(millis)


def to_days(times: Times) -> tuple[pa.Array, Where]:
    """Return dates, of the years 1 to 9999; and which times are none: no one that could be read."""
    return pa.array((times.millis // DAY_MILLIS).astype(np.int32)).cast(pa.date32()), np.zeros(len(times.millis), bool)


def to_local(times: Times) -> tuple[pa.Array, Where]:
    """Return local times in nanoseconds, of the years 1677 to 2262; and which times are none."""
    none = np.abs(times.millis) > _LAST_NANO_MILLI
    return pa.array(np.where(none, 0, times.millis) * 10**6 + times.nanos).cast(LOCAL), none
