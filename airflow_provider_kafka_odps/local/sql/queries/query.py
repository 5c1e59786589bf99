"""Queries: translated for DuckDB, run over the mapped files of a snapshot, answered as Arrow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Column, Table
from airflow_provider_kafka_odps.local.catalog.rows import concatenated, read_rows, shown_schema
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.settings import Bounds
from airflow_provider_kafka_odps.local.sql.queries.database import Database
from airflow_provider_kafka_odps.local.sql.queries.duckdb_types import (
    cast_text,
    column_type,
    for_duckdb,
    in_columns,
    in_micros,
    is_wide,
    without_padding,
)
from airflow_provider_kafka_odps.local.sql.queries.result_types import kept_types, timestamps
from airflow_provider_kafka_odps.local.sql.queries.translating import (
    ROW,
    TARGET,
    Parsed,
    Translation,
    parsed,
    table_name,
    translate,
)
from airflow_provider_kafka_odps.local.sql.queries.zones import (
    check_zone,
    copies_only,
    instants,
    local_times,
    referenced_columns,
)
from airflow_provider_kafka_odps.local.sql.scope import Scope
from airflow_provider_kafka_odps.local.wire.timestamps import is_timestamp
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind, arrow_type

_FAR_DATE = re.compile(
    r"['\"](?:0\d{3}|1[0-5]\d\d|16[0-6]\d|167[0-7]|226[2-9]|22[7-9]\d|2[3-9]\d\d|[3-9]\d{3})-\d\d?-\d\d?\b"
)
"""A date in quotes that nanoseconds don't hold."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A query that can run on a cursor which sees its tables; `zone` is by whose clock, empty for UTC."""

    cursor: Any
    sql: str
    wide: bool
    zone: str
    named: frozenset[str] | None
    """The columns that the query mentions; None: all."""
    timestamps: frozenset[Kind]
    """Which of TIMESTAMP and TIMESTAMP_NTZ it knows: DuckDB has one type for both."""

    def local_times(self, rows: list[pa.Table], tables: list[Table]) -> list[pa.Table]:
        """Return the rows of the tables with their instants by the zone's clock."""
        if not self.zone:
            return rows
        return [
            local_times(self.cursor, found, table.columns, self.zone, self.named)
            for found, table in zip(rows, tables, strict=True)
        ]

    def type_of(self, name: str, found: pa.DataType) -> ColumnType:
        """Return the type of a result of which nothing else is known.

        Raises SqlError when it is a time, and whether it is an instant cannot be told.
        """
        kind = column_type(found)
        if kind.kind is not Kind.TIMESTAMP or Kind.TIMESTAMP_NTZ not in self.timestamps:
            return kind
        if Kind.TIMESTAMP not in self.timestamps:
            return ColumnType(Kind.TIMESTAMP_NTZ)
        if self.zone:
            raise SqlError.unsupported(
                f"whether {name} is a TIMESTAMP or a TIMESTAMP_NTZ cannot be told in a query that reads both, "
                f"and by the clock of {self.zone} they differ; write a CAST around it in the last SELECT"
            )
        return kind

    def instants(self, rows: pa.Table, columns: Sequence[Column]) -> pa.Table:
        """Return the rows of the query with the instants that their local times are."""
        return instants(self.cursor, rows, columns, self.zone) if self.zone else rows


