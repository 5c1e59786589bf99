"""A mapping held against a table that it does not fit: decided once, before anything is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from airflow_provider_kafka_odps.core.mapping.compiler import ColumnInput, created_columns
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat
from airflow_provider_kafka_odps.core.options import OnSchemaDrift
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput, InvalidMapping


@dataclass(frozen=True, slots=True)
class Drift:
    """What was decided: columns to add, and columns of the mapping that are not loaded."""

    added: tuple[Column, ...] = ()
    ignored: tuple[str, ...] = ()

    def to_json(self) -> dict[str, list[str]] | None:
        """Return the decision as it stands in the receipt; None where nothing had to be decided."""
        if not (self.added or self.ignored):
            return None
        return {"added": [f"{column.name} {column.type}" for column in self.added], "ignored": list(self.ignored)}


def parse_column_types(asked: Mapping[str, str] | str | None, columns: ColumnInput) -> Mapping[str, OdpsType]:
    """Return the types that were given for columns, by lower-case name, also from JSON text.

    Raises InvalidInput for what is no type, and for a name that is not mapped.
    """
    try:
        types = json.loads(asked) if isinstance(asked, str) and asked else asked or {}
    except ValueError as error:
        raise InvalidInput(f"column_types={asked!r} is no JSON: {error}") from None
    if not isinstance(types, Mapping) or not all(isinstance(part, str) for pair in types.items() for part in pair):
        raise InvalidInput(f"column_types={asked!r}: a mapping of column names to MaxCompute types is wanted")
    mapped = {name.lower() for name in columns} if isinstance(columns, Mapping) else None
    if mapped is not None and (strangers := [name for name in types if name.lower() not in mapped]):
        raise InvalidInput(f"column_types names {', '.join(strangers)}, to which nothing is mapped in columns")
    kinds = {name: OdpsType.parse(text) for name, text in types.items()}
    if strange := [f"{name}: {kind}" for name, kind in kinds.items() if not kind.writable]:
        raise InvalidInput(f"column_types has types that cannot be written: {', '.join(strange)}")
    return {name.lower(): kind for name, kind in kinds.items()}


def wanted_columns(
    columns: ColumnInput, record_format: RecordFormat, types: Mapping[str, OdpsType]
) -> tuple[Column, ...]:
    """Return the columns that the mapping would make: of the types that were given, and of inferred ones."""
    return tuple(
        replace(column, type=types.get(column.name.lower(), column.type))
        for column in created_columns(columns, record_format)
    )


def decide_drift(
    columns: ColumnInput,
    schema: TableSchema,
    record_format: RecordFormat,
    types: Mapping[str, OdpsType],
    policy: OnSchemaDrift,
) -> Drift:
    """Hold the mapping against the table.

    Raises InvalidMapping for types that differ; a column that is missing under ``"fail"`` is left to
    ``compile_projection``, which names it with all else that does not fit.
    """
    if not isinstance(columns, Mapping):
        return Drift()
    there = {column.name.lower(): column for column in schema.columns}
    other = [
        f"column {there[name].name} is {there[name].type}, and column_types says {kind}"
        for name, kind in types.items()
        if name in there and there[name].type != kind
    ]
    if other and policy is not OnSchemaDrift.IGNORE:
        raise InvalidMapping(
            f"the table differs from column_types: {'; '.join(other)}. Change the table, or leave the type out"
        )
    known = {*there, *(column.name.lower() for column in schema.partition_columns)}
    missing = [name for name in columns if name.lower() not in known]
    match policy:
        case OnSchemaDrift.FAIL:
            return Drift()
        case OnSchemaDrift.IGNORE:
            return Drift(ignored=tuple(missing))
        case OnSchemaDrift.ADD:
            fresh = {name: columns[name] for name in missing}
            return Drift(added=wanted_columns(fresh, record_format, types) if fresh else ())
        case _:
            assert_never(policy)


def drifted(columns: ColumnInput, schema: TableSchema, drift: Drift) -> tuple[ColumnInput, TableSchema]:
    """Return mapping and table as they are after the decision: new columns stand behind the others."""
    if isinstance(columns, Mapping) and drift.ignored:
        columns = {name: source for name, source in columns.items() if name not in drift.ignored}
        if not columns:
            raise InvalidMapping("on_schema_drift='ignore' leaves no column: the table has none of those in columns")
    return columns, replace(schema, columns=(*schema.columns, *drift.added))
