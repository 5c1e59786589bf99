"""Queries: translated for DuckDB, run over the mapped files of a snapshot, answered as Arrow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Column, Table, TableName
from airflow_provider_kafka_odps.local.catalog.rows import check_times, concatenated, read_rows, shown_schema
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.errors import MalformedError, SqlError
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
from airflow_provider_kafka_odps.local.sql.queries.functions import dialect, rewrite
from airflow_provider_kafka_odps.local.sql.queries.result_types import kept_types
from airflow_provider_kafka_odps.local.sql.scope import Scope
from airflow_provider_kafka_odps.local.wire.timestamps import is_timestamp
from airflow_provider_kafka_odps.local.wire.types import ColumnType, arrow_type

_FAR_DATE = re.compile(
    r"['\"](?:0\d{3}|1[0-5]\d\d|16[0-6]\d|167[0-7]|226[2-9]|22[7-9]\d|2[3-9]\d\d|[3-9]\d{3})-\d\d?-\d\d?\b"
)
"""A date in quotes that nanoseconds don't hold."""


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
        with self._prepared(text, scope) as (cursor, translated, _):
            found = self._database.run(cursor, translated, scope.stopping)
        kept = kept_types(text, self._store.catalog, scope)
        if len(kept) != found.num_columns:
            kept = [None] * found.num_columns
        names = _distinct(field.name.lower() for field in found.schema)
        columns = tuple(
            Column(at, name, own or column_type(found_type))
            for at, (name, found_type, own) in enumerate(zip(names, found.schema.types, kept, strict=True))
        )
        return columns, _checked(in_columns(found, columns), columns)

    def select_into(self, text: str, scope: Scope, columns: Sequence[Column]) -> pa.Table:
        """Return the rows of a query, cast by position to these columns.

        Raises SqlError when the numbers of columns differ or a value cannot be cast.
        """
        with self._prepared(text, scope, [column.type for column in columns]) as (cursor, translated, wide):
            width = len(self._database.run(cursor, columns_only(translated), scope.stopping).schema)
            if width != len(columns):
                raise SqlError.semantic(f"the query has {width} columns, but {len(columns)} are to be inserted")
            names = ", ".join(f"c{at}" for at in range(width))
            casts = ", ".join(cast_text(f"c{at}", column.type, wide=wide) for at, column in enumerate(columns))
            cast = f"SELECT {casts} FROM ({translated}) AS q({names})"  # noqa: S608 - the user's own query
            rows = self._database.run(cursor, cast, scope.stopping)
        return _checked(in_columns(rows, columns), columns)

    def size(self, text: str, scope: Scope) -> int:
        """Return how many bytes the tables of a query have.

        Raises SqlError when it could not run.
        """
        with self._prepared(text, scope) as (cursor, translated, _):
            self._database.run(cursor, columns_only(translated), scope.stopping)
        return sum(table.size for table in translate(text, self._store.catalog, scope)[1])

    @contextmanager
    def _prepared(self, text: str, scope: Scope, into: Sequence[ColumnType] = ()) -> Iterator[tuple[Any, str, bool]]:
        catalog = self._store.catalog
        translated, tables = translate(text, catalog, scope, exact=bool(into))
        blobs = frozenset().union(*(table.blobs for table in tables))
        cursor = self._database.cursor()
        try:
            with self._store.pinned(blobs):
                rows = [self._rows_of(table) for table in tables]
                # Nanoseconds hold 1677 to 2262 only: a query that meets more has microseconds throughout.
                wide = _FAR_DATE.search(text) is not None and (
                    any(map(is_timestamp, into)) or "TIMESTAMP" in text.upper()
                )
                wide = wide or any(map(is_wide, rows, [table.columns for table in tables]))
                if wide:
                    rows = [in_micros(found, table.columns) for found, table in zip(rows, tables, strict=True)]
                    translated, _ = translate(text, catalog, scope, wide=True, exact=bool(into))
                for at, found in enumerate(rows):
                    cursor.register(f"_t{at}", for_duckdb(without_padding(found, tables[at].columns)))
                yield cursor, translated, wide
        finally:
            cursor.close()

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


