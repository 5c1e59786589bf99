"""What a history is made of: who acts, and what befalls whom, where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Move(StrEnum):
    """What befalls an attempt just before one of its effects."""

    CRASH = "the process dies"
    NEXT = "it stands still, and the next attempt starts"
    SWITCH = "it stands still, and another attempt goes on"
    CANCEL = "it is asked to stop"
    MARK = "it is marked as failed, and runs on for a while"
    DROP = "the request is lost"
    LOSE = "the answer is lost"
    LATE = "no answer comes, and the request arrives later"
    FLING = "the process dies, and its request arrives later"
    REFUSE = "the service says no"
    LIE = "the service says yes, and does nothing"
    CLOSING = "no answer comes, and the commit takes its time"
    WORKER_DIES = "a worker dies"
    WORKER_SLOW = "a worker takes its time"
    LANE_SLOW = "another lane goes first"
    LAND = "the requests that are late arrive"
    GONE = "the upload sessions expire"
    REJECTS_GONE = "the upload sessions of rejects expire"
    STATEMENTS_END = "the statements that run end"
    STATEMENTS_FAIL = "the statements that run fail"
    FORGOTTEN = "the service forgets the statements that have ended"
    STAGED_GONE = "the staged rows are removed"
    ARRIVE = "a record arrives"
    SHRINK = "the oldest record expires"
    CUT = "the log is cut: it loses its newest record"
    COMPACT = "a record is compacted away"
    VANISH = "a record vanishes without a trace"
    ADD = "a partition is added"
    RECREATE = "the topic is deleted and created again"


LOSSES = frozenset({Move.SHRINK, Move.CUT, Move.VANISH, Move.RECREATE})
"""After these, a window cannot be loaded again as it was."""
AROUND = frozenset(
    {
        *[Move.LAND, Move.GONE, Move.REJECTS_GONE, Move.STATEMENTS_END, Move.STATEMENTS_FAIL],
        *[Move.FORGOTTEN, Move.STAGED_GONE],
        *[Move.ARRIVE, Move.COMPACT, Move.ADD],
        *LOSSES,
    }
)
"""These happen to the world; the effect still comes."""


class Way(StrEnum):
    """Why there is another attempt."""

    FIRST = "the run starts"
    RETRY = "a retry"
    CLEAR = "the user clears the task"
    AGAIN = "the run is deleted and created again"
    AGAIN_AND_CLEARED = "the run is deleted and created again, and another task of it is cleared"


@dataclass(frozen=True, slots=True)
class Entrance:
    """Another attempt, and of which run."""

    run: str
    way: Way

    def __str__(self) -> str:
        return f"run {self.run}: {self.way}"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Just before an effect of an attempt: the ``count``-th of its name."""

    attempt: int
    effect: str
    count: int

    def __str__(self) -> str:
        count = f" #{self.count}" if self.count > 1 else ""
        return f'attempt {self.attempt}, before "{self.effect}"{count}'


Faults: TypeAlias = Mapping[Place, tuple[Move, ...]]
"""What happens where; everywhere else nothing does."""
