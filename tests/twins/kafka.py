"""A Kafka cluster in memory: transactions, compaction, retention, truncation, topics that are created again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from twins.clock import HandClock

from airflow_provider_kafka_odps.core.window.facts import EpochEnd, Identity, PartitionFacts, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.offsets import next_offset
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import UnknownTopic


class Fate(StrEnum):
    """What became of a transaction."""

    OPEN = "open"
    COMMITTED = "committed"
    ABORTED = "aborted"


@dataclass(eq=False, slots=True)
class Transaction:
    """Records that become visible together, or never."""

    fate: Fate = Fate.OPEN


@dataclass(frozen=True, slots=True)
class Entry:
    """What is at one offset of a log: a record, or the marker that ends a transaction."""

    offset: int
    value: bytes | None
    key: bytes | None
    timestamp: int | None
    transaction: Transaction | None
    is_marker: bool = False

    @property
    def is_aborted(self) -> bool:
        """Tell whether it is a record that was never to be seen."""
        return not self.is_marker and self.transaction is not None and self.transaction.fate is Fate.ABORTED


@dataclass
class Log:
    """One partition."""

    now: Callable[[], int | None] = lambda: None
    """The timestamp (ms) of what is written without one."""
    low: int = 0
    high: int = 0
    entries: list[Entry] = field(default_factory=list)
    """In the order of their offsets; where an offset is missing, nothing is there any more."""
    undecided: dict[Transaction, int] = field(default_factory=dict)
    """Transactions that have not ended → their first offsets, even where retention has passed these."""
    cuts: list[int] = field(default_factory=list)
    """Where it was cut off, each time."""
    epochs: dict[int, int] = field(default_factory=lambda: {0: 0})
    """Leader epoch → the offset with which it begins, in their order."""

    def append(
        self,
        value: bytes | None,
        key: bytes | None = None,
        timestamp: int | None = None,
        transaction: Transaction | None = None,
    ) -> int:
        """Write a record; return its offset."""
        if transaction is not None:
            assert transaction.fate is Fate.OPEN, "nothing is written to what is decided"
            self.undecided.setdefault(transaction, self.high)
        return self._write(Entry(self.high, value, key, self._stamp(timestamp), transaction))

    def mark(self, transaction: Transaction, timestamp: int | None = None) -> int:
        """Write the marker of a transaction that has ended."""
        self.undecided.pop(transaction, None)
        return self._write(Entry(self.high, None, None, self._stamp(timestamp), transaction, is_marker=True))

    def skip(self, offsets: int = 1) -> None:
        """Leave out offsets: nothing is there, and nothing says why."""
        self.high += offsets

    @property
    def stable(self) -> int:
        """Up to where every transaction is decided: perhaps below the log's start, as the real broker says."""
        firsts = (first for transaction, first in self.undecided.items() if transaction.fate is Fate.OPEN)
        return min(firsts, default=self.high)

    def first_at(self, millis: int) -> int | None:
        """Return the first offset whose timestamp is not before an instant; a marker has one, too."""
        return next((e.offset for e in self.entries if e.timestamp is not None and e.timestamp >= millis), None)

    def delete_before(self, offset: int) -> None:
        """Let the log start here, as retention does."""
        assert self.low <= offset <= self.high
        self.low = offset
        self.entries = [entry for entry in self.entries if entry.offset >= offset]

    def truncate(self, offset: int) -> None:
        """Let the log end here, as an unclean election of a leader does; what comes next has these offsets again."""
        assert self.low <= offset <= self.high
        self.high = offset
        self.entries = [entry for entry in self.entries if entry.offset < offset]
        self.undecided = {transaction: first for transaction, first in self.undecided.items() if first < offset}
        self.cuts.append(offset)
        self.elect(max(self.epochs) + 1)

    def elect(self, epoch: int) -> None:
        """Let a leader begin an epoch; what this log has is what it has."""
        assert epoch > max(self.epochs), "an epoch is never begun twice"
        self.epochs = {known: begin for known, begin in self.epochs.items() if begin < self.high} | {epoch: self.high}

    def epoch_end(self, epoch: int) -> EpochEnd | None:
        """Return what the leader answers when it is asked where an epoch ends."""
        if epoch > max(self.epochs):
            return None
        end = next((begin for later, begin in self.epochs.items() if later > epoch), self.high)
        return EpochEnd(max((known for known in self.epochs if known <= epoch), default=epoch), end)

    def epoch_before(self, end: int) -> int | None:
        """Return the epoch in which the offset before an end was written; None: there is no such offset."""
        if end > self.high:
            return None
        return next((epoch for epoch in sorted(self.epochs, reverse=True) if self.epochs[epoch] < end), 0)

    def compact(self, end: int | None = None) -> None:
        """Remove records below ``end`` that a later one of the same key replaces, and those that were aborted.

        What is not decided yet is left, and so is everything behind it.
        """
        end = min(self.stable, self.high if end is None else end)
        last = {e.key: e.offset for e in self.entries if e.offset < end and not e.is_marker and not e.is_aborted}
        kept = {offset for key, offset in last.items() if key is not None}
        self.entries = [e for e in self.entries if e.offset >= end or e.is_marker or e.offset in kept]

    def facts(self, number: int, questions: Questions, committed: int | None) -> PartitionFacts:
        """Return what a survey finds out."""
        at = {millis: self.first_at(millis) for millis in questions.instants}
        first = self._first_timestamp() if at and self.low else None
        times = {entry.offset: entry.timestamp for entry in self.entries}
        stamps = {millis: time for millis, offset in at.items() if offset is not None and (time := times[offset])}
        return PartitionFacts(number, self.low, self.high, self.stable, committed, at, stamps, first)

    def _first_timestamp(self) -> int | None:
        return next((entry.timestamp for entry in self.entries if entry.timestamp is not None), None)

    def _write(self, entry: Entry) -> int:
        self.entries.append(entry)
        self.high = next_offset(entry.offset)
        return entry.offset

    def _stamp(self, timestamp: int | None) -> int | None:
        return self.now() if timestamp is None else timestamp


