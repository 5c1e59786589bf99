"""Timestamps ahead of the clock: a record with one would make the cut of every later instant, and hold back the rest.

A producer that counts microseconds, or whose clock is wrong, writes such a record; Kafka answers every instant from
then on with it. Here it makes no cut: it is refused, or the cut is the first record behind it whose timestamp lies
between the instant and the clock, an hour of tolerance added.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_kafka_odps.core.options import IsolationLevel
from airflow_provider_kafka_odps.core.window.bounds import (
    At,
    Committed,
    Cut,
    Offsets,
    PlannableBound,
    SurveyBound,
    asked_of_the_broker,
    time_text,
)
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, TopicFacts, log_end
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, TopicPartition
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window
from airflow_provider_kafka_odps.exceptions import TimestampAhead

if TYPE_CHECKING:
    import pyarrow as pa

Scan: TypeAlias = "Callable[[Window], Generator[pa.RecordBatch]]"
"""Yields offsets and timestamps of a window's records, one partition in each batch."""

SCANNED = frozenset({"offset", "timestamp"})
"""The columns that are looked at."""

_TOLERANCE = timedelta(hours=1)
"""As much as Kafka itself takes from release 4.0 on, unless ``message.timestamp.after.max.ms`` says otherwise."""


def first_bound(start: PlannableBound, first_start: SurveyBound | None, facts: PartitionFacts) -> PlannableBound | None:
    """Return the bound that a partition starts at: the fallback where the group has committed nothing."""
    return first_start if isinstance(start, Committed) and facts.committed is None else start


def is_ahead(facts: PartitionFacts, instant: At, now: datetime) -> bool:
    """Tell whether the record that is found for an instant has a timestamp ahead of the clock."""
    return facts.stamps.get(instant.millis, 0) > _latest(now)


def check_timestamps(
    facts: TopicFacts, start: PlannableBound, end: PlannableBound, first_start: SurveyBound | None, now: datetime
) -> None:
    """Raise TimestampAhead where a record whose timestamp is ahead of the clock would make a cut.

    In partitions that are not loaded, too: who loads them uses the same cut.
    """
    latest = _latest(now)
    found = [
        _described(facts, partition, instant, now)
        for partition in facts.partitions.values()
        for bound in (first_bound(start, first_start, partition), end)
        if (instant := _misled(bound, partition, latest)) is not None
    ]
    if found:
        lines = "\n".join(dict.fromkeys(found))
        raise TimestampAhead(
            f"{lines}\nEvery instant from then on would be cut at this record, so what follows would be in no window, "
            "and no run would fail. Set on_timestamp_ahead='ignore': it is loaded with those around it, and the "
            "cut is the first record behind it whose timestamp may be true. Or load by offsets, or from 'previous' to "
            "'latest'"
        )


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks behind records whose timestamps are ahead of the clock."""

    isolation_level: IsolationLevel
    now: datetime
    scan: Scan

    def behind(
        self, facts: TopicFacts, start: PlannableBound, end: PlannableBound, first_start: SurveyBound | None
    ) -> TopicFacts:
        """Return the facts with what instants mean where such records count for nothing.

        What is looked at begins at the record that was found, or at the window's start if that is known and later.
        """
        partitions = {
            number: self._partition(facts, each, first_bound(start, first_start, each), end)
            for number, each in facts.partitions.items()
        }
        return replace(facts, partitions=partitions)

    def _partition(
        self, topic: TopicFacts, facts: PartitionFacts, start: PlannableBound | None, end: PlannableBound
    ) -> PartitionFacts:
        latest = _latest(self.now)
        if facts.first is not None and facts.first > latest:
            first = next(self._records(topic, facts, facts.low, 0), None)
            facts = replace(facts, first=None if first is None else first[1])
        begins = facts.low
        for bound in (start, end):
            instant = _misled(bound, facts, latest)
            if instant is not None:
                facts = self._cut(topic, facts, instant, max(begins, facts.at[instant.millis] or 0))
            begins = max(begins, _reached(bound, facts))
        return facts

    def _cut(self, topic: TopicFacts, facts: PartitionFacts, instant: At, begins: int) -> PartitionFacts:
        found = next(self._records(topic, facts, begins, instant.millis), None)
        stamps = {millis: stamp for millis, stamp in facts.stamps.items() if millis != instant.millis}
        if found is None:
            return replace(facts, at={**facts.at, instant.millis: None}, stamps=stamps)
        offset, stamp = found
        at = {**facts.at, instant.millis: offset}
        return replace(facts, at=at, stamps={**stamps, instant.millis: stamp})

    def _records(
        self, topic: TopicFacts, facts: PartitionFacts, start: int, earliest: int
    ) -> Iterator[tuple[int, int]]:
        """Yield offset and timestamp (ms) of a first record from ``earliest`` on that is not ahead of the clock."""
        end = log_end(facts, self.isolation_level)
        if start >= end:
            return
        window = Window(
            topic=topic.topic,
            topic_id=topic.topic_id,
            cluster_id=topic.cluster_id,
            isolation_level=self.isolation_level,
            planned_at=self.now,
            start=ResolvedBound("timestamps", "broker", None),
            end=ResolvedBound("timestamps", "broker", None),
            ranges=(OffsetRange(topic.topic, facts.partition, start, end),),
        )
        batches = self.scan(window)
        try:
            for batch in batches:
                yield from _first_between(batch, earliest, _latest(self.now))
        finally:
            batches.close()


def _latest(now: datetime) -> int:
    return round((now + _TOLERANCE).timestamp() * 1000)


def _misled(bound: PlannableBound | None, facts: PartitionFacts, latest: int) -> At | None:
    """Return the instant whose cut a record ahead of the clock would make, if there is one."""
    instant = asked_of_the_broker(bound)
    if instant is None or facts.stamps.get(instant.millis, 0) <= latest:
        return None
    # A cut that was held against a later one may lie before the record: then it has not made it.
    held = isinstance(bound, Cut) and bound.of(facts.partition) != facts.at[instant.millis]
    return None if held else instant


def _reached(bound: PlannableBound | None, facts: PartitionFacts) -> int:
    """Return where a bound lies, as far as that is an offset by now; 0 where it tells nothing."""
    match bound:
        case At():
            found = facts.at[bound.millis]
            return facts.high if found is None else found
        case Cut():
            return bound.of(facts.partition)
        case Offsets():
            return bound.of(facts.partition) or 0
        case Committed():
            return facts.committed or 0
        case _:
            return 0


def _first_between(batch: pa.RecordBatch, earliest: int, latest: int) -> Iterator[tuple[int, int]]:
    import pyarrow.compute as pc

    stamps = batch.column("timestamp").cast("int64")
    inside = pc.and_(pc.greater_equal(stamps, earliest), pc.less_equal(stamps, latest))
    index = pc.index(inside, value=True).as_py()
    if index >= 0:
        yield batch.column("offset")[index].as_py(), stamps[index].as_py()


def _described(facts: TopicFacts, partition: PartitionFacts, instant: At, now: datetime) -> str:
    place = TopicPartition(facts.topic, partition.partition)
    stamp = time_text(partition.stamps[instant.millis])
    return (
        f"{place}@{partition.at[instant.millis]}: timestamp {stamp}, more than an hour ahead of the clock "
        f"({now:%Y-%m-%dT%H:%M:%SZ}), is what the broker has found for {instant}"
    )