def _checked(rows: pa.Table, columns: Sequence[Column]) -> pa.Table:
    try:
        for array, column in zip(rows.columns, columns, strict=True):
            check_times(array, column)
    except MalformedError as reason:
        raise SqlError("ODPS-0121095", f"[0,0] {reason.message}") from None
    return rows


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


def translate(
    text: str, catalog: Catalog, scope: Scope, *, wide: bool = False, exact: bool = False
) -> tuple[str, list[Table]]:
    """Return DuckDB's SQL for a query, and the tables that it calls _t0, _t1, …; `wide` has TIMESTAMPs in microseconds.

    Numbers with a point are DOUBLE, as on the service, unless `exact`: then no digit of one that is inserted is lost.

    Raises SqlError: parse error, table not found.
    """
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(text, read=dialect())
    except sqlglot.errors.SqlglotError as reason:
        raise _parse_error(reason) from None
    except RecursionError:
        raise SqlError.parse(1, 1, "the statement is nested too deeply") from None
    if not isinstance(tree, exp.Query | exp.Values):
        raise SqlError.parse(1, 1, f"invalid token '{text.split(maxsplit=1)[0]}', expected a query")
    _name_results(tree)
    if not exact:
        _make_doubles(tree)
    for kind in tree.find_all(exp.DataType):
        # TIMESTAMP has nanoseconds here; DATETIME keeps DuckDB's own type, which has all functions.
        if kind.this is exp.DataType.Type.TIMESTAMP:
            kind.set("this", exp.DataType.Type.TIMESTAMPTZ if wide else exp.DataType.Type.TIMESTAMP_NS)
    tree = rewrite(tree, catalog, scope, wide=wide)
    tables = _rename_tables(tree, catalog, scope)
    return tree.sql(dialect="duckdb"), tables


def _rename_tables(tree: Any, catalog: Catalog, scope: Scope) -> list[Table]:
    from sqlglot import exp

    numbers: dict[TableName, int] = {}
    found: list[Table] = []
    for reference in list(tree.find_all(exp.Table)):
        parts = tuple(part.name.lower() for part in reference.parts)
        if not isinstance(reference.this, exp.Identifier) or (len(parts) == 1 and _is_common(reference, parts[0])):
            continue
        table = scope.table(catalog, parts)
        if table.name not in numbers:
            numbers[table.name] = len(found)
            found.append(table)
        if not reference.alias:
            reference.set("alias", exp.TableAlias(this=exp.to_identifier(parts[-1], quoted=True)))
        reference.set("this", exp.to_identifier(f"_t{numbers[table.name]}"))
        reference.set("db", None)
        reference.set("catalog", None)
    return found


def _is_common(reference: Any, name: str) -> bool:
    from sqlglot import exp

    above = reference.parent
    while above is not None:
        common = above.args.get("with_") or above.args.get("with")
        if isinstance(common, exp.With) and any(cte.alias.lower() == name for cte in common.expressions):
            return True
        above = above.parent
    return False


def _name_results(tree: Any) -> None:
    from sqlglot import exp

    # The service names results without a name by their position.
    for at, result in enumerate(getattr(tree, "selects", [])):
        if not isinstance(result, exp.Alias | exp.Column | exp.Star | exp.Subquery) or (
            isinstance(result, exp.Subquery) and not result.alias
        ):
            result.replace(exp.alias_(result.copy(), f"_c{at}"))


def _make_doubles(tree: Any) -> None:
    from sqlglot import exp

    for literal in tree.find_all(exp.Literal):
        # A cast names the type itself: 1.0BD is read as one.
        if not literal.is_string and "." in literal.name and not isinstance(literal.parent, exp.Cast):
            literal.set("this", literal.name if "e" in literal.name.lower() else f"{literal.name}e0")


def _parse_error(reason: Any) -> SqlError:
    details = getattr(reason, "errors", None) or [{}]
    first = details[0]
    message = first.get("description") or str(reason).splitlines()[0]
    return SqlError.parse(first.get("line") or 1, first.get("col") or 1, message)