@dataclass
class Topic:
    """A topic of this id."""

    id: str
    policy: str = "delete"
    partitions: dict[int, Log] = field(default_factory=dict)

    def end(self, transaction: Transaction, fate: Fate, timestamp: int | None = None) -> None:
        """Commit or abort a transaction: each partition that it wrote to gets a marker."""
        assert transaction.fate is Fate.OPEN
        transaction.fate = fate
        for log in self.partitions.values():
            if transaction in log.undecided:
                log.mark(transaction, timestamp)

    def add_partitions(self, count: int, now: Callable[[], int | None] = lambda: None) -> None:
        """Add so many partitions."""
        for number in range(len(self.partitions), len(self.partitions) + count):
            self.partitions[number] = Log(now)


@dataclass
class Cluster:
    """Topics by their names, and what groups have committed."""

    clock: HandClock = field(default_factory=HandClock)
    id: str = "cluster"
    topics: dict[str, Topic] = field(default_factory=dict)
    committed: dict[tuple[str, str, int], int] = field(default_factory=dict)
    """Group, topic and partition → the next offset to read."""
    created: int = 0

    def create(self, name: str, partitions: int = 1, policy: str = "delete") -> Topic:
        """Create a topic; no other one ever had its id."""
        assert name not in self.topics
        self.created += 1
        topic = self.topics[name] = Topic(f"id-{self.created}", policy)
        topic.add_partitions(partitions, self.clock.millis)
        return topic

    def delete(self, name: str) -> None:
        """Delete a topic, and what groups have committed of it."""
        del self.topics[name]
        self.committed = {place: offset for place, offset in self.committed.items() if place[1] != name}

    def topic(self, name: str) -> Topic:
        """Return a topic; raise UnknownTopic where there is none of the name."""
        if name not in self.topics:
            raise UnknownTopic(f"the cluster has no topic {name!r}; nothing was created")
        return self.topics[name]

    def survey(self, name: str, questions: Questions) -> TopicFacts:
        """Return all that a plan needs."""
        topic, group = self.topic(name), questions.group
        partitions = {
            number: log.facts(number, questions, None if group is None else self.committed.get((group, name, number)))
            for number, log in topic.partitions.items()
        }
        return TopicFacts(name, topic.id, self.id, partitions, group)

    def identity(self, name: str, epochs: Mapping[int, int]) -> Identity:
        """Return the topic's id, and where these epochs end."""
        topic = self.topic(name)
        logs = {number: topic.partitions[number] for number in epochs if number in topic.partitions}
        return Identity(topic.id, {number: log.epoch_end(epochs[number]) for number, log in logs.items()})

    def epochs(self, window: Window) -> dict[int, int]:
        """Return in which epoch the last offset of each range was written."""
        logs = self.topic(window.topic).partitions
        found = {each.partition: logs[each.partition].epoch_before(each.end) for each in window.ranges if each.span}
        return {number: epoch for number, epoch in found.items() if epoch is not None}

    def commit_ends(self, group: str, window: Window) -> None:
        """Commit a window's ends where the group has not come as far, if it is still the same topic."""
        if self.topic(window.topic).id != window.topic_id:
            return
        for offsets in window.ranges:
            place = (group, window.topic, offsets.partition)
            self.committed[place] = max(offsets.end, self.committed.get(place, 0))


def log_of(values: Iterable[bytes | None]) -> Log:
    """Return a log of these values without timestamps; None: nothing is at this offset."""
    log = Log()
    for value in values:
        if value is None:
            log.skip()
        else:
            log.append(value)
    return log
