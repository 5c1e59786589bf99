"""What may befall an attempt before which of its effects, where it makes a difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from simulation.steps import Move
from simulation.world import SimulatedWorld

from airflow_provider_kafka_odps.core.upload import UploadStatus

_MOST_RECORDS = 4
# What leaves the world as it is commutes with a crash, and with another attempt: both come before the next change.
_CHANGES = {"open", "write a block", "publish", "commit", "start removal", "await removal", "end"}
_SEES_THE_TABLE = {
    "publish",
    "ask for the rejects",
    "commit",
    "ask for the status",
    "count",
    "start removal",
    "await removal",
}
_ANSWERS: Mapping[str, tuple[Move, ...]] = {
    "commit": (Move.DROP, Move.LOSE, Move.LATE, Move.FLING, Move.REFUSE, Move.CLOSING, Move.GONE, Move.CANCEL),
    "publish": (Move.DROP, Move.LOSE, Move.LATE, Move.FLING, Move.REFUSE, Move.CLOSING, Move.REJECTS_GONE),
    "ask for the rejects": (Move.DROP, Move.REJECTS_GONE),
    "write rejects": (Move.REJECTS_GONE,),
    "start removal": (Move.DROP, Move.LOSE, Move.LATE, Move.FLING),
    "await removal": (Move.DROP, Move.STATEMENTS_FAIL),
    "ask for the status": (Move.DROP, Move.GONE),
    "write a block": (Move.GONE,),
    "count": (Move.DROP,),
    "read": (Move.DROP, Move.SHRINK, Move.RECREATE, Move.CANCEL),
    "commit the ends": (Move.DROP, Move.LOSE),
    "survey": (Move.ARRIVE, Move.SHRINK, Move.RECREATE),
    "save planned": (Move.ARRIVE,),
    "save committing": (Move.CANCEL,),
    "ask for the topic's id": (Move.RECREATE,),
}


@cache
def moves_at(name: str) -> tuple[Move, ...]:
    """Return what may happen before an effect of this name, under some circumstances."""
    saves = name.startswith("save ")
    return (
        *((Move.CRASH, Move.NEXT, Move.SWITCH) if saves or name in _CHANGES else ()),
        *((Move.LOSE,) if saves else ()),
        *((Move.LAND, Move.STATEMENTS_END) if name in _SEES_THE_TABLE else ()),
        *_ANSWERS.get(name, ()),
    )


def makes_a_difference(move: Move, world: SimulatedWorld) -> bool:
    """Tell whether the world is such that this changes it."""
    circumstance = _CIRCUMSTANCES.get(move)
    return circumstance is None or circumstance(world)


def _a_statement_runs(world: SimulatedWorld) -> bool:
    return any(not statement.ended for statement in world.statements.values())


_CIRCUMSTANCES: Mapping[Move, Callable[[SimulatedWorld], bool]] = {
    Move.LAND: lambda world: bool(world.late),
    Move.GONE: lambda world: any(each.status is not UploadStatus.GONE for each in world.sessions.values()),
    Move.REJECTS_GONE: lambda world: any(
        each.status is not UploadStatus.GONE for each in world.reject_sessions.values()
    ),
    Move.STATEMENTS_END: _a_statement_runs,
    Move.STATEMENTS_FAIL: _a_statement_runs,
    Move.ARRIVE: lambda world: world.high < _MOST_RECORDS,
    Move.SHRINK: lambda world: world.low < world.high,
    Move.RECREATE: lambda world: world.topic_id == "id-1",
}
