"""One run of one task, and its attempts at one load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.examples import history_of
from simulation.breaks import Break, Situation
from simulation.not_yet import NOT_YET
from simulation.outside.attempts import Order, attempt_in
from simulation.outside.topic import Kind
from simulation.outside.world import SimulatedWorld
from simulation.play.actors import Actor
from simulation.play.steps import Entrance, Move
from simulation.single.cases import Case, Columns, Unfit
from simulation.single.promise import Promise

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.journal.entry import Phase
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.window.bounds import Earliest, Latest
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window

_ALONE = history_of("a")


@dataclass
class Single:
    """The scene of a case."""

    case: Case
    breaks: Sequence[Break] = NOT_YET
    """What is known to break the promise, and is not played."""
    world: SimulatedWorld = field(default_factory=SimulatedWorld)
    promise: Promise = field(init=False)

    def __post_init__(self) -> None:
        """Fill the log."""
        self.promise = Promise(self.case, self.world)
        self.world.topic.now.policy = "compact" if self.case.compacted else "delete"
        for letter in self.case.log:
            self.world.topic.append(0, Kind(letter))

    @property
    def entrances(self) -> Sequence[Entrance]:
        """The attempts that are disturbed."""
        return self.case.entrances

    def attempt(self, actor: Actor, is_active: Callable[[str], bool]) -> Attempt:
        """Return an attempt at loading all that is in the log."""
        del is_active
        case, first = self.case, actor.number == 1
        order = Order(
            WindowRequest("orders", Earliest(), Latest(), on_data_loss=case.on_data_loss),
            _ALONE,
            case.mode,
            case.on_rerun,
            with_offsets=case.columns is Columns.ALWAYS or (case.columns is Columns.LATER and not first),
            hides_offsets=case.columns is Columns.LATER and first,
            rejecting=case.unfit is Unfit.ALWAYS or (case.unfit is Unfit.AT_FIRST and first),
            keep_rejects=case.rejected is not None,
            keep=case.where.keeps[0 if first else 1],
            workers=case.workers,
            lanes=case.lanes,
            routed=case.routed,
        )
        return attempt_in(self.world, order, actor, self._follow)

    def may(self, actor: Actor, effect: str, move: Move, coming: Entrance | None, *, alone: bool) -> bool:
        """Tell whether this can happen here, and is not known to break the promise."""
        del coming
        if move in {Move.MARK, Move.ADD}:
            # They make a difference to other runs, and there are none.
            return False
        if move is Move.LIE and not self._would_show():
            return False
        now = Situation(self.case, self.world, actor.run, actor.marked, alone, effect, move)
        return not any(each.forbids(now) for each in self.breaks)

    def check_table(self) -> None:
        """Hold what holds in every moment."""
        self.promise.check_table()

    def check_attempt(self, actor: Actor) -> None:
        """Hold what holds after an attempt."""
        self.promise.check_attempt(actor.ended, actor.clear_number)

    def check_end(self, actors: Sequence[Actor]) -> None:
        """Hold what holds at the end."""
        self.promise.check_end(actors[-1].ended, actors[-1].clear_number)

    def _would_show(self) -> bool:
        """Tell whether the table would show that a commit has done nothing."""
        if self.case.mode is Mode.APPEND:
            return self.case.columns is Columns.ALWAYS
        # All that is known of an overwrite without offset columns is how many rows there are then.
        committed = self.world.sessions[self.world.journals[self.promise.run]["upload_id"]]
        return sum(map(len, committed.blocks.values())) != len(self.world.table)

    def _follow(self, window: Window) -> None:
        """Let others see that the window is loaded."""
        assert self.promise.window == window, "the ends of a window are committed that is not recorded"
        journal = self.world.journals[self.promise.run]
        # One that was superseded after its load goes on here while the next one loads: that is not visible yet.
        committed = journal["upload_id"] if journal["phase"] == Phase.COMMITTED else None
        differs = self.promise.differs(committed)
        assert not differs, f"the ends are committed of what is not visible: {differs}"
