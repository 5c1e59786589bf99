"""EXPLAIN: the service's shape, for the one task that everything is here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Column, Table
from airflow_provider_kafka_odps.local.sql.parsing.statements import ChangeRows, Insert, Query
from airflow_provider_kafka_odps.local.sql.queries.changes import read_change
from airflow_provider_kafka_odps.local.sql.queries.query import Queries, columns_only
from airflow_provider_kafka_odps.local.sql.queries.translating import translate
from airflow_provider_kafka_odps.local.sql.scope import Scope
from airflow_provider_kafka_odps.local.sql.writing.change_rows import changeable

_HEAD = "job0 is root job\n\nIn Job job0:\nroot Tasks: M1\n\nIn Task M1:\n"


def explain(catalog: Catalog, queries: Queries, statement: Query | Insert | ChangeRows, scope: Scope) -> str:
    """Return the plan of a statement, which is not run: its tables, and where its rows go.

    Raises SqlError when the statement cannot run.
    """
    match statement:
        case Query(text):
            columns, _ = queries.select(columns_only(text), scope)
            return _plan(translate(text, catalog, scope).tables, "Screen", columns)
        case Insert(name, query=text):
            table = scope.stored(catalog, name, "INSERT")
            queries.select(columns_only(text), scope)
            return _plan(translate(text, catalog, scope).tables, str(table.name), table.columns)
        case ChangeRows(text):
            change = read_change(text)
            table = changeable(catalog, change, scope)
            read = [table]
            for step in change.steps:
                queries.check(step.query, scope, table)
                read += translate(step.query, catalog, scope, target=table).tables
            return _plan(list({each.name: each for each in read}.values()), str(table.name), table.columns)
        case _:
            assert_never(statement)


def _plan(tables: Sequence[Table], output: str, columns: Sequence[Column]) -> str:
    lines = [f"    Data source: {', '.join(str(table.name) for table in tables) or '(none)'}"]
    for table in tables:
        lines += [f"    TS: {table.name}", f"        Statistics: Num rows: {table.rows}, Data size: {table.size}"]
    lines += [f"    FS: output: {output}", "        schema:"]
    return _HEAD + "\n".join(lines + [f"          {column.name} ({column.type})" for column in columns])
