"""What stands in the records where a path or a header leads to nothing: names, and no values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.sources import json_text

RECORDS = 100
"""How many records of a batch are looked at."""


LARGEST = 1024 * 1024
"""How many bytes of documents are looked at; a record of more is not."""


NAMES = 100
"""How many names are remembered."""


_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """How far a path leads in some records, and what is there."""

    depth: int
    """How many of its steps lead to something, where most do."""
    found: str
    """What is there, such as "an object"; "" where no record had anything to look at."""
    names: tuple[str, ...]
    """The names that are there, those of most records first."""
    deeper: tuple[str, ...] = ()
    """Those of them under which the path's last name is."""

    def plus(self, other: Sample) -> Sample:
        """Return the sample of both places: the one that leads deeper counts."""
        if self == other:
            return self
        if self.depth != other.depth:
            return max(self, other, key=lambda each: each.depth)
        told = self if self.names or not (other.names or not self.found) else other
        return Sample(
            self.depth, told.found, _both(self.names, other.names)[:NAMES], _both(self.deeper, other.deeper)[:NAMES]
        )


NOTHING = Sample(0, "", ())


def sample_documents(texts: pa.Array, paths: Sequence[tuple[str | int, ...]]) -> list[Sample]:
    """Return, per path, what is found in the first of some JSON texts."""
    documents, levels = list(_read(texts)), dict[tuple[str | int, ...], _Level]()
    samples = []
    for steps in paths:
        reached = [_follow(document, steps) for document in documents]
        depth = max((depth for depth, _ in reached), default=0)
        # Every path that ends here finds the same: a table may have a thousand columns.
        if (level := levels.get(steps[:depth])) is None:
            level = levels[steps[:depth]] = _Level([node for at, node in reached if at == depth])
        samples.append(Sample(depth, level.found, level.names, _most(level.under.get(steps[-1], Counter()))))
    return samples


def sample_headers(headers: pa.Array) -> Sample:
    """Return which headers the first records have."""
    names, _ = headers.slice(0, RECORDS).flatten().flatten()
    there = _printable(names.drop_null().to_pylist())
    return Sample(0, "headers", _most(Counter(there)))


def sample_fields(lists: pa.Array) -> Sample:
    """Return how many fields the first texts have."""
    most = pc.max(pc.list_value_length(lists.slice(0, RECORDS))).as_py()
    return NOTHING if most is None else Sample(0, f"a list of length {most}", ())


def _read(texts: pa.Array) -> Iterator[Any]:
    left = LARGEST
    for text in texts.slice(0, RECORDS):
        size = 0 if not text.is_valid else len(text.as_buffer())
        if not 0 < size <= left:
            continue
        left -= size
        try:
            yield json_text.read(text.as_py(), _first_of_each)
        except ValueError:
            continue


class _Level:
    """What some documents have at one place."""

    def __init__(self, nodes: Sequence[Any]) -> None:
        objects = [node for node in nodes if isinstance(node, dict)]
        self.found = _kind((objects or nodes)[0]) if nodes else ""
        self.names = _most(Counter(_printable(name for node in objects for name in node)))
        self.under: defaultdict[str | int, Counter[str]] = defaultdict(Counter)
        """Name → the names under which objects have it."""
        for node in objects:
            for name in _printable(name for name, inner in node.items() if isinstance(inner, dict)):
                for deeper in node[name]:
                    self.under[deeper][name] += 1


def _follow(node: Any, steps: Iterable[str | int]) -> tuple[int, Any]:
    """Return how many steps lead to something in a document, and to what."""
    depth = 0
    for step in steps:
        if isinstance(step, int):
            there = isinstance(node, list) and step < len(node)
        else:
            there = isinstance(node, dict) and step in node
        if not there:
            break
        depth, node = depth + 1, node[step]
    return depth, node


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, in which the first of several fields of one name counts."""
    found: dict[str, Any] = {}
    for name, inner in pairs:
        found.setdefault(name, inner)
    return found


def _kind(node: Any) -> str:
    match node:
        case None:
            return "null"
        case bool():
            return "true or false"
        case dict():
            return "an object"
        case list():
            return f"a list of length {len(node)}"
        case json_text.Number():
            return "a number"
        case _:
            return "a text"


def _printable(names: Iterable[str]) -> Iterator[str]:
    """Leave out names that nobody would write into columns: a terminal, and a log, are not a record's to control."""
    return (name for name in names if name.isprintable() and 0 < len(name) <= _LONGEST_NAME)


def _most(names: Counter[str]) -> tuple[str, ...]:
    return tuple(name for name, _ in names.most_common(NAMES))


def _both(names: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*names, *others]))
