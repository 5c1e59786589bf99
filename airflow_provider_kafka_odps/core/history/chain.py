"""The chain of windows that ``start="previous"`` continues: each starts where the one before it ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from operator import index
from typing import Any

from airflow_provider_kafka_odps.core.history.cuts import Author, offsets_of, partitions_text, store_key
from airflow_provider_kafka_odps.core.versioned import VERSION, read_entry
from airflow_provider_kafka_odps.core.window.bounds import Cut, Previous
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import PredecessorPending, UnknownPartition


@dataclass(frozen=True, slots=True)
class Link:
    """One window of the chain."""

    run_id: str
    start: Mapping[int, int]
    end: Mapping[int, int]
    """Partition → where the next window starts; also of partitions that this window did not load."""
    map_index: int | None = None
    """Which instance of the run's task it is of, where the task is mapped."""

    def to_json(self) -> dict[str, Any]:
        """Return the link as a part of the chain's entry."""
        written = {
            "run_id": self.run_id,
            "start": {str(number): offset for number, offset in sorted(self.start.items())},
            "end": {str(number): offset for number, offset in sorted(self.end.items())},
        }
        return written if self.map_index is None else {**written, "map_index": self.map_index}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Link:
        """Read what ``to_json`` wrote."""
        of = written.get("map_index")
        return cls(
            written["run_id"],
            offsets_of(written["start"]),
            offsets_of(written["end"]),
            None if of is None else index(of),
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """How far the windows of one task have come in one topic."""

    topic_id: str
    committed: Link | None
    planned: Link | None = None
    """A window that was planned and whose commit nobody has seen yet."""
    note: int | None = None
    """The number of the note of the planning lock that has decided this; None: it was planned without the lock."""

    def to_json(self) -> dict[str, Any]:
        """Return the chain as it stands in the store (docs/windows.md)."""
        written = {
            "version": VERSION,
            "topic_id": self.topic_id,
            "committed": None if self.committed is None else self.committed.to_json(),
            "planned": None if self.planned is None else self.planned.to_json(),
        }
        return written if self.note is None else {**written, "note": self.note}

    @classmethod
    def from_json(cls, written: Mapping[str, Any], key: str) -> Chain:
        """Read what ``to_json`` wrote, perhaps edited by an administrator since.

        Raises InvalidInput, with the key, for anything else.
        """
        with read_entry(written, "the chain", key, "fix it there"):
            committed, planned = (
                None if written[part] is None else Link.from_json(written[part]) for part in ("committed", "planned")
            )
            note = written.get("note")
            return cls(written["topic_id"], committed, planned, None if note is None else index(note))

    def link_of_another(self, author: Author) -> Link | None:
        """Return a link of another instance of the same run: of a mapped task that has this chain twice."""
        if author.map_index is None:
            return None
        links = (each for each in (self.planned, self.committed) if each is not None and each.run_id == author.run_id)
        return next((each for each in links if each.map_index not in {None, author.map_index}), None)

    def plan(self, window: Window, author: Author) -> Chain:
        """Return the chain to write before the window is used."""
        start = {each.partition: each.start for each in window.ranges}
        before = {} if self.committed is None else self.committed.end
        end = {**before, **{each.partition: each.end for each in window.ranges}}
        return replace(self, planned=Link(author.run_id, start, end, author.map_index))

    def commit(self, window: Window, author: Author) -> Chain | None:
        """Return the chain to write once this window of the run is committed; None where it stays as it is.

        A window that starts where the chain has come to is the next one, whoever has planned something since. What is
        planned may be another window: an attempt that was superseded has planned it, and could not record it. It never
        counts as loaded; and if it starts elsewhere, the chain has passed the committed window before.
        """
        planned, index_of = self.planned, {None, author.map_index}
        mine = planned if planned and planned.run_id == author.run_id and planned.map_index in index_of else None
        starts = ([mine.start] if mine else []) + ([self.committed.end] if self.committed else [])
        if any(_starts_at(window, start) for start in starts):
            return replace(self, committed=self.plan(window, author).planned, planned=None)
        return replace(self, planned=None) if mine else None


def _starts_at(window: Window, offsets: Mapping[int, int]) -> bool:
    return all(offsets.get(each.partition) == each.start for each in window.ranges)


def chain_keys(
    cluster_id: str, topic: str, author: Author, table: str, partitions: Collection[int] | None
) -> tuple[str, ...]:
    """Return the keys of a task's chain: that which is written, and those under which earlier releases wrote it.

    An instance of a mapped task is told from others by topic, table and partitions, and not by its index: this is
    another one as soon as the list that it is mapped over has another order.

    >>> chain_keys("MkU", "orders", Author("hourly.load", "run"), "shop.t", None)
    ('chain:MkU:orders:hourly.load',)
    >>> chain_keys("MkU", "orders", Author("hourly.load[3]", "run"), "shop.t", {1, 0})
    ('chain:MkU:orders:hourly.load[]:shop.t:0,1', 'chain:MkU:orders:hourly.load[3]')
    """
    plain = tuple(store_key("chain", cluster_id, topic, text) for text in author.texts)
    if author.map_index is None:
        return plain
    some = partitions_text(partitions)
    return store_key("chain", cluster_id, topic, f"{author.base}[]", table, some), *plain


def next_start(
    chain: Chain | None, author: Author, key: str, topic: str, partitions: Mapping[int, object]
) -> Cut | None:
    """Return where the next window of the chain starts; None: it is the first one.

    | committed | planned | the next window |
    |---|---|---|
    | none | none | is the first |
    | one | none | starts where it ended |
    | any | by this run | starts where it was to start: an attempt of this run ended before anything was recorded |
    | any | by another run | waits: PredecessorPending |

    Raises UnknownPartition where the topic has lost a partition.
    """
    if chain is None:
        return None
    if chain.planned is not None and chain.planned.run_id != author.run_id:
        raise PredecessorPending(
            f"run {chain.planned.run_id} has planned the window of {topic} up to {dict(chain.planned.end)} and has not "
            f"committed it. This run continues where that one ends: it has to wait. If that run will never end, clear "
            f'its task; if its rows are not wanted, set "planned" to null in the entry {key!r} in the state store of '
            "the table's asset"
        )
    link = chain.planned or chain.committed
    if link is None:
        return None
    offsets = link.end if chain.planned is None else {**(chain.committed.end if chain.committed else {}), **link.start}
    if gone := sorted(offsets.keys() - partitions.keys()):
        raise UnknownPartition(
            f"{topic}{gone}: the window of run {link.run_id} has loaded partitions that the topic does not have now. "
            f"Look at the topic; the chain is the entry {key!r} in the state store of the table's asset"
        )
    return Cut(Previous(), offsets, f"end of run {link.run_id}" if chain.planned is None else "an attempt before")
