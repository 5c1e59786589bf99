"""What a way is told, how it is measured, and what the hand-written ways share."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias


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
    workers: int = 1
    where: str | None = None

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


Pick: TypeAlias = Callable[[Any, Any, int, int, int, Any], Any]
"""Key, value, partition, offset, timestamp and parsed value → the value of a column."""


def picker(source: str, kind: str) -> Pick:
    """Return what takes a column's value from a record."""
    number = str if kind == "string" else int
    picks: dict[str, Pick] = {
        "__key__": lambda key, *_: key and key.decode(),
        "__value__": lambda _, value, *__: value and value.decode(),
        "__partition__": lambda _k, _v, partition, *_: number(partition),
        "__offset__": lambda _k, _v, _p, offset, *_: number(offset),
        "__timestamp__": lambda _k, _v, _p, _o, timestamp, _j: number(timestamp),
    }
    if source.startswith("'"):
        return lambda *_: source.strip("'")
    return picks.get(source) or _inside(source.split("."), text=kind == "string")


def _inside(names: list[str], *, text: bool) -> Pick:
    def pick(_k: Any, _v: Any, _p: int, _o: int, _t: int, document: Any) -> Any:
        for name in names:
            document = document.get(name) if isinstance(document, dict) else None
        if document is None or not text or isinstance(document, str):
            return document
        return json.dumps(document)

    return pick


def wants_json(orders: Orders) -> bool:
    """Tell whether a column comes from inside the value."""
    return any(not source.startswith(("__", "'")) for source in orders.columns.values())
