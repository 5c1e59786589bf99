"""Times by the clock of a session: DATETIME and TIMESTAMP are instants, and statements read and write local time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Column, Table
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.queries.result_types import origins
from airflow_provider_kafka_odps.local.sql.queries.translating import ROW, Parsed, is_common
from airflow_provider_kafka_odps.local.sql.scope import Scope
from airflow_provider_kafka_odps.local.wire.timestamps import PER_SECOND
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind

_INSTANTS = frozenset({Kind.DATETIME, Kind.TIMESTAMP})


def check_zone(cursor: Any, zone: str) -> None:
    """Refuse a time zone that does not exist.

    Raises SqlError.
    """
    if not cursor.execute("SELECT 1 FROM pg_timezone_names() WHERE name = ?", [zone]).fetchall():
        raise SqlError.semantic(f"odps.sql.timezone: '{zone}' is no time zone; write one such as Asia/Shanghai")


def copies_only(
    query: Parsed,
    catalog: Catalog,
    scope: Scope,
    into: Sequence[ColumnType],
    read: Sequence[Table],
    target: Table | None = None,
) -> bool:
    """Return whether a query of the tables `read` hands columns on as they are.

    Then no clock is asked, and no instant can change.
    """
    found = origins(query.tree, catalog, scope, target)
    if not found or any(kind is None for kind in found):
        return False
    if into and [kind.kind for kind in found if kind] != [kind.kind for kind in into]:
        return False
    names = _Names.of(query.tree, read)
    return not any(_asks_the_clock(node, names) for node in query.tree.walk())


@dataclass(frozen=True, slots=True)
class _Names:
    """Names of columns by what stands under them: instants, values without an instant, or, for all others, either."""

    instants: frozenset[str]
    others: frozenset[str]

    @classmethod
    def of(cls, tree: Any, tables: Sequence[Table]) -> _Names:
        """Sort the names of the tables' columns; one that the query gives to something else is sorted nowhere."""
        from sqlglot import exp

        given = {node.alias.lower() for node in tree.find_all(exp.Alias, exp.Subquery)}
        given |= {column.name.lower() for alias in tree.find_all(exp.TableAlias) for column in alias.columns}
        columns = [column for table in tables for column in (*table.columns, *table.partition_columns)]
        plain = {column.name for column in columns if column.type.kind in _INSTANTS}
        nested = {column.name for column in columns if _has_instants(column.type)}
        others = {column.name for column in columns if column.type.kind not in _INSTANTS} | {ROW}
        return cls(frozenset(plain - others - given), frozenset(others - plain - nested - given))

    def are(self, names: frozenset[str], *nodes: Any) -> bool:
        """Return whether each node is a column with one of these names."""
        from sqlglot import exp

        return all(isinstance(node, exp.Column) and node.name.lower() in names for node in nodes)


def _asks_the_clock(node: Any, names: _Names) -> bool:
    from sqlglot import exp

    if isinstance(node, exp.Connector | exp.Exists | exp.Alias):
        return False
    if isinstance(node, exp.Join):
        shared = [exp.column(each.name) for each in node.args.get("using") or []]
        sorted_out = all(names.are(names.instants, each) or names.are(names.others, each) for each in shared)
        return node.method == "NATURAL" or not sorted_out
    if isinstance(node, exp.Literal):
        # A text beside a column may be a time.
        return bool(node.is_string) and not _compared(node, names.others, names)
    if isinstance(node, exp.Star):
        return not _is_returned(node, exp.Exists)
    if isinstance(node, exp.Column) and not names.are(names.others, node):
        return not _is_handed_on(node) and not _compared(node, names.instants, names)
    return isinstance(node, exp.Func | exp.Cast | exp.Interval | exp.SetOperation)


def _is_handed_on(column: Any) -> bool:
    """Return whether a query returns a column as it is, to its client or to a query around it, or sorts by it."""
    from sqlglot import exp

    return isinstance(column.parent, exp.Select | exp.Alias | exp.Ordered | exp.Group) and _is_returned(column)


def _is_returned(node: Any, *others: type) -> bool:
    """Return whether a node is of the whole query, or of one that is read as a table, or is below one of `others`."""
    from sqlglot import exp

    select = node.find_ancestor(exp.Select)
    above = None if select is None else select.parent
    # In IN (SELECT …) and ALL (SELECT …) what is returned is compared.
    is_source = isinstance(above, exp.Subquery) and isinstance(above.parent, exp.From | exp.Join)
    return above is None or is_source or isinstance(above, others)


def _compared(node: Any, kind: frozenset[str], names: _Names) -> bool:
    """Return whether a node is compared, and with columns of one kind only, or with constants where it is a column."""
    from sqlglot import exp

    compares = isinstance(node.parent, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.In | exp.Is)
    columns = [each for each in node.parent.iter_expressions() if not isinstance(each, exp.Literal | exp.Null)]
    return compares and names.are(kind, *columns)


