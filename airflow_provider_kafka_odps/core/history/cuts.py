"""Cuts: a boundary instant becomes offsets once, and the windows on both sides of it share them.

Each side of an instant has a claim of its own in the store: the window that ends there writes one, the window that
starts there the other. There is no compare-and-set, so whoever plans a window

1. uses a claim that is there, and asks the broker only where there is none;
2. writes its own claim, and only then reads the other side's again;
3. goes on if that one is missing or the same, and otherwise takes its own back and fails.

Two neighbours with different cuts can never both go on: of their two writes one is later, and whoever wrote it reads
the other's afterwards. A crash between any two steps leaves a claim, which is a cut as good as any.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import index
from typing import Any

from airflow_provider_kafka_odps.core.options import OnGap
from airflow_provider_kafka_odps.core.versioned import VERSION, read_entry
from airflow_provider_kafka_odps.core.window.bounds import At, Cut, Side
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidInput, NeighboursDiffer, TopicReplaced

_LONGEST_KEY = 512
"""Airflow's limit on the keys of a state store."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who has planned a window."""

    task: str
    """``dag_id.task_id``, or ``dag_id/task_id`` where a dot in one of them would leave open which is which; with the
    map index in brackets if there is one."""
    run_id: str
    before: str = field(default="", compare=False)
    """What earlier releases wrote for the task, where it was something else."""

    @property
    def base(self) -> str:
        """The task without its map index, for all instances of a mapped one."""
        return self.task.partition("[")[0]

    @property
    def map_index(self) -> int | None:
        """Which instance of a mapped task this is."""
        bracket = self.task.partition("[")[2]
        return int(bracket[:-1]) if bracket else None

    @property
    def texts(self) -> tuple[str, ...]:
        """What was ever written for the task; the first one is what is written now."""
        return (self.task, self.before) if self.before not in {"", self.task} else (self.task,)

    def wrote(self, other: Author) -> bool:
        """Tell whether another one, as it was read, is this one."""
        return other.run_id == self.run_id and other.task in self.texts


@dataclass(frozen=True, slots=True)
class Claim:
    """The offsets that a window used for one of its boundary instants."""

    topic_id: str
    offsets: Mapping[int, int]
    """Every partition that the topic had when the instant was cut, loaded or not."""
    author: Author

    def to_json(self) -> dict[str, Any]:
        """Return the claim as it stands in the store (docs/windows.md)."""
        return {
            "version": VERSION,
            "topic_id": self.topic_id,
            "task": self.author.task,
            "run_id": self.author.run_id,
            "offsets": {str(number): offset for number, offset in sorted(self.offsets.items())},
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any], key: str) -> Claim:
        """Read what ``to_json`` wrote, perhaps edited by an administrator since.

        Raises InvalidInput, with the key to delete, for anything else.
        """
        with read_entry(written, "the cut", key):
            return cls(written["topic_id"], offsets_of(written["offsets"]), Author(written["task"], written["run_id"]))


def offsets_of(written: Mapping[str, Any]) -> dict[int, int]:
    """Return offsets per partition from JSON; raise TypeError or ValueError for what is no whole number."""
    return {int(number): index(offset) for number, offset in written.items()}


def store_key(*parts: str) -> str:
    """Return a key that the store takes: the parts in order, or a digest in place of what is too long.

    >>> store_key("cut", "MkU", "orders")
    'cut:MkU:orders'
    """
    key = ":".join(parts)
    return key if len(key) <= _LONGEST_KEY else f"{parts[0]}:{hashlib.sha256(key.encode()).hexdigest()}"


def partitions_text(partitions: Collection[int] | None) -> str:
    """Return Kafka partitions as a part of a key; None: all.

    >>> partitions_text({1, 0}), partitions_text(None)
    ('0,1', '')
    """
    return "" if partitions is None else ",".join(map(str, sorted(partitions)))


def cut_key(cluster_id: str, topic: str, instant: str, side: Side) -> str:
    """Return the key of the claim of the windows that have this instant as their ``side``.

    >>> cut_key("MkU", "orders", "2026-11-22T11:00:00Z", Side.END)
    'cut:MkU:orders:2026-11-22T11:00:00Z:end'
    """
    return store_key("cut", cluster_id, topic, instant, side)


