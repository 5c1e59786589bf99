"""The stage: up to three attempts at one load, one of which acts at a time, and a conductor that disturbs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, TypeAlias, assert_never

from core.world import Crash
from greenlet import greenlet
from simulation.disturbances import makes_a_difference, moves_at
from simulation.invariant import Promise
from simulation.steps import AROUND, Case, Faults, Move, Place, Way
from simulation.world import SimulatedWorld, attempt_in
from twins.stores import Superseded

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import CommitRejected, KafkaOdpsError, Unreachable

Choice: TypeAlias = Callable[[Place, int, Callable[[], list[Move]]], Move | None]
_CALM_ATTEMPTS = 4
"""So many attempts without any fault are enough to end well, or to say why not."""
_SHOWS = {"publish", "ask for the rejects", "commit", "await removal", "ask for the status"}


@dataclass
class Actor:
    """One attempt: its process, and how it ended."""

    number: int
    clear_number: int
    process: greenlet = field(init=False)
    cancelled: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    ended: Receipt | BaseException | None = None


@dataclass
class Stage:
    """One history, from the first attempt to the last; ``play`` raises BrokenPromise."""

    case: Case
    choose: Choice
    """Called with a place, how much has happened there already, and what tells what may: returns what does."""
    world: SimulatedWorld = field(default_factory=SimulatedWorld)
    actors: list[Actor] = field(default_factory=list)
    faults: dict[Place, tuple[Move, ...]] = field(default_factory=dict)
    """What was chosen."""
    trace: list[str | tuple[int, str]] = field(default_factory=list)
    """What came after what; an attempt's effects, and how it ended, with its number."""
    promise: Promise = field(init=False)
    _hub: greenlet = field(init=False)
    _floor: Actor = field(init=False)
    """Who acts next."""
    _acting: Actor = field(init=False)

    def play(self) -> None:
        """Play the history to its end."""
        self.world.conduct = self._conduct
        self.world.high = self.case.records
        self.world.misfit = self.case.misfit
        self.promise = Promise(self.case, self.world)
        self._hub = greenlet.getcurrent()
        try:
            self._play()
        finally:
            self._leave()

    def _play(self) -> None:
        self._enter(Way.RETRY)
        while self._disturbed():
            pass
        self.choose = _nothing_more
        while self._goes_on(len(self.case.ways) + _CALM_ATTEMPTS):
            self._enter(Way.RETRY)
            self._act(self.actors[-1])
        # Whoever was superseded wakes up now, and whatever was under way arrives.
        for actor in self.actors:
            while actor.ended is None:
                self._act(actor)
        self.trace.append("what was under way arrives")
        self.world.land()
        for session in (*self.world.sessions.values(), *self.world.reject_sessions.values()):
            if session.status is UploadStatus.CLOSING:
                self.world.visible(session)
        for statement in self.world.statements.values():
            self.world.end(statement)
        self.promise.check_table()
        self.promise.check_end(self.actors[-1].ended, self.actors[-1].clear_number)

    def _disturbed(self) -> bool:
        """Let somebody act; return whether there is more to be disturbed."""
        self._act(self._floor)
        if self._floor.ended is None:
            return True
        newest = self.actors[-1]
        if newest.ended is None:
            self._floor = newest
            return True
        if not self._goes_on(len(self.case.ways)):
            return False
        self._enter(self.case.ways[newest.number - 1])
        return True

    def _goes_on(self, most: int) -> bool:
        """Tell whether Airflow, or a user, makes another attempt after the newest one."""
        newest, ways = self.actors[-1], self.case.ways
        if newest.number > most:
            return False
        if newest.number <= len(ways) and ways[newest.number - 1] is Way.CLEAR:
            return True
        error = newest.ended
        return isinstance(error, BaseException) and (not isinstance(error, KafkaOdpsError) or error.retry_helps)

    def _enter(self, way: Way) -> None:
        cleared = self.actors[-1].clear_number + (way is Way.CLEAR) if self.actors else 0
        actor = Actor(len(self.actors) + 1, cleared)
        actor.process = greenlet(partial(self._run, actor), self._hub)
        self.actors.append(actor)
        self._floor = actor
        self.trace.append(f"attempt {actor.number} starts{f': {way}' if actor.number > 1 else ''}")

    def _act(self, actor: Actor) -> None:
        self._acting = actor
        actor.process.switch()

    def _run(self, actor: Actor) -> None:
        attempt = attempt_in(
            self.world,
            self.case,
            actor.number,
            actor.clear_number,
            lambda: actor is self.actors[-1],
            lambda: actor.cancelled,
        )
        try:
            receipt = transfer(attempt)
            self.world.effect("end", lambda: None)
            actor.ended = receipt
        except (KafkaOdpsError, Superseded, Crash) as error:
            actor.ended = error
        self.trace.append((actor.number, _told(actor.ended)))
        if actor is self.actors[-1]:
            self.promise.check_attempt(actor.ended, actor.clear_number)

    def _leave(self) -> None:
        """End whoever is still there, without a trace."""
        self.world.conduct = _die
        for actor in self.actors:
            if not actor.process.dead:
                actor.process.throw(greenlet.GreenletExit)

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
            elif move in AROUND:
                self._happen(move)
                self.promise.check_table()
            else:
                return self._answer(name, apply, move)
        self.trace.append((actor.number, name))
        returned = apply()
        if name in _SHOWS:
            self.promise.check_table()
        return returned

    def _stand_still(self, actor: Actor, move: Move) -> None:
        if move is Move.NEXT:
            self._enter(self.case.ways[len(self.actors) - 1])
        else:
            self._floor = next(other for other in self.actors if other.ended is None and other is not actor)
        self._hub.switch()

    def _answer(self, name: str, apply: Callable[[], Any], move: Move) -> Any:
        match move:
            case Move.CRASH:
                raise Crash
            case Move.DROP:
                raise Unreachable("no answer: the request was lost")
            case Move.LOSE:
                apply()
                self.promise.check_table()
                raise Unreachable("no answer: the answer was lost")
            case Move.LATE | Move.FLING:
                self.world.late.append(lambda: _arrive(apply))
                raise Crash if move is Move.FLING else Unreachable("no answer")
            case Move.REFUSE:
                raise CommitRejected("FlowExceeded")
            case Move.CLOSING:
                self.world.closing = 2
                (self.world.reject_faults if name == "publish" else self.world.commit_faults).append("closing")
                return apply()
            case _:
                raise AssertionError(f"{move} is no answer to {name}")

    def _happen(self, move: Move) -> None:
        world = self.world
        match move:
            case Move.LAND:
                world.land()
            case Move.GONE:
                world.expire(world.sessions.values())
            case Move.REJECTS_GONE:
                world.expire(world.reject_sessions.values())
            case Move.STATEMENTS_END | Move.STATEMENTS_FAIL:
                for statement in world.statements.values():
                    if move is Move.STATEMENTS_FAIL and not statement.ended:
                        statement.failure = "ODPS-0010000: System internal error"
                    world.end(statement)
            case Move.ARRIVE:
                world.high += 1
            case Move.SHRINK:
                world.low += 1
            case Move.RECREATE:
                world.topic_id = "id-2"
            case _:
                raise AssertionError(f"{move} does not happen to the world")

    def _may(self, actor: Actor, name: str) -> list[Move]:
        return [move for move in moves_at(name) if self._can(actor, move)]

    def _can(self, actor: Actor, move: Move) -> bool:
        match move:
            case Move.NEXT:
                return actor is self.actors[-1] and actor.number <= len(self.case.ways)
            case Move.SWITCH:
                return any(other.ended is None for other in self.actors if other is not actor)
            case Move.CANCEL:
                return not actor.cancelled
            case _:
                return makes_a_difference(move, self.world)


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


def _arrive(apply: Callable[[], object]) -> None:
    try:
        apply()
    except (KafkaOdpsError, Superseded):
        return  # Nobody hears it.


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
