"""Which field of a topic's records each column of the table comes from, and by what."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from airflow_provider_kafka_odps.core.mapping.expressions import (
    Constant,
    Expression,
    FieldPath,
    Header,
    Part,
    Piped,
    Rest,
    Source,
    parse_expression,
    spelled_name,
)
from airflow_provider_kafka_odps.core.mapping.filters.condition import leaves
from airflow_provider_kafka_odps.core.mapping.filters.where import read_where

MASKING = frozenset({"mask", "md5", "sha256"})
"""Functions behind which nobody reads the value any more."""

_ALWAYS = (Part.KEY, Part.VALUE, Part.PARTITION, Part.OFFSET, Part.TIMESTAMP, Part.HEADERS)
_TYPES = {
    Part.PARTITION: "int32",
    Part.OFFSET: "int64",
    Part.TIMESTAMP: "timestamp",
    Part.TIMESTAMP_TYPE: "int32",
    Part.LEADER_EPOCH: "int32",
    Part.TOPIC: "string",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a dataset, with those in it."""

    name: str
    type: str | None
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """What one column of the table is filled from; a constant comes from nothing."""

    column: str
    """As the mapping names it: its case may be another one than the table's."""
    field: str
    """Of a record, such as ``value.address.city``."""
    expression: str
    """As the user wrote it."""
    changed: bool
    """Whether the column has something else than the field."""
    masked: bool
    """Whether nobody can read the field from it."""


def column_sources(columns: Mapping[str, str]) -> Iterator[ColumnSource]:
    """Yield the source of each column of a mapping that has been compiled.

    >>> [(each.field, each.changed) for each in column_sources({"o": "__offset__", "c": "a.b | trim", "k": "'x'"})]
    [('offset', False), ('value.a.b', True)]
    """
    for column, text in columns.items():
        expression = parse_expression(text)
        source = _source(expression)
        if not isinstance(source, Constant):
            calls = {call.name for call in expression.calls} if isinstance(expression, Piped) else set()
            changed = bool(calls) or isinstance(source, Rest)
            yield ColumnSource(column, field_name(source), text, changed, bool(calls & MASKING))


def filter_fields(where: str | None) -> tuple[str, ...]:
    """Return the fields of a record by which a filter decides, each once."""
    condition = read_where(where)
    found = [] if condition is None else [_source(leaf.source) for leaf in leaves(condition)]
    return tuple(dict.fromkeys(field_name(source) for source in found if not isinstance(source, Constant)))


def topic_fields(columns: Mapping[str, str], where: str | None, formats: Mapping[Part, str]) -> tuple[Field, ...]:
    """Return what is known of the records of a topic: their parts, and the fields of these that a load reads."""
    condition = read_where(where)
    expressions = [parse_expression(text) for text in columns.values()]
    expressions += [] if condition is None else [leaf.source for leaf in leaves(condition)]
    paths = [_steps(source) for source in map(_source, expressions) if not isinstance(source, Constant)]
    paths += [(part.value,) for part in _ALWAYS]
    # With all that stands above them: `a.b` is in `a`.
    known = {path[:depth] for path in paths for depth in range(1, len(path) + 1)}
    types = {part.value: kind for part, kind in {**_TYPES, **formats}.items()}
    return tuple(_field((part.value,), known, types) for part in Part if (part.value,) in known)


def field_name(source: Part | Header | FieldPath | Rest) -> str:
    """Return how a field of a record is named.

    >>> field_name(FieldPath(("tag", 0, "odd name"))), field_name(Header("trace"))
    ("value.tag[0]['odd name']", 'headers.trace')
    """
    first, *others = _steps(source)
    return "".join([first, *(step if step.startswith("[") else f".{step}" for step in others)])


def _source(expression: Expression) -> Source:
    return expression.source if isinstance(expression, Piped) else expression


def _steps(source: Part | Header | FieldPath | Rest) -> tuple[str, ...]:
    match source:
        case Header(name):
            return (Part.HEADERS.value, spelled_name(name, first=True))
        case FieldPath(steps, root):
            spelled = (f"[{step}]" if isinstance(step, int) else spelled_name(step, first=True) for step in steps)
            return (root.value, *spelled)
        case Rest():
            return (Part.VALUE.value,)
        case _:
            return (source.value,)


def _field(path: tuple[str, ...], known: Collection[tuple[str, ...]], types: Mapping[str, str]) -> Field:
    within = sorted(other for other in known if other[:-1] == path)
    kind = types.get(path[0]) if len(path) == 1 else None
    return Field(path[-1], kind, tuple(_field(each, known, types) for each in within))
