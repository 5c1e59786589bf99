"""The intervals that one task has planned windows for: none may overlap, and what lies between two is said.

Claims are per instant, so they tell nothing of an interval that lies across others: after the schedule was edited, or
after *Trigger* under a timetable that makes intervals of its own. This entry has them all. Intervals that follow each
other and are of one length are one triple, so years of hours take one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import index
from typing import Any

from airflow_provider_kafka_odps.core.history.cuts import Author, store_key
from airflow_provider_kafka_odps.core.versioned import VERSION, read_entry
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.exceptions import NeighboursDiffer


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """Intervals of one length, each of which starts where the one before it ends."""

    start: int
    """Milliseconds since the epoch, as the length."""
    length: int
    count: int

    def __post_init__(self) -> None:
        """Refuse what is no interval."""
        if self.length <= 0 or self.count <= 0:
            raise ValueError(f"{self.count} intervals of {self.length} ms")

    @property
    def end(self) -> int:
        """Where the last of them ends."""
        return self.start + self.length * self.count

    def overlapping(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the first of them that shares something with this interval; one that equals it does not count."""
        first = max(0, (start - self.start) // self.length)
        begins = self.start + first * self.length
        ends = begins + self.length
        if first >= self.count or begins >= end or (begins, ends) == (start, end):
            return None
        return begins, ends

    def has(self, start: int, end: int) -> bool:
        """Tell whether this interval is one of them."""
        inside = self.start <= start < self.end and (start - self.start) % self.length == 0
        return inside and end - start == self.length


@dataclass(frozen=True, slots=True)
class Intervals:
    """All of them, in their order."""

    rows: tuple[Row, ...] = ()

    @classmethod
    def from_json(cls, written: Mapping[str, Any] | None, key: str) -> Intervals:
        """Read what ``to_json`` wrote, perhaps edited since; raise InvalidInput, with the key, for anything else."""
        if written is None:
            return cls()
        with read_entry(written, "the intervals", key, "delete it there"):
            return cls(tuple(sorted(Row(*map(index, row)) for row in written["intervals"])))

    def to_json(self) -> dict[str, Any]:
        """Return them as they stand in the store (docs/windows.md)."""
        return {"version": VERSION, "intervals": [[row.start, row.length, row.count] for row in self.rows]}

    def instants(self) -> Iterator[int]:
        """Yield where they start and end (ms)."""
        for row in self.rows:
            yield from range(row.start, row.end + 1, row.length)

    def check(self, start: At, end: At, task: str) -> None:
        """Raise NeighboursDiffer where this interval shares a part with another one that is known."""
        met = [found for row in self.rows if (found := row.overlapping(start.millis, end.millis))]
        if met:
            begins, ends = met[0]
            raise NeighboursDiffer(
                f"the interval [{start}, {end}) overlaps [{At(begins)}, {At(ends)}), for which {task} has "
                "planned a window already: records of both would be in the table twice. This comes of an "
                "edited schedule, or of a run by hand whose interval is its own. Delete the run, or load what is "
                "missing by times of your own; on_gap='ignore' loads the whole interval all the same"
            )

    def hole_before(self, start: At) -> tuple[At, At] | None:
        """Return what lies between this instant and the last interval before it, if anything does."""
        ends = [row.end for row in self.rows if row.end <= start.millis]
        covered = any(row.start < start.millis < row.end for row in self.rows)
        return None if not ends or covered or max(ends) == start.millis else (At(max(ends)), start)

    def hole_behind(self, end: At) -> tuple[At, At] | None:
        """Return what lies between this instant and the next interval behind it, if anything does."""
        starts = [row.start for row in self.rows if row.start >= end.millis]
        covered = any(row.start < end.millis < row.end for row in self.rows)
        return None if not starts or covered or min(starts) == end.millis else (end, At(min(starts)))

    def holes(self, start: At, end: At) -> tuple[str, ...]:
        """Return what no interval has on either side of this one, so far."""
        found = (self.hole_before(start), self.hole_behind(end))
        return tuple(f"[{hole[0]}, {hole[1]})" for hole in found if hole is not None)

    def with_one(self, start: At, end: At) -> Intervals:
        """Return them with one more; what is known already is not there twice."""
        return self.with_all(Intervals((Row(start.millis, end.millis - start.millis, 1),)))

    def with_all(self, others: Intervals) -> Intervals:
        """Return them with others; what is known already is not there twice."""
        return Intervals(tuple(sorted(_joined({*self.rows, *others.rows}))))


def intervals_key(cluster_id: str, topic: str, author: Author) -> str:
    """Return the key of the intervals of a task; all instances of a mapped one that load the topic have the same.

    >>> intervals_key("MkU", "orders", Author("hourly.load[3]", "run"))
    'intervals:MkU:orders:hourly.load'
    """
    return store_key("intervals", cluster_id, topic, author.base)


def earlier_intervals_keys(cluster_id: str, topic: str, author: Author) -> list[str]:
    """Return the keys under which earlier releases have written intervals of this task: they count as well.

    >>> earlier_intervals_keys("MkU", "orders", Author("hourly/a.load[3]", "run", "hourly.a.load[3]"))
    ['intervals:MkU:orders:hourly/a.load[3]', 'intervals:MkU:orders:hourly.a.load[3]']
    """
    keys = [store_key("intervals", cluster_id, topic, text) for text in author.texts]
    return [key for key in keys if key != intervals_key(cluster_id, topic, author)]


def _joined(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows of one length that follow each other, or share intervals, as one."""
    last: Row | None = None
    for row in sorted(rows, key=lambda row: (row.length, row.start % row.length, row.start)):
        same = last is not None and (last.length, last.start % last.length) == (row.length, row.start % row.length)
        if last is not None and same and row.start <= last.end:
            last = Row(last.start, last.length, (max(last.end, row.end) - last.start) // last.length)
            continue
        if last is not None:
            yield last
        last = row
    if last is not None:
        yield last
