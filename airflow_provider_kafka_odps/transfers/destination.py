"""The table of a load, and how records fit into it: asked of MaxCompute, and held against the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.delivery.merging.staged_rows import Staging
from airflow_provider_kafka_odps.core.delivery.window_rows import NO_OFFSET_COLUMNS, NoOffsetColumns, window_rows_sql
from airflow_provider_kafka_odps.core.mapping.compiler import (
    DEFAULT_COLUMNS,
    ColumnInput,
    named_columns,
    parse_columns,
    read_expressions,
)
from airflow_provider_kafka_odps.core.mapping.drift import (
    Drift,
    decide_drift,
    drifted,
    parse_column_types,
    wanted_columns,
)
from airflow_provider_kafka_odps.core.options import Mode, OnRerun
from airflow_provider_kafka_odps.core.routing.interval_partitions import interval_partitions
from airflow_provider_kafka_odps.core.routing.level_values import check_sources
from airflow_provider_kafka_odps.core.routing.routes import Routes, parse_routes
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.routing.staging import Routing, load_level, staging_name
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.partition_pattern import PartitionPattern
from airflow_provider_kafka_odps.core.table.schema import TableSchema, string_partition_columns
from airflow_provider_kafka_odps.core.table.statements import create_statement
from airflow_provider_kafka_odps.core.window.bounds import AskedBound, At
from airflow_provider_kafka_odps.core.zones import zone_of
from airflow_provider_kafka_odps.exceptions import InvalidInput, InvalidMapping, UnknownTable
from airflow_provider_kafka_odps.transfers.adapters.staging import StagedSink, staging_of, staging_sink
from airflow_provider_kafka_odps.transfers.adapters.table import TableSink, TableWindowRows
from airflow_provider_kafka_odps.transfers.parameters import LoadParameters
from airflow_provider_kafka_odps.transfers.runtime.run import AirflowRun, load_id

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.delivery.ports import Sink
    from airflow_provider_kafka_odps.hooks.odps import OdpsHook


@dataclass(frozen=True, slots=True)
class Destination:
    """The table, and how records fit into it."""

    target: TableSink
    """Where rows are to be seen."""
    written: TableSink
    """Where blocks are written: the target, or its staging table."""
    columns: Mapping[str, str]
    """Column → source expression, of the table that is written."""
    drift: Drift
    window_rows: TableWindowRows | NoOffsetColumns
    routing: Routing | None

    @property
    def found_by(self) -> tuple[str, ...]:
        """The columns by which rows are found; (): they are not."""
        rows = self.window_rows
        return rows.finder.found_by if isinstance(rows, TableWindowRows) else ()

    @property
    def schema(self) -> TableSchema:
        """The columns to which records are projected: those that are written, NOT NULL where the target's are."""
        strict = {column.name.lower() for column in self.target.schema.columns if not column.nullable}
        written = self.written.schema
        columns = (replace(each, nullable=each.name.lower() not in strict) for each in written.columns)
        return replace(written, columns=tuple(columns))

    @property
    def sink(self) -> Sink:
        """What a load writes to."""
        return self.target if self.routing is None else StagedSink(self.target, self.written)

    @property
    def staging(self) -> Staging | None:
        """Where rows wait, and how they are moved; None: they are visible with their commit."""
        return None if self.routing is None else staging_of(self.target, self.routing, self.window_rows)

    @property
    def partition(self) -> str | None:
        """The partition as journal and receipt name it."""
        if self.routing is not None:
            return str(self.routing.routes)
        return str(self.target.partition) if self.target.partition else None

    @property
    def levels(self) -> tuple[str, ...]:
        """The columns that say in which partition a row belongs."""
        return () if self.routing is None else self.routing.routes.names


