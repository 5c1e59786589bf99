"""What became of the offsets of one partition's range, so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.accounting.gaps import GapKind, PassedOver, Ranges, without
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, next_offset
from airflow_provider_kafka_odps.exceptions import ReadFailed


class PartitionLedger:
    """The running count of one range, or of the part of it that one process loads."""

    def __init__(self, offsets: OffsetRange) -> None:
        self.offsets = offsets
        self.position = offsets.start
        """The next offset after the last record."""
        self.records = self.rejects = self.filtered = 0
        self.late = self.early = 0
        self.first_last: tuple[int, int] | None = None
        """The offsets of the first and the last record."""
        self.missing: list[OffsetRange] = []
        """What was lost and skipped."""
        self._gaps = Ranges(offsets.start, offsets.end)
        self._passed = Ranges(offsets.start, offsets.end)
        self._kinds: Counter[GapKind] = Counter()

    def add(self, offsets: npt.NDArray[np.int64], rejects: int, filtered: int) -> None:
        """Count records; raise ReadFailed for one that is not of the range, or does not come next."""
        self._check(offsets)
        self._add_gaps(offsets)
        first, last = int(offsets[0]), int(offsets[-1])
        self.first_last = (first if self.first_last is None else self.first_last[0]), last
        self.position = next_offset(last)
        self.records += len(offsets)
        self.rejects += rejects
        self.filtered += filtered

    def pass_over(self, passed: PassedOver) -> None:
        """Take note of offsets without a record that the log itself accounts for."""
        offsets = passed.offsets
        if passed.kind is GapKind.MISSING:
            self.missing.append(offsets)
            self._kinds[passed.kind] += offsets.span
        else:
            self._kinds[passed.kind] += self._passed.add(offsets.start, offsets.end)

    def merge(self, later: PartitionLedger) -> None:
        """Take over what another process has counted behind this."""
        self.missing += later.missing
        self._passed.extend(later._passed)
        self._kinds.update(later._kinds)
        self.records += later.records
        self.rejects += later.rejects
        self.filtered += later.filtered
        self.late += later.late
        self.early += later.early
        if later.first_last is not None:
            # A part without records leaves its gap open: it may go on in the next one.
            self._gaps.add(self.position, later.offsets.start)
            self._gaps.extend(later._gaps)
            self.position = later.position
            first = later.first_last[0] if self.first_last is None else self.first_last[0]
            self.first_last = first, later.first_last[1]

    @property
    def unaccounted(self) -> int:
        """How many offsets are no record, and nothing that the log accounts for."""
        return self.offsets.span - self.records - self._passed.covered - self._kinds[GapKind.MISSING]

    @property
    def first_gap(self) -> OffsetRange:
        """Where the first unexplained gap is; where too many ranges were seen, about."""
        return next(self._gaps_left(), self.offsets)

    def skip_unaccounted(self) -> None:
        """Take what is unaccounted for as lost."""
        unaccounted = self.unaccounted
        self.missing += list(self._gaps_left())
        self._kinds[GapKind.MISSING] += unaccounted

    def counts(self, compacted: int) -> Counts:
        """Return what the offsets became, of which so many were removed by compaction."""
        missing = self._kinds[GapKind.MISSING]
        return Counts(
            rows=self.records - self.rejects - self.filtered,
            rejects=self.rejects,
            gaps=self.offsets.span - self.records - missing,
            control=self._kinds[GapKind.CONTROL],
            aborted=self._kinds[GapKind.ABORTED],
            compacted=compacted,
            missing=missing,
            late=self.late,
            early=self.early,
            filtered=self.filtered,
        )

    def _check(self, offsets: npt.NDArray[np.int64]) -> None:
        first, last = int(offsets[0]), int(offsets[-1])
        if first < self.position or last >= self.offsets.end or bool(np.any(np.diff(offsets) <= 0)):
            raise ReadFailed(
                f"the reader delivered offsets {first} to {last} of {self.offsets.topic_partition}, where "
                f"{self.offsets} was wanted and {self.position} came next; nothing was committed"
            )

    def _add_gaps(self, offsets: npt.NDArray[np.int64]) -> None:
        if int(offsets[-1]) - self.position == len(offsets) - 1:
            return
        self._gaps.add(self.position, int(offsets[0]))
        for before in np.flatnonzero(np.diff(offsets) > 1):
            self._gaps.add(next_offset(int(offsets[before])), int(offsets[before + 1]))

    def _gaps_left(self) -> Iterator[OffsetRange]:
        end = self.offsets.end
        gaps = [*self._gaps.listed, *([(self.position, end)] if self.position < end else [])]
        lost = sorted((each.start, each.end) for each in self.missing)
        for start, end in without(without(gaps, self._passed.listed), lost):
            yield replace(self.offsets, start=start, end=end)
