"""Columns added, dropped, renamed and changed; files stay as they are, because they know columns by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from airflow_provider_kafka_odps.local.catalog.model import Column, Table
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.parsing.statements import (
    AddColumns,
    ChangeColumn,
    ColumnDefinition,
    DropColumns,
)
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind

_WIDER = (Kind.TINYINT, Kind.SMALLINT, Kind.INT, Kind.BIGINT)


_TEXTS = frozenset({Kind.STRING, Kind.CHAR, Kind.VARCHAR})


def evolved(table: Table, statement: AddColumns | DropColumns | ChangeColumn, now: int) -> Table:
    """Return the table with its columns changed.

    Raises SqlError.
    """
    match statement:
        case AddColumns(_, columns, if_not_exists):
            return _with_columns(table, columns, now, if_not_exists=if_not_exists)
        case DropColumns(_, names):
            _require(table, names)
            kept = tuple(column for column in table.columns if column.name not in names)
            if not kept:
                raise SqlError.semantic(f"{table.name} would have no column left")
            return replace(table, columns=kept, defined=now)
        case ChangeColumn():
            return _changed(table, statement, now)
        case _:
            assert_never(statement)


def _require(table: Table, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in {column.name for column in table.columns}]
    if missing:
        raise SqlError.semantic(f"column {', '.join(missing)} cannot be resolved in {table.name}")


def _with_columns(table: Table, columns: Sequence[ColumnDefinition], now: int, *, if_not_exists: bool) -> Table:
    added: list[Column] = []
    known = {column.name for column in table.columns + table.partition_columns}
    for column in columns:
        if column.name in known:
            if if_not_exists:
                continue
            raise SqlError.semantic(f"column {column.name} exists already in {table.name}")
        known.add(column.name)
        number = table.next_field_id + len(added)
        added.append(Column(number, column.name, column.type, column.comment, column.nullable, column.default))
    return replace(
        table, columns=table.columns + tuple(added), next_field_id=table.next_field_id + len(added), defined=now
    )


def _changed(table: Table, change: ChangeColumn, now: int) -> Table:
    _require(table, [change.column])
    new_name = change.new_name or change.column
    if new_name != change.column and table.column(new_name) is not None:
        raise SqlError.semantic(f"column {new_name} exists already in {table.name}")

    def changed(column: Column) -> Column:
        if change.type is not None and not _widens(column.type, change.type):
            raise SqlError.semantic(f"column {column.name} cannot change from {column.type} to {change.type}")
        return replace(
            column,
            name=new_name,
            type=change.type or column.type,
            comment=column.comment if change.comment is None else change.comment,
            nullable=column.nullable if change.nullable is None else change.nullable,
        )

    columns = tuple(changed(c) if c.name == change.column else c for c in table.columns)
    return replace(table, columns=_placed(table, columns, change, new_name), defined=now)


def _placed(table: Table, columns: tuple[Column, ...], change: ChangeColumn, name: str) -> tuple[Column, ...]:
    if change.after is None and not change.first:
        return columns
    moved = next(column for column in columns if column.name == name)
    rest = [column for column in columns if column is not moved]
    names = [column.name for column in rest]
    if change.after is not None and change.after not in names:
        raise SqlError.semantic(f"column {change.after} cannot be resolved in {table.name}")
    rest.insert(0 if change.after is None else names.index(change.after) + 1, moved)
    return tuple(rest)


def _widens(before: ColumnType, after: ColumnType) -> bool:
    if before == after or after.kind is Kind.STRING:
        return True
    if before.kind in _WIDER and after.kind in _WIDER:
        return _WIDER.index(before.kind) <= _WIDER.index(after.kind)
    if before.kind in _TEXTS and after.kind in _TEXTS:
        return before.kind is not Kind.STRING and before.sizes <= after.sizes
    if before.kind is Kind.DECIMAL and after.kind is Kind.DECIMAL and before.sizes and after.sizes:
        return before.sizes[0] <= after.sizes[0] and before.sizes[1] <= after.sizes[1]
    return (before.kind, after.kind) == (Kind.FLOAT, Kind.DOUBLE)
