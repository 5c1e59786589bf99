"""A planner's turn: what it finds, with what the last one had decided and not written, and how it leaves its own."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow_provider_kafka_odps.core.history.cuts import instants_of, store_key
from airflow_provider_kafka_odps.core.history.intervals import Intervals, intervals_key
from airflow_provider_kafka_odps.core.history.planning_lock import Entries, Note, PlanningLock
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.versioned import VERSION
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.exceptions import BrokerRefused, InvalidInput

_KEPT = 1000
"""How many instants the index has, the latest: six weeks of hours."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one planner does with the store while it holds the lock, or without one."""

    history: History
    lock: PlanningLock | None = None
    """None: others may plan at the same moment."""
    last: Note | None = None
    cluster_id: str = ""
    topic: str = ""
    number: int = 0
    """Of the note that this planner would write."""

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
        """Return the intervals that this task has planned windows for."""
        return self._intervals(self._intervals_key)

    def add_interval(self, start: At, end: At) -> None:
        """Let later runs of this task know that a window of this interval is planned."""
        self._add_interval(self._intervals_key, start, end)

    def chain(self, key: str) -> Mapping[str, Any] | None:
        """Return a chain as it stands; what a planner or a load has written late does not count."""
        written, noted = self.history.store.get(key), None if self.last is None else self.last.chains.get(key)
        if written is None or noted is None:
            return written
        return noted if written.get("note", noted["note"]) < noted["note"] else written

    def leave(
        self, topic_id: str, instants: Iterable[int], claims: Entries, chains: Entries, interval: tuple[At, At] | None
    ) -> None:
        """Decide, and then write for others what this plan uses; chains are written by whoever has planned them.

        Raises PlannedAtOnce, with nothing decided or written, where the lock was lost.
        """
        known = {} if self.last is None else self.last.chains
        noted = None if interval is None else (self._intervals_key, interval[0].millis, interval[1].millis)
        note = Note(self.number, topic_id, tuple(instants), claims, {**known, **chains}, noted)
        if self.lock is not None and self._noted(self.lock, note):
            self._write(note)
            return
        for key, value in claims.items():
            self.history.store.set(key, value)
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
        store, key = self.history.store, self._index_key(note.number)
        if store.get(key) is not None:
            return
        chains = {each: value for each, value in note.chains.items() if value["note"] == note.number}
        for each, value in {**note.claims, **chains}.items():
            store.set(each, value)
        if note.interval is not None:
            intervals_of_task, start, end = note.interval
            self._add_interval(intervals_of_task, At(start), At(end))
        known = {*note.instants, *self._indexed(self._index_key(note.number - 1)), *self._indexed(self._index_key())}
        for each in (key, self._index_key()):
            store.set(each, _index(known))
        store.delete(self._index_key(note.number - 2))

    def _add(self, added: set[int]) -> None:
        # Another run may write its own at the same moment, and there is no compare-and-set: look, and write again.
        for _ in range(3):
            known = set(self._indexed(self._index_key()))
            if added <= known:
                return
            self.history.store.set(self._index_key(), _index(added | known))

    @property
    def _intervals_key(self) -> str:
        return intervals_key(self.cluster_id, self.topic, self.history.author)

    def _intervals(self, key: str) -> Intervals:
        return Intervals.from_json(self.history.store.get(key), key)

    def _add_interval(self, key: str, start: At, end: At) -> None:
        # As with the index: and a planner that comes late adds to what is there now.
        for _ in range(3):
            known = self._intervals(key)
            if (more := known.with_one(start, end)) == known:
                return
            self.history.store.set(key, more.to_json())

    def _index_key(self, number: int | None = None) -> str:
        parts = ("instants", self.cluster_id, self.topic)
        return store_key(*parts) if number is None else store_key(*parts, str(number))

    def _indexed(self, key: str) -> list[int]:
        return instants_of(self.history.store.get(key), key)


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
