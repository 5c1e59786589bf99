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

from airflow_provider_kafka_odps.core.history.cuts import Author, partitions_text, store_key
from airflow_provider_kafka_odps.core.history.store import Store
from airflow_provider_kafka_odps.core.journal.entry import JournalStore, Phase, Target
from airflow_provider_kafka_odps.core.options import Mode, OnGap
from airflow_provider_kafka_odps.core.versioned import VERSION, read_entry
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.exceptions import IntervalTaken, NeighboursDiffer

_BEFORE_EVERY_CLEAR = -1


@dataclass(frozen=True, slots=True)
class IntervalKeys:
    """Where the journal of an interval is kept."""

    key: str
    before: tuple[str, ...]
    """Keys that earlier releases used, the latest last; the earliest do not name the table."""
    table: str

    def of_cluster(self, cluster_id: str) -> IntervalKeys:
        """Return the key for a cluster, where the other one has the journal of a topic of another cluster."""
        return IntervalKeys(store_key(self.key, cluster_id), (), self.table)


def interval_keys(
    request: WindowRequest, target: Target, author: Author, on_gap: OnGap = OnGap.FAIL
) -> IntervalKeys | None:
    """Return the keys of the journal that all runs for the same interval share; None where there is none.

    Offsets are asked for on purpose, also twice; and an overwrite replaces the rows of the window by themselves.
    Instances of a mapped task are told apart by what they load; only on demand by their place in its list, which is
    another one as soon as the list has another order.
    The cluster is not among them: it is known only once it was asked. The recorded window has it.
    """
    start, end = request.start, request.end
    if not isinstance(start, At) or not isinstance(end, At) or target.mode is not Mode.APPEND:
        return None
    some = partitions_text(request.partitions)
    what = f"{start}/{end}", target.partition or "", some
    task = author.task if on_gap is OnGap.IGNORE else author.base
    key, *before = (store_key("journal", request.topic, target.table, each, *what) for each in (task, *author.texts))
    earliest = (store_key("journal", request.topic, each, *what) for each in author.texts)
    return IntervalKeys(key, (*earliest, *(each for each in before[::-1] if each != key)), target.table)


@dataclass(slots=True)
class IntervalJournal:
    """A run's own journal, and beside it the one of the run that loads the interval.

    | the interval's journal is | this attempt goes on from |
    |---|---|
    | not there, or this run's | this run's own journal |
    | another run's that is still going on | nothing: IntervalTaken |
    | another run's that has ended | the interval's journal, as if the user had cleared this run |
    | this run's, but its own is gone: it was deleted and created again | the same |
    | another instance's of the same run, whose task is mapped | nothing: NeighboursDiffer |
    | of another cluster | this run's own journal; the interval's is kept under a key with the cluster |
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
    is_active: Callable[[str, int | None], bool]
    """Tells whether another run of the task may still load something, or one instance of it."""
    map_index: int | None = None
    """Which instance of a mapped task this is."""
    cluster: Callable[[], str] | None = None
    """Asks for the id of the cluster whose topic is loaded; None: there is only one."""
    _seen: Mapping[str, Any] | None = field(default=None, init=False)
    """The whole entry as this attempt saw or wrote it last: whatever differs from it was written by somebody else."""
    _wrote: bool = field(default=False, init=False)
    """Whether it stands where this release writes it: nobody writes to the keys of earlier ones any more."""

    def load(self) -> Mapping[str, Any] | None:
        """Return what this attempt goes on from, or None. Taking an interval over is written at once.

        Raises IntervalTaken and NeighboursDiffer.
        """
        own = self.own.load()
        self._seen = self._read()
        if self._seen is not None and (own is None or not self._is_mine(self._seen)):
            self._tell_apart(self._seen)
        if self._seen is None:
            self._catch_up(own)
            return own
        holder, clear_number, journal = self._parsed(self._seen)
        adopted = {**journal, "clear_number": _BEFORE_EVERY_CLEAR}
        if holder != self.run_id:
            if self.is_active(holder, self._seen.get("map_index")):
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

    def _is_mine(self, written: Mapping[str, Any]) -> bool:
        index = written.get("map_index")
        return written.get("run_id") == self.run_id and (index is None or index == self.map_index)

    def _tell_apart(self, written: Mapping[str, Any]) -> None:
        """See to it that nothing is taken over which is not of what this attempt loads."""
        window = self._parsed(written)[2].get("window")
        cluster_id = window.get("cluster_id") if isinstance(window, Mapping) else None
        if self.cluster is not None and cluster_id is not None and (ours := self.cluster()) != cluster_id:
            self.keys = self.keys.of_cluster(ours)
            self._seen = self._read()
        found = self._seen
        if found is not None and found.get("run_id") == self.run_id and not self._is_mine(found):
            raise NeighboursDiffer(
                f"instance {found['map_index']} of this run's mapped task has recorded a window of the same topic, "
                f"interval, partitions and table as this one, {self.map_index}: each record would be loaded twice. Was "
                "the list that it is mapped over put into another order since? Give each instance its own topic, "
                "table, partition or partitions; on_gap='ignore' tells them apart by their place in the list. The "
                f"entry is {self.keys.key!r} in the state store of the table's asset"
            )

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
        if entry["phase"] in (Phase.COMMITTING, Phase.MERGING):
            self._check()

    def _share(self, entry: Mapping[str, Any]) -> None:
        holder = {"version": VERSION, "run_id": self.run_id, "clear_number": self.clear_number}
        instance = {} if self.map_index is None else {"map_index": self.map_index}
        written = {**holder, **instance, "journal": dict(entry)}
        self.store.set(self.keys.key, written)
        self._seen, self._wrote = written, True

    def _check(self) -> None:
        seen, self._seen = self._seen, self._read()
        if self._seen != seen:
            raise self._taken("has taken the interval over, and loads the rows")

    def _read(self) -> Mapping[str, Any] | None:
        # The one that is written comes last: nothing lies between looking at it and writing it.
        before = [] if self._wrote else [self.store.get(key) for key in self.keys.before]
        written = self.store.get(self.keys.key)
        return next((each for each in (written, *before[::-1]) if each is not None and self._is_of_table(each)), None)

    def _is_of_table(self, written: Mapping[str, Any]) -> bool:
        # The earliest keys may have the journal of another table that the same task loads.
        recorded = written.get("journal") if isinstance(written, Mapping) else None
        table = recorded.get("table") if isinstance(recorded, Mapping) else None
        return table in (None, self.keys.table)

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
