"""The world of tests/core made tiny and quick, with a conductor that decides what becomes of each effect."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

from greenlet import getcurrent
from simulation.outside.lanes import LANE, LaneProcess
from simulation.outside.topic import SimulatedTopic
from twins.clock import HandClock
from twins.maxcompute import MaxCompute, Row, Session
from twins.planning_lock import Group
from twins.staging import MergeWorld, finish

from airflow_provider_kafka_odps.core.journal.entry import Phase
from airflow_provider_kafka_odps.core.statement import Fate, StatementEnd
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.core.window.window import Window

T = TypeVar("T")
Conduct: TypeAlias = Callable[[str, Callable[[], Any]], Any]
"""Takes an effect's name and what it does; returns what comes of it."""
NOWHERE = -2
"""Stands for NULL in the columns of partition and offset."""
_FENCED = {Phase.PUBLISHING.value, Phase.COMMITTING.value, Phase.MERGING.value}
_FENCED_OR_COMMITTED = {*_FENCED, Phase.COMMITTED.value}


class Spot(NamedTuple):
    """Where a record came from."""

    topic_id: str
    partition: int
    offset: int


@cache
def spot_of(value: str) -> Spot:
    """Return where the record with this value came from; a table need not have columns that say it."""
    topic_id, partition, offset = value.split(":")
    return Spot(topic_id, int(partition), int(offset.rstrip("#")))


@dataclass
class SimulatedWorld(MaxCompute):
    """A world whose every effect is conducted."""

    clock: HandClock = field(default_factory=HandClock)
    topic: SimulatedTopic = field(default_factory=SimulatedTopic)
    late: list[tuple[Hashable, Callable[[], object]]] = field(default_factory=list)
    """Requests that are under way, and that nobody waits for; each with what tells it from others."""
    journals: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By run."""
    windows: dict[str, list[Window]] = field(default_factory=dict)
    """All windows that a run has ever recorded, also where its journal was deleted."""
    planned: dict[Spot, str] = field(default_factory=dict)
    """The records that were there when the first window was planned that has their offsets."""
    asset: dict[str, str] = field(default_factory=dict)
    """The state store of the table's asset, as JSON."""
    planners: Group = field(default_factory=Group)
    """Those who plan windows of the topic for the table."""
    loaded: set[Spot] = field(default_factory=set)
    """What was visible at some time."""
    wanted: dict[str, str] = field(default_factory=dict)
    """Upload → which records the attempt wants that has opened it."""
    moving: MergeWorld = field(default_factory=MergeWorld)
    """The statements that move staged rows."""
    lied: bool = False
    """Whether the service has said that rows are visible which are not."""
    fenced_by: int = -1
    """The clear number of the attempt that last said how the window became, or would become, visible."""
    conduct: Conduct = lambda _, apply: apply()

    def effect(self, name: str, apply: Callable[[], T]) -> T:
        """Let something happen to the world, or not, as the conductor says."""
        asking = getcurrent()
        if isinstance(asking, LaneProcess):
            return asking.ask(lambda: cast("T", self.conduct(f"{LANE}{name}", apply)))
        return cast("T", self.conduct(name, apply))

    def keep(self, run: str, entry: dict[str, Any], clear_number: int) -> None:
        """Take a run's journal."""
        before = self.journals.get(run)
        if before is None or before["window"] != entry["window"]:
            window = Window.from_json(entry["window"])
            # A run may go on with the window of another one for the same interval.
            assert before is None or self.knows(window), "the recorded window has changed"
            self.windows.setdefault(run, []).append(window)
            self._note_planned(window)
        settles = before is not None and before["phase"] in _FENCED
        if entry["phase"] == Phase.PUBLISHING or (entry["phase"] in _FENCED_OR_COMMITTED and not settles):
            self.fenced_by = clear_number
        self.journals[run] = entry

    def _note_planned(self, window: Window) -> None:
        """Remember which records a window is planned on: others may come in their place."""
        for each in window.ranges:
            for offset in range(each.start, each.end):
                values = self.topic.ever.get((window.topic_id, each.partition, offset))
                if values:
                    self.planned.setdefault(Spot(window.topic_id, each.partition, offset), values[-1])

    def knows(self, window: Window) -> bool:
        """Tell whether any run has recorded this window."""
        return any(each.ranges == window.ranges for windows in self.windows.values() for each in windows)

    def hear(self, window: Window) -> None:
        """Let others hear of the window, which has to be recorded by then."""
        assert self.knows(window), "a window is announced that the next attempt would not know"

    def visible(self, session: Session) -> None:
        """Make the rows of a session visible, and remember that they were."""
        super().visible(session)
        if not session.rejects and session.staged is None:
            self.loaded |= {spot_of(value) for _, _, value in self.rows()}

    def add(self, rows: Iterable[Row]) -> None:
        """Make staged rows visible, and remember that they were."""
        super().add(rows)
        self.loaded |= {spot_of(value) for _, _, value in self.rows()}

    def put(self, rows: Sequence[Row]) -> None:
        """Make staged rows visible in place of others, and remember that they were."""
        super().put(rows)
        self.loaded |= {spot_of(value) for _, _, value in self.rows()}

    def end_merges(self, fault: str | None = None) -> None:
        """Let every statement that moves rows come to its end, in a fault if there is one."""
        for merge in self.moving.merges.values():
            if merge.end is None and fault is not None:
                merge.fault = fault
            finish(self, merge)

    def forget(self) -> None:
        """Let the service forget the statements that have ended: their names are still known."""
        for merge in self.moving.merges.values():
            if merge.end is not None:
                merge.end = StatementEnd(Fate.FORGOTTEN, "NoSuchObject")

    def rows(self) -> list[Row]:
        """Return the rows that came from a topic."""
        return [row for row in self.table if ":" in row[2]]

    def land(self) -> None:
        """Let every request that is under way arrive."""
        while self.late:
            self.late.pop(0)[1]()

    def settle(self) -> None:
        """Let all that is under way come to its end."""
        self.land()
        for session in (*self.sessions.values(), *self.reject_sessions.values()):
            if session.status is UploadStatus.CLOSING:
                self.visible(session)
        for statement in self.statements.values():
            self.end(statement)
        self.end_merges()
