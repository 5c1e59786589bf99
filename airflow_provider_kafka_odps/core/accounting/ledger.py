"""Counting what the offsets of a window became, and refusing records that are not the window's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.counts import Counted, Counts
from airflow_provider_kafka_odps.core.accounting.gaps import GapKind, PassedOver, Ranges, without
from airflow_provider_kafka_odps.core.accounting.lateness import Lateness
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, TopicPartition, next_offset
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import ReadFailed, UnexplainedGap


class Ledger:
    """The running count of one load."""

    def __init__(self, window: Window, on_data_loss: OnDataLoss = OnDataLoss.FAIL) -> None:
        self._on_data_loss = on_data_loss
        self._missing: list[OffsetRange] = []
        self._topic = window.topic
        self._ranges = {offsets.topic_partition: offsets for offsets in window.ranges}
        self._positions = {partition: offsets.start for partition, offsets in self._ranges.items()}
        self._records = dict.fromkeys(self._ranges, 0)
        self._lateness = Lateness(window)
        self._first_last: dict[TopicPartition, tuple[int, int]] = {}
        self._rejects = dict.fromkeys(self._ranges, 0)
        self._gaps = {partition: Ranges(offsets.start, offsets.end) for partition, offsets in self._ranges.items()}
        self._passed = {partition: Ranges(offsets.start, offsets.end) for partition, offsets in self._ranges.items()}
        self._kinds = {partition: dict.fromkeys(GapKind, 0) for partition in self._ranges}

    def add(self, batch: pa.RecordBatch, rejects: int) -> None:
        """Count a batch of one partition, of whose records ``rejects`` became no row.

        Raises ReadFailed for a record outside the window, before one that was counted, or twice: such a batch would
        double rows, and nothing that was read so far becomes visible.
        """
        if not batch.num_rows:
            return
        partition = TopicPartition(self._topic, batch.column("partition")[0].as_py())
        offsets = batch.column("offset").to_numpy()
        self._check(partition, offsets)
        self._add_gaps(partition, offsets)
        first, _ = self._first_last.get(partition, (int(offsets[0]), 0))
        self._first_last[partition] = first, int(offsets[-1])
        self._positions[partition] = next_offset(int(offsets[-1]))
        self._records[partition] += batch.num_rows
        self._lateness.add(partition, batch.column("timestamp"))
        self._rejects[partition] += rejects

    def pass_over(self, passed: PassedOver) -> None:
        """Take note of offsets without a record that the log itself accounts for."""
        offsets, partition = passed.offsets, passed.offsets.topic_partition
        if partition not in self._ranges:
            return
        if passed.kind is GapKind.MISSING:
            self._missing.append(offsets)
            self._kinds[partition][passed.kind] += offsets.span
        else:
            self._kinds[partition][passed.kind] += self._passed[partition].add(offsets.start, offsets.end)

    def counted(self) -> dict[TopicPartition, Counted]:
        """Return what was counted, for ``absorb`` of an account of more."""
        return {
            partition: Counted(
                start=offsets.start,
                position=self._positions[partition],
                records=self._records[partition],
                rejects=self._rejects[partition],
                first_last=self._first_last.get(partition),
                gaps=self._gaps[partition],
                passed=self._passed[partition],
                kinds=self._kinds[partition],
                late=self._lateness.late[partition],
                early=self._lateness.early[partition],
            )
            for partition, offsets in self._ranges.items()
        }

    def absorb(self, parts: Mapping[TopicPartition, Counted], missing: Iterable[OffsetRange]) -> None:
        """Take over what was counted of a part of the window; the parts of one partition in the order of offsets."""
        self._missing += missing
        for partition, part in parts.items():
            self._passed[partition].extend(part.passed)
            self._records[partition] += part.records
            self._rejects[partition] += part.rejects
            self._lateness.late[partition] += part.late
            self._lateness.early[partition] += part.early
            if part.first_last is not None:
                # A part without records leaves its gap open: it may go on in the next one.
                self._gaps[partition].add(self._positions[partition], part.start)
                self._gaps[partition].extend(part.gaps)
                self._positions[partition] = part.position
                first, _ = self._first_last.get(partition, part.first_last)
                self._first_last[partition] = first, part.first_last[1]
            for kind, count in part.kinds.items():
                self._kinds[partition][kind] += count

    def _add_gaps(self, partition: TopicPartition, offsets: npt.NDArray[np.int64]) -> None:
        gaps, position = self._gaps[partition], self._positions[partition]
        if int(offsets[-1]) - position == len(offsets) - 1:
            return
        gaps.add(position, int(offsets[0]))
        for before in np.flatnonzero(np.diff(offsets) > 1):
            gaps.add(next_offset(int(offsets[before])), int(offsets[before + 1]))

    def _check(self, partition: TopicPartition, offsets: npt.NDArray[np.int64]) -> None:
        wanted = self._ranges.get(partition)
        first, last = int(offsets[0]), int(offsets[-1])
        if (
            wanted is None
            or last >= wanted.end
            or first < self._positions[partition]
            or bool(np.any(np.diff(offsets) <= 0))
        ):
            raise ReadFailed(
                f"the reader delivered offsets {first} to {last} of {partition}, where {wanted or 'nothing'} "
                f"was wanted and {self._positions.get(partition)} came next; nothing was committed"
            )

    @property
    def passed(self) -> int:
        """How many offsets are behind the last record of their partition."""
        return sum(position - self._ranges[partition].start for partition, position in self._positions.items())

    @property
    def records(self) -> int:
        """How many records were counted so far, rejects among them."""
        return sum(self._records.values())

    @property
    def rows(self) -> int:
        """How many rows were counted so far."""
        return self.records - sum(self._rejects.values())

    def counts(self, cleanup_policy: Callable[[], str | None] | None = None) -> dict[TopicPartition, Counts]:
        """Return what became of each partition's offsets; to be asked when the window has been read to its end.

        ``cleanup_policy`` is asked for the topic's if offsets have no record and nothing that was passed over accounts
        for it; None of either kind: it is not known. Without the function, gaps are counted and not accounted for.
        Raises UnexplainedGap for offsets without a record that compaction may not have removed.
        """
        if cleanup_policy is None:
            return {partition: self._counts(partition, compacted=0) for partition in self._ranges}
        compacted = {partition: self._unaccounted(partition) for partition in self._ranges}
        if any(compacted.values()):
            policy = cleanup_policy()
            if policy is None or "compact" not in policy:
                unexplained = {partition: gaps for partition, gaps in compacted.items() if gaps}
                if self._on_data_loss is OnDataLoss.FAIL:
                    raise UnexplainedGap(self._unexplained(unexplained, policy))
                self._skip(unexplained)
                compacted = dict.fromkeys(self._ranges, 0)
        return {partition: self._counts(partition, gaps) for partition, gaps in compacted.items()}

    def _counts(self, partition: TopicPartition, compacted: int) -> Counts:
        records, rejects, kinds = self._records[partition], self._rejects[partition], self._kinds[partition]
        return Counts(
            rows=records - rejects,
            rejects=rejects,
            gaps=self._ranges[partition].span - records - kinds[GapKind.MISSING],
            control=kinds[GapKind.CONTROL],
            aborted=kinds[GapKind.ABORTED],
            compacted=compacted,
            missing=kinds[GapKind.MISSING],
            late=self._lateness.late[partition],
            early=self._lateness.early[partition],
        )

    def progress(self) -> str:
        """Return how much was counted, and what is ahead, such as ``orders[3]@[180, 250)``."""
        ahead = [
            str(replace(offsets, start=self._positions[partition]))
            for partition, offsets in sorted(self._ranges.items())
            if self._positions[partition] < offsets.end
        ]
        span = sum(offsets.span for offsets in self._ranges.values())
        done = sum(self._positions[partition] - offsets.start for partition, offsets in self._ranges.items())
        return f"{done} of {span} offsets were read and fit, ahead: {', '.join(ahead) or 'none'}"

    @property
    def offsets(self) -> dict[TopicPartition, tuple[int, int]]:
        """The offsets of the first and the last record so far, of each partition that had any."""
        return dict(self._first_last)

    @property
    def missing(self) -> tuple[OffsetRange, ...]:
        """The ranges that were lost and skipped, in order; of very many in one partition the first are listed."""
        return tuple(sorted(self._missing))

    def _skip(self, unexplained: dict[TopicPartition, int]) -> None:
        for partition, gaps in unexplained.items():
            self._missing += list(self._gaps_left(partition))
            self._kinds[partition][GapKind.MISSING] += gaps

    def _unaccounted(self, partition: TopicPartition) -> int:
        known = self._records[partition] + self._passed[partition].covered + self._kinds[partition][GapKind.MISSING]
        return self._ranges[partition].span - known

    def _unexplained(self, gaps: dict[TopicPartition, int], policy: str | None) -> str:
        lines = "\n".join(
            f"{self._first_gap(partition)}: {gap} offsets without a record" for partition, gap in gaps.items()
        )
        return (
            f"{lines}\nNo transaction marker and no aborted transaction accounts for them, and the topic's "
            f"cleanup.policy is {policy or 'not for this login to know (it needs DESCRIBE_CONFIGS on the topic)'}, so "
            "compaction does not either: these records are lost, or the log was damaged. Nothing was committed"
        )

    def _first_gap(self, partition: TopicPartition) -> OffsetRange:
        """Return where the first unexplained gap of a partition is; where too many ranges were seen, about."""
        return next(self._gaps_left(partition), self._ranges[partition])

    def _gaps_left(self, partition: TopicPartition) -> Iterator[OffsetRange]:
        offsets, position = self._ranges[partition], self._positions[partition]
        gaps = [*self._gaps[partition].listed, *([(position, offsets.end)] if position < offsets.end else [])]
        lost = sorted((each.start, each.end) for each in self._missing if each.topic_partition == partition)
        for start, end in without(without(gaps, self._passed[partition].listed), lost):
            yield replace(offsets, start=start, end=end)
