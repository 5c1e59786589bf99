"""What of a window the log does not have any more, with partition, offsets and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from airflow_provider_kafka_odps.core.window.facts import EpochEnd, TopicFacts
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import LogTooShort, OffsetsExpired, UnknownPartition, WindowRefused


class LossKind(StrEnum):
    """Where the lost offsets lie."""

    EXPIRED = "below the log's start"
    BEYOND = "beyond the log's end"
    NO_PARTITION = "in a partition that is not there"


@dataclass(frozen=True, slots=True)
class Loss:
    """Offsets that were to be read and cannot be."""

    lost: OffsetRange
    kind: LossKind
    edge: int
    """Where the log starts, or ends; for a partition that is not there, how many partitions are."""

    def __str__(self) -> str:
        where = self.lost.topic_partition
        match self.kind:
            case LossKind.EXPIRED:
                return (
                    f"{where}: the next offset to read is {self.lost.start} but the log starts at {self.edge}; "
                    f"{self.lost.span} offsets are no longer there"
                )
            case LossKind.BEYOND:
                return (
                    f"{where}: the window ends at {self.lost.end} but the log ends at {self.edge}; {self.lost.span} "
                    f"offsets of it, [{self.lost.start}, {self.lost.end}), are not there"
                )
            case LossKind.NO_PARTITION:
                return (
                    f"{where}: the topic has {self.edge} partitions and this is none of them; {self.lost.span} offsets "
                    f"of the window, [{self.lost.start}, {self.lost.end}), are not there"
                )
            case _:
                assert_never(self.kind)


def losses(left: Iterable[OffsetRange], facts: TopicFacts) -> Iterator[Loss]:
    """Yield what the log does not have of the ranges that are still to be read.

    >>> from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
    >>> facts = TopicFacts("orders", "id", "cluster", {3: PartitionFacts(3, low=40, high=90, stable=90)})
    >>> [str(loss.lost) for loss in losses([OffsetRange("orders", 3, 30, 120)], facts)]
    ['orders[3]@[30, 40)', 'orders[3]@[90, 120)']
    """
    for wanted in left:
        log = facts.partitions.get(wanted.partition)
        if log is None:
            yield Loss(wanted, LossKind.NO_PARTITION, len(facts.partitions))
            continue
        kept = readable(wanted, facts)
        if wanted.start < kept.start:
            yield Loss(replace(wanted, end=kept.start), LossKind.EXPIRED, log.low)
        if kept.end < wanted.end:
            yield Loss(replace(wanted, start=kept.end), LossKind.BEYOND, log.high)


def readable(wanted: OffsetRange, facts: TopicFacts) -> OffsetRange:
    """Return what the log still has of a range; an empty one where that is nothing.

    >>> from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
    >>> facts = TopicFacts("orders", "id", "cluster", {3: PartitionFacts(3, low=40, high=90, stable=90)})
    >>> str(readable(OffsetRange("orders", 3, 30, 120), facts)), str(readable(OffsetRange("orders", 4, 5, 9), facts))
    ('orders[3]@[40, 90)', 'orders[4]@[5, 5)')
    """
    log = facts.partitions.get(wanted.partition)
    if log is None:
        return replace(wanted, end=wanted.start)
    start = min(max(wanted.start, log.low), wanted.end)
    return replace(wanted, start=start, end=max(start, min(wanted.end, log.high)))


@dataclass(frozen=True, slots=True)
class Truncation:
    """A range whose last offsets were truncated since the plan: what the log has there by now are other records."""

    planned: OffsetRange
    epoch: int
    """The leader epoch in which the last offset of the range was written."""
    kept: int | None
    """Up to where the log may have kept what it had; None: nobody can tell."""

    @property
    def lost(self) -> str:
        """The offsets whose records are lost, such as ``orders[3]@[60, 100)``; ``?`` is what nobody can tell."""
        start = "?" if self.kept is None else max(self.kept, self.planned.start)
        return f"{self.planned.topic_partition}@[{start}, {self.planned.end})"

    def __str__(self) -> str:
        where, end = self.planned.topic_partition, self.planned.end
        has = "has nothing of that epoch now" if self.kept is None else f"has it up to {self.kept} now"
        return (
            f"{where}: the window ends at {end}, which was written in leader epoch {self.epoch}, but the log {has}: it "
            "was truncated after the window was planned (an unclean leader election)"
        )


def truncations(
    window: Window, ends: Mapping[int, EpochEnd | None], cleanup_policy: Callable[[], str | None]
) -> Iterator[Truncation]:
    """Yield the ranges of a window whose logs have not kept what was there when it was planned.

    What one leader epoch has written is the same wherever it is kept, and so is what came before it. So a log that has
    the epoch of a range's last offset, up to that offset, has the whole range as it was.
    ``cleanup_policy`` is asked for the topic's where a log has nothing of the epoch: if it is compacted, later records
    may have replaced all of it.
    """
    for planned in window.ranges:
        epoch = window.epochs.get(planned.partition)
        if epoch is None or planned.partition not in ends:
            continue
        found = ends[planned.partition]
        if found is None:
            yield Truncation(planned, epoch, None)
        elif found.end < planned.end:
            yield Truncation(planned, epoch, found.end)
        elif found.epoch < epoch and "compact" not in (cleanup_policy() or ""):
            yield Truncation(planned, epoch, None)


_ERRORS: Mapping[LossKind, type[WindowRefused]] = {
    LossKind.EXPIRED: OffsetsExpired,
    LossKind.BEYOND: LogTooShort,
    LossKind.NO_PARTITION: UnknownPartition,
}


_SKIP = "Nothing was committed. Set on_data_loss='skip' to load what is there"


def refusal(found: Sequence[Loss], consequence: str = _SKIP) -> WindowRefused:
    """Return the error that names every loss, and what follows from it; of one kind where all of them are."""
    kinds = {loss.kind for loss in found}
    kind = _ERRORS[kinds.pop()] if len(kinds) == 1 else WindowRefused
    lines = "\n".join(str(loss) for loss in found)
    return kind(f"{lines}\n{consequence}")


def raise_all(problems: Sequence[WindowRefused]) -> None:
    """Raise one error for the problems of all partitions, if there are any."""
    if not problems:
        return
    kinds = {type(problem) for problem in problems}
    # What passes with time is waited for first; what is left then has a name of its own.
    temporary = [kind for kind in kinds if kind.retry_helps]
    kind = (temporary or [*kinds])[0] if temporary or len(kinds) == 1 else WindowRefused
    raise kind(_told_once([str(problem) for problem in problems]))


_SHOWN = 10
"""How many partitions a message lists."""


def _told_once(problems: Sequence[str]) -> str:
    """Return the problems of partitions, and below them what is to be done, once where it is the same."""
    parts = [problem.partition("\n") for problem in problems]
    seen, advice = [first for first, _, _ in parts], dict.fromkeys(rest for _, _, rest in parts if rest)
    more = len(seen) - _SHOWN
    return "\n".join([*seen[:_SHOWN], *([f"… and {more} more partitions"] if more > 0 else []), *advice])
