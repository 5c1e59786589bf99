"""A load's parameters and its task's run become one attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import process_time
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.accounting.rejects import NoRejectSink, RejectSink
from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt, Load, Machine, TaskRun
from airflow_provider_kafka_odps.core.delivery.ports import Ports
from airflow_provider_kafka_odps.core.delivery.window_rows import NO_OFFSET_COLUMNS, NoOffsetColumns, window_rows_sql
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.load.shares import Share
from airflow_provider_kafka_odps.core.mapping.compiler import (
    DEFAULT_COLUMNS,
    ColumnInput,
    compile_projection,
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
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.partition_pattern import PartitionPattern
from airflow_provider_kafka_odps.core.table.schema import TableSchema, string_partition_columns
from airflow_provider_kafka_odps.core.table.statements import create_statement
from airflow_provider_kafka_odps.core.window.bounds import AskedBound, At, Side
from airflow_provider_kafka_odps.core.window.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.parsing import parse_bound, parse_partitions, parse_start
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.zones import zone_of
from airflow_provider_kafka_odps.exceptions import InvalidConnection, InvalidInput, InvalidMapping, UnknownTable
from airflow_provider_kafka_odps.transfers.adapters.reject_file import RejectFile
from airflow_provider_kafka_odps.transfers.adapters.reject_spool import TemporaryRejects
from airflow_provider_kafka_odps.transfers.adapters.reject_table import LOAD, RejectTable
from airflow_provider_kafka_odps.transfers.adapters.table import TableSink, TableVisibleRows, TableWindowRows, find_rows
from airflow_provider_kafka_odps.transfers.adapters.topic import TopicSource
from airflow_provider_kafka_odps.transfers.parameters import LoadParameters, cores, resources_of
from airflow_provider_kafka_odps.transfers.runtime.history import history_of, shared_journal
from airflow_provider_kafka_odps.transfers.runtime.run import (
    AirflowRun,
    load_id,
    refuse_half_an_interval,
    refuse_repeated_offsets,
    run_interval,
)
from airflow_provider_kafka_odps.transfers.runtime.stores import StateStoreJournal
from airflow_provider_kafka_odps.transfers.workers.pool import WorkerPool
from airflow_provider_kafka_odps.transfers.workers.process import ShareTask

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
    from airflow_provider_kafka_odps.hooks.odps import OdpsHook


@dataclass(frozen=True, slots=True)
class Hooks:
    """The two systems between which records move."""

    kafka: KafkaHook
    odps: OdpsHook


@dataclass(frozen=True, slots=True)
class _Destination:
    """The table, and how records fit into it."""

    sink: TableSink
    columns: Mapping[str, str]
    drift: Drift
    window_rows: TableWindowRows | NoOffsetColumns

    @property
    def found_by(self) -> tuple[str, ...]:
        """The columns by which rows are found; (): they are not."""
        rows = self.window_rows
        return rows.finder.found_by if isinstance(rows, TableWindowRows) else ()


def build_attempt(parameters: LoadParameters, run: AirflowRun, hooks: Hooks) -> Attempt:
    """Parse every parameter, and hold columns and partition against the table.

    Raises an InvalidInput or a TableRefused; asks MaxCompute for the table's columns, and writes nothing.
    """
    began = run.clock.monotonic()
    request = _request(parameters, run)
    partition = _partition(parameters, request.start)
    destination = _destination(parameters, run, hooks.odps, partition)
    if parameters.how_sure.commit_to_group and hooks.kafka.group_id is None:
        raise InvalidConnection(parameters.from_where.kafka_config_id, "commit_to_group=True needs a group.id in it")
    load = _load(parameters, hooks, request, destination)
    dag_run, ti = run.context["dag_run"], run.context["ti"]
    return Attempt(
        load,
        _ports(parameters, run, hooks, load, destination),
        TaskRun(
            dag_run.clear_number or 0,
            ti.try_number,
            run.log,
            run.warn,
            run.cancellation,
            run.refusals,
            Machine(cores(), process_time),
            began,
        ),
    )


def _request(parameters: LoadParameters, run: AirflowRun) -> WindowRequest:
    topic, asked, unfitting = parameters.what.topic, parameters.from_where, parameters.unfitting
    if not topic:
        raise InvalidInput(f"topic={topic!r}: the name of a topic is wanted")
    interval = run_interval(run.context)
    first_start = asked.first_start
    request = WindowRequest(
        topic=topic,
        start=parse_start(asked.start, interval),
        end=parse_bound(asked.end, Side.END, interval),
        partitions=parse_partitions(asked.partitions),
        isolation_level=asked.isolation_level,
        on_short_log=unfitting.on_short_log,
        on_data_loss=unfitting.on_data_loss,
        on_timestamp_ahead=unfitting.on_timestamp_ahead,
        first_start=None if first_start in (None, "") else parse_bound(first_start, Side.START, interval),
    )
    dag_run = run.context["dag_run"]
    refuse_repeated_offsets(dag_run.run_type, dag_run.conf, request.start, request.end)
    refuse_half_an_interval(interval, request.start, request.end, unfitting.on_gap)
    return request


def _partition(parameters: LoadParameters, start: AskedBound) -> PartitionSpec | None:
    wanted = parameters.to_where
    if not wanted.partition:
        return None
    moment = start.moment if isinstance(start, At) else None
    zone = zone_of(wanted.partition_timezone, "partition_timezone")
    return PartitionPattern.parse(wanted.partition).of_window(moment, zone, wanted.mode)


def _destination(
    parameters: LoadParameters, run: AirflowRun, hook: OdpsHook, partition: PartitionSpec | None
) -> _Destination:
    wanted = parameters.to_where
    asked = parse_columns(parameters.what.columns) or DEFAULT_COLUMNS
    # Here, with all of them: whoever reads one of them later would tell of one.
    read_expressions(asked, parameters.filtering)
    sink, drift, asked = _sink(parameters, run, hook, asked, partition)
    columns = named_columns(asked, sink.schema)
    finder = window_rows_sql(columns, sink.table, sink.schema, partition)
    if parameters.how_sure.on_rerun is OnRerun.REPLACE and wanted.mode is Mode.APPEND and finder is None:
        raise InvalidMapping(NO_OFFSET_COLUMNS)
    return _Destination(sink, columns, drift, NoOffsetColumns() if finder is None else TableWindowRows(hook, finder))


def _sink(
    parameters: LoadParameters, run: AirflowRun, hook: OdpsHook, columns: ColumnInput, partition: PartitionSpec | None
) -> tuple[TableSink, Drift, ColumnInput]:
    """Return the table, what is decided about a mapping that it does not fit, and that mapping then."""
    wanted, record_format = parameters.to_where, parameters.record_format
    table = hook.resolve(TableName.parse(wanted.table))
    found = hook.describe(table)
    types = parse_column_types(wanted.column_types, columns)
    schema = found or TableSchema(wanted_columns(columns, record_format, types), string_partition_columns(partition))
    drift = decide_drift(columns, schema, record_format, types, parameters.unfitting.on_schema_drift)
    columns, schema = drifted(columns, schema, drift)
    if found is None and not wanted.create_table:
        raise UnknownTable(
            f"there is no table {table}. Create it with create_table=True, or by hand:\n"
            f"{create_statement(table, schema, wanted.lifecycle)}"
        )
    schema.check_partition(table, partition)
    sink = TableSink(
        hook=hook,
        table=table,
        schema=schema,
        partition=partition,
        overwrite=wanted.mode is Mode.OVERWRITE,
        create=found is None,
        lifecycle=wanted.lifecycle,
        log=run.log,
        compression=parameters.how_fast.compression,
        added=drift.added,
    )
    return sink, drift, columns


def _load(parameters: LoadParameters, hooks: Hooks, request: WindowRequest, destination: _Destination) -> Load:
    sure, sink = parameters.how_sure, destination.sink
    return Load(
        request=request,
        group=hooks.kafka.group_id,
        target=Target(
            request.topic,
            str(sink.table),
            str(sink.partition) if sink.partition else None,
            parameters.to_where.mode,
        ),
        projection=compile_projection(destination.columns, sink.schema, parameters.record_format, parameters.filtering),
        found_by=destination.found_by,
        drift=destination.drift.to_json(),
        tolerance=Tolerance.parse(parameters.unfitting.max_rejects),
        keep_rejects=parameters.unfitting.keep_rejects,
        resources=resources_of(parameters.how_fast),
        commit_timeout=sure.commit_timeout,
        on_rerun=sure.on_rerun,
        on_fewer_rows=sure.on_fewer_rows,
        reconcile=sure.reconcile,
        commit_to_group=sure.commit_to_group,
    )


def _ports(parameters: LoadParameters, run: AirflowRun, hooks: Hooks, load: Load, destination: _Destination) -> Ports:
    request, unfitting = load.request, parameters.unfitting
    source = TopicSource(
        hooks.kafka,
        parameters.how_fast.poll_timeout,
        unfitting.on_data_loss,
        load.resources,
        run.cancellation.check,
    )
    journal = StateStoreJournal(run.context)
    journal.warn_if_forgetful(run.warn)
    asset = parameters.to_where.asset
    history = history_of(
        run,
        request,
        asset,
        unfitting.on_gap,
        parameters.from_where.max_offsets,
        None if asset is None else source.planning_lock(request.topic, asset.uri),
        load.target.table,
    )

    def cluster() -> str:
        return source.survey(request.topic, Questions()).cluster_id

    return Ports(
        survey=source.survey,
        epochs=source.epochs,
        look=source.look,
        source=source,
        open_reader=source.open_reader,
        workers=_workers(parameters, hooks, load, destination),
        sink=destination.sink,
        window_rows=find_rows(destination.sink, destination.window_rows),
        visible_rows=TableVisibleRows(destination.sink, destination.window_rows),
        rejects=_rejects(parameters, run, hooks.odps),
        open_spool=TemporaryRejects,
        journal=shared_journal(journal, run.context, history, request, load.target, cluster),
        history=history,
        clock=run.clock,
        announce=run.announce,
        commit_ends=source.commit_ends,
    )


def _workers(parameters: LoadParameters, hooks: Hooks, load: Load, destination: _Destination) -> WorkerPool:
    sink = destination.sink

    def task_of(upload_id: str, share: Share, wanted: frozenset[str], facts: TopicFacts) -> ShareTask:
        return ShareTask(
            share=share,
            upload=hooks.odps.upload_place(sink.table, sink.partition, upload_id, sink.compression),
            kafka=hooks.kafka.settings,
            columns=dict(destination.columns),
            schema=sink.schema,
            record_format=parameters.record_format,
            filtering=parameters.filtering,
            wanted=wanted,
            keep_rejects=load.keep_rejects,
            on_data_loss=load.request.on_data_loss,
            poll_timeout=parameters.how_fast.poll_timeout,
            facts=facts,
            resources=load.resources,
        )

    return WorkerPool(task_of)


def _rejects(parameters: LoadParameters, run: AirflowRun, hook: OdpsHook) -> RejectSink:
    table, path = parameters.unfitting.rejects_table, parameters.unfitting.rejects_path
    if table and path:
        raise InvalidInput(f"rejects_table={table!r} and rejects_path={path!r}: rejects go to one place")
    if path:
        return RejectFile(path)
    if not table:
        return NoRejectSink()
    partition = PartitionSpec(((LOAD, load_id(run.context)),))
    return RejectTable(hook, hook.resolve(TableName.parse(table)), partition, run.log)
