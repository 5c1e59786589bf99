r"""Source expressions: what of a record goes into a column.

| expression | means |
|---|---|
| ``__key__ __value__ __partition__ __offset__ __timestamp__ __headers__`` | that part of the record |
| ``'abc'`` | the constant text ``abc``; ``\'`` and ``\\`` stand for ``'`` and ``\`` |
| ``event_id``, ``tag.desc`` | a path into the value, read as JSON |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from airflow_provider_kafka_odps.exceptions import InvalidExpression, InvalidInput

# No control characters, quotes or backslashes: names stand quoted in a statement.
_NAME = re.compile(r"[^\s\x00-\x1f\x7f.'\"\[\]{}()*,:$\\]+")


class Part(StrEnum):
    """A part of a record, named as the batch's column."""

    KEY = "key"
    VALUE = "value"
    PARTITION = "partition"
    OFFSET = "offset"
    TIMESTAMP = "timestamp"
    HEADERS = "headers"


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text in every row."""

    text: str


@dataclass(frozen=True, slots=True)
class JsonPath:
    """Names from the value's outermost object inwards."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a path of nothing, and names that the grammar of paths does not have."""
        if not self.names or not all(_NAME.fullmatch(name) for name in self.names):
            raise InvalidInput(f"{self.names!r} is no path of field names")

    def __str__(self) -> str:
        return ".".join(self.names)


Expression: TypeAlias = Part | Constant | JsonPath


def parse_expression(text: str) -> Expression:
    r"""Read one source expression.

    Raises InvalidExpression with the position of what cannot be read.

    >>> parse_expression("__offset__"), parse_expression("tag.desc"), parse_expression(r"'it\'s'")
    (<Part.OFFSET: 'offset'>, JsonPath(names=('tag', 'desc')), Constant(text="it's"))
    """
    if text.startswith("'"):
        return Constant(_quoted(text))
    if text.startswith("__") and text.endswith("__"):
        return _part(text)
    path = JsonPath(_path(text))
    if path.names[0].startswith("__") and path.names[0].endswith("__"):
        # Read as a path into the value it would be NULL in every row.
        raise InvalidExpression(
            text, len(path.names[0]), "paths lead into the value; a part of a record has no fields here"
        )
    return path


def _part(text: str) -> Part:
    try:
        return Part(text[2:-2])
    except ValueError:
        known = " ".join(f"__{part}__" for part in Part)
        raise InvalidExpression(text, 2, f"no such part of a record; there are {known}") from None


def _quoted(text: str) -> str:
    characters: list[str] = []
    position = 1
    while position < len(text) and text[position] != "'":
        if text[position] == "\\":
            position += 1
            if position >= len(text) or text[position] not in "'\\":
                raise InvalidExpression(text, position, r"after a backslash, ' or \ must follow")
        characters.append(text[position])
        position += 1
    if position >= len(text):
        raise InvalidExpression(text, len(text), "the constant's closing ' is missing")
    if position + 1 < len(text):
        raise InvalidExpression(text, position + 1, r"the constant ends before this; a ' in it is written \'")
    return "".join(characters)


def _path(text: str) -> tuple[str, ...]:
    names: list[str] = []
    position = 0
    while True:
        found = _NAME.match(text, position)
        if not found:
            raise InvalidExpression(text, position, "a field's name is wanted here, as in tag.desc")
        names.append(found.group())
        position = found.end()
        if position == len(text):
            return tuple(names)
        if text[position] != ".":
            raise InvalidExpression(text, position, "after a field's name, a . or the end must follow")
        position += 1
