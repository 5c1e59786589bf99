r"""Function calls behind a source: ``phone | trim | mask(3, 4)``.

| written | means |
|---|---|
| ``x | trim`` | the function without arguments, or with those that it takes unless others are given |
| ``x | mask(3, 4)``, ``x | replace('a', 'b')`` | whole numbers, and texts, with ``\'`` and ``\\`` for ``'`` and ``\`` |
| ``x | trim | lower`` | one after the other, from left to right |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_kafka_odps.exceptions import InvalidExpression

_NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*")


_NUMBER = re.compile(r"-?[0-9]{1,18}(?![0-9.])")


_BLANKS = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Call:
    """One function, with what stands in its brackets."""

    name: str
    arguments: tuple[str | int, ...]
    position: int
    """Of the name in the expression, for messages."""

    def __str__(self) -> str:
        if not self.arguments:
            return self.name
        return (
            f"{self.name}({', '.join(quote(each) if isinstance(each, str) else str(each) for each in self.arguments)})"
        )


def quote(text: str) -> str:
    """Return a text as it stands in an expression."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def quoted(text: str, start: int) -> tuple[str, int]:
    """Return the text between the quote at ``start`` and its end, and the position behind that."""
    characters: list[str] = []
    position = start + 1
    while position < len(text) and text[position] != "'":
        if text[position] == "\\":
            position += 1
            if position >= len(text) or text[position] not in "'\\":
                raise InvalidExpression(text, position, r"after a backslash, ' or \ must follow")
        characters.append(text[position])
        position += 1
    if position >= len(text):
        raise InvalidExpression(text, len(text), "the closing ' is missing")
    return "".join(characters), position + 1


def end_of_source(text: str) -> int:
    """Return where the first ``|`` outside of quotes stands, or the length of the text.

    >>> end_of_source("a['x|y'] | trim"), end_of_source("a")
    (9, 1)
    """
    position = 0
    while position < len(text) and text[position] != "|":
        position = quoted(text, position)[1] if text[position] == "'" else position + 1
    return position


def parse_calls(text: str, position: int) -> tuple[Call, ...]:
    """Read the calls from the ``|`` at a position to the end of the text.

    Raises InvalidExpression with the position of what cannot be read.
    """
    return tuple(_calls(text, position))


def _calls(text: str, position: int) -> Iterator[Call]:
    while position < len(text):
        if text[position] != "|":
            raise InvalidExpression(text, position, "after a function, a | or the end must follow")
        name = _NAME.match(text, position + 1)
        if name is None:
            raise InvalidExpression(text, position + 1, "the name of a function is wanted here, such as trim")
        arguments: tuple[str | int, ...] = ()
        position = name.end()
        if text.startswith("(", position):
            arguments, position = _arguments(text, position + 1)
        yield Call(name[1], arguments, name.start(1))


def _arguments(text: str, position: int) -> tuple[tuple[str | int, ...], int]:
    """Return what stands in brackets, and the position behind them and behind blanks."""
    arguments: list[str | int] = []
    position = _behind_blanks(text, position)
    while not text.startswith(")", position):
        if arguments:
            if not text.startswith(",", position):
                raise InvalidExpression(text, position, "a comma or the closing ) is missing here")
            position = _behind_blanks(text, position + 1)
        argument, position = _argument(text, position)
        arguments.append(argument)
        position = _behind_blanks(text, position)
    return tuple(arguments), _behind_blanks(text, position + 1)


def _argument(text: str, position: int) -> tuple[str | int, int]:
    if text.startswith("'", position):
        return quoted(text, position)
    if number := _NUMBER.match(text, position):
        return int(number.group()), number.end()
    raise InvalidExpression(text, position, "a whole number, or a text in single quotes, is wanted here")


def _behind_blanks(text: str, position: int) -> int:
    found = _BLANKS.match(text, position)
    assert found is not None, "no blank is a match, too"
    return found.end()
