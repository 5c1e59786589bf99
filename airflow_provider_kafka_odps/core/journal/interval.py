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


def interval_key(request: WindowRequest, target: Target, author: Author) -> str | None:
    """Return the key of the journal that all runs for the same interval share; None where there is none.

    Offsets are asked for on purpose, also twice; and an overwrite replaces the rows of the window by themselves.
    """
    start, end = request.start, request.end
    if not isinstance(start, At) or not isinstance(end, At) or target.mode is not Mode.APPEND:
        return None
    some = "" if request.partitions is None else ",".join(map(str, sorted(request.partitions)))
    return store_key("journal", request.topic, author.task, f"{start}/{end}", target.partition or "", some)


@dataclass(slots=True)
class IntervalJournal:
    """A run's own journal, and beside it the one of the run that loads the interval.

    | the interval's journal is | this attempt goes on from |
    |---|---|
    | not there, or this run's | this run's own journal |
    | another run's that is still going on | nothing: IntervalTaken |
    | another run's that has ended | the interval's journal, as if the user had cleared this run |
    | this run's, but its own is gone: it was deleted and created again | the same |
    | the same, and a user has cleared it since: it was to be forgotten | nothing: a window is planned |
    """

    own: JournalStore
    store: Store
    key: str
    run_id: str
    clear_number: int
    """How often this run has been cleared."""
    is_active: Callable[[str], bool]
    """Tells whether another run of the task may still load something."""
    _holder: str | None = field(default=None, init=False)
    """Who had the interval when this attempt looked last."""

    def load(self) -> Mapping[str, Any] | None:
        """Return what this attempt goes on from, or None.

        Raises IntervalTaken.
        """
        own = self.own.load()
        self._holder, clear_number, journal = self._read()
        if self._holder is None:
            return own
        adopted = {**journal, "clear_number": _BEFORE_EVERY_CLEAR}
        if self._holder != self.run_id:
            if self.is_active(self._holder):
                raise self._taken("has not ended yet, so it may load the rows")
            # The other run's rejects are in a place of its own, and nobody has asked for its rows yet.
            fresh = {"phase": Phase.UPLOADING.value} if journal["phase"] == Phase.PUBLISHING else {}
            return {**adopted, **fresh}
        if own is not None or self.clear_number > clear_number:
            return own
        # A clear that follows must not be taken for one that had it forgotten.
        self.own.save(adopted)
        return adopted

    def begin(self) -> None:
        """Raise if this attempt is not the current one."""
        self.own.begin()

    def save(self, entry: Mapping[str, Any]) -> None:
        """Replace what was saved, in both places.

        Raises IntervalTaken if another run has taken the interval over since this attempt looked last.
        """
        self._check(self._holder)
        # First the one that refuses an attempt which is not the current one.
        self.own.save(entry)
        holder = {"version": VERSION, "run_id": self.run_id, "clear_number": self.clear_number}
        self.store.set(self.key, {**holder, "journal": dict(entry)})
        self._holder = self.run_id
        if entry["phase"] == Phase.COMMITTING:
            self._check(self.run_id)

    def _check(self, expected: str | None) -> None:
        self._holder, _, _ = self._read()
        if self._holder != expected:
            raise self._taken("has taken the interval over, and loads the rows")

    def _read(self) -> tuple[str | None, int, Mapping[str, Any]]:
        written = self.store.get(self.key)
        if written is None:
            return None, 0, {}
        with read_entry(written, "the journal", self.key):
            return str(written["run_id"]), int(written["clear_number"]), dict(written["journal"])

    def _taken(self, why: str) -> IntervalTaken:
        return IntervalTaken(
            f"run {self._holder} is for the same interval as this one, and {why}; nothing is loaded here. A retry "
            "looks again. If that run is never to load them, mark its task as failed, or delete the entry "
            f"{self.key!r} in the state store of the table's asset"
        )