class Queries:
    """Runs queries of one project on one DuckDB that sees nothing but the tables it is given."""

    def __init__(self, store: Store, database: Database | None = None) -> None:
        """Query the tables of `store` on `database`, or on one that keeps everything in memory."""
        self._store = store
        self._database = database or Database(Bounds(), None)

    def select(self, text: str, scope: Scope) -> tuple[tuple[Column, ...], pa.Table]:
        """Return the columns and rows of a query.

        Raises SqlError.
        """
        with self._prepared(text, scope) as ready:
            found = self._database.run(ready.cursor, ready.sql, scope.stopping)
            return self._typed(text, scope, ready, found)

    def _typed(self, text: str, scope: Scope, ready: _Ready, found: pa.Table) -> tuple[tuple[Column, ...], pa.Table]:
        kept = kept_types(text, self._store.catalog, scope)
        if len(kept) != found.num_columns:
            kept = [None] * found.num_columns
        names = _distinct(field.name.lower() for field in found.schema)
        columns = tuple(
            Column(at, name, own or ready.type_of(name, found_type))
            for at, (name, found_type, own) in enumerate(zip(names, found.schema.types, kept, strict=True))
        )
        return columns, in_columns(ready.instants(found, columns), columns)

    def select_into(
        self, query: str | Parsed, scope: Scope, columns: Sequence[Column], target: Table | None = None
    ) -> pa.Table:
        """Return the rows of a query, cast by position to these columns; it calls the table `target` by `TARGET`.

        Raises SqlError when the numbers of columns differ or a value cannot be cast.
        """
        kinds = [column.type for column in columns]
        with self._prepared(query, scope, kinds, target) as ready:
            width = len(self._database.run(ready.cursor, columns_only(ready.sql), scope.stopping).schema)
            if width != len(columns):
                raise SqlError.semantic(f"the query has {width} columns, but {len(columns)} are to be inserted")
            names = ", ".join(f"c{at}" for at in range(width))
            casts = ", ".join(cast_text(f"c{at}", column.type, wide=ready.wide) for at, column in enumerate(columns))
            cast = f"SELECT {casts} FROM ({ready.sql}) AS q({names})"  # noqa: S608 - the user's own query
            rows = self._database.run(ready.cursor, cast, scope.stopping)
            return in_columns(ready.instants(rows, columns), columns)

    def check(self, query: Parsed, scope: Scope, target: Table) -> None:
        """Refuse a query that cannot run; it calls the table `target` by `TARGET`.

        Raises SqlError.
        """
        with self._prepared(query, scope, (), target) as ready:
            self._database.run(ready.cursor, columns_only(ready.sql), scope.stopping)

    def size(self, text: str, scope: Scope) -> int:
        """Return how many bytes the tables of a query have.

        Raises SqlError when it could not run.
        """
        with self._prepared(text, scope) as ready:
            self._database.run(ready.cursor, columns_only(ready.sql), scope.stopping)
        return sum(table.size for table in translate(text, self._store.catalog, scope).tables)

    @contextmanager
    def _prepared(
        self, query: str | Parsed, scope: Scope, into: Sequence[ColumnType] = (), target: Table | None = None
    ) -> Iterator[_Ready]:
        whole = parsed(query) if isinstance(query, str) else query
        exact = bool(into)

        def translated(catalog: Catalog) -> tuple[Catalog, Translation]:
            return catalog, translate(whole, catalog, scope, exact=exact, target=target)

        cursor = self._database.cursor()
        try:
            # Whoever changes the rows of `target` keeps its files.
            with self._store.reading(translated, lambda found: found[1].tables) as (catalog, first):
                made = first
                read = [*made.tables, *([target] if target else [])]
                rows = [self._rows_of(table) for table in read]
                wide = _asks_for_far_dates(made.read, into) or any(
                    map(is_wide, rows, [table.columns for table in read])
                )
                if wide:
                    rows = [in_micros(found, table.columns) for found, table in zip(rows, read, strict=True)]
                    made = translate(whole, catalog, scope, wide=True, exact=exact, target=target)
                trees = [each.tree for each in made.read]
                named = referenced_columns(trees, read)
                zone = self._zone(cursor, whole, made, scope, into, target)
                ready = _Ready(cursor, made.sql, wide, zone, named, timestamps(trees, read, named))
                rows = ready.local_times(rows, read)
                for at, (table, found) in enumerate(zip(read, rows, strict=True)):
                    shown = for_duckdb(without_padding(found, table.columns))
                    if at == len(made.tables):
                        cursor.register(TARGET, shown.append_column(ROW, pa.array(range(shown.num_rows), pa.int64())))
                    else:
                        cursor.register(table_name(at), shown)
                yield ready
        finally:
            cursor.close()

    def _zone(
        self,
        cursor: Any,
        query: Parsed,
        made: Translation,
        scope: Scope,
        into: Sequence[ColumnType],
        target: Table | None,
    ) -> str:
        """Return by whose clock a query is run; empty where none is asked."""
        if not scope.zone:
            return ""
        check_zone(cursor, scope.zone)
        # A view is a query of its own, which may ask the clock.
        copies = len(made.read) == 1 and copies_only(
            query, self._store.catalog, scope, into, [*made.tables, *([target] if target else [])], target
        )
        return "" if copies else scope.zone

    def _rows_of(self, table: Table) -> pa.Table:
        parts = []
        for spec, partition in table.partitions.items():
            rows = read_rows(self._store.blobs, partition.blobs, table.columns)
            for column, (name, value) in zip(table.partition_columns, spec, strict=True):
                rows = rows.append_column(name, _constant(value, column, rows.num_rows))
            parts.append(rows)
        if parts:
            return concatenated(parts)
        columns = [pa.field(c.name, _partition_type(c)) for c in table.partition_columns]
        return pa.schema([*shown_schema(table.columns), *columns]).empty_table()


def _asks_for_far_dates(queries: Sequence[Parsed], into: Sequence[ColumnType]) -> bool:
    # Nanoseconds hold 1677 to 2262 only: a query that meets more has microseconds throughout.
    text = "\n".join(query.text for query in queries)
    return _FAR_DATE.search(text) is not None and (any(map(is_timestamp, into)) or "TIMESTAMP" in text.upper())


def _distinct(names: Iterable[str]) -> list[str]:
    """Return the names, each once: a later one of the same name gets a number. Clients refuse two alike."""
    distinct: dict[str, None] = {}
    numbers: dict[str, Iterator[int]] = {}
    for name in names:
        numbered = numbers.setdefault(name, count(1))
        tries = (name if number == 1 else f"{name}{number}" for number in numbered)
        distinct[next(each for each in tries if each not in distinct)] = None
    return list(distinct)


def _partition_type(column: Column) -> pa.DataType:
    return pa.dictionary(pa.int8(), arrow_type(column.type))


def _constant(value: str, column: Column, rows: int) -> pa.ChunkedArray:
    # One byte per row: a value repeated for millions of rows must not cost its length each time.
    only = pa.array([value]).cast(arrow_type(column.type))
    codes = pa.repeat(pa.scalar(0, pa.int8()), rows)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(codes, only)], type=_partition_type(column))


def columns_only(query: str) -> str:
    """Return the query that has the columns of another one and no rows."""
    return f"SELECT * FROM ({query}) AS q LIMIT 0"  # noqa: S608 - the user's own query
