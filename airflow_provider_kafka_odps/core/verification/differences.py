"""Rows of a table beside the rows that the topic gives: missing, doubled and extra offsets, and values that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.gaps import Ranges
from airflow_provider_kafka_odps.core.mapping.strict import shown
from airflow_provider_kafka_odps.core.table.schema import Column
from airflow_provider_kafka_odps.core.verification.equality import unequal
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, TopicPartition, next_offset

SHOWN = 10
"""How many values that differ are kept."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that come from one Kafka partition: the offset of each, and some of its columns."""

    offsets: np.ndarray[Any, np.dtype[np.int64]]
    columns: Mapping[str, pa.Array]


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """A value of the table that is not what the mapping makes of its record now."""

    place: TopicPartition
    offset: int
    column: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return (
            f"{self.place} offset {self.offset}, column {self.column}: {self.wanted} is wanted, {self.found} is there"
        )


@dataclass(slots=True)
class PartitionDifferences:
    """The running comparison of one Kafka partition's range; parts of it come in the order of their offsets."""

    offsets: OffsetRange
    wanted: int = 0
    """Rows that the topic gives."""
    found: int = 0
    """Rows that the table has."""
    surplus: int = 0
    """Rows beyond the first one of their offset."""
    compared: int = 0
    """Rows whose values were looked at."""
    different: int = 0
    """Those of them in which a value differs."""
    missing: Ranges = field(init=False)
    doubled: Ranges = field(init=False)
    extra: Ranges = field(init=False)
    """Offsets of which the table has rows, and the topic gives none."""

    def __post_init__(self) -> None:
        """Begin with no difference."""
        for name in ("missing", "doubled", "extra"):
            setattr(self, name, Ranges(self.offsets.start, self.offsets.end))

    @property
    def any(self) -> bool:
        """Whether there is a difference of any kind."""
        return bool(self.missing.covered or self.surplus or self.extra.covered or self.different)

    def listed(self, of: Ranges, most: int = SHOWN) -> Iterator[OffsetRange]:
        """Yield the first ranges of one kind."""
        for start, end in of.listed[:most]:
            yield OffsetRange(self.offsets.topic, self.offsets.partition, start, end)


class Differences:
    """The running comparison of a window."""

    def __init__(self, ranges: Sequence[OffsetRange]) -> None:
        """Take what is compared."""
        self.partitions = {each.topic_partition: PartitionDifferences(each) for each in ranges}
        self.first: list[ValueDifference] = []
        """The first values that differ."""

    @property
    def any(self) -> bool:
        """Whether there is a difference of any kind."""
        return any(each.any for each in self.partitions.values())

    @property
    def wanted(self) -> int:
        """Rows that the topic gives."""
        return sum(each.wanted for each in self.partitions.values())

    @property
    def found(self) -> int:
        """Rows that the table has."""
        return sum(each.found for each in self.partitions.values())

    @property
    def compared(self) -> int:
        """Rows whose values were looked at."""
        return sum(each.compared for each in self.partitions.values())

    @property
    def different(self) -> int:
        """Those of them in which a value differs."""
        return sum(each.different for each in self.partitions.values())

    @property
    def extra(self) -> int:
        """Offsets of which the table has rows, and the topic gives none."""
        return sum(each.extra.covered for each in self.partitions.values())

    def compare(self, place: TopicPartition, wanted: Rows, found: Rows, columns: Sequence[Column]) -> None:
        """Hold the rows of a part of a partition against each other; values where an offset has one row on each side.

        The offsets of ``wanted`` are in order and each is there once; those of ``found`` are as the table gives them.
        """
        known = self.partitions[place]
        there, first, times = np.unique(found.offsets, return_index=True, return_counts=True)
        known.wanted += len(wanted.offsets)
        known.found += len(found.offsets)
        known.surplus += int((times - 1).sum())
        _note(known.missing, np.setdiff1d(wanted.offsets, there, assume_unique=True))
        _note(known.extra, np.setdiff1d(there, wanted.offsets, assume_unique=True))
        _note(known.doubled, there[times > 1])
        _, ours, theirs = np.intersect1d(wanted.offsets, there, assume_unique=True, return_indices=True)
        once = times[theirs] == 1
        self._compare_values(known, wanted, found, (ours[once], first[theirs[once]]), columns)

    def _compare_values(
        self,
        known: PartitionDifferences,
        wanted: Rows,
        found: Rows,
        rows: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
        columns: Sequence[Column],
    ) -> None:
        ours, theirs = (pa.array(each, pa.int64()) for each in rows)
        if not columns or not len(ours):
            return
        differ = np.zeros(len(ours), dtype=bool)
        for column in columns:
            left = wanted.columns[column.name].take(ours)
            right = found.columns[column.name].take(theirs)
            odd = unequal(left, right, column.type)
            differ |= odd
            for row in np.flatnonzero(odd)[: SHOWN - len(self.first)].tolist():
                values = shown(left[row].as_py()), shown(right[row].as_py())
                offset = int(wanted.offsets[ours[row].as_py()])
                self.first.append(ValueDifference(known.offsets.topic_partition, offset, column.name, *values))
        known.compared += len(ours)
        known.different += int(differ.sum())


def _note(ranges: Ranges, offsets: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    """Note offsets that are in order."""
    if not len(offsets):
        return
    breaks = np.flatnonzero(np.diff(offsets) > 1)
    starts = np.concatenate([offsets[:1], offsets[breaks + 1]])
    lasts = np.concatenate([offsets[breaks], offsets[-1:]])
    for start, last in zip(starts.tolist(), lasts.tolist(), strict=True):
        ranges.add(start, next_offset(last))
