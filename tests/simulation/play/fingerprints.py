"""What tells two moments of two histories apart: where they are the same, they go on in the same ways."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from simulation.outside.world import SimulatedWorld
from simulation.play.actors import Actor
from simulation.play.stage import Stage
from simulation.play.steps import Place
from twins.kafka import Log
from twins.maxcompute import Session


def fingerprint(stage: Stage, place: Place) -> Hashable:
    """Return all that what comes next depends on: the world, and what each attempt that is not over knows.

    An attempt is deterministic, so what it was answered says what it knows. Left out is what nothing depends on: how
    many seconds the stages of a load took, and the clock where nobody who is still there has looked at it.
    """
    live = [actor for actor in stage.actors if actor.ended is None]
    seconds = stage.world.clock.seconds if any(actor.answers for actor in live) else 0.0
    return _world(stage.world), tuple(map(_actor, stage.actors)), stage.floor.number, stage.entered, place, seconds


def _actor(actor: Actor) -> Hashable:
    if actor.ended is None:
        return actor.run, actor.clear_number, actor.answers, actor.cancelled, actor.may_still, actor.marked
    return actor.run, actor.clear_number, type(actor.ended), actor.marked


def _world(world: SimulatedWorld) -> Hashable:
    topic = world.topic
    return (
        (topic.now.id, *((number, _log(log)) for number, log in topic.logs.items())),
        frozenset(topic.free),
        tuple(map(len, topic.ever.values())),
        (world.changes, *world.table),
        tuple(world.rejects),
        tuple(map(_session, world.sessions.values())),
        tuple(map(_session, world.reject_sessions.values())),
        tuple((name, each.ended, each.failure, *each.selected) for name, each in world.statements.items()),
        tuple((place, *rows) for place, rows in world.staged.items()),
        tuple((name, each.end, each.fault, *each.selected) for name, each in world.moving.merges.items()),
        tuple((run, _frozen(journal)) for run, journal in world.journals.items()),
        tuple(world.asset.items()),
        (world.planners.holder, world.planners.text),
        tuple(world.planned.items()),
        tuple((run, len(windows)) for run, windows in world.windows.items()),
        frozenset(world.loaded),
        tuple(world.wanted.items()),
        (world.lied, world.fenced_by, world.closing, *world.commit_faults, *world.reject_faults),
        tuple(token for token, _ in world.late),
    )


def _log(log: Log) -> Hashable:
    return log.low, log.high, *log.cuts, *((each.offset, each.value) for each in log.entries)


def _session(session: Session) -> Hashable:
    return session.status, tuple((number, *rows) for number, rows in session.blocks.items())


def _frozen(value: object) -> Hashable:
    if isinstance(value, Mapping):
        return tuple((key, _frozen(each)) for key, each in value.items() if key != "seconds")
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    assert isinstance(value, Hashable), value
    return value
