"""The window: one half-open offset range per partition, and where it came from; to JSON and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from operator import index
from typing import Any, TypeVar

from airflow_provider_kafka_odps.core.options import IsolationLevel
from airflow_provider_kafka_odps.core.versioned import VERSION, read_versioned
from airflow_provider_kafka_odps.core.window.bounds import moment_text
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.exceptions import InvalidInput

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ResolvedBound:
    """What was asked for as one end of the window, and who turned it into offsets."""

    asked: str
    source: str
    instant: datetime | None
    """The instant that was asked for; None for a bound of another kind."""

    @classmethod
    def written(cls, asked: str, source: str) -> ResolvedBound:
        """Return what stands in a window's JSON: an instant is known by its text alone."""
        try:
            instant = datetime.fromisoformat(asked) if asked.endswith("Z") else None
        except ValueError:
            instant = None
        return cls(asked, source, instant)


@dataclass(frozen=True, slots=True)
class Window:
    """The offsets that one run loads: every record of them once, and nothing else."""

    topic: str
    topic_id: str
    cluster_id: str
    isolation_level: IsolationLevel
    planned_at: datetime
    start: ResolvedBound
    end: ResolvedBound
    ranges: tuple[OffsetRange, ...]
    """One for each partition, in the order of the partitions."""
    possibly_missing: tuple[str, ...] = ()
    """What may have been lost before the plan, and was skipped, such as ``orders[3]@[?, 500)``: nobody can tell."""
    left_out: tuple[str, ...] = ()
    """The times beside the window's interval for which the task had planned nothing by then, up to what it had."""
    chosen: bool = False
    """Whether its partitions were asked for by number; otherwise they are all that the topic had."""
    epochs: Mapping[int, int] = field(default_factory=dict, hash=False)
    """By partition, where the broker tells: the leader epoch in which the last offset of its range was written."""
    log_ends: Mapping[int, int] = field(default_factory=dict, hash=False)
    """By partition, where the log ended when the window was planned; none: a release before has planned it."""

    def __post_init__(self) -> None:
        """Refuse a time without a zone, ranges out of order, two of one partition, and one of another topic."""
        if self.planned_at.tzinfo is None:
            raise InvalidInput(f"planned_at={self.planned_at} has no time zone")
        for before, after in pairwise(self.ranges):
            if before.topic_partition >= after.topic_partition:
                raise InvalidInput(f"{before} and {after}: a window has one range per partition, in their order")
        if strange := [str(each) for each in self.ranges if each.topic != self.topic]:
            raise InvalidInput(f"{', '.join(strange)} in a window of topic {self.topic}")

    @property
    def span(self) -> int:
        """How many offsets the window covers: an upper bound on its records."""
        return sum(each.span for each in self.ranges)

    def to_json(self) -> dict[str, Any]:
        """Return the window as it stands in XCom and in the journal (docs/windows.md)."""
        return {
            "version": VERSION,
            "topic": self.topic,
            "topic_id": self.topic_id,
            "cluster_id": self.cluster_id,
            "isolation_level": self.isolation_level.value,
            "planned_at": moment_text(self.planned_at),
            "start": {"asked": self.start.asked, "source": self.start.source},
            "end": {"asked": self.end.asked, "source": self.end.source},
            "partitions": {str(each.partition): [each.start, each.end] for each in self.ranges},
            "span": self.span,
            **({"possibly_missing": list(self.possibly_missing)} if self.possibly_missing else {}),
            **({"left_out": list(self.left_out)} if self.left_out else {}),
            **({"chosen": True} if self.chosen else {}),
            **({"epochs": epochs} if (epochs := self._written_epochs()) else {}),
            **self.written_log_end(),
        }

    def written_log_end(self) -> dict[str, dict[str, int]]:
        """Return where the logs ended, as it stands in the JSON of windows, receipts and events; {}: nobody knows."""
        ends = {str(number): end for number, end in sorted(self.log_ends.items())}
        return {"log_end": ends} if ends else {}

    def _written_epochs(self) -> dict[str, list[int]]:
        """Return each epoch with the end that it is about: an administrator may edit the one and not the other."""
        ends = {each.partition: each.end for each in self.ranges}
        return {str(number): [epoch, ends[number]] for number, epoch in sorted(self.epochs.items()) if number in ends}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Window:
        """Read a window that ``to_json`` wrote, perhaps edited by an administrator since.

        Raises InvalidInput for another version and for anything that is no window.
        """
        with read_versioned(written, "this is no window"):
            return cls(
                topic=written["topic"],
                topic_id=written["topic_id"],
                cluster_id=written["cluster_id"],
                isolation_level=IsolationLevel(written["isolation_level"]),
                planned_at=datetime.fromisoformat(written["planned_at"]),
                start=ResolvedBound.written(**written["start"]),
                end=ResolvedBound.written(**written["end"]),
                # `index` refuses what is not whole: an edited 120.5 would be sought in the log.
                ranges=tuple(
                    sorted(
                        OffsetRange(written["topic"], int(number), index(start), index(end))
                        for number, (start, end) in written["partitions"].items()
                    )
                ),
                possibly_missing=tuple(written.get("possibly_missing", ())),
                left_out=tuple(written.get("left_out", ())),
                chosen=bool(written.get("chosen", False)),
                epochs={
                    int(number): index(epoch)
                    for number, (epoch, end) in written.get("epochs", {}).items()
                    if end == written["partitions"].get(number, [None])[-1]
                },
                log_ends={int(number): index(end) for number, end in written.get("log_end", {}).items()},
            )


def apportioned(spans: Mapping[Key, int], most: int) -> dict[Key, int]:
    """Return how many of each partition's offsets are loaded if all of them together are to be ``most``.

    Each partition gets its part of the backlog, so that all of them come closer to the present together; what is left
    by rounding goes to the largest fractions, then to those that are named first.

    >>> apportioned({0: 100, 1: 50, 2: 0}, 60)
    {0: 40, 1: 20, 2: 0}
    >>> apportioned({0: 1, 1: 1, 2: 1}, 2)
    {0: 1, 1: 1, 2: 0}
    >>> apportioned({0: 3}, 5)
    {0: 3}
    """
    total = sum(spans.values())
    if total <= most:
        return dict(spans)
    given = {partition: span * most // total for partition, span in spans.items()}
    by_fraction = sorted(spans, key=lambda partition: -(spans[partition] * most % total))
    for partition in by_fraction[: most - sum(given.values())]:
        given[partition] += 1
    return given


def capped(window: Window, max_offsets: int | None) -> Window:
    """Return the window with at most ``max_offsets`` offsets; what is cut off is the next window's."""
    if max_offsets is None or window.span <= max_offsets:
        return window
    given = apportioned({each.topic_partition: each.span for each in window.ranges}, max_offsets)
    return replace(
        window,
        ranges=tuple(replace(each, end=each.start + given[each.topic_partition]) for each in window.ranges),
        end=replace(window.end, source=f"{window.end.source}, cut short by max_offsets={max_offsets}"),
    )
