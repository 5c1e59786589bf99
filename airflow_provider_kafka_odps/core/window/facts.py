"""What a survey asks a broker, and what the broker answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from airflow_provider_kafka_odps.core.options import IsolationLevel
from airflow_provider_kafka_odps.exceptions import InvalidInput


@dataclass(frozen=True, slots=True)
class Questions:
    """What a plan needs to know of a topic beyond where its logs begin and end."""

    instants: frozenset[int] = frozenset()
    """Milliseconds since the epoch (UTC), each to be resolved to an offset per partition."""
    group: str | None = None
    """The consumer group whose committed offsets are asked for, if any."""


@dataclass(frozen=True, slots=True)
class PartitionFacts:
    """One partition as the broker described it; every number is an offset to read next."""

    partition: int
    low: int
    """The log start: the first offset that can still be read."""
    high: int
    """The high watermark: the offset after the last replicated record."""
    stable: int
    """The last stable offset: every transaction before it is decided. It is at most ``high``, and may be below ``low``:
    Kafka says so where retention has passed the start of a transaction that is still open."""
    committed: int | None = None
    """The group's committed offset, if it was asked for and there is one."""
    at: Mapping[int, int | None] = field(default_factory=dict)
    """Instant (ms) → first offset whose timestamp is at or after it; None: there is none yet."""
    stamps: Mapping[int, int] = field(default_factory=dict)
    """Instant (ms) → the timestamp (ms) of the record at that offset, where there is one."""
    first: int | None = None
    """The timestamp (ms) of the first record that is left, asked for where there are instants and ``low`` is above 0.

    None: it was not asked for, or no record with a timestamp is left.
    """

    def __post_init__(self) -> None:
        """Refuse a log that ends before it starts."""
        if not 0 <= self.low <= self.high:
            raise InvalidInput(f"partition {self.partition}: a log from {self.low} to {self.high} cannot be")


def log_end(facts: PartitionFacts, isolation_level: IsolationLevel) -> int:
    """Return the offset after the last record that a reader of this isolation level sees."""
    match isolation_level:
        case IsolationLevel.READ_COMMITTED:
            # Records deleted up to the high watermark can move the log start past an open transaction's first offset.
            return max(facts.stable, facts.low)
        case IsolationLevel.READ_UNCOMMITTED:
            return facts.high
        case _:
            assert_never(isolation_level)


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic as the broker described it in one survey."""

    topic: str
    topic_id: str
    """A UUID that changes when the topic is deleted and created again."""
    cluster_id: str
    partitions: Mapping[int, PartitionFacts]
    group: str | None = None
    """The group that was asked about."""
    leaders: int = 1
    """How many brokers lead partitions of it."""


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """Where a leader epoch ends in the log of a partition, as its leader has answered."""

    epoch: int
    """The one that was asked for; where the log has nothing of it, the last one before it of which it has."""
    end: int
    """Where the next epoch begins; of the last one, the log's end."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What proves that the logs of a topic are still those that a window was planned on."""

    topic_id: str
    epoch_ends: Mapping[int, EpochEnd | None] = field(default_factory=dict)
    """By partition, where the broker tells: the end of the leader epoch that was asked for; None: the log knows none
    that early."""
