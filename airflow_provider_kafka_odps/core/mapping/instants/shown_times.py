"""What is made of times by what a clock shows at them, in whole columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.instants.clocks import (
    DAY_MILLIS,
    QUARTER,
    Millis,
    Where,
    ZoneClock,
    within_calendar,
)
from airflow_provider_kafka_odps.core.mapping.strict import Converted, Unconvertible

_ENOUGH = 4
"""Times per stretch from which on a look at the ends of stretches is cheaper than one at every time."""
_NANOS = 10**6
"""Of a millisecond."""


@dataclass(frozen=True, slots=True)
class OfMoments:
    """What is made of times by a clock.

    Records that are near each other have times that are, so of the times of a batch few days and hours are made: each
    is asked for at both ends of a stretch of time, and what is the same there holds for all of the stretch.
    """

    name: str
    kind: SourceKind
    clock: ZoneClock | None
    made: Callable[[Millis, Millis, Millis], pa.Array]
    """Takes what the clock shows, what is smaller than a millisecond, and the offset."""
    unit: int
    """Milliseconds, from a multiple of itself on, for which the same is made of what a clock shows; 1: of no two."""

    def apply(self, values: pa.Array) -> Converted:
        """Return what is made of all times; those beyond the calendar are problems."""
        # The clock is put forward or back at most once in a quarter of an hour.
        length = min(self.unit, QUARTER)
        if length > 1:
            stretches = pa.array(self._millis(values) // length).dictionary_encode()
            if len(stretches.dictionary) * _ENOUGH <= len(values):
                return self._of_stretches(values, stretches, length)
        return self._of_each(values)

    def _of_stretches(self, values: pa.Array, stretches: pa.DictionaryArray, length: int) -> Converted:
        starts, places = stretches.dictionary.to_numpy() * length, stretches.indices
        count = len(starts)
        ends = np.concatenate([starts, starts + (length - 1)])
        column, offset, out = self._shown(ends, np.zeros(2 * count, np.int64), np.ones(2 * count, bool))
        first, last = column.slice(0, count), column.slice(count)
        same = pc.equal(first, last).to_numpy(zero_copy_only=False) & (offset[:count] == offset[count:])
        doubtful = ~same | out[:count] | out[count:]
        if not doubtful.any():
            return _where_there(values, first.take(places)), []
        at = places.to_numpy().astype(np.int64)
        rows = np.flatnonzero(doubtful[at])
        again, problems = self._of_each(values.take(pa.array(rows)))
        at[rows] = count + np.arange(len(rows))
        column = pa.concat_arrays([first, again]).take(pa.array(at))
        return _where_there(values, column), [Unconvertible(int(rows[each.row]), each.reason) for each in problems]

    def _of_each(self, values: pa.Array) -> Converted:
        millis = self._millis(values)
        column, _, out = self._shown(millis, self._nanos(values), values.is_valid().to_numpy(zero_copy_only=False))
        if out.any():
            column = pc.if_else(pa.array(out), pa.scalar(None, column.type), column)
        return _where_there(values, column), [
            Unconvertible(row, f"{self.name}: {number} ms after 1970 is beyond the calendar")
            for row, number in zip(np.flatnonzero(out).tolist(), millis[out].tolist(), strict=True)
        ]

    def _shown(self, millis: Millis, nanos: Millis, there: Where) -> tuple[pa.Array, Millis, Where]:
        """Return what is made, the offsets of the clock, and which of the times that are there it cannot show."""
        out = there & ~within_calendar(millis)
        millis = np.where(there & ~out, millis, 0)
        local = millis if self.clock is None else self.clock.local(millis)
        out |= there & ~within_calendar(local)
        local = np.where(out, millis, local)
        offset = local - millis
        return self.made(local, nanos, offset), offset, out

    def _millis(self, values: pa.Array) -> Millis:
        match self.kind:
            case SourceKind.DATE:
                return _numbers(values.cast(pa.int32()).cast(pa.int64())) * DAY_MILLIS
            case SourceKind.INSTANT:
                return _numbers(values.cast(pa.int64()))
            case _:
                return _numbers(values.cast(pa.int64())) // _NANOS

    def _nanos(self, values: pa.Array) -> Millis:
        if self.kind in (SourceKind.DATE, SourceKind.INSTANT):
            return np.zeros(len(values), np.int64)
        return _numbers(values.cast(pa.int64())) % _NANOS


def _numbers(values: pa.Array) -> Millis:
    """Return numbers, 0 for NULL."""
    numbers: Millis = (pc.fill_null(values, 0) if values.null_count else values).to_numpy()
    return numbers


def _where_there(values: pa.Array, column: pa.Array) -> pa.Array:
    """Return a column, NULL where the values are."""
    return pc.if_else(values.is_valid(), column, pa.scalar(None, column.type)) if values.null_count else column
