"""The lock that one planner holds at a time, and the note by which it decides before it writes.

The store of the table's asset refuses nobody: what a planner writes there may arrive at any moment, long after it has
lost the lock. So a plan is decided by its note, which the lock takes from its holder only, and written to the store
after that: by its planner, or by the next one if that has died in between, or by both, in whatever order. None of it
may harm when it is written twice, or late:

* the claims of a plan are what its note says, and the cut of an instant does not change;
* the index of instants is another entry for each note (``turn.py``);
* the intervals of a task are another entry for each note that adds one (``turn.py``);
* a chain changes, so its entry has the number of its note: one with a lower number has come late.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from operator import index
from typing import Any, Protocol, TypeAlias

from airflow_provider_kafka_odps.core.versioned import VERSION, read_versioned
from airflow_provider_kafka_odps.exceptions import InvalidInput

Entries: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Key → value, as they stand in the store."""


class PlanningLock(Protocol):
    """Held by one planner of a topic for a table at a time; what its holder has noted is found by the next one."""

    def acquire(self) -> str | None:
        """Wait until nobody else holds it; return what was noted last, None where nothing was.

        Raises BrokerRefused where this planner may not hold it, PlannedAtOnce where others hold it for too long.
        """

    def note(self, text: str) -> None:
        """Replace what is noted.

        Raises PlannedAtOnce, and nothing is replaced, where the lock was lost; BrokerRefused where the note is too
        long for it.
        """

    def release(self) -> None:
        """Let the next one have it; harmless where it was lost."""


@dataclass(frozen=True, slots=True)
class Note:
    """What one planner has decided, and all that the next one needs to have it written."""

    number: int
    """Each has the number behind that of the one before."""
    topic_id: str
    instants: tuple[int, ...]
    """In ms: those whose cuts this plan uses."""
    claims: Entries
    """What this plan leaves for its neighbours."""
    chains: Entries = field(default_factory=dict)
    """Each chain as it was noted last, by this plan or one before, and the number of that ``note``."""
    interval: tuple[str, int, int] | None = None
    """The entry of the task's intervals, and the start and end (ms) of the one to add: all of them may not fit here."""
    intervals: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """For the entry of each task's intervals, the numbers of the last notes that have added one, the newest first."""

    def to_text(self) -> str:
        """Return the note as the lock keeps it, in ASCII."""
        return json.dumps({"version": VERSION, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> Note:
        """Read what ``to_text`` wrote; raise InvalidInput for anything else."""
        try:
            written = json.loads(text)
        except ValueError as error:
            raise InvalidInput(f"the note of the planning lock is not JSON ({error}): {text!r}") from error
        with read_versioned(written, "the note of the planning lock cannot be read"):
            instants = tuple(map(index, written["instants"]))
            claims = {key: dict(value) for key, value in written["claims"].items()}
            chains = {key: {**value, "note": index(value["note"])} for key, value in written["chains"].items()}
            intervals = {key: tuple(map(index, some)) for key, some in written["intervals"].items()}
            interval = None
            if written.get("interval") is not None:
                key, start, end = written["interval"]
                interval = (str(key), index(start), index(end))
            return cls(index(written["number"]), written["topic_id"], instants, claims, chains, interval, intervals)
