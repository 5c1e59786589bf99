"""A load's parameters and its task's run become one attempt."""

from __future__ import annotations

from dataclasses import dataclass
from time import process_time
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.accounting.rejects import NoRejectSink, RejectSink
from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt, Load, Machine, TaskRun
from airflow_provider_kafka_odps.core.delivery.ports import Ports
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.load.shares import Share
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.routing.level_values import namings
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.window.bounds import Side
from airflow_provider_kafka_odps.core.window.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.parsing import parse_bound, parse_partitions, parse_start
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.exceptions import InvalidConnection, InvalidInput
from airflow_provider_kafka_odps.transfers.adapters.reject_file import RejectFile
from airflow_provider_kafka_odps.transfers.adapters.reject_spool import TemporaryRejects
from airflow_provider_kafka_odps.transfers.adapters.reject_table import LOAD, RejectTable
from airflow_provider_kafka_odps.transfers.adapters.table import find_rows, visible_rows
from airflow_provider_kafka_odps.transfers.adapters.topic import TopicSource
from airflow_provider_kafka_odps.transfers.destination import Destination, destination_of
from airflow_provider_kafka_odps.transfers.parameters import LoadParameters, cores, resources_of
from airflow_provider_kafka_odps.transfers.runtime.history import history_of, shared_journal
from airflow_provider_kafka_odps.transfers.runtime.run import (
    AirflowRun,
    load_id,
    refuse_half_an_interval,
    refuse_repeated_offsets,
    run_interval,
)
from airflow_provider_kafka_odps.transfers.runtime.stores import ShownProgress, StateStoreJournal
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


def build_attempt(parameters: LoadParameters, run: AirflowRun, hooks: Hooks) -> Attempt:
    """Parse every parameter, and hold columns and partition against the table.

    Raises an InvalidInput or a TableRefused; asks MaxCompute for the table's columns, and writes nothing.
    """
    began = run.clock.monotonic()
    request = request_of(parameters, run)
    destination = destination_of(parameters, run, hooks.odps, (request.start, request.end))
    if parameters.how_sure.commit_to_group and hooks.kafka.group_id is None:
        raise InvalidConnection(parameters.from_where.kafka_config_id, "commit_to_group=True needs a group.id in it")
    load = load_of(parameters, hooks, request, destination)
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


def request_of(parameters: LoadParameters, run: AirflowRun) -> WindowRequest:
    """Return which window is asked for; raise InvalidInput for what cannot be meant."""
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


def load_of(parameters: LoadParameters, hooks: Hooks, request: WindowRequest, destination: Destination) -> Load:
    """Return what is to be loaded, and how; raise InvalidInput for columns that do not fit."""
    sure = parameters.how_sure
    return Load(
        request=request,
        group=hooks.kafka.group_id,
        target=Target(
            request.topic,
            str(destination.target.table),
            destination.partition,
            parameters.to_where.mode,
        ),
        projection=compile_projection(
            destination.columns,
            destination.schema,
            parameters.record_format,
            parameters.filtering,
            namings(destination.levels),
        ),
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
        routing=destination.routing,
    )


def _ports(parameters: LoadParameters, run: AirflowRun, hooks: Hooks, load: Load, destination: Destination) -> Ports:
    request, unfitting = load.request, parameters.unfitting
    source = source_of(parameters, run, hooks, load)
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
        window_rows=find_rows(destination.target, destination.window_rows),
        visible_rows=visible_rows(destination.target, destination.window_rows),
        rejects=_rejects(parameters, run, hooks.odps),
        open_spool=TemporaryRejects,
        journal=shared_journal(journal, run.context, history, request, load.target, cluster),
        history=history,
        clock=run.clock,
        announce=run.announce,
        commit_ends=source.commit_ends,
        show_progress=ShownProgress(run.context, run.log),
        staging=destination.staging,
        sections=run.sections,
    )


def source_of(parameters: LoadParameters, run: AirflowRun, hooks: Hooks, load: Load) -> TopicSource:
    """Return the topic as the load reads it: in no group."""
    return TopicSource(
        hooks.kafka,
        parameters.how_fast.poll_timeout,
        parameters.unfitting.on_data_loss,
        load.resources,
        run.cancellation.check,
    )


def _workers(parameters: LoadParameters, hooks: Hooks, load: Load, destination: Destination) -> WorkerPool:
    written = destination.written

    def task_of(upload_id: str, share: Share, wanted: frozenset[str], facts: TopicFacts) -> ShareTask:
        return ShareTask(
            share=share,
            upload=hooks.odps.upload_place(written.table, written.partition, upload_id, written.compression),
            kafka=hooks.kafka.settings,
            columns=dict(destination.columns),
            schema=destination.schema,
            levels=destination.levels,
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
