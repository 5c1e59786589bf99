"""Definitions applied to the catalog: a pure function from one catalog to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from airflow_provider_kafka_odps.local.catalog.catalog import DEFAULT_SCHEMA, Catalog, Schema
from airflow_provider_kafka_odps.local.catalog.model import WHOLE, Clustering, Column, Partition, Table
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql import evolve
from airflow_provider_kafka_odps.local.sql.parsing.statements import (
    AddColumns,
    AddPartitions,
    AlterTable,
    AlterView,
    ChangeColumn,
    Cluster,
    ColumnDefinition,
    CreateSchema,
    CreateTable,
    Definition,
    DropColumns,
    DropPartitions,
    DropSchema,
    DropTable,
    DropView,
    Maintain,
    RenamePartition,
    Touch,
    Truncate,
    Values,
)
from airflow_provider_kafka_odps.local.sql.scope import Scope, spec_of, specs_like
from airflow_provider_kafka_odps.local.sql.views import change_view
from airflow_provider_kafka_odps.local.wire.types import Kind

_PARTITION_KINDS = frozenset(
    {Kind.STRING, Kind.TINYINT, Kind.SMALLINT, Kind.INT, Kind.BIGINT, Kind.CHAR, Kind.VARCHAR, Kind.DATE}
)


_MOST_COLUMNS = 1200


_MOST_LEVELS = 6


_ALTER = "ALTER TABLE"


def define(catalog: Catalog, statement: Definition, scope: Scope) -> Catalog:  # noqa: C901, PLR0912 - one case each
    """Return the catalog after this statement.

    Raises SqlError; then nothing changes.
    """
    match statement:
        case CreateTable():
            return _create_table(catalog, statement, scope)
        case DropTable(name, if_exists):
            if if_exists and catalog.find(scope.full_name(catalog, name)) is None:
                return catalog
            return catalog.without_table(scope.stored(catalog, name, "DROP TABLE").name)
        case DropView() | AlterView():
            return change_view(catalog, statement, scope)
        case Truncate(name, specs):
            return catalog.with_table(_truncated(scope.stored(catalog, name, "TRUNCATE"), specs, scope))
        case AddPartitions(name):
            return catalog.with_table(_with_partitions(scope.stored(catalog, name, _ALTER), statement, scope))
        case DropPartitions(name):
            return catalog.with_table(_without_partitions(scope.stored(catalog, name, _ALTER), statement, scope))
        case RenamePartition(name, spec, new_spec):
            return catalog.with_table(_renamed_partition(scope.stored(catalog, name, _ALTER), spec, new_spec, scope))
        case Touch(name, specs):
            return catalog.with_table(_touched(scope.stored(catalog, name, _ALTER), specs, scope))
        case AddColumns(name) | DropColumns(name) | ChangeColumn(name):
            return catalog.with_table(evolve.evolved(scope.stored(catalog, name, _ALTER), statement, scope.now))
        case Cluster(name, clustering):
            table = scope.stored(catalog, name, _ALTER)
            _check_clustering(clustering, [column.name for column in table.columns])
            return catalog.with_table(replace(table, clustering=clustering, defined=scope.now))
        case Maintain(name):
            return catalog.with_table(scope.stored(catalog, name, _ALTER))
        case AlterTable():
            return _altered(catalog, statement, scope)
        case CreateSchema() | DropSchema():
            return _with_schemas(catalog, statement, scope)
        case _:
            assert_never(statement)


def _create_table(catalog: Catalog, statement: CreateTable, scope: Scope) -> Catalog:
    name = scope.full_name(catalog, statement.name)
    if catalog.find(name) is not None:
        if statement.if_not_exists:
            return catalog
        raise SqlError.ddl(f"AlreadyExistsException(message:Table {name} already exists)")
    base = Table(name, scope.new_id, (), owner=scope.owner, created=scope.now, defined=scope.now, modified=scope.now)
    if statement.like:
        model = scope.table(catalog, statement.like)
        table = replace(
            base,
            columns=model.columns,
            partition_columns=model.partition_columns,
            next_field_id=model.next_field_id,
            comment=model.comment,
            properties=model.properties,
            primary_key=model.primary_key,
            clustering=model.clustering,
            lifecycle=statement.lifecycle,
        )
    else:
        table = _defined(base, statement)
    if not table.partition_columns:
        table = table.with_partition(WHOLE, Partition((), scope.now, scope.now), scope.now)
    return catalog.with_table(table)


def _defined(base: Table, statement: CreateTable) -> Table:
    _check_columns(statement)
    count = len(statement.columns)
    return replace(
        base,
        columns=_numbered(statement.columns, 0),
        partition_columns=_numbered(statement.partition_columns, count),
        next_field_id=count + len(statement.partition_columns),
        comment=statement.comment,
        lifecycle=statement.lifecycle,
        properties=dict(statement.properties),
        primary_key=statement.primary_key,
        clustering=statement.clustering,
    )


def _numbered(columns: Sequence[ColumnDefinition], first: int) -> tuple[Column, ...]:
    return tuple(Column(first + at, c.name, c.type, c.comment, c.nullable, c.default) for at, c in enumerate(columns))


def _check_columns(statement: CreateTable) -> None:
    names = [column.name for column in statement.columns + statement.partition_columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SqlError.semantic(f"column {', '.join(twice)} is defined twice")
    if len(names) > _MOST_COLUMNS or len(statement.partition_columns) > _MOST_LEVELS:
        raise SqlError.semantic("a table has at most 1200 columns and 6 levels of partitions")
    for column in statement.partition_columns:
        if column.type.kind not in _PARTITION_KINDS:
            raise SqlError.semantic(f"partition column {column.name} cannot be {column.type}")
    _check_clustering(statement.clustering, names)
    absent = [name for name in statement.primary_key if name not in names]
    if absent:
        raise SqlError.semantic(f"the primary key names {', '.join(absent)}, which the table lacks")


def _check_clustering(clustering: Clustering | None, names: Sequence[str]) -> None:
    used = () if clustering is None else (*clustering.columns, *(name for name, _ in clustering.sorts))
    absent = sorted({name for name in used if name not in names})
    if absent:
        raise SqlError.semantic(f"column {', '.join(absent)} to cluster by cannot be resolved")


def _truncated(table: Table, specs: Sequence[Values], scope: Scope) -> Table:
    chosen = [spec for values in specs for spec in specs_like(table, values)] if specs else list(table.partitions)
    if table.partition_columns and not specs:
        raise SqlError.semantic(f"{table.name} is partitioned: TRUNCATE needs a PARTITION clause")
    emptied = {spec: replace(table.partitions[spec], blobs=(), modified=scope.now) for spec in chosen}
    return replace(table, partitions={**table.partitions, **emptied}, modified=scope.now)


def _with_partitions(table: Table, statement: AddPartitions, scope: Scope) -> Table:
    if not table.partition_columns:
        raise SqlError.semantic(f"{table.name} is not partitioned")
    partitions = dict(table.partitions)
    for values in statement.specs:
        spec = spec_of(table, values)
        if spec not in partitions:
            partitions[spec] = Partition((), scope.now, scope.now)
        elif not statement.if_not_exists:
            raise SqlError.ddl(
                f"AlreadyExistsException(message:Partition already exists, {dict(spec)} of {table.name})"
            )
    return replace(table, partitions=partitions)


def _without_partitions(table: Table, statement: DropPartitions, scope: Scope) -> Table:
    gone = set()
    for values in statement.specs:
        specs = specs_like(table, values)
        if not specs and not statement.if_exists:
            raise SqlError.ddl(
                f"NoSuchObjectException(message:partition {dict(values)} of {table.name} does not exist)"
            )
        gone.update(specs)
    return table.without_partitions(frozenset(gone), scope.now)


def _renamed_partition(table: Table, values: Values, new_values: Values, scope: Scope) -> Table:
    spec, new_spec = spec_of(table, values), spec_of(table, new_values)
    if spec not in table.partitions:
        raise SqlError.ddl(f"NoSuchObjectException(message:partition {dict(spec)} of {table.name} does not exist)")
    if new_spec in table.partitions:
        raise SqlError.ddl(f"AlreadyExistsException(message:Partition already exists, {dict(new_spec)})")
    renamed = {
        new_spec if key == spec else key: replace(partition, touched=scope.now) if key == spec else partition
        for key, partition in table.partitions.items()
    }
    return replace(table, partitions=renamed, modified=scope.now)


def _touched(table: Table, specs: Sequence[Values], scope: Scope) -> Table:
    chosen = [spec_of(table, values) for values in specs]
    touched = {
        spec: replace(table.partitions[spec], modified=scope.now, touched=scope.now)
        for spec in chosen
        if spec in table.partitions
    }
    return replace(table, partitions={**table.partitions, **touched}, modified=scope.now, defined=scope.now)


def _altered(catalog: Catalog, statement: AlterTable, scope: Scope) -> Catalog:
    table = scope.stored(catalog, statement.name, _ALTER)
    altered = replace(
        table,
        lifecycle=table.lifecycle if statement.lifecycle is None else statement.lifecycle,
        comment=table.comment if statement.comment is None else statement.comment,
        owner=table.owner if statement.owner is None else statement.owner,
        properties={
            key: value
            for key, value in {**table.properties, **(statement.properties or {})}.items()
            if key not in statement.unset
        },
        defined=scope.now,
    )
    if statement.new_name is None:
        return catalog.with_table(altered)
    new_name = replace(table.name, table=statement.new_name[-1])
    if len(statement.new_name) > 1 and scope.full_name(catalog, statement.new_name) != new_name:
        raise SqlError.unsupported(f"moving {table.name} to another schema or project: {'.'.join(statement.new_name)}")
    if catalog.find(new_name) is not None:
        raise SqlError.ddl(f"AlreadyExistsException(message:Table {new_name} already exists)")
    return catalog.without_table(table.name).with_table(replace(altered, name=new_name))


def _with_schemas(catalog: Catalog, statement: CreateSchema | DropSchema, scope: Scope) -> Catalog:
    name = scope.schema_name(statement.name)
    exists = name in catalog.schemas
    match statement:
        case CreateSchema(_, if_not_exists, comment):
            if not exists:
                return catalog.with_schema(Schema(name, comment, scope.now))
            if if_not_exists:
                return catalog
            raise SqlError.ddl(f"AlreadyExistsException(message:Schema {name} already exists)")
        case DropSchema(_, if_exists, cascade):
            if not exists and if_exists:
                return catalog
            if not exists or name == DEFAULT_SCHEMA:
                raise SqlError("ODPS-0422155", f"Schema not found, or not to be dropped - {name}")
            if catalog.tables_of(name) and not cascade:
                raise SqlError.ddl(f"InvalidOperationException(message:Schema {name} is not empty)")
            return catalog.without_schema(name)
        case _:
            assert_never(statement)
