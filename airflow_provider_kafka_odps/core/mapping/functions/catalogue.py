"""All functions of source expressions, by name, and what a chain of calls does to the values of a source."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import ModuleType

from airflow_provider_kafka_odps.core.mapping.calls import Call
from airflow_provider_kafka_odps.core.mapping.conversions.rules import conversion
from airflow_provider_kafka_odps.core.mapping.expressions import Piped
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat, SourceKind
from airflow_provider_kafka_odps.core.mapping.functions import (
    missing,
    moments,
    numbers,
    packed,
    paths,
    texts,
    time_limits,
)
from airflow_provider_kafka_odps.core.mapping.functions.function import Function, Given
from airflow_provider_kafka_odps.core.mapping.sources.records import kind_of
from airflow_provider_kafka_odps.core.mapping.strict import Chained, Conversion
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput, InvalidMapping


def _of(modules: Sequence[ModuleType]) -> Mapping[str, Function]:
    return {each.name: each for module in modules for each in vars(module).values() if isinstance(each, Function)}


FUNCTIONS = _of((texts, missing, numbers, moments, time_limits, packed, paths))
"""By the name that users write, in the order of docs/mapping.md."""


def through(kind: SourceKind, calls: Sequence[Call], timezone: str | None = None) -> Given:
    """Return what a source of a kind becomes by functions, from left to right, and how.

    ``timezone`` is the zone that is meant where a function needs one and is given none.
    Raises InvalidMapping for a function that there is none of, or that does not take what it gets.
    """
    steps: list[Conversion] = []
    for call in calls:
        found = _function(call.name)
        if kind not in found.takes:
            takes = ", ".join(sorted(found.takes))
            raise InvalidMapping(f"{call}: {found.name} takes {takes}, and here it gets {kind}")
        steps += _as_texts(kind, found)
        try:
            given = found.called(call.arguments, kind=kind, timezone=timezone)
        except InvalidInput as problem:
            raise InvalidMapping(f"{call}: {problem}") from None
        kind = given.kind
        steps.append(given.conversion)
    return Given(kind, _chained(steps))


def piped(expression: Piped, record_format: RecordFormat) -> Given:
    """Return what a source becomes by the functions behind it, an empty text being NULL where the load wants that.

    Raises InvalidMapping as ``through`` does.
    """
    kind = kind_of(expression.source, record_format)
    given = through(kind, expression.calls, record_format.timezone)
    return Given(given.kind, missing.without_empty(kind, given.conversion, record_format))


def _function(name: str) -> Function:
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    nearest = difflib.get_close_matches(name.lower(), FUNCTIONS, n=1)
    meant = f"do you mean {nearest[0]}? " if nearest else ""
    raise InvalidMapping(f"there is no function {name!r}: {meant}there are {', '.join(FUNCTIONS)}")


def _as_texts(kind: SourceKind, found: Function) -> list[Conversion]:
    """Return what makes texts of values before a function of texts."""
    if not found.as_texts or kind is SourceKind.TEXT:
        return []
    convert = conversion(kind, OdpsType("string"))
    assert convert is not None, "what a function of texts takes can be a text"
    return [convert]


def _chained(steps: Sequence[Conversion]) -> Conversion:
    # Halfway between them: a chain of hundreds would be too deep to walk through.
    middle = len(steps) // 2
    return Chained(_chained(steps[:middle]), _chained(steps[middle:])) if middle else steps[0]
