"""Runs a script: its statements in order; the result is that of the last one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.model import Column
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.define import define
from airflow_provider_kafka_odps.local.sql.doomed import Doomed
from airflow_provider_kafka_odps.local.sql.insert import insert
from airflow_provider_kafka_odps.local.sql.parsing.parser import parse_script
from airflow_provider_kafka_odps.local.sql.parsing.statements import (
    ColumnDefinition,
    CreateTable,
    Describe,
    Insert,
    Query,
    Show,
    Statement,
)
from airflow_provider_kafka_odps.local.sql.queries.database import Database
from airflow_provider_kafka_odps.local.sql.queries.query import Queries, columns_only
from airflow_provider_kafka_odps.local.sql.scope import Scope
from airflow_provider_kafka_odps.local.sql.show import describe, show
from airflow_provider_kafka_odps.local.sql.stopping import Stopping


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script returned: a text, or rows in columns."""

    text: str = ""
    columns: tuple[Column, ...] = ()
    rows: pa.Table | None = None


class Engine:
    """Runs the SQL of one project; `now` returns milliseconds since the epoch."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], int],
        owner: str,
        tenant: Mapping[str, str] | None = None,
        *,
        strict: bool = False,
        database: Database | None = None,
    ) -> None:
        """Run on `store` in the name of `owner`, with the tenant's settings where a statement has none.

        Queries run on `database`, or on one that keeps everything in memory.
        `strict` enforces the limits of the service.
        """
        self.doomed = Doomed()
        self._strict = strict
        self._store = store
        self._queries = Queries(store, database)
        self._now = now
        self._owner = owner
        self._tenant = dict(tenant or {})

    def run(self, text: str, settings: dict[str, str], job: str = "", stopping: Stopping | None = None) -> Outcome:
        """Run all statements of a script; each is atomic by itself. What the last one changes ends the instance `job`.

        `stopping` can end them, with its reason.
        Raises SqlError at the first that fails, and DiskError.
        """
        stopping = stopping or Stopping()
        script = parse_script(text)
        outcome, last = Outcome(), len(script.statements) - 1
        for at, statement in enumerate(script.statements):
            stopping.check()
            scope = self._scope({**settings, **script.settings}, job if at == last else "", stopping)
            outcome = self._run(statement, scope)
        return outcome

    def cost(self, text: str, settings: dict[str, str], stopping: Stopping | None = None) -> Outcome:
        """Return the bytes that the queries of a script would read, as the JSON that clients parse; nothing is run.

        Raises SqlError.
        """
        script = parse_script(text)
        size = 0
        for statement in script.statements:
            if not isinstance(statement, Query | Insert):
                raise SqlError.semantic("only the cost of queries can be estimated")
            query = statement.text if isinstance(statement, Query) else statement.query
            size += self._queries.size(query, self._scope({**settings, **script.settings}, "", stopping))
        return Outcome(json.dumps({"Cost": {"SQL": {"UDF": 0, "Complexity": 1.0, "Input": size}}}))

    def _scope(self, settings: dict[str, str], job: str, stopping: Stopping | None) -> Scope:
        settings = {**self._tenant, **settings}
        project, now, new_id = self._store.catalog.project, self._now() // 1000, uuid4().hex
        return Scope(project, now, self._owner, settings, new_id, job, stopping or Stopping())

    def _run(self, statement: Statement, scope: Scope) -> Outcome:
        match statement:
            case Query(text):
                columns, rows = self._queries.select(text, scope)
                return Outcome("", columns, rows)
            case Insert():
                table = scope.table(self._store.catalog, statement.name)
                doom = self.doomed.next()
                insert(self._store, self._queries, statement, scope, table, doom=doom, strict=self._strict)
                return Outcome()
            case Show():
                return Outcome(show(self._store.catalog, statement, scope))
            case Describe():
                return Outcome(describe(self._store.catalog, statement, scope))
            case CreateTable(query=query) if query:
                return self._create_as(statement, scope)
            case _:
                self._store.change(partial(define, statement=statement, scope=scope), ended=scope.job)
                return Outcome()

    def _create_as(self, statement: CreateTable, scope: Scope) -> Outcome:
        name = scope.full_name(self._store.catalog, statement.name)
        if self._store.catalog.find(name) is not None and statement.if_not_exists:
            return Outcome()
        if not statement.columns:
            columns, _ = self._queries.select(columns_only(statement.query), scope)
            found = tuple(ColumnDefinition(column.name, column.type) for column in columns)
            partition_names = {column.name for column in statement.partition_columns}
            statement = replace(statement, columns=tuple(c for c in found if c.name not in partition_names))
        table = scope.table(define(self._store.catalog, statement, scope), statement.name)
        rows = Insert(statement.name, overwrite=False, partition={}, columns=(), query=statement.query)
        # One change: the table is never visible without its rows.
        create = partial(define, statement=statement, scope=scope)
        insert(self._store, self._queries, rows, scope, table, create)
        return Outcome()