def destination_of(
    parameters: LoadParameters, run: AirflowRun, hook: OdpsHook, bounds: tuple[AskedBound, AskedBound]
) -> Destination:
    """Hold columns and partition against the table.

    Raises an InvalidInput or a TableRefused; asks MaxCompute for the table's columns, and writes nothing.
    """
    wanted = parameters.to_where
    partition = _partition(parameters, bounds[0])
    routes = parse_routes(wanted.partition_by, partition)
    asked = parse_columns(parameters.what.columns) or DEFAULT_COLUMNS
    # Here, with all of them: whoever reads one of them later would tell of one.
    _read(asked, parameters, routes)
    target, drift, asked = _target(parameters, run, hook, asked, routes or partition)
    columns = named_columns(asked, target.schema)
    finder = window_rows_sql(columns, target.table, target.schema, target.partition)
    if parameters.how_sure.on_rerun is OnRerun.REPLACE and wanted.mode is Mode.APPEND and finder is None:
        raise InvalidMapping(NO_OFFSET_COLUMNS)
    rows = NoOffsetColumns() if finder is None else TableWindowRows(hook, finder)
    if routes is None:
        return Destination(target, target, columns, drift, rows, None)
    own: tuple[PartitionSpec, ...] = ()
    if wanted.partitions_within_interval:
        found = interval_partitions(routes, target.schema, bounds, parameters.record_format, wanted.max_partitions)
        routes, own = found.routes, found.places
    table = _staging_table(parameters, hook, target.table)
    place = PartitionSpec(((load_level(target.schema), load_id(run.context)),))
    staged = tuple(column.name.lower() for column in target.schema.columns)
    routing = Routing(routes, wanted.max_partitions, Staged(staging_name(target.table, table), place, staged), own)
    return Destination(target, staging_sink(target, routing), {**columns, **routes.by}, drift, rows, routing)


def _staging_table(parameters: LoadParameters, hook: OdpsHook, target: TableName) -> TableName | None:
    """Return the staging table that is asked for; None: the usual one. Raises InvalidInput for one that has a use."""
    asked, rejects = parameters.to_where.staging_table, parameters.unfitting.rejects_table
    if asked is None:
        return None
    try:
        table = hook.resolve(TableName.parse(asked))
    except InvalidInput as problem:
        raise InvalidInput(f"staging_table={asked!r}: {problem}") from None
    used = {"table": target, "rejects_table": hook.resolve(TableName.parse(rejects)) if rejects else None}
    if same := [name for name, other in used.items() if other == table]:
        raise InvalidInput(
            f"staging_table={asked!r} is {same[0]}, too: staged rows need a table of their own, which is created if it "
            "is missing. Nothing was written"
        )
    return table


def _partition(parameters: LoadParameters, start: AskedBound) -> PartitionSpec | None:
    wanted = parameters.to_where
    if not wanted.partition:
        return None
    moment = start.moment if isinstance(start, At) else None
    zone = zone_of(wanted.partition_timezone, "partition_timezone")
    return PartitionPattern.parse(wanted.partition).of_window(moment, zone, wanted.mode)


def _read(columns: ColumnInput, parameters: LoadParameters, routes: Routes | None) -> None:
    """Raise InvalidMapping with all expressions that cannot be read, and for levels that cannot be filled from them."""
    if routes is None:
        read_expressions(columns, parameters.filtering)
        return
    mapped = {name.lower() for name in columns} if isinstance(columns, Mapping) else set()
    if twice := [name for name in routes.by if name.lower() in mapped]:
        raise InvalidMapping(f"{', '.join(twice)} is in columns and in partition_by: a level is no column of the table")
    by_name = columns if isinstance(columns, Mapping) else {f"columns[{at}]": text for at, text in enumerate(columns)}
    read = read_expressions({**by_name, **routes.by}, parameters.filtering)
    check_sources({name: read[name] for name in routes.by}, parameters.record_format)


def _target(
    parameters: LoadParameters,
    run: AirflowRun,
    hook: OdpsHook,
    columns: ColumnInput,
    place: PartitionSpec | Routes | None,
) -> tuple[TableSink, Drift, ColumnInput]:
    """Return the table, what is decided about a mapping that it does not fit, and that mapping then."""
    wanted, record_format = parameters.to_where, parameters.record_format
    table = hook.resolve(TableName.parse(wanted.table))
    found = hook.describe(table, extended=isinstance(place, Routes))
    types = parse_column_types(wanted.column_types, columns)
    levels = place.created_levels() if isinstance(place, Routes) else string_partition_columns(place)
    schema = found or TableSchema(wanted_columns(columns, record_format, types), levels)
    drift = decide_drift(columns, schema, record_format, types, parameters.unfitting.on_schema_drift)
    columns, schema = drifted(columns, schema, drift)
    if found is None and not wanted.create_table:
        raise UnknownTable(
            f"there is no table {table}. Create it with create_table=True, or by hand:\n"
            f"{create_statement(table, schema, wanted.lifecycle)}"
        )
    if isinstance(place, Routes):
        place.check(table, schema)
    else:
        schema.check_partition(table, place)
    sink = TableSink(
        hook=hook,
        table=table,
        schema=schema,
        partition=None if isinstance(place, Routes) else place,
        overwrite=wanted.mode is Mode.OVERWRITE,
        create=found is None,
        lifecycle=wanted.lifecycle,
        log=run.log,
        compression=parameters.how_fast.compression,
        added=drift.added,
    )
    return sink, drift, columns
