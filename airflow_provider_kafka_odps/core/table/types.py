"""MaxCompute types as text, as values, and as the Arrow types that tunnel blocks carry.

Source of the Arrow types: what the official Python client sends and accepts (docs/mapping.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from airflow_provider_kafka_odps.exceptions import InvalidInput, TableRefused

_SIMPLE: dict[str, pa.DataType] = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "varchar": pa.string(),
    "char": pa.string(),
    "binary": pa.binary(),
    # As text: Arrow blocks cannot carry it, record blocks do.
    "json": pa.string(),
    "date": pa.date32(),
    # Instants: a column of these is written as UTC, whatever the zone of the reader's session.
    "datetime": pa.timestamp("ms"),
    "timestamp": pa.timestamp("ns"),
    "timestamp_ntz": pa.timestamp("ns"),
}


NUMBERS = frozenset({"tinyint", "smallint", "int", "bigint", "float", "double", "decimal"})
"""The names of the types of numbers."""


_NESTED = {"array": 1, "map": 2}


_LEGACY_DECIMAL = pa.decimal256(54, 18)


_MAX_PRECISION = 38


_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|\d+|`[^`]*`|[<>(),:])")


@dataclass(frozen=True, slots=True)
class OdpsType:
    """A MaxCompute type: ``decimal(10,2)``, ``array<struct<a:bigint>>``."""

    name: str
    """Lower case, without arguments."""
    numbers: tuple[int, ...] = ()
    """Length, or precision and scale."""
    fields: tuple[tuple[str, OdpsType], ...] = ()
    """The types inside a nested type; names are empty but in a struct."""

    @classmethod
    def parse(cls, text: str) -> OdpsType:
        """Read a type as MaxCompute prints it, in any case.

        Raises InvalidInput with the text where it is no type.
        """
        tokens = _Tokens(text)
        parsed = _parse(tokens)
        if tokens.peek():
            raise tokens.refused()
        return parsed

    def __str__(self) -> str:
        if self.numbers:
            return f"{self.name}({','.join(map(str, self.numbers))})"
        if self.fields:
            inner = ",".join(f"{_quoted(name)}:{kind}" if name else str(kind) for name, kind in self.fields)
            return f"{self.name}<{inner}>"
        return self.name

    @property
    def ddl(self) -> str:
        """The type as CREATE TABLE spells it: types in capitals, the fields of a struct as they are."""
        if self.fields:
            inner = ",".join(f"{name}:{kind.ddl}" if name else kind.ddl for name, kind in self.fields)
            return f"{self.name.upper()}<{inner}>"
        return str(self).upper()

    @property
    def writable(self) -> bool:
        """Whether values of this type can be written at all; a column of another type can only stay NULL."""
        return all(kind.writable for _, kind in self.fields) and (
            self.name in _SIMPLE or self.name == "decimal" or bool(self.fields)
        )

    @property
    def in_arrow_blocks(self) -> bool:
        """Whether Arrow blocks carry this type. Source: PyODPS 0.13.2, which refuses them for tables with JSON."""
        return self.writable and self.name != "json" and all(kind.in_arrow_blocks for _, kind in self.fields)

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of a column of this type.

        Raises TableRefused for a type that cannot be written.
        """
        match self.name:
            case "decimal" if not self.numbers:
                return _LEGACY_DECIMAL
            case "decimal":
                return pa.decimal128(*self.numbers)
            case "array":
                return pa.list_(self.fields[0][1].arrow)
            case "map":
                return pa.map_(self.fields[0][1].arrow, self.fields[1][1].arrow)
            case "struct":
                return pa.struct([(name, kind.arrow) for name, kind in self.fields])
            case name if name in _SIMPLE:
                return _SIMPLE[name]
            case _:
                raise TableRefused(f"values of type {self} cannot be written through the tunnel by this release")


def _quoted(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else f"`{name}`"


class _Tokens:
    """The words of a type's text, one at a time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._words = _TOKEN.findall(text)
        self._next = 0
        if "".join(self._words) != re.sub(r"\s+", "", text):
            raise self.refused()

    def peek(self) -> str:
        """Return the next word without taking it; empty at the end."""
        return self._words[self._next] if self._next < len(self._words) else ""

    def take(self, expected: str | None = None) -> str:
        """Take the next word, which must be ``expected`` where that is given."""
        word = self.peek()
        if not word or (expected is not None and word != expected):
            raise self.refused()
        self._next += 1
        return word

    def refused(self) -> InvalidInput:
        """Return the error for this text."""
        return InvalidInput(f"{self.text!r} is no MaxCompute type, such as bigint, decimal(10,2) or array<string>")


def _parse(tokens: _Tokens) -> OdpsType:
    name = tokens.take().lower()
    if not name.isidentifier():
        raise tokens.refused()
    numbers = _numbers(tokens) if tokens.peek() == "(" else ()
    fields = _fields(tokens, name) if tokens.peek() == "<" else ()
    if name == "decimal" and len(numbers) == 1:
        # DECIMAL(p) is DECIMAL(p,0) in MaxCompute.
        numbers = (*numbers, 0)
    _check_arguments(tokens, name, numbers, fields)
    return OdpsType(name, numbers, fields)


def _numbers(tokens: _Tokens) -> tuple[int, ...]:
    tokens.take("(")
    numbers = [_number(tokens)]
    while tokens.peek() == ",":
        tokens.take()
        numbers.append(_number(tokens))
    tokens.take(")")
    return tuple(numbers)


def _number(tokens: _Tokens) -> int:
    word = tokens.take()
    if not word.isdecimal():
        raise tokens.refused()
    return int(word)


def _fields(tokens: _Tokens, name: str) -> tuple[tuple[str, OdpsType], ...]:
    tokens.take("<")
    fields = []
    while True:
        field = ""
        if name == "struct":
            field = _field_name(tokens)
            tokens.take(":")
        fields.append((field, _parse(tokens)))
        if tokens.peek() != ",":
            break
        tokens.take()
    tokens.take(">")
    return tuple(fields)


def _field_name(tokens: _Tokens) -> str:
    word = tokens.take()
    name = word.strip("`")
    if not name or not (word.startswith("`") or name.isidentifier()):
        raise tokens.refused()
    return name


def _is_precision(precision: int, scale: int, *more: int) -> bool:
    return not more and scale <= precision and 1 <= precision <= _MAX_PRECISION


def _check_arguments(
    tokens: _Tokens, name: str, numbers: tuple[int, ...], fields: tuple[tuple[str, OdpsType], ...]
) -> None:
    match name:
        case "decimal":
            fits = not fields and (not numbers or _is_precision(*numbers))
        case "varchar" | "char":
            fits = len(numbers) == 1 and numbers[0] > 0 and not fields
        case "array" | "map":
            fits = len(fields) == _NESTED[name] and not numbers
        case "struct":
            fits = bool(fields) and not numbers
        case _:
            fits = not numbers and not fields
    if not fits:
        raise tokens.refused()
