"""Types of results that DuckDB does not know: columns taken as they are stay JSON, CHAR, VARCHAR and so on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Table
from airflow_provider_kafka_odps.local.sql.functions.intervals import type_of
from airflow_provider_kafka_odps.local.sql.functions.rewriting import dialect
from airflow_provider_kafka_odps.local.sql.queries.translating import ROW, TARGET
from airflow_provider_kafka_odps.local.sql.scope import Scope
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind

_KEPT = frozenset(
    {
        Kind.CHAR,
        Kind.VARCHAR,
        Kind.JSON,
        Kind.TIMESTAMP,
        Kind.TIMESTAMP_NTZ,
        Kind.INTERVAL_DAY_TIME,
        Kind.INTERVAL_YEAR_MONTH,
    }
)


def kept_types(text: str, catalog: Catalog, scope: Scope) -> list[ColumnType | None]:
    """Return the type of each result that DuckDB's type does not tell; None for any other result.

    The list is empty for a query whose results are not written one by one: DuckDB's type is used then.
    """
    import sqlglot

    tree = _inner(sqlglot.parse_one(text, read=dialect()))
    found = origins(tree, catalog, scope) or _written(tree)
    return [None if kind is None or kind.kind not in _KEPT else kind for kind in found]


def _inner(tree: Any) -> Any:
    """Return the query of which all columns are taken, or the query itself."""
    from sqlglot import exp

    sources = _sources(tree)
    whole = len(sources) == 1 and isinstance(sources[0], exp.Subquery) and tree.is_star
    return sources[0].this if whole else tree


def _written(tree: Any) -> list[ColumnType | None]:
    """Return the types of results that are written with them."""
    from sqlglot import exp

    if not isinstance(tree, exp.Select) or tree.is_star:
        return []
    return [_written_type(result.unalias()) for result in tree.selects]


def _written_type(result: Any) -> ColumnType | None:
    from sqlglot import exp

    kind = result.to.this if isinstance(result, exp.Cast) else None
    times = {exp.DataType.Type.TIMESTAMP: Kind.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ: Kind.TIMESTAMP_NTZ}
    if isinstance(result, exp.CurrentTimestamp):
        return ColumnType(Kind.TIMESTAMP)
    return ColumnType(times[kind]) if kind in times else type_of(result)


def timestamps(trees: Sequence[Any], tables: Sequence[Table], named: frozenset[str] | None) -> frozenset[Kind]:
    """Return which of TIMESTAMP and TIMESTAMP_NTZ queries know; `named` are the columns they mention, None: all."""
    from sqlglot import exp

    kinds = {
        column.type.kind
        for table in tables
        for column in (*table.columns, *table.partition_columns)
        if named is None or column.name in named
    }
    for tree in trees:
        kinds.update(kind.kind for kind in map(_written_type, tree.find_all(exp.Cast, exp.CurrentTimestamp)) if kind)
    return frozenset(kinds & {Kind.TIMESTAMP, Kind.TIMESTAMP_NTZ})


def origins(tree: Any, catalog: Catalog, scope: Scope, target: Table | None = None) -> list[ColumnType | None]:
    """Return the type of each result that is a column of a table as it is; None for any other result.

    The list is empty for a query that isn't a plain SELECT from tables.
    """
    from sqlglot import exp

    tree = _inner(tree)
    sources = _sources(tree)
    if not sources or not all(isinstance(s, exp.Table) and isinstance(s.this, exp.Identifier) for s in sources):
        return []
    tables = [(source.alias_or_name.lower(), _table(source, catalog, scope, target)) for source in sources]
    kinds: list[ColumnType | None] = []
    for result in tree.selects:
        if isinstance(result, exp.Star) and len(tables) == 1:
            every = tables[0][1].columns + tables[0][1].partition_columns
            kinds += [column.type for column in every]
        else:
            kinds.append(_origin(result.unalias(), tables))
    return kinds


def _table(source: Any, catalog: Catalog, scope: Scope, target: Table | None) -> Table:
    name = tuple(part.name.lower() for part in source.parts)
    return target if target is not None and name == (TARGET,) else scope.table(catalog, name)


def _sources(tree: Any) -> list[Any]:
    from sqlglot import exp

    if not isinstance(tree, exp.Select) or any(tree.args.get(key) for key in ("with_", "with", "laterals")):
        return []
    start = tree.args.get("from_") or tree.args.get("from")
    return [] if start is None else [start.this, *(join.this for join in tree.args.get("joins") or [])]


def _origin(result: Any, tables: list[tuple[str, Table]]) -> ColumnType | None:
    from sqlglot import exp

    if not isinstance(result, exp.Column):
        return _written_type(result)
    if result.name == ROW:
        return ColumnType(Kind.BIGINT)
    wanted = result.table.lower()
    found = [table.column(result.name) for alias, table in tables if wanted in ("", alias)]
    types = [column.type for column in found if column is not None]
    return types[0] if len(types) == 1 else None
