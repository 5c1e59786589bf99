"""The journal of an interval: another run for the same one goes on from what the first has left, and never doubles it.

Each run has a journal of its own, which survives its retries and clears. But an interval may get another run: Airflow
makes one when the partition of a partitioned timetable is reprocessed, when a deleted run is created again, and when
somebody triggers the DAG by hand. So the journal of a window between two instants is written a second time, where all
runs of the task find it: in the state store of the table's asset.

A run that has taken it over writes its own id beside it, and no other one passes the fence from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kafka_odps.core.history.cuts import Author, store_key
from airflow_provider_kafka_odps.core.history.store import Store
from airflow_provider_kafka_odps.core.journal.entry import JournalStore, Phase, Target
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.versioned import VERSION, read_entry
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.exceptions import IntervalTaken

_BEFORE_EVERY_CLEAR = -1


@dataclass(frozen=True, slots=True)
class IntervalKeys:
    """Where the journal of an interval is kept."""

    key: str
    before: str
    """The key that earlier releases used; it does not name the table."""
    table: str


def interval_keys(request: WindowRequest, target: Target, author: Author) -> IntervalKeys | None:
    """Return the keys of the journal that all runs for the same interval share; None where there is none.

    Offsets are asked for on purpose, also twice; and an overwrite replaces the rows of the window by themselves.
    The cluster is not among them: it is known only once it was asked, and the recorded window names its topic's id.
    """
    start, end = request.start, request.end
    if not isinstance(start, At) or not isinstance(end, At) or target.mode is not Mode.APPEND:
        return None
    some = "" if request.partitions is None else ",".join(map(str, sorted(request.partitions)))
    which = author.task, f"{start}/{end}", target.partition or "", some
    key = store_key("journal", request.topic, target.table, *which)
    return IntervalKeys(key, store_key("journal", request.topic, *which), target.table)


@dataclass(slots=True)
class IntervalJournal:
    """A run's own journal, and beside it the one of the run that loads the interval.

    | the interval's journal is | this attempt goes on from |
    |---|---|
    | not there, or this run's | this run's own journal |
    | another run's that is still going on | nothing: IntervalTaken |
    | another run's that has ended | the interval's journal, as if the user had cleared this run |
    | this run's, but its own is gone: it was deleted and created again | the same |
    | the same, not in its first try, and a user has cleared it since: forgotten | nothing: a window is planned |
    """

    own: JournalStore
    store: Store
    keys: IntervalKeys
    run_id: str
    clear_number: int
    """How often this run has been cleared."""
    try_number: int
    """Which try of the task this is in this run: in the first one nobody can have emptied its own journal."""
    is_active: Callable[[str], bool]
    """Tells whether another run of the task may still load something."""
    _seen: Mapping[str, Any] | None = field(default=None, init=False)
    """The whole entry as this attempt saw or wrote it last: whatever differs from it was written by somebody else."""

    def load(self) -> Mapping[str, Any] | None:
        """Return what this attempt goes on from, or None. Taking an interval over is written at once.

        Raises IntervalTaken.
        """
        own = self.own.load()
        self._seen = self._read()
        if self._seen is None:
            self._catch_up(own)
            return own
        holder, clear_number, journal = self._parsed(self._seen)
        adopted = {**journal, "clear_number": _BEFORE_EVERY_CLEAR}
        if holder != self.run_id:
            if self.is_active(holder):
                raise self._taken("has not ended yet, so it may load the rows")
            # The other run's rejects are in a place of its own, and nobody has asked for its rows yet.
            fresh = {"phase": Phase.UPLOADING.value} if journal["phase"] == Phase.PUBLISHING else {}
            adopted |= fresh
        elif own is not None or (self.try_number > 1 and self.clear_number > clear_number):
            if own != journal:
                self._catch_up(own)
            return own
        # Before anything is asked or made: what the other run does from now on is refused. And a clear that follows
        # must not be taken for one that had the journal forgotten.
        self.save(adopted)
        return adopted

    def _catch_up(self, own: Mapping[str, Any] | None) -> None:
        """Write what an attempt of this run has recorded in its own journal, and died before it was written here.

        Others would take it for less than it is: a commit may be under way.
        """
        if own is not None:
            self._check()
            self._share(own)

    def begin(self) -> None:
        """Raise if this attempt is not the current one."""
        self.own.begin()

    def save(self, entry: Mapping[str, Any]) -> None:
        """Replace what was saved, in both places.

        Raises IntervalTaken if another run has taken the interval over since this attempt looked last.
        """
        self._check()
        # First the one that refuses an attempt which is not the current one.
        self.own.save(entry)
        # That may have taken its time.
        self._check()
        self._share(entry)
        if entry["phase"] == Phase.COMMITTING:
            self._check()

    def _share(self, entry: Mapping[str, Any]) -> None:
        holder = {"version": VERSION, "run_id": self.run_id, "clear_number": self.clear_number}
        written = {**holder, "journal": dict(entry)}
        self.store.set(self.keys.key, written)
        self._seen = written

    def _check(self) -> None:
        seen, self._seen = self._seen, self._read()
        if self._seen != seen:
            raise self._taken("has taken the interval over, and loads the rows")

    def _read(self) -> Mapping[str, Any] | None:
        # The one that is written comes last: nothing lies between looking at it and writing it.
        before = self.store.get(self.keys.before)
        written = self.store.get(self.keys.key)
        if written is not None:
            return written
        # It may be of another table that the same task loads.
        recorded = before.get("journal") if isinstance(before, Mapping) else None
        table = recorded.get("table") if isinstance(recorded, Mapping) else None
        return before if table in (None, self.keys.table) else None

    def _parsed(self, written: Mapping[str, Any]) -> tuple[str, int, Mapping[str, Any]]:
        with read_entry(written, "the journal", self.keys.key):
            return str(written["run_id"]), int(written["clear_number"]), dict(written["journal"])

    def _taken(self, why: str) -> IntervalTaken:
        holder = "another attempt" if self._seen is None else f"run {self._parsed(self._seen)[0]}"
        return IntervalTaken(
            f"{holder} is for the same interval as this one, and {why}; nothing is loaded here. A retry "
            "looks again. If that run is never to load them, mark its task as failed, or delete the entry "
            f"{self.keys.key!r} in the state store of the table's asset"
        )
