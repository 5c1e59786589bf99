"""The stage: attempts of which one acts at a time, and a conductor that disturbs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeAlias, assert_never

from core.world import Crash
from greenlet import GreenletExit, getcurrent, greenlet
from simulation.outside.lanes import LANE, simulated_lanes
from simulation.outside.workers import WORKER, small_shares
from simulation.outside.world import SimulatedWorld
from simulation.play.actors import Actor, Scene
from simulation.play.disturbances import makes_a_difference, moves_at
from simulation.play.happenings import answer, happen
from simulation.play.steps import AROUND, Entrance, Faults, Move, Place, Way
from twins.stores import Superseded

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError

Choice: TypeAlias = Callable[[Place, int, Callable[[], list[Move]]], Move | None]
_CALM_ROUNDS = 4
"""So many attempts of each run without any fault are enough to end well, or to say why not."""
_READING = frozenset({"look at the log", "read", "write a block"})
"""What was asked for when the task was asked to stop is read, and written as one block; nothing else comes then."""
_SHOWS = {"publish", "ask for the rejects", "commit", "await removal", "await merge", "ask for the status"}


@dataclass
class Stage:
    """One history, from the first attempt to the last; ``play`` raises BrokenPromise."""

    scene: Scene
    choose: Choice
    """Called with a place, how much has happened there already, and what tells what may: returns what does."""
    actors: list[Actor] = field(default_factory=list)
    faults: dict[Place, tuple[Move, ...]] = field(default_factory=dict)
    """What was chosen."""
    trace: list[str | tuple[int, str]] = field(default_factory=list)
    """What came after what; an attempt's effects, and how it ended, with its number."""
    entered: int = 0
    """How many of the scene's entrances are over."""
    _hub: greenlet = field(init=False)
    floor: Actor = field(init=False)
    """Who acts next."""
    _acting: Actor = field(init=False)

    @property
    def world(self) -> SimulatedWorld:
        """What survives an attempt."""
        return self.scene.world

    def play(self) -> None:
        """Play the history to its end."""
        self.world.conduct = self._conduct
        self._hub = getcurrent()
        try:
            with small_shares(), simulated_lanes():
                self._play()
        finally:
            self._leave()

    def _play(self) -> None:
        self._enter_next()
        while self._disturbed():
            pass
        self.choose = _nothing_more
        for _ in range(_CALM_ROUNDS):
            for run in dict.fromkeys(actor.run for actor in self.actors):
                if self.newest(run).to_be_retried:
                    self._enter(Entrance(run, Way.RETRY))
                    self._act(self.actors[-1])
        # Whoever was superseded wakes up now, and whatever was under way arrives.
        for actor in self.actors:
            while actor.ended is None:
                self._act(actor)
        self.trace.append("what was under way arrives")
        self.world.settle()
        self.scene.check_end(self.actors)

    def _disturbed(self) -> bool:
        """Let somebody act; return whether there is more to be disturbed."""
        self._act(self.floor)
        if self.floor.ended is None:
            return True
        if left := [actor for actor in self.actors if actor.ended is None and actor.is_current()]:
            self.floor = left[-1]
            return True
        return self._enter_next()

    def newest(self, run: str) -> Actor:
        """Return the last attempt of a run."""
        return next(actor for actor in reversed(self.actors) if actor.run == run)

    def is_active(self, run: str) -> bool:
        """Tell whether Airflow says that a run may still load something."""
        actors = [actor for actor in self.actors if actor.run == run]
        if not actors or actors[-1].marked:
            return False
        comes = Entrance(run, Way.RETRY) in self.scene.entrances[self.entered :]
        return actors[-1].ended is None or (actors[-1].to_be_retried and comes)

    def _enter_next(self) -> bool:
        """Let the next attempt start that has a reason to; return whether there is one."""
        while self.entered < len(self.scene.entrances):
            entrance = self.scene.entrances[self.entered]
            self.entered += 1
            if entrance.way is not Way.RETRY or self.newest(entrance.run).to_be_retried:
                self._enter(entrance)
                return True
        return False

    def _enter(self, entrance: Entrance) -> None:
        run, way = entrance.run, entrance.way
        before = next((actor.clear_number for actor in reversed(self.actors) if actor.run == run), 0)
        match way:
            case Way.FIRST | Way.RETRY:
                cleared = before
            case Way.CLEAR:
                cleared = before + 1
            case Way.AGAIN | Way.AGAIN_AND_CLEARED:
                self.world.journals.pop(run, None)
                cleared = int(way is Way.AGAIN_AND_CLEARED)
            case _:
                assert_never(way)
        again = way in {Way.AGAIN, Way.AGAIN_AND_CLEARED}
        tries = 0 if again else next((each.try_number for each in reversed(self.actors) if each.run == run), 0)
        actor = Actor(len(self.actors) + 1, run, cleared, lambda: self.newest(run) is actor, tries + 1)
        actor.process = greenlet(partial(self._run, actor), self._hub)
        self.actors.append(actor)
        self.floor = actor
        self.trace.append(f"attempt {actor.number} starts: {entrance}")

    def _act(self, actor: Actor) -> None:
        self._acting = actor
        actor.process.switch()

    def _run(self, actor: Actor) -> None:
        try:
            receipt = transfer(self.scene.attempt(actor, self.is_active))
            self.world.effect("end", lambda: None)
            actor.ended = receipt
        except (KafkaOdpsError, Superseded, Crash) as error:
            actor.ended = error
        self.trace.append((actor.number, _told(actor.ended)))
        if actor.is_current():
            self.scene.check_attempt(actor)

    def _leave(self) -> None:
        """End whoever is still there, without a trace."""
        self.world.conduct = _die
        for actor in self.actors:
            if not actor.process.dead:
                actor.process.throw(GreenletExit)

    def _conduct(self, name: str, apply: Callable[[], Any]) -> Any:
        actor = self._acting
        count = actor.counts[name] = actor.counts.get(name, 0) + 1
        place = _place(actor.number, name, count)
        happened = 0
        while (move := self.choose(place, happened, partial(self._may, actor, name))) is not None:
            happened += 1
            self.faults[place] = (*self.faults.get(place, ()), move)
            self.trace.append(f"  {place}: {move}")
            if move is Move.SWITCH or move is Move.NEXT:
                self._stand_still(actor, move)
            elif move is Move.CANCEL:
                actor.cancelled = True
                actor.may_still = _may_still(name)
            elif move is Move.MARK:
                actor.marked = True
            elif move in AROUND:
                happen(self.world, move)
                self.scene.check_table()
            else:
                return self._heard(actor, name, partial(self._answer, actor, name, apply, move))
        self.trace.append((actor.number, name))
        _check_stopped(actor, name)
        return self._heard(actor, name, apply)

    def _heard(self, actor: Actor, name: str, apply: Callable[[], Any]) -> Any:
        """Let an effect happen, and remember what the actor knows by then."""
        try:
            returned = apply()
        except Exception as error:
            actor.answers = hash((actor.answers, name, type(error)))
            raise
        if name in _SHOWS:
            self.scene.check_table()
        actor.answers = hash((actor.answers, name, _digest(returned)))
        return returned

    def _answer(self, actor: Actor, name: str, apply: Callable[[], Any], move: Move) -> Any:
        try:
            return answer(self.world, name, apply, move, (name, actor.number, actor.answers))
        finally:
            self.scene.check_table()

    def _stand_still(self, actor: Actor, move: Move) -> None:
        if move is Move.NEXT:
            self._enter(self.scene.entrances[self.entered])
            self.entered += 1
        else:
            others = [*self.actors[actor.number :], *self.actors[: actor.number - 1]]
            self.floor = next(other for other in others if other.ended is None)
        self._hub.switch()

    def _may(self, actor: Actor, name: str) -> list[Move]:
        coming = next(iter(self.scene.entrances[self.entered : self.entered + 1]), None)
        possible = [move for move in moves_at(name) if self._can(actor, name, move, coming)]
        alone = all(other.ended is not None for other in self.actors if other is not actor)
        return [move for move in possible if self.scene.may(actor, name, move, coming, alone=alone)]

    def _can(self, actor: Actor, name: str, move: Move, coming: Entrance | None) -> bool:
        match move:
            case Move.NEXT:
                return coming is not None and (coming.run != actor.run or actor.is_current())
            case Move.SWITCH:
                return any(other.ended is None for other in self.actors if other is not actor)
            case Move.CANCEL:
                return not actor.cancelled
            case Move.MARK:
                return not actor.marked and actor.is_current()
            case _:
                return makes_a_difference(move, name, self.world)


