"""A planner's turn: what it finds, with what the last one had decided and not written, and how it leaves its own."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kafka_odps.core.history.cuts import instants_of, store_key
from airflow_provider_kafka_odps.core.history.intervals import Intervals, earlier_intervals_keys, intervals_key
from airflow_provider_kafka_odps.core.history.planning_lock import Entries, Note, PlanningLock
from airflow_provider_kafka_odps.core.history.store import CachedStore, History
from airflow_provider_kafka_odps.core.versioned import VERSION
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.exceptions import BrokerRefused, InvalidInput

_KEPT = 1000
"""How many instants the index has, the latest: six weeks of hours."""
_NOTES_KEPT = 3
"""A note, the one that it adds to, and the one before: that one is of no use once the first is written."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one planner does with the store while it holds the lock, or without one."""

    history: History
    lock: PlanningLock | None
    """None: others may plan at the same moment."""
    last: Note | None
    cluster_id: str
    topic: str
    number: int
    """Of the note that this planner would write."""
    store: CachedStore = field(init=False)

    def __post_init__(self) -> None:
        """Ask the store for each entry once, until this planner or a later look at others wants to know better."""
        object.__setattr__(self, "store", CachedStore(self.history.store))

    def settle(self) -> None:
        """Have written what the last planner has decided; it may have died before it came to it."""
        if self.last is not None:
            self._write(self.last)

    def instants(self) -> list[int]:
        """Return the instants (ms) that were cut, in order; it is a hint, and claims are what counts.

        The index of all tasks has the latest; those of this task are known by its intervals, however many there are.
        """
        noted = [] if self.last is None else self._indexed(self._index_key(self.last.number))
        return sorted({*self.intervals().instants(), *noted, *self._indexed(self._index_key())})

    def intervals(self) -> Intervals:
        """Return the intervals that this task has planned windows for, whoever has written the entry of all late."""
        key = self._intervals_key
        noted = () if self.last is None else self.last.intervals.get(key, ())
        keys = [_numbered(key, noted[0])] if noted else []
        known = self._intervals(key)
        for other in (*keys, *earlier_intervals_keys(self.cluster_id, self.topic, self.history.author)):
            known = known.with_all(self._intervals(other))
        return known

    def add_interval(self, start: At, end: At) -> None:
        """Let later runs of this task know that a window of this interval is planned, also where it was not noted."""
        key = self._intervals_key
        for _ in range(3):
            self.store.look_again()
            known = self._intervals(key)
            if (more := known.with_one(start, end)) == known:
                return
            self.store.set(key, more.to_json())

    def chain(self, key: str) -> Mapping[str, Any] | None:
        """Return a chain as it stands; what a planner or a load has written late does not count."""
        written, noted = self.store.get(key), None if self.last is None else self.last.chains.get(key)
        if written is None or noted is None:
            return written
        return noted if written.get("note", noted["note"]) < noted["note"] else written

    def leave(
        self, topic_id: str, instants: Iterable[int], claims: Entries, chains: Entries, interval: tuple[At, At] | None
    ) -> None:
        """Decide, and then write for others what this plan uses; chains are written by whoever has planned them.

        Raises PlannedAtOnce, with nothing decided or written, where the lock was lost.
        """
        last = self.last or Note(self.number - 1, topic_id, (), {})
        noted, intervals = None, last.intervals
        if interval is not None:
            key = self._intervals_key
            noted = (key, interval[0].millis, interval[1].millis)
            intervals = {**intervals, key: (self.number, *intervals.get(key, ()))[:_NOTES_KEPT]}
        note = Note(self.number, topic_id, tuple(instants), claims, {**last.chains, **chains}, noted, intervals)
        if self.lock is not None and self._noted(self.lock, note):
            self._write(note)
            return
        for key, value in claims.items():
            self.store.set(key, value)
        if note.instants:
            self._add(set(note.instants))

    def _noted(self, lock: PlanningLock, note: Note) -> bool:
        try:
            lock.note(note.to_text())
        except BrokerRefused as refused:
            self.history.log(f"this window is planned as if there were no lock: {refused}")
            return False
        return True

    def _write(self, note: Note) -> None:
        """Write what a note has decided, unless that was done; the index of this note is the last of it."""
        store, key = self.store, self._index_key(note.number)
        if store.get(key) is not None:
            return
        chains = {each: value for each, value in note.chains.items() if value["note"] == note.number}
        for each, value in {**note.claims, **chains}.items():
            store.set(each, value)
        if note.interval is not None:
            self._write_interval(note.number, *note.interval, note.intervals[note.interval[0]])
        known = {*note.instants, *self._indexed(self._index_key(note.number - 1)), *self._indexed(self._index_key())}
        for each in (key, self._index_key()):
            store.set(each, _index(known))
        store.delete(self._index_key(note.number - 2))

    def _write_interval(self, number: int, key: str, start: int, end: int, notes: tuple[int, ...]) -> None:
        """Write the task's intervals as of a note: those of the note before, what others have added, and its own."""
        before = self._intervals(_numbered(key, notes[1])) if len(notes) > 1 else Intervals()
        known = before.with_all(self._intervals(key)).with_one(At(start), At(end)).to_json()
        for each in (_numbered(key, number), key):
            self.store.set(each, known)
        for old in notes[_NOTES_KEPT - 1 :]:
            self.store.delete(_numbered(key, old))

    def _add(self, added: set[int]) -> None:
        # Another run may write its own at the same moment, and there is no compare-and-set: look, and write again.
        for _ in range(3):
            self.store.look_again()
            known = set(self._indexed(self._index_key()))
            if added <= known:
                return
            self.store.set(self._index_key(), _index(added | known))

    @property
    def _intervals_key(self) -> str:
        return intervals_key(self.cluster_id, self.topic, self.history.author)

    def _intervals(self, key: str) -> Intervals:
        return Intervals.from_json(self.store.get(key), key)

    def _index_key(self, number: int | None = None) -> str:
        key = store_key("instants", self.cluster_id, self.topic)
        return key if number is None else _numbered(key, number)

    def _indexed(self, key: str) -> list[int]:
        return instants_of(self.store.get(key), key)


def _numbered(key: str, number: int) -> str:
    return store_key(key, str(number))


def _index(instants: Iterable[int]) -> Mapping[str, Any]:
    return {"version": VERSION, "instants": sorted(instants)[-_KEPT:]}


@contextmanager
def holding(history: History) -> Generator[tuple[PlanningLock | None, Note | None]]:
    """Hold the lock until the block is left; give it and the last note. Without the right to it, give none."""
    lock = history.lock
    if lock is None:
        yield None, None
        return
    try:
        text = lock.acquire()
    except BrokerRefused as refused:
        history.log(
            f"windows of this table are planned without a lock: {refused}. Two runs that plan at the same moment may "
            "hinder each other; docs/windows says what then"
        )
        yield None, None
        return
    try:
        yield lock, None if text is None else _readable(history, text)
    finally:
        lock.release()


def _readable(history: History, text: str) -> Note | None:
    try:
        return Note.from_text(text)
    except InvalidInput as error:
        history.log(f"{error}. It is replaced; what stands in the state store of the table's asset counts")
        return None
