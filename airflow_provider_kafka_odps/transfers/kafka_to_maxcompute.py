"""The operator: parameters in, receipt out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_kafka_odps.core.accounting.tolerance import ToleranceInput
from airflow_provider_kafka_odps.core.load.resources import CONCURRENCY, MAX_MEMORY
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.options import (
    Compression,
    IsolationLevel,
    Mode,
    OnBadJson,
    OnDataLoss,
    OnGap,
    OnRerun,
    OnSchemaDrift,
    OnShortLog,
    choice,
    seconds,
)
from airflow_provider_kafka_odps.core.table.names import PartitionInput
from airflow_provider_kafka_odps.core.window.parsing import BoundInput
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import BLOCK_RETRY, OdpsHook
from airflow_provider_kafka_odps.transfers.dataworks import FromJob
from airflow_provider_kafka_odps.transfers.runtime.assets import table_asset
from airflow_provider_kafka_odps.transfers.runtime.cancellation import Stoppable
from airflow_provider_kafka_odps.transfers.runtime.run import XCOM_WINDOW

if TYPE_CHECKING:
    from airflow.sdk import Asset, Context, XComArg

    from airflow_provider_kafka_odps.core.mapping.compiler import ColumnInput
    from airflow_provider_kafka_odps.core.window.window import Window


class KafkaToMaxComputeOperator(Stoppable, FromJob, BaseOperator):
    """Load a bounded window of Kafka offsets into a MaxCompute table: every record once, and nothing else.

    The window is planned once per task instance, recorded before the first record is read, and used by every later
    attempt, whether the task is retried, killed or cleared. All rows become visible together, or none.
    It is pushed to XCom as ``window``; the receipt is the return value (docs/reference.md has both shapes).

    :param topic: the topic to load from. *(templated)*
    :param table: ``t``, ``project.t`` or ``project.schema.t``. *(templated)*
    :param partition: the partition to load into, ``"ds=20261122,hh=10"`` or a dict; created when missing;
        leave it out for a table without partitions. *(templated)*
    :param columns: column of the table → source expression, or a list with one for each column, by position: parts of a
        record such as ``__key__`` and ``__headers__.trace``, a constant in single quotes, a path into a JSON value such
        as ``a[0].b``, or ``*``; docs/mapping.md has them all. Default: six parts of a record, under their names.
        *(templated)*
    :param key_type: what keys are: ``"bytes"``, ``"string"``, ``"json"``, ``"csv"``, ``"delimited"``, or a number as
        Kafka's serializers write it: ``"short"``, ``"integer"``, ``"long"``, ``"float"``, ``"double"``.
    :param value_type: what values are; the same choices.
    :param encoding: of keys and values that are ``"string"``, ``"csv"`` or ``"delimited"``; a name that Python knows.
    :param field_delimiter: between the fields of ``"csv"`` (one character) and ``"delimited"``.
    :param empty_as_null: whether an empty text becomes NULL, also where a number is wanted; not in BINARY columns.
    :param on_bad_json: what a key or value leads to that is no JSON object although paths lead into it: ``"null"``
        (NULL, counted in the receipt), ``"reject"``, or ``"fail"``.
    :param start: where the window starts: ``"interval"`` (the run's data interval), a time with a zone, ``"earliest"``,
        ``"latest"``, ``"committed"`` (by the group of the Kafka connection), ``"previous"`` (where the last window
        ended that this task has committed), one offset, or offsets per partition as a dict or JSON text. *(templated)*
    :param end: where it ends, exclusive: ``"interval"``, a time with a zone, ``"latest"``, or offsets. *(templated)*
    :param first_start: the start for partitions in which the group has committed nothing; with ``start="previous"``,
        the start of the first window. *(templated)*
    :param max_offsets: the most offsets that a window has which starts at ``"previous"``; the rest is left for the
        next run.
    :param partitions: load only these partitions: a list, or text such as ``"0,2-4"``. *(templated)*
    :param mode: ``"append"``, or ``"overwrite"``: the rows replace those of the table or partition, atomically.
    :param on_rerun: what clearing the task leads to once its rows are committed. Of appended rows, ``"keep"`` leaves
        them as they are, and ``"replace"`` removes them and loads the window again, which needs columns for
        ``__partition__`` and ``__offset__``. In mode overwrite both load the window again. ``"fail"`` fails the task.
    :param max_rejects: how many records may fail to fit the table: a number, a share as ``"1%"``, both as ``"10, 1%"``,
        or ``"unlimited"``. Checked before the commit: beyond it, no row is visible. *(templated)*
    :param rejects_table: a MaxCompute table, created when it is missing, whose partition of this run gets the rejects;
        they become visible with the rows. *(templated)*
    :param rejects_path: in its place, a file ending in ``.parquet`` or ``.jsonl``, on any file system that Airflow or
        fsspec knows; it belongs to one run, so name it after the run. *(templated)*
    :param create_table: create the table from ``columns`` if it is missing.
    :param column_types: types of columns that are created, ``{"amount": "DECIMAL(18,2)"}``; the others are BIGINT,
        DOUBLE or STRING, by their source. *(templated)*
    :param on_schema_drift: what a mapped column leads to that the table lacks: ``"fail"``, ``"add"`` it to the table,
        or ``"ignore"`` it; what was decided is in the receipt.
    :param lifecycle: days that a table which is created keeps its rows.
    :param on_short_log: what explicit offsets beyond the log's end lead to: ``"fail"``, or ``"clamp"`` them to it.
    :param on_gap: what a hole or an overlap between this window and its neighbour at a boundary instant leads to:
        ``"fail"``, ``"absorb"`` (use the neighbour's cut), or ``"ignore"``.
    :param on_data_loss: what offsets of the window lead to that are lost (expired, cut off the log, or without a record
        and unexplained): ``"fail"``, or ``"skip"``: load what is there and record in the receipt what is missing.
    :param isolation_level: ``"read_committed"``, or ``"read_uncommitted"``: aborted and open transactions are read too.
    :param poll_timeout: seconds without any progress after which reading fails.
    :param block_timeout: seconds for writing one block, all tries together.
    :param load_timeout: seconds for the whole load, up to its commit; a day, because an upload lives no longer.
    :param commit_timeout: seconds after which a commit whose fate is not known fails the task.
    :param reconcile: after the commit, count in the table what was loaded, by one SQL statement: rows, first, last and
        different offsets per Kafka partition where these are columns, otherwise all rows in mode overwrite.
    :param commit_to_group: after the commit, commit the window's ends to the group of the Kafka connection, for tools
        that show its lag; never back.
    :param concurrency: blocks that are written at a time, while the next is filled; 0 does one thing after the other.
    :param workers: processes that share the window; each may take ``max_memory``.
    :param max_memory: how much the process may grow by: bytes, or text such as ``"340MB"``.
    :param max_bytes_per_second: how fast it may go, in bytes of the columns: a number, or text such as ``"20MB"``.
    :param compression: how blocks are packed on their way: ``"none"``, ``"lz4"``, ``"zstd"`` or ``"zlib"``.
    :param kafka_config_id: the Airflow connection of the Kafka cluster.
    :param group_id: the consumer group whose offsets ``"committed"`` means, in place of the connection's. *(templated)*
    :param maxcompute_conn_id: the Airflow connection of the MaxCompute project.
    :param project: the project, in place of the connection's. *(templated)*
    :param endpoint: the endpoint, in place of the connection's. *(templated)*
    :param quota_name: the tunnel quota to upload with. *(templated)*
    :param asset: the table's Asset, which becomes inlet and outlet of the task: what is remembered of its windows is
        in the asset's state store. Default: named after project and table, unless these are templates.
    """

    template_fields: Sequence[str] = (
        "topic",
        "table",
        "partition",
        "columns",
        "column_types",
        "start",
        "end",
        "first_start",
        "partitions",
        "max_rejects",
        "rejects_table",
        "rejects_path",
        "group_id",
        "project",
        "endpoint",
        "quota_name",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "partition": "json",
        "columns": "json",
        "start": "json",
        "end": "json",
    }
    ui_color = "#e8f1fb"

    def __init__(  # noqa: PLR0913, PLR0915 - each is a parameter of the load, named at the call, and kept
        self,
        *,
        topic: str,
        table: str,
        partition: PartitionInput | None = None,
        columns: ColumnInput | None = None,
        key_type: str = "bytes",
        value_type: str = "bytes",
        encoding: str = "utf-8",
        field_delimiter: str = ",",
        empty_as_null: bool = False,
        on_bad_json: str = "null",
        start: BoundInput | XComArg = "interval",
        end: BoundInput | XComArg = "interval",
        first_start: BoundInput | None = None,
        max_offsets: int | None = None,
        partitions: Sequence[int] | str | None = None,
        mode: str = "append",
        on_rerun: str = "keep",
        max_rejects: ToleranceInput = 0,
        rejects_table: str | None = None,
        rejects_path: str | None = None,
        create_table: bool = False,
        column_types: Mapping[str, str] | str | None = None,
        on_schema_drift: str = "fail",
        lifecycle: int | None = None,
        on_short_log: str = "fail",
        on_gap: str = "fail",
        on_data_loss: str = "fail",
        isolation_level: str = "read_committed",
        poll_timeout: float = 60.0,
        block_timeout: float = 900.0,
        load_timeout: float = 86_400.0,
        commit_timeout: float = 300.0,
        reconcile: bool = True,
        commit_to_group: bool = False,
        concurrency: int = CONCURRENCY,
        workers: int = 1,
        max_memory: int | str = MAX_MEMORY,
        max_bytes_per_second: int | str | None = None,
        compression: str = "none",
        kafka_config_id: str = "kafka_default",
        group_id: str | None = None,
        maxcompute_conn_id: str = "maxcompute_default",
        project: str | None = None,
        endpoint: str | None = None,
        quota_name: str | None = None,
        asset: Asset | None = None,
        **kwargs: Any,
    ) -> None:
        if start == "previous":
            # The scheduler lets no two runs of this task plan at the same moment.
            kwargs.setdefault("max_active_tis_per_dag", 1)
        super().__init__(**kwargs)
        self.topic = topic
        self.table = table
        self.partition = partition
        self.columns = columns
        self.key_type = choice(Format, key_type, "key_type")
        self.value_type = choice(Format, value_type, "value_type")
        self.encoding = encoding
        self.field_delimiter = field_delimiter
        self.empty_as_null = empty_as_null
        self.on_bad_json = choice(OnBadJson, on_bad_json, "on_bad_json")
        self.record_format = RecordFormat(
            self.key_type, self.value_type, encoding, field_delimiter, empty_as_null, self.on_bad_json
        )
        # What another task gives is a value when this one runs.
        self.start: BoundInput = start  # type: ignore[assignment]
        self.end: BoundInput = end  # type: ignore[assignment]
        self.first_start = first_start
        self.max_offsets = max_offsets
        self.partitions = partitions
        self.mode = choice(Mode, mode, "mode")
        self.on_rerun = choice(OnRerun, on_rerun, "on_rerun")
        self.max_rejects = max_rejects
        self.rejects_table = rejects_table
        self.rejects_path = rejects_path
        self.create_table = create_table
        self.column_types = column_types
        self.on_schema_drift = choice(OnSchemaDrift, on_schema_drift, "on_schema_drift")
        self.lifecycle = lifecycle
        self.on_short_log = choice(OnShortLog, on_short_log, "on_short_log")
        self.on_gap = choice(OnGap, on_gap, "on_gap")
        self.on_data_loss = choice(OnDataLoss, on_data_loss, "on_data_loss")
        self.isolation_level = choice(IsolationLevel, isolation_level, "isolation_level")
        self.poll_timeout = seconds(poll_timeout, "poll_timeout")
        self.block_timeout = seconds(block_timeout, "block_timeout")
        self.load_timeout = seconds(load_timeout, "load_timeout")
        self.commit_timeout = seconds(commit_timeout, "commit_timeout")
        self.reconcile = reconcile
        self.commit_to_group = commit_to_group
        self.concurrency = concurrency
        self.workers = workers
        self.max_memory = max_memory
        self.max_bytes_per_second = max_bytes_per_second
        self.compression = choice(Compression, compression, "compression")
        self.kafka_config_id = kafka_config_id
        self.group_id = group_id
        self.maxcompute_conn_id = maxcompute_conn_id
        self.project = project
        self.endpoint = endpoint
        self.quota_name = quota_name
        self.asset = asset or table_asset(table, project, maxcompute_conn_id)
        if self.asset is not None:
            # As an outlet only, Airflow would forget its state while the DAG's file has an error.
            self.inlets = [*self.inlets, *([] if self.asset in self.inlets else [self.asset])]
            self.outlets = [*self.outlets, *([] if self.asset in self.outlets else [self.asset])]

    @cached_property
    def kafka_hook(self) -> KafkaHook:
        """The hook that reads the topic."""
        return KafkaHook(kafka_config_id=self.kafka_config_id, group_id=self.group_id or None, clock=self.clock)

    @cached_property
    def odps_hook(self) -> OdpsHook:
        """The hook that writes the table."""
        return OdpsHook(
            maxcompute_conn_id=self.maxcompute_conn_id,
            project=self.project or None,
            endpoint=self.endpoint or None,
            quota_name=self.quota_name or None,
            block_patience=replace(BLOCK_RETRY, total=self.block_timeout),
            clock=self.clock,
        )

    def execute(self, context: Context) -> dict[str, Any]:
        """Load the window of this task instance and return the receipt.

        Errors that another attempt cannot mend fail the task without retries.
        """
        from airflow_provider_kafka_odps.core.delivery.transfer import transfer
        from airflow_provider_kafka_odps.transfers.build import build_attempt
        from airflow_provider_kafka_odps.transfers.runtime.assets import event_of
        from airflow_provider_kafka_odps.transfers.runtime.memory import lean
        from airflow_provider_kafka_odps.transfers.runtime.metrics import tell_metrics

        def announce(window: Window) -> None:
            context["ti"].xcom_push(XCOM_WINDOW, window.to_json())

        try:
            with lean():
                attempt = build_attempt(self, context, announce)
                before = attempt.journal.load()
                receipt = transfer(attempt)
        except KafkaOdpsError as error:
            if error.retry_helps:
                raise
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error
        event = event_of(receipt, before, attempt.clear_number)
        if event["changed"]:
            tell_metrics(receipt, attempt.source.survey)
        if self.asset is not None:
            context["outlet_events"][self.asset].extra = event
        return receipt.to_json()
