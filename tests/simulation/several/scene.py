"""Several runs, and what they leave for each other in the state store of the table's asset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from simulation.breaks import Break, Situation
from simulation.not_yet import NOT_YET
from simulation.outside.attempts import TARGETS, Order, attempt_in
from simulation.outside.stores import AssetMemory, SimulatedLock, Store
from simulation.outside.world import SimulatedWorld
from simulation.play.actors import Actor
from simulation.play.steps import Entrance, Move
from simulation.several.cases import Runs, stamp_of
from simulation.several.promise import Tiling

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.history.cuts import Author
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.journal.entry import JournalStore
from airflow_provider_kafka_odps.core.journal.interval import IntervalJournal, interval_keys
from airflow_provider_kafka_odps.core.options import Mode, OnGap
from airflow_provider_kafka_odps.core.window.bounds import Earliest, Previous
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window

# What happens to one load is played with one run; these are what makes a difference to others.
_PLAYED = frozenset(
    {
        *[Move.CRASH, Move.NEXT, Move.SWITCH, Move.MARK, Move.LOSE, Move.LATE, Move.FLING, Move.CLOSING, Move.LAND],
        *[Move.GONE, Move.ARRIVE, Move.SHRINK, Move.ADD],
    }
)


@dataclass
class Several:
    """The scene of several runs."""

    case: Runs
    breaks: Sequence[Break] = NOT_YET
    """What is known to break the promise, and is not played."""
    world: SimulatedWorld = field(default_factory=SimulatedWorld)
    tiling: Tiling = field(init=False)

    def __post_init__(self) -> None:
        """Fill the log."""
        self.tiling = Tiling(self.case, self.world)
        self.world.topic.late_stamp = stamp_of(0.5)
        for hours in self.case.stamps:
            self.world.topic.append(0, stamp=stamp_of(hours))

    @property
    def entrances(self) -> Sequence[Entrance]:
        """The attempts that are disturbed."""
        return self.case.entrances

    def attempt(self, actor: Actor, is_active: Callable[[str], bool]) -> Attempt:
        """Return an attempt at loading what its run is for."""
        run = self.case.run(actor.run)
        first = Earliest() if isinstance(run.start, Previous) else None
        request = WindowRequest("orders", run.start, run.end, first_start=first)
        author, store = Author(run.task, run.name), AssetMemory(self.world, actor)
        asked, lock = partial(self._ask, is_active), SimulatedLock.of(self.world)
        history = History(author, store, lambda: None, OnGap.FAIL, self.case.max_offsets, asked, lock, lambda _: None)
        keys = interval_keys(request, TARGETS[Mode.APPEND], author)

        def shared(own: Store) -> JournalStore:
            if keys is None:
                return own
            place = (author.map_index, lambda: "cluster")
            return IntervalJournal(own, store, keys, run.name, actor.clear_number, actor.try_number, asked, *place)

        return attempt_in(self.world, Order(request, history), actor, self._follow, shared)

    def may(self, actor: Actor, effect: str, move: Move, coming: Entrance | None, *, alone: bool) -> bool:
        """Tell whether this can happen here, and is not known to break the promise."""
        if move not in _PLAYED:
            return False
        if self.case.chained and move in {Move.NEXT, Move.SWITCH} and not self._may_meet(actor, move, coming):
            return False
        now = Situation(self.case, self.world, actor.run, actor.marked, alone, effect, move)
        return not any(each.forbids(now) for each in self.breaks)

    def _may_meet(self, actor: Actor, move: Move, coming: Entrance | None) -> bool:
        """Tell whether another attempt may run beside this one: a chain takes max_active_tis_per_dag=1."""
        same = coming is not None and coming.run == actor.run
        return actor.marked or not actor.is_current() or move is Move.SWITCH or same

    def check_table(self) -> None:
        """Hold what holds in every moment."""
        self.tiling.check_table()

    def check_attempt(self, actor: Actor) -> None:
        """Hold what holds after an attempt."""
        self.tiling.check_attempt(actor.ended)

    def check_end(self, actors: Sequence[Actor]) -> None:
        """Hold what holds at the end."""
        newest = {actor.run: actor.ended for actor in actors}
        self.tiling.check_end(newest, {actor.run for actor in actors if actor.marked})

    def _ask(self, is_active: Callable[[str], bool], run: str, _: int | None) -> bool:
        return self.world.effect("ask who is active", lambda: is_active(run))

    def _follow(self, window: Window) -> None:
        """Let others see that the window is loaded."""
        assert self.world.knows(window), "the ends of a window are committed that is not recorded"
