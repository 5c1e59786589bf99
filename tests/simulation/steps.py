"""What a history is made of: the run that it happens to, and what befalls its attempts, where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from airflow_provider_kafka_odps.core.options import Mode, OnRerun


class Move(StrEnum):
    """What befalls an attempt just before one of its effects."""

    CRASH = "the process dies"
    NEXT = "it stands still, and the next attempt starts"
    SWITCH = "it stands still, and another attempt goes on"
    CANCEL = "it is asked to stop"
    DROP = "the request is lost"
    LOSE = "the answer is lost"
    LATE = "no answer comes, and the request arrives later"
    FLING = "the process dies, and its request arrives later"
    REFUSE = "the service says no"
    CLOSING = "no answer comes, and the commit takes its time"
    LAND = "the requests that are late arrive"
    GONE = "the upload sessions expire"
    REJECTS_GONE = "the upload sessions of rejects expire"
    STATEMENTS_END = "the statements that run end"
    STATEMENTS_FAIL = "the statements that run fail"
    ARRIVE = "a record arrives"
    SHRINK = "the oldest record expires"
    RECREATE = "the topic is deleted and created again"


AROUND = frozenset(
    {
        *[Move.LAND, Move.GONE, Move.REJECTS_GONE, Move.STATEMENTS_END, Move.STATEMENTS_FAIL],
        *[Move.ARRIVE, Move.SHRINK, Move.RECREATE],
    }
)
"""These happen to the world; the effect still comes."""


class Way(StrEnum):
    """Why there is a next attempt."""

    RETRY = "a retry"
    CLEAR = "the user clears the task"


class Misfit(StrEnum):
    """Whether the window's first record fits the table; one that does not is a reject."""

    NEVER = "all records fit"
    ALWAYS = "one record is rejected"
    AT_FIRST = "the first attempt rejects one record, and the mapping is mended then"


@dataclass(frozen=True, slots=True)
class Case:
    """The run that a history happens to."""

    mode: Mode
    on_rerun: OnRerun
    with_rows: bool
    """Whether partition and offset are columns of the table."""
    ways: tuple[Way, ...]
    """Why the second, the third … attempt starts; there are no more than these before the faults end."""
    records: int = 2
    """How many there are at first."""
    misfit: Misfit = Misfit.NEVER

    def __str__(self) -> str:
        columns = "with" if self.with_rows else "without"
        ways = ", then ".join(self.ways)
        run = f"{self.records} records, {self.mode}, on_rerun={self.on_rerun}, {columns} offset columns"
        return f"{run}, {self.misfit}, then {ways}"


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
