"""A bound that is a time and meets a log start above 0: proved by the first record that is left, or doubted.

An instant becomes the first offset that is left, whatever was deleted before it, so offsets alone prove nothing:

| the window starts at | the log starts above 0, and its first record | |
|---|---|---|
| an offset, a remembered cut, a group's offset | | proved by the offset |
| an instant that the broker is asked for | is older than the instant | proved: what expired is older still |
| an instant that the broker is asked for | is not older, or there is none | doubted |
| ``earliest``, and ends at such an instant | is not older than this end | doubted: the next window would start there |
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_kafka_odps.core.window.bounds import (
    At,
    Earliest,
    PlannableBound,
    asked_of_the_broker,
    time_text,
)
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.exceptions import OffsetsExpired


@dataclass(frozen=True, slots=True)
class Doubt:
    """Records that may have been lost before anybody looked; how many, and from where on, nobody can tell."""

    place: TopicPartition
    end: int
    """The first offset of which something is known."""
    instant: At
    """Nothing that is left is known to be older."""
    first: int | None
    """The timestamp (ms) of the first record that is left."""

    def __str__(self) -> str:
        return f"{self.place}@[?, {self.end})"

    def refusal(self) -> OffsetsExpired:
        """Return the error that names it."""
        left = "no record is left" if self.first is None else f"first record left {time_text(self.first)}"
        return OffsetsExpired(
            f"{self.place}: may be missing: {self}, {left}: nothing proves that the log still has what is not older "
            f"than {self.instant}; it may have been deleted before it was loaded\nAsk for a time that the log still "
            "reaches back to, for offsets, or for 'earliest'; or set on_data_loss='skip' to load what is left and to "
            "record this as possibly_missing"
        )


def doubt_of(
    topic: str, facts: PartitionFacts, started: PlannableBound | None, ended: PlannableBound, start: int
) -> Doubt | None:
    """Return what may be missing of a window between these bounds, which starts at ``start``; None: it is proved."""
    instant = asked_of_the_broker(started)
    if isinstance(started, Earliest) and facts.first is not None:
        instant = asked_of_the_broker(ended)
    end = min(start, facts.low)
    if instant is None or end == 0 or (facts.first is not None and facts.first < instant.millis):
        return None
    return Doubt(TopicPartition(topic, facts.partition), end, instant, facts.first)
