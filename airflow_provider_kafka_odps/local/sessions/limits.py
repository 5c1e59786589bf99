"""The documented limits of the service, enforced with `--strict-limits`."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from enum import Enum
from threading import Lock

from airflow_provider_kafka_odps.local.catalog.model import TableName
from airflow_provider_kafka_odps.local.errors import ServiceError

BYTES_PER_SECOND = 10_000_000
"""How fast one block is taken."""


IDLE_SECONDS = 120.0
"""How long a block's connection may be silent."""


FIELD_BYTES = 8 << 20
"""How long a text or binary value may be."""


class Quota(Enum):
    """What is counted for each table."""

    SESSIONS = "sessions"
    BLOCKS = "blocks"
    COMMITS = "commits"


_MOST = {Quota.SESSIONS: (500, 300), Quota.BLOCKS: (500, 300), Quota.COMMITS: (75, 15)}
"""How many, in how many seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Counts what happened to each table lately."""

    _seen: dict[tuple[TableName, Quota], deque[int]] = field(default_factory=lambda: defaultdict(deque))
    _lock: Lock = field(default_factory=Lock)

    def count(self, table: TableName, what: Quota, now: int) -> None:
        """Count one more, at `now` in milliseconds.

        Raises ServiceError (429 FlowExceeded) when there were too many; those that are refused don't count.
        """
        most, seconds = _MOST[what]
        with self._lock:
            times = self._seen[table, what]
            while times and times[0] <= now - seconds * 1000:
                times.popleft()
            if len(times) >= most:
                raise ServiceError(
                    429, "FlowExceeded", f"Your flow quota is exceeded: {table} had {most} {what.value} in {seconds} s"
                )
            times.append(now)
