"""The simulated topic: what became of each of its offsets, and how a load reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from twins.kafka import Cluster, Entry, Fate, Log, Topic, Transaction
from twins.kafka_reader import Source

from airflow_provider_kafka_odps.core.options import OnDataLoss

NAME = "orders"
_FETCHED = 2
"""How many records come at once."""


class Kind(StrEnum):
    """What an offset holds; the letters of a case's log."""

    RECORD = "r"
    CONTROL = "c"
    ABORTED = "a"
    UNDECIDED = "o"
    """A record of a transaction that is still open."""
    NOTHING = "n"
    """Nothing is there; whether it was removed by compaction, the topic's policy says."""


@dataclass
class SimulatedTopic:
    """A topic whose records are never forgotten, so that it can be asked what is lost."""

    cluster: Cluster = field(default_factory=Cluster)
    ever: dict[tuple[str, int, int], list[str]] = field(default_factory=dict)
    """Topic id, partition and offset → the values of the records that were there, one after another."""
    late_stamp: int = 0
    """The timestamp of what comes from now on."""
    free: set[tuple[str, int, int]] = field(default_factory=set)
    """Offsets of which a load may rightly have no row: at some time, no record was there, and the log says why."""

    cut_off: set[tuple[str, int, int]] = field(default_factory=set)
    """Offsets that a log has lost at its end, also where something came there since."""

    def __post_init__(self) -> None:
        """Create it."""
        self.cluster.create(NAME)

    @property
    def now(self) -> Topic:
        """The topic of this name."""
        return self.cluster.topics[NAME]

    @property
    def logs(self) -> dict[int, Log]:
        """Its partitions."""
        return self.now.partitions

    @property
    def compacted(self) -> bool:
        """Whether records that later ones replace are removed."""
        return "compact" in self.now.policy

    def append(self, number: int, kind: Kind = Kind.RECORD, stamp: int | None = None) -> None:
        """Let something come to a partition."""
        log, stamp = self.logs[number], self.late_stamp if stamp is None else stamp
        place = self.now.id, number, log.high
        values = self.ever.setdefault(place, [])
        value = f"{self.now.id}:{number}:{log.high}{'#' * len(values)}"
        if kind is Kind.RECORD or (kind is Kind.NOTHING and not self.compacted):
            values.append(value)
        else:
            self.free.add(place)
        match kind:
            case Kind.RECORD:
                log.append(_written(value), timestamp=stamp)
            case Kind.CONTROL:
                # Of a transaction whose records, if it had any, are in other partitions.
                log.mark(Transaction(Fate.COMMITTED), stamp)
            case Kind.ABORTED | Kind.UNDECIDED:
                transaction = Transaction()
                log.append(_written(value), None, stamp, transaction)
                transaction.fate = Fate.OPEN if kind is Kind.UNDECIDED else Fate.ABORTED
            case Kind.NOTHING:
                log.skip()

    def expire(self) -> None:
        """Let the oldest record expire, of the partition that has the most."""
        log = max(self.logs.values(), key=lambda log: log.high - log.low)
        log.delete_before(log.low + 1)

    def cut(self) -> None:
        """Let the first partition lose its newest offset."""
        log = self.logs[0]
        log.truncate(log.high - 1)
        self.cut_off.add((self.now.id, 0, log.high))

    def first_record(self) -> Entry | None:
        """Return the oldest record of the first partition."""
        return next((each for each in self.logs[0].entries if each.transaction is None), None)

    def remove(self) -> None:
        """Let that record be there no more, by compaction if that is the policy."""
        gone = self.first_record()
        assert gone is not None, "only a record can be removed"
        self.logs[0].entries.remove(gone)
        if self.compacted:
            self.free.add((self.now.id, 0, gone.offset))

    def add(self) -> None:
        """Add a partition, with two records in it by now."""
        number = len(self.logs)
        self.now.add_partitions(1)
        for _ in range(2):
            self.append(number)

    def recreate(self) -> None:
        """Delete the topic and create it again, with as many records in it."""
        sizes = {number: log.high for number, log in self.logs.items()}
        self.cluster.delete(NAME)
        self.cluster.create(NAME, len(sizes))
        for number, size in sizes.items():
            for _ in range(size):
                self.append(number)

    def owed(self, topic_id: str, number: int, start: int, end: int) -> Iterator[int]:
        """Yield the offsets of which every load of this range has a row, whatever was lost since."""
        for offset in range(start, end):
            place = topic_id, number, offset
            if place not in self.free and self.ever.get(place):
                yield offset

    def lost(self, topic_id: str, number: int, offset: int) -> bool:
        """Tell whether a record that was there could not be read at some time."""
        if topic_id != self.now.id or number not in self.logs or (topic_id, number, offset) in self.cut_off:
            return True
        return not any(each.offset == offset and each.transaction is None for each in self.logs[number].entries)


def _written(value: str) -> bytes:
    """Return a value as a producer writes it; what is loaded of it is trimmed."""
    return f" {value} ".encode()


def source_of(
    topic: SimulatedTopic, on_data_loss: OnDataLoss, effect: Callable[[str, Callable[[], Any]], Any]
) -> Source:
    """Return the topic as one process reads it; its effects have the same names wherever it has come to."""

    def named(name: str, apply: Callable[[], Any]) -> Any:
        return effect("read" if name.startswith("read ") else name, apply)

    return Source(topic.cluster, named, on_data_loss, _FETCHED)