def neighbour_of(written: Mapping[str, Any], instant: str, cluster_id: str, topic: str, author: Author) -> Claim | None:
    """Return what the previous run's window, from XCom, says of an instant: None if it did not end there.

    A window of another cluster or topic, and anything that is no window, says nothing.
    """
    try:
        window = Window.from_json(written)
    except InvalidInput:
        return None
    if (window.cluster_id, window.topic, window.end.asked) != (cluster_id, topic, instant):
        return None
    return Claim(window.topic_id, {each.partition: each.end for each in window.ranges}, author)


def instants_of(written: Mapping[str, Any] | None, key: str) -> list[int]:
    """Return the instants (ms) of an index that was read from the store, in order.

    Raises InvalidInput, with the key to delete, for what is no index.
    """
    if written is None:
        return []
    with read_entry(written, "the index", key, "delete it there"):
        return sorted(map(index, written["instants"]))


def check_topic(claim_topic_id: str, facts_topic_id: str, topic: str, what: str) -> None:
    """Raise TopicReplaced for offsets of a topic that is not there any more."""
    if claim_topic_id != facts_topic_id:
        raise TopicReplaced(
            f"{what} has offsets of topic {topic} with the id {claim_topic_id}, but its id is {facts_topic_id} now: it "
            "was deleted and created again, and the offsets name other records. Load the first window of the new topic "
            "with start='earliest'; or delete the entry in the state store of the table's asset"
        )


def remembered(
    asked: At, topic: str, neighbour: Claim | None, same: Claim | None, author: Author, on_gap: OnGap
) -> Cut | None:
    """Return the cut of an instant that the claims of its two sides give, None if it is to be asked of the broker.

    ``neighbour`` is the claim of the window across the instant, ``same`` that of a window on our side.

    | neighbour | same side | on_gap | the cut is |
    |---|---|---|---|
    | none | none | | asked of the broker |
    | one | none, equal, or our own | | the neighbour's |
    | none | one | | that one |
    | one | differs | fail | refused: NeighboursDiffer |
    | one | differs | absorb | the neighbour's |
    | one | differs | ignore | that of our side |
    """
    if neighbour is None:
        return _cut(asked, same)
    if same is None or author.wrote(same.author):
        # What an attempt of this very run has left is no window that anybody loaded.
        return _cut(asked, neighbour)
    problems = differences(topic, neighbour, same)
    if problems and on_gap is OnGap.FAIL:
        raise NeighboursDiffer(
            f"the windows on the two sides of {asked} do not meet: {'; '.join(problems)}. "
            "Decide with on_gap='absorb' (use the neighbour's cut) or on_gap='ignore' (leave it as it is)"
        )
    return _cut(asked, same if problems and on_gap is OnGap.IGNORE else neighbour)


def differences(topic: str, neighbour: Claim, ours: Claim) -> list[str]:
    """Return one line per partition in which two claims of an instant differ."""
    return [
        f"{topic}[{number}]: cut at {neighbour.offsets[number]} by run {neighbour.author.run_id}, "
        f"at {offset} by run {ours.author.run_id}"
        for number, offset in sorted(ours.offsets.items())
        if neighbour.offsets.get(number, offset) != offset
    ]


def _cut(asked: At, claim: Claim | None) -> Cut | None:
    return None if claim is None else Cut(asked, claim.offsets, f"cut of run {claim.author.run_id}")


def instant_ahead(millis: int, now: datetime) -> bool:
    """Tell whether an instant is still to come."""
    return millis > now.timestamp() * 1000


def reached(bound: At, facts: TopicFacts) -> dict[int, int]:
    """Return where each partition reaches an instant: the first offset at or after it, or the log's end."""
    found = {number: (partition.at[bound.millis], partition.high) for number, partition in facts.partitions.items()}
    return {number: high if at is None else at for number, (at, high) in found.items()}


def no_later(bound: At, later: Mapping[int, int], facts: TopicFacts) -> Cut:
    """Return the cut of an instant that is not behind that of a later one, nor has a partition which that has not.

    A quiet partition may have had nothing when the later instant was cut; what has come since is behind both.
    """
    now = reached(bound, facts)
    offsets = {number: min(now[number], later[number]) for number in now.keys() & later.keys()}
    return Cut(bound, offsets, "broker", remembered=False)
