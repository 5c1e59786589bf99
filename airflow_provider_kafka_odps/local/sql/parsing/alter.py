"""Reads what follows ALTER TABLE."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_kafka_odps.local.lexer import Cursor
from airflow_provider_kafka_odps.local.sql.parsing.clauses import (
    read_clustering,
    read_column,
    read_columns,
    read_keys,
    read_name,
    read_names,
    read_partitions,
    read_properties,
    read_spec,
)
from airflow_provider_kafka_odps.local.sql.parsing.statements import (
    AddColumns,
    AddPartitions,
    AlterTable,
    ChangeColumn,
    Cluster,
    ColumnDefinition,
    DropColumns,
    DropPartitions,
    Maintain,
    Name,
    RenamePartition,
    Statement,
    Touch,
)
from airflow_provider_kafka_odps.local.wire.types import read_type

_MAINTENANCE = (("ENABLE", "LIFECYCLE"), ("DISABLE", "LIFECYCLE"), ("MERGE", "SMALLFILES"))


def read_alter(cursor: Cursor) -> Statement:
    """Read the rest of an ALTER TABLE statement."""
    name = read_name(cursor)
    if cursor.accept("ADD"):
        return _read_add(cursor, name)
    if cursor.accept("DROP"):
        return _read_drop(cursor, name)
    if cursor.accept("SET"):
        return _read_set(cursor, name)
    if cursor.accept("CHANGE"):
        cursor.accept("COLUMN")
        return _read_change(cursor, name)
    if cursor.accept("RENAME"):
        return _read_rename(cursor, name)
    return _read_other(cursor, name)


def _read_other(cursor: Cursor, name: Name) -> Statement:
    if cursor.accept("CHANGEOWNER", "TO"):
        return AlterTable(name, owner=cursor.string())
    if cursor.accept("TOUCH"):
        return Touch(name, read_partitions(cursor) if cursor.sees("PARTITION") else ())
    if cursor.accept("UNSET", "TBLPROPERTIES"):
        return AlterTable(name, unset=read_keys(cursor))
    if cursor.accept("NOT", "CLUSTERED"):
        return Cluster(name, None)
    if (clustering := read_clustering(cursor)) is not None:
        return Cluster(name, clustering)
    if _is_maintenance(cursor):
        return Maintain(name)
    return _read_partition(cursor, name)


def _read_partition(cursor: Cursor, name: Name) -> Statement:
    if not cursor.accept("PARTITION"):
        raise cursor.error(
            "expected ADD, DROP, SET, CHANGE, RENAME, CHANGEOWNER, TOUCH, UNSET, CLUSTERED, MERGE or PARTITION"
        )
    spec = read_spec(cursor)
    if _is_maintenance(cursor):
        return Maintain(name)
    cursor.expect("RENAME", "TO", "PARTITION")
    return RenamePartition(name, spec, read_spec(cursor))


def _is_maintenance(cursor: Cursor) -> bool:
    # No lifecycle ends here, and no files need merging: there is nothing to do.
    if cursor.accept("SET", "PARTITIONPROPERTIES"):
        read_properties(cursor)
        return True
    return any(cursor.accept(*words) for words in _MAINTENANCE)


def _read_add(cursor: Cursor, name: Name) -> Statement:
    if cursor.accept("COLUMNS") or cursor.accept("COLUMN"):
        missing_only = cursor.accept("IF", "NOT", "EXISTS")
        columns = read_columns(cursor) if cursor.sees("(") else _read_bare_columns(cursor)
        return AddColumns(name, columns, missing_only)
    missing_only = cursor.accept("IF", "NOT", "EXISTS")
    return AddPartitions(name, read_partitions(cursor), missing_only)


def _read_bare_columns(cursor: Cursor) -> tuple[ColumnDefinition, ...]:
    columns = [read_column(cursor)]
    while cursor.accept(","):
        columns.append(read_column(cursor))
    return tuple(columns)


def _read_drop(cursor: Cursor, name: Name) -> Statement:
    if cursor.accept("COLUMNS") or cursor.accept("COLUMN"):
        if cursor.sees("("):
            return DropColumns(name, read_names(cursor))
        columns = [cursor.name()]
        while cursor.accept(","):
            columns.append(cursor.name())
        return DropColumns(name, tuple(columns))
    existing_only = cursor.accept("IF", "EXISTS")
    return DropPartitions(name, read_partitions(cursor), existing_only)


def _read_set(cursor: Cursor, name: Name) -> AlterTable:
    if cursor.accept("LIFECYCLE"):
        return AlterTable(name, lifecycle=cursor.integer())
    if cursor.accept("COMMENT"):
        return AlterTable(name, comment=cursor.string())
    if cursor.accept("TBLPROPERTIES"):
        return AlterTable(name, properties=read_properties(cursor))
    raise cursor.error("expected LIFECYCLE, COMMENT or TBLPROPERTIES")


def _read_change(cursor: Cursor, name: Name) -> ChangeColumn:
    column = cursor.name()
    if cursor.accept("RENAME", "TO"):
        return ChangeColumn(name, column, new_name=cursor.name())
    if cursor.accept("COMMENT"):
        return ChangeColumn(name, column, comment=cursor.string())
    if cursor.accept("NOT", "NULL"):
        return ChangeColumn(name, column, nullable=False)
    if cursor.accept("NULL"):
        return ChangeColumn(name, column, nullable=True)
    if cursor.sees("AFTER") or cursor.sees("FIRST"):
        return _placed(cursor, ChangeColumn(name, column))
    change = ChangeColumn(name, column, cursor.name(), read_type(cursor))
    if cursor.accept("NOT", "NULL"):
        change = replace(change, nullable=False)
    if cursor.accept("COMMENT"):
        change = replace(change, comment=cursor.string())
    return _placed(cursor, change)


def _placed(cursor: Cursor, change: ChangeColumn) -> ChangeColumn:
    if cursor.accept("AFTER"):
        return replace(change, after=cursor.name())
    return replace(change, first=True) if cursor.accept("FIRST") else change


def _read_rename(cursor: Cursor, name: Name) -> Statement:
    if cursor.accept("COLUMN"):
        column = cursor.name()
        cursor.expect("TO")
        return ChangeColumn(name, column, new_name=cursor.name())
    cursor.expect("TO")
    return AlterTable(name, new_name=read_name(cursor))