def _may_still(name: str) -> frozenset[str] | None:
    """Return what comes after a task was asked to stop before this: of a lane, what it was about to do."""
    if name.startswith(LANE):
        return frozenset({name})
    return _READING if name in _READING else None


def _check_stopped(actor: Actor, name: str) -> None:
    if actor.may_still is None or name.startswith(WORKER):
        return
    assert name in actor.may_still, f"attempt {actor.number} was asked to stop, and goes on with {name}"
    if name == "write a block":
        actor.may_still = frozenset()


def scripted(faults: Faults) -> Choice:
    """Return a choice that lets happen what stands in a history, where it may."""

    def choose(place: Place, happened: int, may: Callable[[], list[Move]]) -> Move | None:
        moves = faults.get(place, ())
        return moves[happened] if happened < len(moves) and moves[happened] in may() else None

    return choose


@cache
def _place(attempt: int, effect: str, count: int) -> Place:
    return Place(attempt, effect, count)


def _nothing_more(_: Place, __: int, ___: Callable[[], list[Move]]) -> None:
    return None


def _die(_: str, __: Callable[[], Any]) -> None:
    raise Crash


def _digest(returned: object) -> object:
    """Return what tells two answers apart; of objects that are made once, which one it is."""
    if returned is None or isinstance(returned, str | int):
        return returned
    return id(returned) if type(returned).__name__ == "RecordBatch" else repr(returned)


def _told(ended: Receipt | BaseException | None) -> str:
    match ended:
        case Receipt():
            return f"success, {ended.rows} rows"
        case Crash():
            return "dead"
        case BaseException():
            return f"{type(ended).__name__}: {ended}"
        case None:
            return "still there"
        case _:
            assert_never(ended)
