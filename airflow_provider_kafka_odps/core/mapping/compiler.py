"""Source expressions held against a table, and compiled to its projection."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.conversions.hints import hint_of_bytes
from airflow_provider_kafka_odps.core.mapping.conversions.rules import conversion
from airflow_provider_kafka_odps.core.mapping.expressions import Constant, Expression, Piped, Rest, parse_expression
from airflow_provider_kafka_odps.core.mapping.filters.filter import compile_filter
from airflow_provider_kafka_odps.core.mapping.filters.sorting import Sorting
from airflow_provider_kafka_odps.core.mapping.filters.wanted import EVERYTHING, Wanted
from airflow_provider_kafka_odps.core.mapping.filters.where import read_where
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat, SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.catalogue import piped
from airflow_provider_kafka_odps.core.mapping.functions.missing import without_empty
from airflow_provider_kafka_odps.core.mapping.projection import Origin, Plan, Projection
from airflow_provider_kafka_odps.core.mapping.sources.records import kind_of
from airflow_provider_kafka_odps.core.mapping.strict import Chained, Conversion
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema, columns_of
from airflow_provider_kafka_odps.exceptions import InvalidInput, InvalidMapping

ColumnInput: TypeAlias = "Mapping[str, str] | Sequence[str]"
"""Source expressions by column name, or one for each column of the table in its order."""


DEFAULT_COLUMNS: Mapping[str, str] = {
    "key": "__key__",
    "value": "__value__",
    "partition": "__partition__",
    "offset": "__offset__",
    "timestamp": "__timestamp__",
    "headers": "__headers__",
}
"""The mapping when none is given; ``partition`` and ``offset`` are what proves a load afterwards."""


_CREATED_TYPES = {
    SourceKind.INT8: "bigint",
    SourceKind.INT16: "bigint",
    SourceKind.INT32: "bigint",
    SourceKind.INT64: "bigint",
    SourceKind.INSTANT: "bigint",
    SourceKind.FLOAT: "double",
    SourceKind.DOUBLE: "double",
}


# What a function gives, the user has asked for as what it is.
_CREATED_BY_FUNCTIONS = _CREATED_TYPES | {
    SourceKind.NUMBER: "decimal(38,18)",
    SourceKind.BOOLEAN: "boolean",
    SourceKind.INSTANT: "datetime",
    SourceKind.NANOS: "timestamp",
    SourceKind.LOCAL: "timestamp_ntz",
    SourceKind.DATE: "date",
}


_OF_OBJECTS = frozenset({"string", "varchar", "char", "json", "map", "struct"})


def named_columns(columns: ColumnInput, schema: TableSchema) -> Mapping[str, str]:
    """Return the mapping by name, also of a list that goes by position.

    Raises InvalidMapping for a list that has not one expression for each column of the table.
    """
    if isinstance(columns, Mapping):
        return columns
    names = [column.name for column in schema.columns]
    if len(columns) != len(names):
        raise InvalidMapping(
            f"columns has {len(columns)} source expressions and the table has {len(names)} columns: "
            f"{', '.join(names)}. A list goes by position; name the columns in a mapping to leave some out"
        )
    return dict(zip(names, columns, strict=True))


def read_expressions(columns: ColumnInput, wanted: Wanted = EVERYTHING) -> Mapping[str, Expression]:
    """Return the source expressions of columns, by name or by their place in a list; the condition is only looked at.

    Raises InvalidMapping with all that cannot be read, a line for each.
    """
    by_name = columns if isinstance(columns, Mapping) else {f"columns[{at}]": text for at, text in enumerate(columns)}
    found: dict[str, Expression] = {}
    problems: list[str] = []
    for name, text in by_name.items():
        try:
            found[name] = parse_expression(text)
        except InvalidInput as problem:
            problems.append(f"{name}: {problem}")
    try:
        read_where(wanted.where)
    except InvalidInput as problem:
        problems.append(str(problem))
    if problems:
        raise InvalidMapping("\n".join(problems))
    return found


def compile_projection(
    columns: Mapping[str, str],
    schema: TableSchema,
    record_format: RecordFormat | None = None,
    wanted: Wanted = EVERYTHING,
    levels: Mapping[str, Conversion] = MappingProxyType({}),
) -> Projection:
    """Decide, once per table, how every column is filled, and which records are left out.

    ``columns`` maps column names (case is ignored) to source expressions; ``levels`` has those of them, in lower case,
    that are levels of a partition, with what their values go through at last.
    Raises InvalidMapping with everything that cannot be read, or else with all that does not fit, before any record is
    read.
    """
    record_format = record_format or RecordFormat()
    sources = read_expressions(columns, wanted)
    try:
        found, unfiltered = compile_filter(wanted.where, record_format), ""
    except InvalidMapping as problem:
        found, unfiltered = None, str(problem)
    known = {column.name.lower(): column for column in schema.columns}
    problems = [_unknown(name, schema) for name in sources if name.lower() not in known]
    mapped = Counter(name.lower() for name in sources)
    # Names differ by case in the mapping only: of two sources one would win in silence.
    problems += [f"column {name} is mapped {times} times" for name, times in mapped.items() if times > 1]
    problems += [
        f"column {column.name} is NOT NULL and nothing is mapped to it"
        for column in schema.columns
        if column.name.lower() not in mapped and not column.nullable
    ]
    plans: list[Plan] = []
    constants: dict[str, pa.Scalar] = {}
    for name, source in sources.items():
        column = known.get(name.lower())
        if column is None:
            continue
        try:
            plan = _plan(source, columns[name], column, record_format, levels.get(name.lower()))
            if isinstance(plan.source, Constant):
                constants[column.name] = _constant(plan, plan.source.text, column)
            else:
                plans.append(plan)
        except InvalidMapping as problem:
            problems.append(str(problem))
    if problems:
        has = ", ".join(f"{column.name} {column.type}" for column in schema.columns)
        misfits = f"columns do not fit the table: {'; '.join(problems)}. The table has: {has}"
        raise InvalidMapping("; ".join(filter(None, [unfiltered, misfits])))
    if unfiltered:
        raise InvalidMapping(unfiltered)
    sorting = None if found is None else Sorting(found, wanted.on_unclear)
    return Projection(Origin(columns, schema, record_format, wanted, tuple(levels)), plans, constants, sorting)


def created_columns(columns: ColumnInput, record_format: RecordFormat | None = None) -> tuple[Column, ...]:
    """Return the columns of a table that is created for this mapping: BIGINT and DOUBLE for numbers, otherwise STRING.

    Raises InvalidMapping for a list, which has no names.

    >>> [f"{column.name} {column.type}" for column in created_columns({"k": "__key__", "o": "__offset__"})]
    ['k string', 'o bigint']
    """
    if not isinstance(columns, Mapping):
        raise InvalidMapping(
            "columns is a list, which goes by the position of the table's columns, but there is no such table; name "
            "the columns in a mapping"
        )
    record_format = record_format or RecordFormat()
    types = {name: _created_type(source, record_format) for name, source in read_expressions(columns).items()}
    # MaxCompute keeps names in lower case: an upload session would otherwise have other columns than the batches.
    return columns_of({name.lower(): created for name, created in types.items()})


def _created_type(expression: Expression, record_format: RecordFormat) -> str:
    if isinstance(expression, Piped):
        return _CREATED_BY_FUNCTIONS.get(piped(expression, record_format).kind, "string")
    return _CREATED_TYPES.get(kind_of(expression, record_format), "string")


def _unknown(name: str, schema: TableSchema) -> str:
    if name.lower() in {column.name.lower() for column in schema.partition_columns}:
        return f"{name!r} is a partition column: its value comes from the parameters partition and partition_by"
    return f"the table has no column {name!r}"


def _constant(plan: Plan, text: str, column: Column) -> pa.Scalar:
    array, problems = plan.conversion.apply(pa.array([text]))
    if problems:
        raise InvalidMapping(
            f"column {column.name}: the constant {text!r} is no value of {column.type}: {problems[0].reason}"
        )
    if not array[0].is_valid and not column.nullable:
        raise InvalidMapping(f"column {column.name} is NOT NULL, and the constant {text!r} is NULL in it")
    return array[0]


def _plan(
    expression: Expression, text: str, column: Column, record_format: RecordFormat, last: Conversion | None
) -> Plan:
    try:
        plan = _planned(expression, text, column, record_format)
    except InvalidMapping as problem:
        raise InvalidMapping(f"column {column.name}: {problem}") from None
    return plan if last is None else replace(plan, conversion=Chained(plan.conversion, last))


def _planned(expression: Expression, text: str, column: Column, record_format: RecordFormat) -> Plan:
    if isinstance(expression, Piped):
        given = piped(expression, record_format)
        source, kind = expression.source, given.kind
    else:
        given, source, kind = None, expression, kind_of(expression, record_format)
    convert = conversion(kind, column.type, record_format.leniency)
    # The rest of an object is one.
    if convert is None or (given is None and isinstance(source, Rest) and column.type.name not in _OF_OBJECTS):
        if isinstance(source, Constant) and given is None:
            raise InvalidMapping(f"the constant {source.text!r} is no value of {column.type}")
        way = hint_of_bytes(column.type.name) if kind is SourceKind.BYTES else ""
        raise InvalidMapping(f"{text} cannot become {column.type} without being altered{way}")
    if column.type.name != "binary":
        convert = without_empty(kind, convert, record_format)
    return Plan(column, source, convert if given is None else Chained(given.conversion, convert), given is not None)


def parse_columns(
    asked: Mapping[str, str] | Sequence[str] | str | None,
) -> Mapping[str, str] | Sequence[str] | None:
    """Return the source expressions, by column or as a list by position, also from JSON text; None for none at all.

    Raises InvalidInput for anything but text in them.
    """
    if not asked:
        return None
    try:
        columns = json.loads(asked) if isinstance(asked, str) else asked
    except ValueError as error:
        raise InvalidInput(f"columns={asked!r} is no JSON: {error}") from None
    parts = [part for pair in columns.items() for part in pair] if isinstance(columns, Mapping) else columns
    if (
        not isinstance(parts, list | tuple)
        or not (parts or columns == {})
        or not all(isinstance(part, str) for part in parts)
    ):
        raise InvalidInput(
            f"columns={columns!r}: a mapping of column names to source expressions is wanted, or a list of expressions"
        )
    return columns
