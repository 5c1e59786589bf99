"""What whoever writes a script for one topic types by hand: the types of its values, and a loop over its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec
from benchmarks.ways.orders import Orders

_KINDS: dict[str, type] = {"string": str, "bigint": int, "double": float, "boolean": bool}
Loop: TypeAlias = Callable[[Iterable[Any], Any, Callable[[Any], None], Callable[[bytes], Any] | None], None]
"""Records, the row that is filled for each of them, what writes a row, what decodes a value (None: nothing does)."""


def decoder(orders: Orders) -> Callable[[bytes], Any] | None:
    """Return what decodes a value to an object that has what the columns ask for as attributes, and nothing else.

    None: no column comes from inside the value.
    """
    asked = {
        tuple(source.split(".")): _KINDS[orders.types[name]]
        for name, source in orders.columns.items()
        if _is_path(source)
    }
    return msgspec.json.Decoder(_struct(asked)).decode if asked else None


def _is_path(source: str) -> bool:
    return not source.startswith(("__", "'"))


def _struct(asked: Mapping[tuple[str, ...], type]) -> type[msgspec.Struct]:
    """Return a type with these paths; what is missing is None, and what has another type is an error."""
    fields: list[tuple[str, Any, Any]] = []
    for first in dict.fromkeys(path[0] for path in asked):
        inner = {path[1:]: kind for path, kind in asked.items() if path[0] == first}
        if () in inner:
            fields.append((first, inner[()] | None, None))
        else:
            struct = _struct(inner)
            fields.append((first, struct, struct()))
    return msgspec.defstruct("Value", fields, gc=False, frozen=True)


def loop(orders: Orders, parts: Mapping[str, str]) -> Loop:
    """Return a loop that fills and writes one row per record; ``parts`` says how a part is taken from ``record``.

    It is compiled from the text that one would write: a loop over sources would call a function for each field.
    """
    constants, fields = [], []
    for index, (name, source) in enumerate(orders.columns.items()):
        if source.startswith("'"):
            # The row is the same object each time, so this stays in it.
            constants.append(f"    put({index}, {source.strip(chr(39))!r})")
        elif _is_path(source):
            fields.append(f"        put({index}, value.{source})")
        else:
            part = parts[source]
            is_number = source not in ("__key__", "__value__") and orders.types[name] == "string"
            fields.append(f"        put({index}, {f'str({part})' if is_number else part})")
    text = "\n".join(
        [
            "def write_rows(records, row, write, decode):",
            "    put = row.set",
            *constants,
            "    for record in records:",
            *([f"        value = decode({parts['__value__']})"] if decoder(orders) else []),
            *fields,
            "        write(row)",
        ]
    )
    known: dict[str, Any] = {}
    exec(compile(text, "<written out>", "exec"), known)
    written: Loop = known["write_rows"]
    return written
