"""What a move does: to the world, or to the answer that an attempt gets."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from core.world import Crash
from simulation.outside.lanes import LaneSlow
from simulation.outside.workers import WorkerDied, WorkerSlow
from simulation.outside.world import SimulatedWorld
from simulation.play.steps import Move
from twins.stores import Superseded

from airflow_provider_kafka_odps.exceptions import CommitRejected, KafkaOdpsError, Unreachable


def happen(world: SimulatedWorld, move: Move) -> None:
    """Let something happen to the world that no attempt has a part in."""
    _HAPPENINGS[move](world)


def _end_statements(world: SimulatedWorld, failure: str | None) -> None:
    for statement in world.statements.values():
        if not statement.ended:
            statement.failure = failure
        world.end(statement)
    world.end_merges(None if failure is None else "fails")


_HAPPENINGS: Mapping[Move, Callable[[SimulatedWorld], None]] = {
    Move.LAND: lambda world: world.land(),
    Move.GONE: lambda world: world.expire(world.sessions.values()),
    Move.REJECTS_GONE: lambda world: world.expire(world.reject_sessions.values()),
    Move.STATEMENTS_END: lambda world: _end_statements(world, None),
    Move.STATEMENTS_FAIL: lambda world: _end_statements(world, "ODPS-0010000: System internal error"),
    Move.FORGOTTEN: lambda world: world.forget(),
    Move.STAGED_GONE: lambda world: world.staged.clear(),
    Move.ARRIVE: lambda world: world.topic.append(0),
    # Retention takes whole segments, and one record is one here.
    Move.SHRINK: lambda world: world.topic.expire(),
    Move.CUT: lambda world: world.topic.cut(),
    Move.COMPACT: lambda world: world.topic.remove(),
    Move.VANISH: lambda world: world.topic.remove(),
    Move.ADD: lambda world: world.topic.add(),
    Move.RECREATE: lambda world: world.topic.recreate(),
}


_ENDS: Mapping[Move, type[Exception]] = {
    Move.WORKER_DIES: WorkerDied,
    Move.WORKER_SLOW: WorkerSlow,
    Move.LANE_SLOW: LaneSlow,
}


def answer(world: SimulatedWorld, name: str, apply: Callable[[], Any], move: Move, token: Hashable) -> Any:
    """Answer an effect otherwise than by what it does; ``token`` tells the request from others."""
    match move:
        case Move.CRASH:
            raise Crash
        case Move.DROP:
            raise Unreachable("no answer: the request was lost")
        case Move.LOSE:
            apply()
            raise Unreachable("no answer: the answer was lost")
        case Move.LATE | Move.FLING:
            world.late.append((token, lambda: _arrive(apply)))
            raise Crash if move is Move.FLING else Unreachable("no answer")
        case Move.REFUSE:
            raise CommitRejected("FlowExceeded")
        case Move.LIE:
            world.lied = True
            return None
        case Move.CLOSING:
            world.closing = 2
            (world.reject_faults if name == "publish" else world.commit_faults).append("closing")
            return apply()
        case Move.WORKER_DIES | Move.WORKER_SLOW | Move.LANE_SLOW:
            raise _ENDS[move]
        case _:
            raise AssertionError(f"{move} is no answer to {name}")


def _arrive(apply: Callable[[], object]) -> None:
    try:
        apply()
    except (KafkaOdpsError, Superseded):
        return  # Nobody hears it.
