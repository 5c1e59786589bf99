"""INSERT: the rows of a query, split by partition, visible all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NoReturn
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import WHOLE, Blob, Column, Partition, Spec, Table
from airflow_provider_kafka_odps.local.catalog.rows import shown_schema, write_rows
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.parsing.statements import Insert
from airflow_provider_kafka_odps.local.sql.queries.query import Queries
from airflow_provider_kafka_odps.local.sql.queries.translating import Parsed
from airflow_provider_kafka_odps.local.sql.scope import Scope, spec_of
from airflow_provider_kafka_odps.local.sql.writing.doomed import Doom
from airflow_provider_kafka_odps.local.sql.writing.dynamic_partitions import check_many, check_values


def insert(
    store: Store,
    queries: Queries,
    statement: Insert,
    scope: Scope,
    table: Table,
    first: Callable[[Catalog], Catalog] = lambda catalog: catalog,
    *,
    doom: Doom | None = None,
    strict: bool = False,
) -> int:
    """Run the query, put its rows into the table together with the change `first`, and return how many they are.

    `strict` enforces the limits of the service.
    Raises SqlError; then nothing changes, unless `doom` says so.
    """
    parts = placed(queries, statement, scope, table, statement.query)
    written: dict[Spec, Blob] = {}
    try:
        for spec, part in parts:
            name = f"insert-{uuid4().hex}.arrow"
            written[spec] = write_rows(store.blobs, name, table.columns, part) if part.num_rows else Blob("", 0, 0)
        if strict and _dynamic_columns(table, statement):
            check_many(table, written)
        left = _left_behind(doom, written)
        if doom is None or left:
            kept = written if doom is None else left
            load = _transition(table, kept, scope, overwrite=statement.overwrite)
            store.change(lambda catalog: load(first(catalog)), ended=scope.job if doom is None else "")
        if doom is not None:
            written = {spec: blob for spec, blob in written.items() if spec not in left}
            _fail(doom)
    except BaseException:
        # Those that a failing disk has let into the table stay there.
        store.discard(blob.name for blob in written.values() if blob.rows)
        raise
    return sum(part.num_rows for _, part in parts)


def placed(
    queries: Queries, statement: Insert, scope: Scope, table: Table, query: str | Parsed
) -> list[tuple[Spec, pa.Table]]:
    """Return the rows that an INSERT puts into each partition, in all columns of the table.

    Raises SqlError: values that do not fit, NULL where the table has none, partitions that cannot be told.
    """
    dynamic = _dynamic_columns(table, statement)
    if dynamic and table.clustering is not None:
        raise SqlError.unsupported(f"dynamic partitions of {table.name}, which is clustered")
    targets = _targets(table, statement)
    reads_target = table if isinstance(query, Parsed) else None
    rows = queries.select_into(query, scope, (*targets, *dynamic), reads_target)
    defaults = _defaults(queries, scope, table, targets)
    width = range(len(targets))
    return [
        (spec, _filled(part.select(width), targets, table, defaults) if part.num_rows else part)
        for spec, part in _by_partition(table, statement, dynamic, rows)
    ]


def _left_behind(doom: Doom | None, written: Mapping[Spec, Blob]) -> dict[Spec, Blob]:
    """Return what an INSERT that fails leaves behind: the rows of its first partition, or nothing."""
    return dict(list(written.items())[:1]) if doom is not None and doom.part else {}


def _fail(doom: Doom) -> NoReturn:
    raise doom.error


def _dynamic_columns(table: Table, statement: Insert) -> tuple[Column, ...]:
    known = {column.name: column for column in table.partition_columns}
    unknown = [name for name in statement.partition if name not in known]
    if unknown:
        raise SqlError.semantic(f"{table.name} is not partitioned by {', '.join(unknown)}")
    # Without a PARTITION clause all partition columns come last in the query.
    return tuple(column for column in table.partition_columns if statement.partition.get(column.name) is None)


def _targets(table: Table, statement: Insert) -> tuple[Column, ...]:
    partition_names = {column.name for column in table.partition_columns}
    names = [name for name in statement.columns if name not in partition_names]
    if not statement.columns:
        return table.columns
    known = {column.name: column for column in table.columns}
    missing = [name for name in names if name not in known]
    if missing:
        raise SqlError.semantic(f"column {', '.join(missing)} cannot be resolved in {table.name}")
    twice = sorted({name for name in statement.columns if statement.columns.count(name) > 1})
    if twice:
        raise SqlError.semantic(f"two values are inserted into column {', '.join(twice)} of {table.name}")
    return tuple(known[name] for name in names)


def _by_partition(
    table: Table, statement: Insert, dynamic: tuple[Column, ...], rows: pa.Table
) -> list[tuple[Spec, pa.Table]]:
    if not table.partition_columns:
        return [(WHOLE, rows)]
    if not dynamic:
        return [(spec_of(table, statement.partition), rows)]
    first = rows.num_columns - len(dynamic)
    keys = pa.table({c.name: rows.column(first + at).cast(pa.string()) for at, c in enumerate(dynamic)})
    parts = []
    for values in keys.group_by(keys.column_names).aggregate([]).to_pylist():
        check_values(values)
        chosen = pa.chunked_array([pa.repeat(True, rows.num_rows)])  # noqa: FBT003 - a column of one value
        for name, value in values.items():
            chosen = pc.and_(chosen, pc.equal(keys.column(name), value))
        parts.append((spec_of(table, {**statement.partition, **values}), rows.filter(chosen)))
    return parts


def _defaults(queries: Queries, scope: Scope, table: Table, targets: tuple[Column, ...]) -> dict[str, pa.Scalar]:
    missing = tuple(column for column in table.columns if column.default and column not in targets)
    if not missing:
        return {}
    row = queries.select_into(f"SELECT {', '.join(column.default for column in missing)}", scope, missing)
    return {column.name: row.column(at)[0] for at, column in enumerate(missing)}


def _filled(part: pa.Table, targets: tuple[Column, ...], table: Table, defaults: Mapping[str, pa.Scalar]) -> pa.Table:
    schema = shown_schema(table.columns)
    given = {name: pa.chunked_array([pa.repeat(value, part.num_rows)]) for name, value in defaults.items()}
    given |= {column.name: part.column(at) for at, column in enumerate(targets)}
    for column in table.columns:
        array = given.get(column.name)
        check_not_null(table, column, array)
    arrays = [given.get(f.name, pa.chunked_array([pa.nulls(part.num_rows, f.type)])) for f in schema]
    return pa.Table.from_arrays(arrays, names=schema.names)


def check_not_null(table: Table, column: Column, values: pa.ChunkedArray | None) -> None:
    """Refuse NULL, or no values at all, in a column that is NOT NULL.

    Raises SqlError.
    """
    if not column.nullable and (values is None or values.null_count):
        raise SqlError("ODPS-0121095", f"column {column.name} of {table.name} is NOT NULL, but a row has NULL there")


def _transition(
    planned: Table, written: dict[Spec, Blob], scope: Scope, *, overwrite: bool
) -> Callable[[Catalog], Catalog]:
    def change(catalog: Catalog) -> Catalog:
        table = catalog.find(planned.name)
        if table is None or table.table_id != planned.table_id:
            raise SqlError.no_table(str(planned.name))
        for spec, blob in written.items():
            partition = table.partitions.get(spec, Partition((), scope.now, scope.now))
            kept = () if overwrite else partition.blobs
            added = (blob,) if blob.rows else ()
            table = table.with_partition(spec, replace(partition, blobs=kept + added, modified=scope.now), scope.now)
        return catalog.with_table(table)

    return change
