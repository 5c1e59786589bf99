"""JSON documents one at a time, with their numbers as they are written: slow, exact, for the few that need it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any


class Number(str):
    """A number as it was written."""

    __slots__ = ()


def read(document: str, objects: Callable[[list[tuple[str, Any]]], Any] = tuple) -> Any:
    """Return the value of a document: objects are tuples of (name, value), or else; numbers are as they are written.

    Raises ValueError for what RFC 8259 does not call JSON (NaN, a trailing comma), and for nesting too deep to read.
    """
    try:
        return json.loads(
            document, parse_float=Number, parse_int=Number, parse_constant=_refuse, object_pairs_hook=objects
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def is_json(document: str) -> bool:
    """Tell whether a document is JSON."""
    try:
        read(document)
    except ValueError:
        return False
    return True


def find(document: Any, steps: Iterable[str | int]) -> str | None:
    """Return what a path leads to, as JSON text; None for nothing and for null. Of two of one name the first counts."""
    node = document
    for step in steps:
        if isinstance(step, int):
            node = node[step] if isinstance(node, list) and step < len(node) else None
        else:
            fields = node if isinstance(node, tuple) else ()
            node = next((inner for field, inner in fields if field == step), None)
    return None if node is None else text_of(node)


def without(document: Any, names: AbstractSet[str]) -> str | None:
    """Return an object without some of its fields, as JSON text; None for anything else."""
    if not isinstance(document, tuple):
        return None
    return text_of(tuple(field for field in document if field[0] not in names))


def elements(document: Any) -> Sequence[str]:
    """Return the elements of a list, as JSON text."""
    return [text_of(element) for element in document]


def text_of(node: Any) -> str:
    """Return what ``read`` returned as JSON text without blanks."""
    match node:
        case Number():
            return str(node)
        case tuple():
            fields = (f"{json.dumps(name, ensure_ascii=False)}:{text_of(inner)}" for name, inner in node)
            return "{" + ",".join(fields) + "}"
        case list():
            return "[" + ",".join(map(text_of, node)) + "]"
        case _:
            return json.dumps(node, ensure_ascii=False)
