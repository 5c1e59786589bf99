"""The reader's columns, as the steps of a job and the filter of a load look at them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from airflow_provider_kafka_odps.core.mapping.calls import quote
from airflow_provider_kafka_odps.core.mapping.expressions import FieldPath, Header, Part, parse_expression
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.variables import Template

_NUMBERS = ("short", "integer", "long")


_FRACTIONS = ("float", "double")


_COUNTED = ("__partition__", "__offset__", "__timestamp_type__", "__leader_epoch__")


class Holds(StrEnum):
    """What a column of the reader has in it, as far as a comparison asks for it."""

    TEXT = "texts"
    WHOLE = "whole numbers"
    FRACTION = "numbers"
    MOMENT = "milliseconds since 1970"
    JSON = "values of JSON, of which each has a kind of its own"
    CONSTANT = "one constant"
    HEADERS = "all headers"


_WITHOUT_TEXT = frozenset({Holds.MOMENT, Holds.HEADERS, Holds.FRACTION})


@dataclass(frozen=True, slots=True)
class ReaderColumn:
    """A column of the reader, and the functions that steps have put behind it so far."""

    text: str
    """As it is written in the job."""
    holds: Holds
    """After the functions."""
    number: bool
    """Whether it is a number of the record itself, which is no JSON value."""
    calls: tuple[str, ...] = ()

    @property
    def textual(self) -> bool:
        """Whether functions of texts take it."""
        return self.holds not in _WITHOUT_TEXT

    @property
    def expression(self) -> str:
        """The column as the operator's ``columns`` have it."""
        return " | ".join([expression(self.text), *self.calls])

    @property
    def compared(self) -> str:
        """The column as the operator's ``where`` has it."""
        return " | ".join([_in_sql(self.text), *map(in_sql, self.calls)])

    def through(self, calls: tuple[str, ...]) -> ReaderColumn:
        """Return the column with more functions behind it; DataX makes a text of whatever it changes."""
        holds = self.holds if self.holds is Holds.CONSTANT else Holds.TEXT
        return replace(self, calls=(*self.calls, *calls), holds=holds)


def reader_columns(job: Job) -> list[ReaderColumn]:
    """Return the columns of a job's reader."""
    return [_column(text, job) for text in job.reader.names("column")]


def _column(text: str, job: Job) -> ReaderColumn:
    kind = {"__key__": "keyType", "__value__": "valueType"}.get(text)
    read_as = (job.reader.text(kind) or "").lower() if kind else ""
    return ReaderColumn(text, _held(text, read_as), read_as in _NUMBERS)


def _held(text: str, read_as: str) -> Holds:
    if text.startswith("'"):
        return Holds.CONSTANT
    if text in ("__headers__", "*"):
        return Holds.HEADERS
    if text == "__timestamp__":
        return Holds.MOMENT
    if text in _COUNTED or read_as in _NUMBERS:
        return Holds.WHOLE
    if read_as in _FRACTIONS:
        return Holds.FRACTION
    part = text in ("__key__", "__value__", "__topic__") or text.startswith("__headers__")
    return Holds.TEXT if part else Holds.JSON


def expression(source: str) -> str:
    """Return a column of the reader as a source expression: a field's name may have a ``|`` there."""
    if "|" not in source or source.startswith("'") or isinstance(source, Template):
        return source
    steps = [f"[{quote(name)}]" if "|" in name else name for name in source.split(".")]
    return ".".join(steps).replace(".[", "[")


def _in_sql(source: str) -> str:
    """Return a column of the reader as a condition has it: with its names in double quotes, whatever they are."""
    match parse_expression(expression(source)):
        case FieldPath(steps, root):
            first = "__key__" if root is Part.KEY else "__value__" * isinstance(steps[0], int)
            path = "".join(f"[{step}]" if isinstance(step, int) else f".{_name(step)}" for step in steps)
            return f"{first}{path}".removeprefix(".")
        case Header(name):
            return f"__headers__.{_name(name)}"
        case _:
            return source


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_ESCAPED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\\(['\\])")
"""A template, which stays as it is, or a character behind a backslash."""


def in_sql(call: str) -> str:
    r"""Return functions, or a text in quotes, of ``columns`` as ``where`` has them: a backslash is a backslash there.

    >>> in_sql(r"replace('it\'s', '\\')")
    "replace('it''s', '\\')"
    """
    return _ESCAPED.sub(lambda found: found[0] if found[1] is None else found[1].replace("'", "''"), call)
