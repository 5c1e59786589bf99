"""CREATE TABLE, VIEW and SCHEMA."""

from __future__ import annotations

from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.lexer import Cursor
from airflow_provider_kafka_odps.local.sql.parsing.clauses import (
    read_clustering,
    read_columns,
    read_columns_and_key,
    read_name,
    read_names,
    read_properties,
)
from airflow_provider_kafka_odps.local.sql.parsing.statements import (
    ColumnDefinition,
    CreateSchema,
    CreateTable,
    CreateView,
    Name,
)
from airflow_provider_kafka_odps.local.sql.parsing.views import read_create_view

_CLAUSES = (
    ("AUTO",),
    ("STORED", "BY"),
    ("ROW", "FORMAT"),
    ("WITH", "SERDEPROPERTIES"),
    ("LOCATION",),
    ("USING",),
    ("INTO",),
    ("PARTITIONED", "ON"),
)


def read_create(cursor: Cursor) -> CreateTable | CreateSchema | CreateView:
    """Take what is behind CREATE: a table, a view or a schema.

    Raises SqlError (parse).
    """
    view = read_create_view(cursor)
    if view is not None:
        return view
    if cursor.accept("SCHEMA") or cursor.accept("DATABASE"):
        missing_only = cursor.accept("IF", "NOT", "EXISTS")
        name = read_name(cursor)
        return CreateSchema(name, missing_only, cursor.string() if cursor.accept("COMMENT") else "")
    cursor.expect("TABLE")
    missing_only = cursor.accept("IF", "NOT", "EXISTS")
    name = read_name(cursor)
    return _read_table(cursor, name, missing_only=missing_only)


def _read_table(cursor: Cursor, name: Name, *, missing_only: bool) -> CreateTable:  # noqa: C901 - one flat list of clauses
    if cursor.accept("LIKE"):
        like = read_name(cursor)
        return CreateTable(name, missing_only, lifecycle=_read_lifecycle(cursor), like=like)
    columns, key = read_columns_and_key(cursor) if cursor.sees("(") else ((), ())
    comment, lifecycle = "", -1
    properties: dict[str, str] = {}
    partition_columns: tuple[ColumnDefinition, ...] = ()
    clustering = None
    while True:
        _refuse_clauses(cursor)
        if cursor.accept("COMMENT"):
            comment = cursor.string()
        elif cursor.accept("PARTITIONED", "BY"):
            partition_columns = read_columns(cursor)
        elif cursor.accept("PRIMARY", "KEY"):
            key = read_names(cursor)
        elif cursor.accept("TBLPROPERTIES"):
            properties = read_properties(cursor)
        elif cursor.sees("LIFECYCLE"):
            lifecycle = _read_lifecycle(cursor)
        elif (found := read_clustering(cursor)) is not None:
            clustering = found
        elif not _skip_storage(cursor):
            break
    query = cursor.rest if cursor.accept("AS") or cursor.sees("SELECT") else ""
    if not columns and not query:
        raise cursor.error("expected the columns of the table")
    return CreateTable(
        name, missing_only, columns, partition_columns, comment, lifecycle, properties, key, clustering, query=query
    )


def _refuse_clauses(cursor: Cursor) -> None:
    for words in _CLAUSES:
        if cursor.sees(*words):
            raise SqlError.unsupported(f"CREATE TABLE … {' '.join(words)} is not part of this endpoint")


def _read_lifecycle(cursor: Cursor) -> int:
    return cursor.integer() if cursor.accept("LIFECYCLE") else -1


def _skip_storage(cursor: Cursor) -> bool:
    if cursor.accept("STORED", "AS"):
        cursor.name()
        return True
    return False
