"""One partition's half-open range of offsets: the unit that is loaded exactly once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from airflow_provider_kafka_odps.exceptions import InvalidInput


def next_offset(offset: int) -> int:
    """Return the offset to read after the record at ``offset``: the only ``+ 1`` of Kafka in this package."""
    return offset + 1


class TopicPartition(NamedTuple):
    """One partition of one topic: what everything is keyed by that is told per partition.

    >>> str(TopicPartition("orders", 3))
    'orders[3]'
    """

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]"


@dataclass(frozen=True, slots=True, order=True)
class OffsetRange:
    """The offsets ``start <= offset < end`` of one partition.

    >>> str(OffsetRange("orders", 3, 120, 250))
    'orders[3]@[120, 250)'
    """

    topic: str
    partition: int
    start: int
    end: int

    def __post_init__(self) -> None:
        """Refuse a negative partition or offset, and a start after the end."""
        if self.partition < 0 or self.start < 0 or self.start > self.end:
            raise InvalidInput(
                f"{self}: a range needs partition >= 0 and 0 <= start <= end; "
                "the end is the offset after the last one to load"
            )

    @property
    def topic_partition(self) -> TopicPartition:
        """Whose offsets these are."""
        return TopicPartition(self.topic, self.partition)

    @property
    def span(self) -> int:
        """How many offsets the range covers: an upper bound on its records."""
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.topic_partition}@[{self.start}, {self.end})"


def joined(ranges: Iterable[OffsetRange]) -> list[OffsetRange]:
    """Return ranges with those as one that follow each other in one partition."""
    whole: list[OffsetRange] = []
    for each in ranges:
        if whole and whole[-1].partition == each.partition and whole[-1].end == each.start:
            whole[-1] = replace(whole[-1], end=each.end)
        else:
            whole.append(each)
    return whole
