"""Whether windows tile the log: what lies between two of them, and what two have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, TopicPartition
from airflow_provider_kafka_odps.core.window.window import Window


class WindowFate(StrEnum):
    """What has become of a window."""

    LOADED = "loaded"
    RUNNING = "running"
    """It is being loaded, or waits for that."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunWindow:
    """The window of one task instance."""

    run: str
    """Its run, as people know it."""
    series: str
    """What its neighbours have in common: task and table."""
    state: WindowFate
    window: Window


@dataclass(frozen=True, slots=True)
class Hole:
    """Offsets that lie between two windows, and are in none that was loaded."""

    offsets: OffsetRange
    before: str
    """The run whose window ends there."""
    behind: str
    pending: tuple[str, ...]
    """Runs that have planned a part of it, with what has become of them."""
    is_covered: bool
    """Whether all of it is being loaded."""

    def __str__(self) -> str:
        planned = f"; planned by {', '.join(self.pending)}" if self.pending else ""
        return f"{self.offsets}: between {self.before} and {self.behind}{planned}"


@dataclass(frozen=True, slots=True)
class Overlap:
    """Offsets that two windows have loaded."""

    offsets: OffsetRange
    runs: tuple[str, str]

    def __str__(self) -> str:
        return f"{self.offsets}: loaded by {self.runs[0]} and by {self.runs[1]}"


@dataclass(frozen=True, slots=True)
class Tiling:
    """What is wrong between windows."""

    holes: tuple[Hole, ...]
    overlaps: tuple[Overlap, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the windows follow each other, those that are still being loaded included."""
        return not self.overlaps and all(each.is_covered for each in self.holes)


def tiling(windows: Iterable[RunWindow]) -> Tiling:
    """Hold windows against each other: those of one series, in one log, per Kafka partition."""
    found = [(run, offsets, run.window.topic_id) for run in windows for offsets in run.window.ranges if offsets.span]
    loaded: defaultdict[tuple[str, str, TopicPartition], list[tuple[OffsetRange, str]]] = defaultdict(list)
    pending: defaultdict[tuple[str, TopicPartition], list[tuple[OffsetRange, RunWindow]]] = defaultdict(list)
    for run, offsets, log in found:
        if run.state is WindowFate.LOADED:
            loaded[run.series, log, offsets.topic_partition].append((offsets, run.run))
        else:
            pending[log, offsets.topic_partition].append((offsets, run))
    holes: list[Hole] = []
    overlaps: list[Overlap] = []
    for (_, log, place), ranges in sorted(loaded.items()):
        for each in _between(sorted(ranges)):
            if isinstance(each, Overlap):
                overlaps.append(each)
            else:
                holes.append(_with_pending(each, pending[log, place]))
    return Tiling(tuple(holes), tuple(overlaps))


def _between(ranges: Sequence[tuple[OffsetRange, str]]) -> Iterator[Hole | Overlap]:
    """Yield what is wrong between ranges of one partition, in their order."""
    reached, by = ranges[0]
    for offsets, run in ranges[1:]:
        if offsets.start > reached.end:
            yield Hole(replace(offsets, start=reached.end, end=offsets.start), by, run, (), is_covered=False)
        elif offsets.start < reached.end:
            yield Overlap(replace(offsets, end=min(offsets.end, reached.end)), (by, run))
        if offsets.end > reached.end:
            reached, by = offsets, run


def _with_pending(hole: Hole, pending: Iterable[tuple[OffsetRange, RunWindow]]) -> Hole:
    inside = sorted(
        ((offsets, run) for offsets, run in pending if _meet(offsets, hole.offsets)), key=lambda each: each[0]
    )
    reached = hole.offsets.start
    for offsets, run in inside:
        if run.state is WindowFate.RUNNING and offsets.start <= reached:
            reached = max(reached, offsets.end)
    named = dict.fromkeys(f"{run.run} ({run.state})" for _, run in inside)
    return replace(hole, pending=tuple(named), is_covered=reached >= hole.offsets.end)


def _meet(offsets: OffsetRange, other: OffsetRange) -> bool:
    return offsets.start < other.end and other.start < offsets.end
