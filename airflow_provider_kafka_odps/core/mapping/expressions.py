r"""Source expressions: what of a record goes into a column.

| expression | means |
|---|---|
| ``__key__ __value__ __partition__ __offset__ __timestamp__ __headers__`` | that part of the record |
| ``__timestamp_type__ __leader_epoch__ __topic__`` | 0 or 1, the epoch, the topic's name |
| ``__headers__.trace``, ``__headers__['odd name']`` | the value of the last header of that name |
| ``'abc'`` | the constant text ``abc``; ``\'`` and ``\\`` stand for ``'`` and ``\`` |
| ``a``, ``a.b``, ``a[0].b``, ``a['odd.name']`` | a path into the value |
| ``__key__.id``, ``__value__[0]`` | a path into the key, or into the value |
| ``*`` | the fields of the value that are not mapped, as one JSON object |
| ``a | trim | mask(3, 4)`` | any of these, through functions from left to right (docs/mapping.md has them all) |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, assert_never

from airflow_provider_kafka_odps.core.mapping.calls import Call, end_of_source, parse_calls, quote, quoted
from airflow_provider_kafka_odps.exceptions import InvalidExpression, InvalidInput

# What may stand in a path without quotes.
_NAME = re.compile(r"[^\s\x00-\x1f\x7f.'\"\[\]{}()*,:$|\\]+")


_INDEX = re.compile(r"[0-9]{1,9}")


_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


_PART = re.compile(r"__([^.\['\s]*?)__(?=$|[.\[])")


class Part(StrEnum):
    """A part of a record, named as the batch's column; the topic is the same for all records of a load."""

    KEY = "key"
    VALUE = "value"
    PARTITION = "partition"
    OFFSET = "offset"
    TIMESTAMP = "timestamp"
    TIMESTAMP_TYPE = "timestamp_type"
    HEADERS = "headers"
    LEADER_EPOCH = "leader_epoch"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text in every row."""

    text: str


@dataclass(frozen=True, slots=True)
class Header:
    """The value of one header; of several of that name the last."""

    name: str

    def __str__(self) -> str:
        # A name may have any character; the quote and what stands before it are written with a backslash.
        return f"__headers__[{quote(self.name)}]"


@dataclass(frozen=True, slots=True)
class Rest:
    """The fields of the value that no other column takes whole, as one JSON object."""

    def __str__(self) -> str:
        return "*"


@dataclass(frozen=True, slots=True)
class FieldPath:
    """Names of fields and indexes of elements, from the outermost value of the root inwards."""

    steps: tuple[str | int, ...]
    root: Part = Part.VALUE

    def __post_init__(self) -> None:
        """Refuse a path of nothing, or into something without fields, and names and indexes that are none."""
        fits = all(step >= 0 if isinstance(step, int) else not _UNPRINTABLE.search(step) for step in self.steps)
        if not self.steps or not fits or self.root not in (Part.KEY, Part.VALUE):
            raise InvalidInput(f"{self.steps!r} is no path of field names and indexes into {self.root}")

    def __str__(self) -> str:
        return "".join(_spelled(step, number) for number, step in enumerate(self.steps))


Source: TypeAlias = Part | Constant | Header | FieldPath | Rest
"""What is taken of a record."""


@dataclass(frozen=True, slots=True)
class Piped:
    """A source whose values go through functions, from left to right."""

    source: Source
    calls: tuple[Call, ...]


Expression: TypeAlias = Source | Piped


def _spelled(step: str | int, number: int) -> str:
    return f"[{step}]" if isinstance(step, int) else spelled_name(step, first=number == 0)


def spelled_name(name: str, *, first: bool) -> str:
    """Return a field's name as it stands in a path, where it is the first step or a later one."""
    if _NAME.fullmatch(name):
        return name if first else f".{name}"
    return f"[{quote(name)}]"


def parse_expression(text: str) -> Expression:
    r"""Read one source expression.

    Raises InvalidExpression with the position of what cannot be read.

    >>> parse_expression("__offset__"), parse_expression(r"'it\'s'")
    (<Part.OFFSET: 'offset'>, Constant(text="it's"))
    >>> parse_expression("tag[0].desc")
    FieldPath(steps=('tag', 0, 'desc'), root=<Part.VALUE: 'value'>)
    """
    end = end_of_source(text)
    if end == len(text):
        return _source(text)
    return Piped(_source(text[:end].rstrip()), parse_calls(text, end))


def parse_path(text: str) -> FieldPath:
    """Read a path into a JSON object, such as ``a[0].b``.

    Raises InvalidExpression with the position of what cannot be read.
    """
    return FieldPath(_steps(text, 0))


def _source(text: str) -> Source:
    if text == "*":
        return Rest()
    if text.startswith("'"):
        constant, end = quoted(text, 0)
        if end < len(text):
            raise InvalidExpression(text, end, r"the constant ends before this; a ' in it is written \'")
        return Constant(constant)
    if found := _PART.match(text):
        return _of_part(text, _part(text, found[1]), found.end())
    if text.startswith("__") and text.endswith("__"):
        return _part(text, text[2:-2])
    return FieldPath(_steps(text, 0))


def _part(text: str, name: str) -> Part:
    try:
        return Part(name)
    except ValueError:
        known = " ".join(f"__{part}__" for part in Part)
        raise InvalidExpression(text, 2, f"no such part of a record; there are {known}") from None


def _of_part(text: str, part: Part, position: int) -> Source:
    if position == len(text):
        return part
    match part:
        case Part.KEY | Part.VALUE:
            return FieldPath(_steps(text, position), part)
        case Part.HEADERS:
            match _steps(text, position):
                case (str(name),):
                    return Header(name)
                case _:
                    raise InvalidExpression(text, position, "one header is wanted here, as in __headers__.name")
        case Part.PARTITION | Part.OFFSET | Part.TIMESTAMP | Part.TIMESTAMP_TYPE | Part.LEADER_EPOCH | Part.TOPIC:
            raise InvalidExpression(
                text, position, f"__{part}__ has no fields; __key__, __value__ and __headers__ have"
            )
        case _:
            assert_never(part)


def _steps(text: str, position: int) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    while position < len(text) or not steps:
        step: str | int
        if text.startswith("[", position):
            step, position = _bracketed(text, position + 1)
        elif position and not text.startswith(".", position):
            raise InvalidExpression(text, position, "after a field's name, a . or [ or the end must follow")
        else:
            step, position = _name(text, position + bool(position))
        steps.append(step)
    return tuple(steps)


def _name(text: str, position: int) -> tuple[str, int]:
    found = _NAME.match(text, position)
    if not found:
        raise InvalidExpression(
            text, position, "a field's name is wanted here, as in tag.desc; an odd one is quoted: ['odd.name']"
        )
    return found.group(), found.end()


def _bracketed(text: str, position: int) -> tuple[str | int, int]:
    step: str | int
    if text.startswith("'", position):
        step, position = quoted(text, position)
        if unprintable := _UNPRINTABLE.search(step):
            raise InvalidExpression(
                text, text.index(unprintable.group()), "a field's name has no control characters here"
            )
    elif found := _INDEX.match(text, position):
        step, position = int(found.group()), found.end()
    else:
        raise InvalidExpression(text, position, "an index from 0 or a quoted name is wanted here: [0] or ['odd.name']")
    if not text.startswith("]", position):
        raise InvalidExpression(text, position, "the closing ] is missing here")
    return step, position + 1
