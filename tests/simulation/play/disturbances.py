"""What may befall an attempt before which of its effects, where it makes a difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from simulation.outside.lanes import LANE
from simulation.outside.workers import WORKER
from simulation.outside.world import SimulatedWorld
from simulation.play.steps import Move

from airflow_provider_kafka_odps.core.upload import UploadStatus

_MOST_RECORDS = 6
# What leaves the world as it is commutes with a crash, and with another attempt: both come before the next change.
_CHANGES = {
    "open",
    "write a block",
    "publish",
    "commit",
    "start removal",
    "await removal",
    "start merge",
    "await merge",
    "drop the staged",
    "end",
    f"{WORKER}write a block",
    f"{LANE}write a block",
}
_SEES_THE_TABLE = {
    "publish",
    "ask for the rejects",
    "commit",
    "ask for the status",
    "count",
    "start removal",
    "await removal",
    "start merge",
    "await merge",
    "look",
}
_LOG_MOVES = (Move.SHRINK, Move.CUT, Move.VANISH, Move.COMPACT, Move.RECREATE)
_ANSWERS: Mapping[str, tuple[Move, ...]] = {
    "commit": (
        *(Move.DROP, Move.LOSE, Move.LATE, Move.FLING, Move.REFUSE, Move.LIE, Move.CLOSING, Move.GONE, Move.CANCEL),
    ),
    "publish": (Move.DROP, Move.LOSE, Move.LATE, Move.FLING, Move.REFUSE, Move.CLOSING, Move.REJECTS_GONE),
    "ask for the rejects": (Move.DROP, Move.REJECTS_GONE),
    "write rejects": (Move.REJECTS_GONE,),
    "start removal": (Move.DROP, Move.LOSE, Move.LATE, Move.FLING),
    "await removal": (Move.DROP, Move.STATEMENTS_FAIL),
    "look at the staged": (Move.DROP, Move.STAGED_GONE),
    "start merge": (Move.DROP, Move.LOSE, Move.LATE, Move.FLING, Move.STAGED_GONE),
    "await merge": (Move.DROP, Move.STATEMENTS_FAIL, Move.FORGOTTEN),
    "drop the staged": (Move.DROP, Move.LOSE, Move.LATE),
    "ask for the status": (Move.DROP, Move.GONE),
    "write a block": (Move.GONE,),
    "count": (Move.DROP,),
    "look": (Move.DROP,),
    "read": (Move.DROP, Move.CANCEL, Move.ARRIVE, *_LOG_MOVES),
    "look at the log": (Move.DROP, Move.CANCEL, Move.ARRIVE, *_LOG_MOVES),
    "ask for the policy": (Move.DROP,),
    "commit the ends": (Move.DROP, Move.LOSE),
    "survey": (Move.ARRIVE, Move.SHRINK, Move.ADD, Move.RECREATE),
    "save planned": (Move.ARRIVE,),
    "save committing": (Move.CANCEL, Move.MARK),
    "save uploading": (Move.MARK,),
    "save planning": (Move.MARK,),
    "ask for the topic's id": (Move.RECREATE, Move.CUT, Move.ARRIVE),
    f"{WORKER}read": (Move.WORKER_DIES, Move.WORKER_SLOW, Move.DROP, *_LOG_MOVES),
    f"{WORKER}write a block": (Move.WORKER_DIES, Move.WORKER_SLOW, Move.FLING, Move.GONE),
    f"{LANE}read": (Move.LANE_SLOW, Move.DROP, Move.CANCEL, Move.ARRIVE, *_LOG_MOVES),
    f"{LANE}write a block": (Move.LANE_SLOW, Move.LOSE, Move.LATE, Move.FLING, Move.GONE),
}


@cache
def moves_at(name: str) -> tuple[Move, ...]:
    """Return what may happen before an effect of this name, under some circumstances."""
    verb = name.partition(" ")[0]
    saves, shared = verb == "save", verb in {"get", "set", "delete", "note"}
    return (
        *((Move.CRASH,) if saves or name in _CHANGES or verb in {"set", "delete", "note"} else ()),
        *((Move.NEXT, Move.SWITCH) if saves or shared or name in _CHANGES else ()),
        *((Move.LOSE,) if saves or verb == "note" else ()),
        *((Move.LAND, Move.STATEMENTS_END) if name in _SEES_THE_TABLE else ()),
        *_ANSWERS.get(name, ()),
    )


def makes_a_difference(move: Move, effect: str, world: SimulatedWorld) -> bool:
    """Tell whether the world is such that this changes it."""
    if move is Move.ARRIVE and effect in {"read", f"{LANE}read", "look at the log", "ask for the topic's id"}:
        # What comes behind a window that is recorded makes a difference where its end was cut off.
        return any(log.cuts for log in world.topic.logs.values()) and _has_room(world)
    circumstance = _CIRCUMSTANCES.get(move)
    return circumstance is None or circumstance(world)


def _a_statement_runs(world: SimulatedWorld) -> bool:
    merges = any(merge.end is None for merge in world.moving.merges.values())
    return merges or any(not statement.ended for statement in world.statements.values())


def _has_room(world: SimulatedWorld) -> bool:
    return world.topic.logs[0].high < _MOST_RECORDS


def _has_a_record(world: SimulatedWorld) -> bool:
    return world.topic.first_record() is not None


_CIRCUMSTANCES: Mapping[Move, Callable[[SimulatedWorld], bool]] = {
    Move.LAND: lambda world: bool(world.late),
    Move.GONE: lambda world: any(each.status is not UploadStatus.GONE for each in world.sessions.values()),
    Move.REJECTS_GONE: lambda world: any(
        each.status is not UploadStatus.GONE for each in world.reject_sessions.values()
    ),
    Move.STATEMENTS_END: _a_statement_runs,
    Move.STATEMENTS_FAIL: _a_statement_runs,
    Move.FORGOTTEN: lambda world: any(merge.end is not None for merge in world.moving.merges.values()),
    Move.STAGED_GONE: lambda world: bool(world.staged),
    Move.ARRIVE: _has_room,
    Move.SHRINK: lambda world: any(log.low < log.high for log in world.topic.logs.values()),
    Move.CUT: lambda world: world.topic.logs[0].low < world.topic.logs[0].high,
    Move.COMPACT: lambda world: world.topic.compacted and _has_a_record(world),
    Move.VANISH: lambda world: not world.topic.compacted and _has_a_record(world),
    Move.ADD: lambda world: len(world.topic.logs) == 1,
    Move.RECREATE: lambda world: world.topic.now.id == "id-1",
}
