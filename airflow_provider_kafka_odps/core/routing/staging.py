"""Rows on their way into partitions of their own: a staging table beside the target, and the statement that moves them.

The values of the levels are columns there, computed before they are written: what was seen is what is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from airflow_provider_kafka_odps.core.routing.routes import Routes
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput, TableRefused

STAGED_DAYS = 3
"""Days after which the service removes staged rows that a load has left behind."""


_BEHIND = "__kafka_staging"
"""What stands behind the name of a target in that of its staging table, unless a parameter names another one."""


_LONGEST = 128


_LOAD = "load_id"


@dataclass(frozen=True, slots=True)
class Routing:
    """What a load that is routed needs to know beside its columns."""

    routes: Routes
    max_partitions: int
    staged: Staged
    """Where this attempt's rows wait; an earlier attempt of another run may have used another place."""
    own: tuple[PartitionSpec, ...]
    """In mode overwrite: the partitions of the window's interval, which have no rows but the load's behind it."""


def staging_name(target: TableName, asked: TableName | None) -> TableName:
    """Return the staging table of a target: the one that was asked for, or one beside it.

    Raises InvalidInput where the target's own name is too long for that.
    """
    if asked is not None:
        return asked
    if len(target.name) + len(_BEHIND) > _LONGEST:
        raise InvalidInput(
            f"{target}: the name of its staging table, {target.name}{_BEHIND}, would be longer than {_LONGEST}; name "
            "another one with staging_table="
        )
    return replace(target, name=f"{target.name}{_BEHIND}")


def staging_schema(target: TableSchema, routes: Routes) -> TableSchema:
    """Return the staging table of a target as it is created: its columns and levels, none NOT NULL."""
    columns = (*target.columns, *routes.columns(target))
    plain = tuple(replace(column, name=column.name.lower(), nullable=True) for column in columns)
    return TableSchema(plain, (Column(load_level(target), OdpsType("string")),))


def load_level(target: TableSchema) -> str:
    """Return the level of the staging table, by which loads are told apart: a name that the target does not have."""
    taken = {column.name.lower() for column in (*target.columns, *target.partition_columns)}
    name = _LOAD
    while name in taken:
        name = f"kafka_{name}"
    return name


def staging_drift(table: TableName, wanted: TableSchema, found: TableSchema) -> tuple[Column, ...]:
    """Return the columns that an existing staging table lacks.

    Raises TableRefused for a table that is none, or is that of a target with other columns.
    """
    levels = [column.name.lower() for column in found.partition_columns]
    if levels != [column.name for column in wanted.partition_columns]:
        raise TableRefused(
            f"{table} is no staging table: it is partitioned by {', '.join(levels) or 'nothing'}, and "
            f"{wanted.partition_columns[0].name} is wanted. Name another table with staging_table=, or none that exists"
        )
    there = {column.name.lower(): column for column in found.columns}
    other = [
        f"{column.name} is {there[column.name].type}, and {column.type} in the target"
        for column in wanted.columns
        if column.name in there and there[column.name].type != column.type
    ]
    if other:
        raise TableRefused(
            f"staging table {table} does not fit its target any more: {'; '.join(other)}. Drop it while no load of "
            "that target runs, and it is created again; or name another one with staging_table="
        )
    if strict := [column.name for column in found.columns if not column.nullable]:
        raise TableRefused(
            f"staging table {table} has columns that are NOT NULL: {', '.join(strict)}. Drop it, and it is created "
            "again"
        )
    return tuple(column for column in wanted.columns if column.name not in there)


def merge_statement(
    target: TableName, columns: Sequence[Column], routes: Routes, staged: Staged, *, overwrite: bool
) -> str:
    """Return the INSERT that moves staged rows into the partitions that their columns name, all in one statement.

    ``overwrite``: what these partitions had before is gone; others stay as they are.

    It goes by position, because MaxCompute documents no list of columns for dynamic partitions: ``columns`` are those
    of the target at this moment, and each gets the column that was staged under its name, or NULL. Where one that was
    staged is gone, it is chosen as one too many: the service refuses the statement, and no value goes elsewhere.
    """
    there = [column.name.lower() for column in columns]
    chosen = [
        f"`{column.name.lower()}`" if column.name.lower() in staged.columns else f"CAST(NULL AS {column.type.ddl})"
        for column in columns
    ]
    gone = [f"`{name}`" for name in staged.columns if name not in there]
    given = [f"`{name}`='{value}'" for name, value in (routes.given.levels if routes.given else ())]
    dynamic = [f"`{name}`" for name in routes.names]
    level, load = staged.partition.levels[0]
    into = "OVERWRITE" if overwrite else "INTO"
    return (
        f"INSERT {into} TABLE {target.quoted} PARTITION ({', '.join([*given, *dynamic])})\n"
        f"SELECT {', '.join([*chosen, *gone, *dynamic])}\nFROM {staged.table.quoted}\nWHERE `{level}`='{load}';"
    )


def empty_statement(target: TableName, places: Sequence[PartitionSpec]) -> str:
    """Return the DDL that removes all rows of some partitions, and is harmless to repeat."""
    return f"TRUNCATE TABLE {target.quoted} {', '.join(f'PARTITION ({place.ddl})' for place in places)};"


def drop_statement(staged: Staged) -> str:
    """Return the DDL that removes the staged rows of a load, if they are there."""
    return f"ALTER TABLE {staged.table.quoted} DROP IF EXISTS PARTITION ({staged.partition.ddl});"
