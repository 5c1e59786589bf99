"""Runs a script: its statements in order; the result is that of the last one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Column, TableName
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.define import define
from airflow_provider_kafka_odps.local.sql.explain import explain
from airflow_provider_kafka_odps.local.sql.parsing.parser import Script, parse_script
from airflow_provider_kafka_odps.local.sql.parsing.statements import (
    Assign,
    ChangeRows,
    ColumnDefinition,
    CreateTable,
    CreateView,
    Describe,
    Explain,
    Insert,
    Query,
    Show,
    Statement,
)
from airflow_provider_kafka_odps.local.sql.queries.changes import read_change
from airflow_provider_kafka_odps.local.sql.queries.database import Database
from airflow_provider_kafka_odps.local.sql.queries.query import Queries, columns_only
from airflow_provider_kafka_odps.local.sql.queries.translating import translate
from airflow_provider_kafka_odps.local.sql.scope import Scope
from airflow_provider_kafka_odps.local.sql.show import describe, show
from airflow_provider_kafka_odps.local.sql.stopping import Stopping
from airflow_provider_kafka_odps.local.sql.views import create_view
from airflow_provider_kafka_odps.local.sql.writing.change_rows import change_rows
from airflow_provider_kafka_odps.local.sql.writing.doomed import Doomed
from airflow_provider_kafka_odps.local.sql.writing.insert import insert


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script returned: a text, or rows in columns; `written` is how many rows went into a table, or from it."""

    text: str = ""
    columns: tuple[Column, ...] = ()
    rows: pa.Table | None = None
    written: tuple[TableName, int] | None = None


@contextmanager
def _not_too_deep() -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise SqlError.semantic("the statement is nested too deeply to be read") from None


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
        with _not_too_deep():
            return self._run_all(parse_script(text), settings, job, stopping or Stopping())

    def _run_all(self, script: Script, settings: dict[str, str], job: str, stopping: Stopping) -> Outcome:
        outcome, last = Outcome(), len(script.statements) - 1
        scope = self._scope({**settings, **script.settings}, "", stopping)
        for at, statement in enumerate(script.statements):
            stopping.check()
            if isinstance(statement, Assign):
                scope = self._assigned(statement, scope)
                continue
            here = replace(scope, new_id=uuid4().hex, now=self._now() // 1000, job=job if at == last else "")
            outcome = self._run(statement, here)
        return outcome

    def _assigned(self, statement: Assign, scope: Scope) -> Scope:
        if statement.variable in scope.variables:
            raise SqlError.semantic(f"variable {statement.variable} is set twice in this script")
        # A query that cannot run fails here, and not in the statement that reads the variable.
        self._queries.select(columns_only(statement.query), scope)
        return replace(scope, variables={**scope.variables, statement.variable: statement.query})

    def cost(self, text: str, settings: dict[str, str], stopping: Stopping | None = None) -> Outcome:
        """Return the bytes that the queries of a script would read, as the JSON that clients parse; nothing is run.

        Raises SqlError.
        """
        size = 0
        with _not_too_deep():
            script = parse_script(text)
            for statement in script.statements:
                if not isinstance(statement, Query | Insert):
                    raise SqlError.semantic("only the cost of queries can be estimated")
                query = statement.text if isinstance(statement, Query) else statement.query
                size += self._queries.size(query, self._scope({**settings, **script.settings}, "", stopping))
        return Outcome(json.dumps({"Cost": {"SQL": {"UDF": 0, "Complexity": 1.0, "Input": size}}}))

    def zone(self, settings: dict[str, str]) -> str:
        """Return by whose clock the times of a result are shown; empty for UTC."""
        return self._scope(settings, "", None).zone

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
                table = scope.stored(self._store.catalog, statement.name, "INSERT")
                doom = self.doomed.next()
                rows = insert(self._store, self._queries, statement, scope, table, doom=doom, strict=self._strict)
                return Outcome(written=(table.name, rows))
            case ChangeRows(text):
                change = read_change(text)
                table = scope.stored(self._store.catalog, change.name, change.word)
                return Outcome(written=(table.name, change_rows(self._store, self._queries, change, scope)))
            case Explain(explained):
                return Outcome(explain(self._store.catalog, self._queries, explained, scope))
            case CreateView():
                return self._create_view(statement, scope)
            case Show():
                return Outcome(show(self._store.catalog, statement, scope))
            case Describe():
                return Outcome(describe(self._store.catalog, statement, scope))
            case CreateTable(query=query) if query:
                return self._create_as(statement, scope)
            case Assign():
                raise SqlError.semantic(f"{statement.variable} is set outside of a script")
            case _:
                self._store.change(partial(define, statement=statement, scope=scope), ended=scope.job)
                return Outcome()

    def _create_view(self, statement: CreateView, scope: Scope) -> Outcome:
        columns, _ = self._queries.select(columns_only(statement.query), scope)

        def created(catalog: Catalog) -> Catalog:
            after = create_view(catalog, statement, scope, columns)
            # A view that reads itself, through whatever others, would end nowhere.
            translate(f"SELECT * FROM {'.'.join(f'`{part}`' for part in statement.name)}", after, scope)  # noqa: S608 - read, not run
            return after

        self._store.change(created, ended=scope.job)
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
        count = insert(self._store, self._queries, rows, scope, table, create)
        return Outcome(written=(table.name, count))