def local_times(
    cursor: Any, rows: pa.Table, columns: Sequence[Column], zone: str, referenced: frozenset[str] | None
) -> pa.Table:
    """Return rows whose instants, of columns that are `referenced` (None: of all), are local times of a zone.

    Raises SqlError for an instant of an hour that happens twice, or one that is part of a nested value.
    """
    for at, column in enumerate(columns):
        if referenced is not None and column.name not in referenced:
            continue
        if column.type.kind in _INSTANTS:
            shown = _shifted(cursor, rows.column(at), zone, _TO_LOCAL)
            again = _shifted(cursor, shown, zone, _TO_INSTANT)
            if not again.equals(rows.column(at)):
                raise SqlError.unsupported(
                    f"column {column.name} has a time in an hour that happens twice in {zone}, "
                    "and this query reads it by that clock; run it with odps.sql.timezone=UTC"
                )
            rows = rows.set_column(at, column.name, shown)
        elif _has_instants(column.type):
            raise SqlError.unsupported(
                f"column {column.name} ({column.type}) has times inside of its values, "
                f"and this query reads it by the clock of {zone}; run it with odps.sql.timezone=UTC"
            )
    return rows


def instants(cursor: Any, rows: pa.Table, columns: Sequence[Column], zone: str) -> pa.Table:
    """Return rows whose local times of a zone are instants; of an hour that happens twice, those of the second.

    Raises SqlError for a time that does not exist, because the clock was put forward.
    """
    for at, column in enumerate(columns):
        found = rows.column(at)
        if _has_instants(column.type) and found.null_count < len(found):
            raise SqlError.unsupported(
                f"column {column.name} ({column.type}) has times inside of its values, "
                f"and this query makes them by the clock of {zone}; run it with odps.sql.timezone=UTC"
            )
        if column.type.kind not in _INSTANTS or not pa.types.is_timestamp(found.type):
            continue
        made = _shifted(cursor, found, zone, _TO_INSTANT)
        if not _shifted(cursor, made, zone, _TO_LOCAL).equals(found):
            raise SqlError("ODPS-0121095", f"column {column.name} has a time that the clock of {zone} leaves out")
        rows = rows.set_column(at, column.name, made)
    return rows


def _has_instants(column: ColumnType) -> bool:
    return any(part.kind in _INSTANTS or _has_instants(part) for _, part in column.parts)


_TO_LOCAL = "epoch_us(timezone(?, make_timestamptz(s * 1000000))) - s * 1000000"
_TO_INSTANT = "epoch_us(timezone(?, make_timestamp(s * 1000000))) - s * 1000000"


def _shifted(cursor: Any, values: pa.ChunkedArray, zone: str, shift: str) -> pa.ChunkedArray:
    """Return times moved by the zone's distance from UTC, to the unit as they were."""
    per_second = PER_SECOND[values.type.unit]
    cursor.register("_times", pa.table({"v": values.cast(pa.timestamp(values.type.unit)).cast(pa.int64())}))
    # Whole seconds below v, also before 1970.
    seconds = f"(v - ((v % {per_second}) + {per_second}) % {per_second}) // {per_second}"
    unit = f"* {per_second // 1_000_000}" if per_second >= 1_000_000 else f"// {1_000_000 // per_second}"  # noqa: PLR2004
    text = f"SELECT v + ({shift}) {unit} AS v FROM (SELECT v, {seconds} AS s FROM _times)"  # noqa: S608 - our own
    found = cursor.sql(text, params=[zone]).to_arrow_table().column(0)
    cursor.unregister("_times")
    return found.cast(pa.int64()).cast(pa.timestamp(values.type.unit)).cast(values.type)


def _is_of_queries(star: Any) -> bool:
    """Return whether a star is that of queries, which mention their columns themselves."""
    from sqlglot import exp

    select = star.find_ancestor(exp.Select)
    start = None if select is None else select.args.get("from_") or select.args.get("from")
    sources = [] if start is None else [start.this, *(join.this for join in select.args.get("joins") or [])]
    return bool(sources) and all(
        is_common(source, source.name.lower()) and len(source.parts) == 1
        if isinstance(source, exp.Table)
        else isinstance(source, exp.Subquery) and isinstance(source.this, exp.Query) and not source.args.get("joins")
        for source in sources
    )


def referenced_columns(trees: Sequence[Any], tables: Sequence[Table]) -> frozenset[str] | None:
    """Return the names of the columns that queries mention; None: all, because of a star."""
    from sqlglot import exp

    names: set[str] = set()
    for tree in trees:
        for star in tree.find_all(exp.Star):
            if not isinstance(star.parent, exp.Count) and not _is_of_queries(star):
                return None
        for join in tree.find_all(exp.Join):
            if join.method == "NATURAL":
                return None
            names.update(each.name.lower() for each in join.args.get("using") or [])
        names.update(column.name.lower() for column in tree.find_all(exp.Column))
    return frozenset(names) & {column.name for table in tables for column in table.columns}
