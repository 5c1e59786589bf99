"""The clock of a zone, for whole columns: instants to local times and back.

Offsets are asked for once per quarter of an hour that occurs, of Python's zones, which need no files of the machine,
and kept. A quarter in which the offset changes is looked at row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Millis = npt.NDArray[np.int64]
"""Milliseconds since 1970, of instants or by a clock."""
Where = npt.NDArray[np.bool_]

_FIRST_DAY, _LAST_DAY = ((day - date(1970, 1, 1)).days for day in (date(1, 1, 1), date(9999, 12, 31)))
DAY_MILLIS = 86_400_000
FIRST_MILLI, LAST_MILLI = _FIRST_DAY * DAY_MILLIS, (_LAST_DAY + 1) * DAY_MILLIS - 1
"""The years 1 to 9999, in milliseconds since 1970 (UTC)."""
QUARTER = 900_000
"""A quarter of an hour, in milliseconds: every offset of today is a number of them."""
_KEPT = 100_000
"""Quarters, nearly three years of them, in about 20 MB."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - by whatever clock
_MILLI = timedelta(milliseconds=1)


def within_calendar(millis: Millis) -> Where:
    """Return which of these are of the years 1 to 9999."""
    return (millis >= FIRST_MILLI) & (millis <= LAST_MILLI)


class ZoneClock:
    """The clock of one zone. All times have to be ``within_calendar``; what comes out may be up to a day beyond it."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._of_instants = lru_cache(_KEPT)(self._edges_of_instants)
        self._of_local = lru_cache(_KEPT)(self._edges_of_local)

    def local(self, instants: Millis) -> Millis:
        """Return what the clock shows."""
        offsets, doubtful = _by_quarter(instants, self._of_instants)
        for row in doubtful:
            offsets[row] = self._offset_at(int(instants[row]))
        return instants + offsets

    def instants(self, local: Millis) -> tuple[Millis, Where]:
        """Return the instants at which the clock shows these times, and which it shows never, or twice."""
        offsets, doubtful = _by_quarter(local, self._of_local)
        none = np.zeros(len(local), bool)
        for row in doubtful:
            offsets[row], other = (self._offset_of(int(local[row]), fold) for fold in (0, 1))
            none[row] = offsets[row] != other
        return local - offsets, none

    def _edges_of_instants(self, start: int) -> tuple[int, ...]:
        return tuple(self._offset_at(start + last) for last in (0, QUARTER - 1))

    def _edges_of_local(self, start: int) -> tuple[int, ...]:
        return tuple(self._offset_of(start + last, fold) for last in (0, QUARTER - 1) for fold in (0, 1))

    def _offset_at(self, instant: int) -> int:
        # Python's clocks end with the calendar; none is changed within a day of its ends.
        instant = min(max(instant, FIRST_MILLI + DAY_MILLIS), LAST_MILLI - DAY_MILLIS)
        moment = (_EPOCH + instant * _MILLI).replace(tzinfo=self._zone)
        return _millis(self._zone.fromutc(moment).utcoffset())

    def _offset_of(self, local: int, fold: int) -> int:
        return _millis((_EPOCH + local * _MILLI).replace(tzinfo=self._zone, fold=fold).utcoffset())


def _millis(offset: timedelta | None) -> int:
    assert offset is not None, "a zone has an offset at any time"
    return offset // _MILLI


def _by_quarter(times: Millis, edges: Callable[[int], tuple[int, ...]]) -> tuple[Millis, Sequence[int]]:
    """Return the offset of each time, and the rows in whose quarter of an hour it is not the same throughout."""
    quarters = pa.array(times // QUARTER).dictionary_encode()
    found = [edges(quarter * QUARTER) for quarter in quarters.dictionary.to_pylist()]
    places = quarters.indices.to_numpy()
    offsets = np.array([each[0] for each in found], np.int64)[places]
    changes = np.array([len(set(each)) > 1 for each in found], bool)
    return offsets, np.flatnonzero(changes[places]).tolist() if changes.any() else []
