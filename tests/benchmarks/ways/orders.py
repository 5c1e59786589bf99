"""What a way is told, how it is measured, and what the hand-written ways share."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Orders:
    """One load: from where, into what, and how much."""

    servers: str
    topic: str
    ends: Mapping[str, int]
    """Partition → end offset; every partition starts at 0."""
    endpoint: str
    project: str
    access_id: str
    access_key: str
    table: str
    columns: Mapping[str, str]
    types: Mapping[str, str]
    where: str | None = None
    partition_by: Mapping[str, str] | None = None
    processes: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Further ones of our operator, which the other ways do not have."""

    @property
    def rows(self) -> int:
        """How many records there are."""
        return sum(self.ends.values())

    def written(self) -> str:
        """Return the orders as one line."""
        return json.dumps(asdict(self))


def obey(load: Callable[[Orders], int]) -> None:
    """Say that all is imported, wait for the word, load, and print rows, seconds and CPU seconds."""
    orders = Orders(**json.loads(sys.argv[1]))
    print("ready", flush=True)  # noqa: T201 - the runner reads it
    sys.stdin.readline()
    cpu, started = _cpu(), time.perf_counter()
    rows = load(orders)
    told = {"rows": rows, "seconds": time.perf_counter() - started, "cpu": _cpu() - cpu}
    if rows != orders.rows:
        raise SystemExit(f"{rows} of {orders.rows} rows were loaded")
    print(json.dumps(told), flush=True)  # noqa: T201 - the same
    # The runner reads the peak of a process that is still there.
    sys.stdin.readline()


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
