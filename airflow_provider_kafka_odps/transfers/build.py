"""An operator's rendered parameters and its task's context become one attempt at a load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.accounting.rejects import RejectSink
from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.window_rows import NO_OFFSET_COLUMNS, window_rows_sql
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.journal.interval import IntervalJournal, interval_key
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.load.shares import Share
from airflow_provider_kafka_odps.core.mapping.compiler import (
    DEFAULT_COLUMNS,
    ColumnInput,
    compile_projection,
    named_columns,
    parse_columns,
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
from airflow_provider_kafka_odps.core.table.schema import TableSchema, string_partition_columns
from airflow_provider_kafka_odps.core.table.statements import create_statement
from airflow_provider_kafka_odps.core.window.bounds import Previous, Side
from airflow_provider_kafka_odps.core.window.parsing import parse_bound, parse_partitions, parse_start
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidConnection, InvalidInput, InvalidMapping, UnknownTable
from airflow_provider_kafka_odps.transfers.adapters.reject_file import RejectFile
from airflow_provider_kafka_odps.transfers.adapters.reject_table import LOAD, RejectTable
from airflow_provider_kafka_odps.transfers.adapters.table import TableSink, TableVisibleRows, TableWindowRows
from airflow_provider_kafka_odps.transfers.adapters.topic import TopicSource
from airflow_provider_kafka_odps.transfers.parameters import parse_bytes
from airflow_provider_kafka_odps.transfers.runtime.run import (
    author_of,
    is_active,
    load_id,
    previous_window,
    refuse_repeated_offsets,
    run_interval,
)
from airflow_provider_kafka_odps.transfers.runtime.stores import StateStoreJournal, asset_store
from airflow_provider_kafka_odps.transfers.workers.pool import WorkerPool
from airflow_provider_kafka_odps.transfers.workers.process import ShareTask

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator


def build_attempt(
    task: KafkaToMaxComputeOperator, context: Mapping[str, Any], announce: Callable[[Window], None]
) -> Attempt:
    """Parse every parameter, and hold columns and partition against the table.

    Raises an InvalidInput or a TableRefused; asks MaxCompute for the table's columns, and writes nothing.
    """
    request = _request(task, context)
    asked = parse_columns(task.columns) or DEFAULT_COLUMNS
    partition = PartitionSpec.parse(task.partition) if task.partition else None
    sink, drift, asked = _sink(task, asked, partition)
    columns = named_columns(asked, sink.schema)
    projection = compile_projection(columns, sink.schema, task.record_format)
    finder = window_rows_sql(columns, sink.table, sink.schema, partition)
    if task.on_rerun is OnRerun.REPLACE and task.mode is Mode.APPEND and finder is None:
        raise InvalidMapping(NO_OFFSET_COLUMNS)
    if task.commit_to_group and task.kafka_hook.group_id is None:
        raise InvalidConnection(task.kafka_config_id, "commit_to_group=True needs a group.id in it")
    resources = _resources(task)
    limits = (resources.fetch_bytes, resources.unpack_limit)
    source = TopicSource(task.kafka_hook, task.poll_timeout, task.has_to_stop, task.on_data_loss, *limits)
    rows = None if finder is None else TableWindowRows(task.odps_hook, finder)
    journal = StateStoreJournal(context)
    journal.warn_if_forgetful(task.log.warning)
    history = _history(task, context, request)
    target = Target(request.topic, str(sink.table), str(partition) if partition else None, task.mode)
    return Attempt(
        request=request,
        group=task.kafka_hook.group_id,
        target=target,
        projection=projection,
        source=source,
        evidence=source,
        sink=sink,
        journal=_shared(journal, context, history, interval_key(request, target, history.author)),
        clock=task.clock,
        announce=announce,
        say=task.log.info,
        cancelled=task.has_to_stop,
        give_up=task.give_up,
        waited=source.waited,
        block_bytes=resources.block_bytes,
        queue_bytes=resources.queue_bytes,
        concurrency=resources.concurrency,
        max_bytes_per_second=resources.max_bytes_per_second,
        workers=resources.workers,
        crew=_crew(task, columns, sink, target, resources) if resources.workers > 1 else None,
        history=history,
        begin=journal.begin,
        limit=task.limit,
        clear_number=context["dag_run"].clear_number or 0,
        try_number=context["ti"].try_number,
        commit_timeout=task.commit_timeout,
        on_rerun=task.on_rerun,
        rows=rows,
        drift=drift.to_json(),
        tolerance=Tolerance.parse(task.max_rejects),
        rejects=_rejects(task, context),
        shown=TableVisibleRows(sink, rows) if task.reconcile else None,
        commit_ends=source.commit_ends if task.commit_to_group else None,
    )


def _sink(
    task: KafkaToMaxComputeOperator, columns: ColumnInput, partition: PartitionSpec | None
) -> tuple[TableSink, Drift, ColumnInput]:
    """Return the table, what is decided about a mapping that it does not fit, and that mapping then."""
    table = task.odps_hook.resolve(TableName.parse(task.table))
    found = task.odps_hook.describe(table)
    types = parse_column_types(task.column_types, columns)
    schema = found or TableSchema(
        wanted_columns(columns, task.record_format, types), string_partition_columns(partition)
    )
    drift = decide_drift(columns, schema, task.record_format, types, task.on_schema_drift)
    columns, schema = drifted(columns, schema, drift)
    if found is None and not task.create_table:
        raise UnknownTable(
            f"there is no table {table}. Create it with create_table=True, or by hand:\n"
            f"{create_statement(table, schema, task.lifecycle)}"
        )
    schema.check_partition(table, partition)
    sink = TableSink(
        hook=task.odps_hook,
        table=table,
        schema=schema,
        partition=partition,
        overwrite=task.mode is Mode.OVERWRITE,
        create=found is None,
        lifecycle=task.lifecycle,
        say=task.log.info,
        compression=task.compression,
        added=drift.added,
    )
    return sink, drift, columns


def _crew(
    task: KafkaToMaxComputeOperator, columns: Mapping[str, str], sink: TableSink, target: Target, resources: Resources
) -> WorkerPool:
    def orders(upload_id: str, share: Share, wanted: frozenset[str]) -> ShareTask:
        return ShareTask(
            share=share,
            upload=task.odps_hook.upload_place(sink.table, sink.partition, upload_id, sink.compression),
            kafka=task.kafka_hook.settings,
            target=target,
            columns=dict(columns),
            schema=sink.schema,
            record_format=task.record_format,
            wanted=wanted,
            keep_rejects=bool(task.rejects_table or task.rejects_path),
            on_data_loss=task.on_data_loss,
            poll_timeout=task.poll_timeout,
            resources=resources,
        )

    return WorkerPool(orders)


def _resources(task: KafkaToMaxComputeOperator) -> Resources:
    rate = task.max_bytes_per_second
    return Resources(
        max_memory=parse_bytes(task.max_memory, "max_memory"),
        concurrency=task.concurrency,
        workers=task.workers,
        max_bytes_per_second=None if rate is None else parse_bytes(rate, "max_bytes_per_second"),
    )


def _rejects(task: KafkaToMaxComputeOperator, context: Mapping[str, Any]) -> RejectSink | None:
    if task.rejects_table and task.rejects_path:
        raise InvalidInput(
            f"rejects_table={task.rejects_table!r} and rejects_path={task.rejects_path!r}: rejects go to one place"
        )
    if task.rejects_path:
        return RejectFile(task.rejects_path)
    if not task.rejects_table:
        return None
    table = task.odps_hook.resolve(TableName.parse(task.rejects_table))
    return RejectTable(task.odps_hook, table, PartitionSpec(((LOAD, load_id(context)),)), task.log.info)


def _request(task: KafkaToMaxComputeOperator, context: Mapping[str, Any]) -> WindowRequest:
    if not task.topic:
        raise InvalidInput(f"topic={task.topic!r}: the name of a topic is wanted")
    interval = run_interval(context)
    first_start = task.first_start

    request = WindowRequest(
        topic=task.topic,
        start=parse_start(task.start, interval),
        end=parse_bound(task.end, Side.END, interval),
        partitions=parse_partitions(task.partitions),
        isolation_level=task.isolation_level,
        on_short_log=task.on_short_log,
        on_data_loss=task.on_data_loss,
        first_start=None if first_start in (None, "") else parse_bound(first_start, Side.START, interval),
    )
    dag_run = context["dag_run"]
    refuse_repeated_offsets(dag_run.run_type, dag_run.conf, request.start, request.end)
    return request


def _shared(
    journal: StateStoreJournal, context: Mapping[str, Any], history: History, key: str | None
) -> StateStoreJournal | IntervalJournal:
    if key is None or not history.remembers:
        return journal
    return IntervalJournal(
        own=journal,
        store=history.store,
        key=key,
        run_id=history.author.run_id,
        clear_number=context["dag_run"].clear_number or 0,
        is_active=lambda run_id: is_active(context, run_id),
    )


def _history(task: KafkaToMaxComputeOperator, context: Mapping[str, Any], request: WindowRequest) -> History:
    chained = isinstance(request.start, Previous)
    if task.max_offsets is not None and not chained:
        raise InvalidInput(
            f"max_offsets={task.max_offsets} leaves offsets for the next run, which loads them only where start is "
            f"'previous', not {str(request.start)!r}"
        )
    # The task as the scheduler knows it: of a mapped one, that is not this instance.
    if chained and context["dag"].get_task(task.task_id).max_active_tis_per_dag != 1:
        raise InvalidInput(
            "start='previous' needs max_active_tis_per_dag=1 on this task, given by hand where start is a template or "
            "the task is mapped: two runs that plan at the same moment would both start where the last one ended"
        )
    return History(
        author=author_of(context),
        store=asset_store(context, task.asset),
        previous=lambda: previous_window(context),
        on_gap=task.on_gap,
        max_offsets=task.max_offsets,
    )
