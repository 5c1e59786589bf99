"""The operator: parameters in, receipt out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_kafka_odps.core.accounting.tolerance import ToleranceInput
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.load.resources import AUTO, MAX_MEMORY
from airflow_provider_kafka_odps.core.options import MAX_PARTITIONS
from airflow_provider_kafka_odps.core.table.names import PartitionInput
from airflow_provider_kafka_odps.core.window.parsing import BoundInput
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import BLOCK_RETRY, OdpsHook
from airflow_provider_kafka_odps.transfers.dataworks import FromJob
from airflow_provider_kafka_odps.transfers.lineage import ToldLineage
from airflow_provider_kafka_odps.transfers.parameters import LoadParameters, checked
from airflow_provider_kafka_odps.transfers.runtime.assets import table_asset
from airflow_provider_kafka_odps.transfers.runtime.cancellation import Stoppable
from airflow_provider_kafka_odps.transfers.runtime.run import AirflowRun
from airflow_provider_kafka_odps.transfers.runtime.templates import Templates
from airflow_provider_kafka_odps.ui.link import KafkaWindowLink

if TYPE_CHECKING:
    from airflow.sdk import Asset, Context, XComArg

    from airflow_provider_kafka_odps.core.mapping.compiler import ColumnInput
    from airflow_provider_kafka_odps.core.routing.routes import RoutesInput


class KafkaToMaxComputeOperator(Templates, Stoppable, FromJob, ToldLineage, BaseOperator):
    """Load a bounded window of Kafka offsets into a MaxCompute table: every record once, and nothing else.

    The window is planned once per task instance, recorded before the first record is read, and used by every later
    attempt, whether the task is retried, killed or cleared. All rows become visible together, or none.
    It is pushed to XCom as ``window``; the receipt is the return value (docs/reference.md has both shapes).
    OpenLineage, where it is installed, is told of topic, offsets, table and columns (docs/lineage.md).

    **What** is read of the topic, and how a record becomes a row.

    :param topic: the topic to load from. *(templated)*
    :param columns: which column of the table is filled from what: a dict of column → source expression, or a list with
        one expression for each column, by position. An expression is a part of the record such as ``__key__`` or
        ``__headers__.trace``, a constant in single quotes, a path into a JSON value such as ``a[0].b``, or ``*``;
        docs/mapping.md has them all. Default: six parts of a record, under their names. *(templated)*
    :param key_type: format of the keys: ``"bytes"``, ``"string"``, ``"json"``, ``"csv"``, ``"delimited"``, or a number
        as Kafka's serializers write it: ``"short"``, ``"integer"``, ``"long"``, ``"float"``, ``"double"``.
    :param value_type: format of the values; the same choices.
    :param encoding: encoding of keys and values that are ``"string"``, ``"csv"`` or ``"delimited"``; a name that Python
        knows.
    :param field_delimiter: text between the fields of ``"csv"`` (one character) and ``"delimited"`` (one or more).
    :param empty_as_null: whether an empty text becomes NULL, also in columns of numbers; empty bytes stay empty in
        BINARY columns.
    :param conversions: ``"strict"``: what is no value of the column's type is a reject; or ``"lenient"``: texts of
        numbers, the usual texts of booleans and dates, and whole numbers as milliseconds since 1970 are taken, too.
        Functions in ``columns`` do the same for one column: docs/mapping.md has both.
    :param timezone: by the clock of which zone a time without an offset is meant, such as ``"Asia/Shanghai"``; also
        for functions that are given no zone. Default: such a time is a reject.
    :param where: load only the records for which this is true: a condition in SQL over source expressions, such as
        ``"type = 'order' AND amount >= 10"``; docs/mapping.md, "Filters". *(templated)*

    **From where**: which offsets.

    :param start: where the window starts: ``"interval"`` (the run's data interval), a time with a zone, ``"earliest"``,
        ``"latest"``, ``"committed"`` (by the group of the Kafka connection), ``"previous"`` (the end of the last window
        that this task has committed), one offset, or offsets per partition as a dict or JSON text. *(templated)*
    :param end: where the window ends, exclusive: ``"interval"``, a time with a zone, ``"latest"``, or offsets.
        *(templated)*
    :param first_start: the start of partitions for which the group has committed nothing; with ``start="previous"``,
        the start of the first window. *(templated)*
    :param max_offsets: with ``start="previous"``, how many offsets a window has at most; the rest is left for the next
        run.
    :param partitions: load only these partitions: a list, or text such as ``"0,2-4"``. *(templated)*
    :param isolation_level: ``"read_committed"``, or ``"read_uncommitted"``: also read records of aborted and open
        transactions.
    :param kafka_config_id: the Airflow connection of the Kafka cluster.
    :param group_id: the consumer group for ``"committed"`` and ``commit_to_group``, instead of the connection's.
        *(templated)*

    **To where**: which table.

    :param table: the table to load into: ``t``, ``project.t``, ``project.schema.t``, or ``.schema.t`` in the project of
        the connection. *(templated)*
    :param partition: the partition to load into, ``"ds=20261122,hh=10"`` or a dict; created if it is missing. Leave it
        out for a table without partitions. ``"ds=%Y%m%d,hh=%H"`` names it after the time at which the window starts.
        *(templated)*
    :param partition_timezone: by whose clock a ``partition`` with ``%`` is named, such as ``"Asia/Shanghai"``.
    :param partition_by: the levels of the partition that each record says, behind those of ``partition``: a dict of
        level → source expression, ``{"ds": "created_at | epoch_ms | format('yyyyMMdd', 'Asia/Shanghai')"}``. Rows go to
        a staging table, and one statement moves them into all partitions at once: docs/partitions.md. *(templated)*
    :param max_partitions: how many partitions one load with ``partition_by`` may touch; with more, no row is visible.
    :param partitions_within_interval: with ``mode="overwrite"`` and ``partition_by``: each partition is a part of the
        window's interval, and a record whose time is not in it is a reject; the load replaces all of them.
    :param staging_table: the staging table of ``partition_by``; created if it is missing. Default: beside the table,
        with ``__kafka_staging`` behind its name. *(templated)*
    :param mode: ``"append"``, or ``"overwrite"``: the new rows replace those of the table or partition, atomically.
    :param create_table: create the table from ``columns`` if it is missing.
    :param column_types: types of columns that are created, such as ``{"amount": "DECIMAL(18,2)"}``; others are BIGINT,
        DOUBLE or STRING, depending on their source. *(templated)*
    :param lifecycle: lifecycle in days of a table that is created.
    :param maxcompute_conn_id: the Airflow connection of the MaxCompute project.
    :param project: the project, instead of the connection's. *(templated)*
    :param endpoint: the endpoint, instead of the connection's. *(templated)*
    :param quota_name: the tunnel quota for uploads. *(templated)*
    :param asset: the table's Asset, which becomes inlet and outlet of the task; its state store keeps what other runs
        need to know of this run's window. Default: an asset named after project and table, unless these are templates.
    :param partition_events: have the asset get an event for each partition that the load has changed, with the
        partition as its key, in place of one for the load: DAGs with a ``PartitionedAssetTimetable`` run once for each
        partition, and DAGs with ``schedule=[asset]`` do not run then.

    **What does not fit**: what to do when …

    :param on_bad_json: what to do when a path leads into a key or value that is no JSON object: ``"null"`` (load NULL,
        and count it in the receipt), ``"reject"`` the record, or ``"fail"``.
    :param on_unclear: what to do with a record of which ``where`` cannot tell, because what is compared is no number,
        no text or no time: ``"reject"`` it, or ``"leave_out"``.
    :param max_rejects: how many records may fail to fit the table: a number, a percentage such as ``"1%"``, both as
        ``"10, 1%"``, or ``"unlimited"``. Checked before the commit: with more rejects than that, no row is visible.
        *(templated)*
    :param rejects_table: store the rejects in this MaxCompute table, which is created if it is missing, in a partition
        for this run; they become visible with the rows. *(templated)*
    :param rejects_path: store the rejects in this file instead: ``.parquet`` or ``.jsonl``, on any file system that
        Airflow or fsspec supports. It belongs to one run, so put the run's name into it. *(templated)*
    :param on_schema_drift: what to do when a mapped column is missing from the table: ``"fail"``, ``"add"`` it to the
        table, or ``"ignore"`` it. The decision is in the receipt.
    :param on_short_log: what to do when explicit offsets are beyond the end of the log: ``"fail"``, or ``"clamp"`` them
        to it.
    :param on_gap: what to do when this window and its neighbour do not meet at a boundary instant: ``"fail"``,
        ``"absorb"`` (use the neighbour's cut), or ``"ignore"`` (use the cut of this window's own side). Only
        ``"ignore"`` loads an interval that lies across others of this task.
    :param on_data_loss: what to do when offsets of the window are gone (expired, cut off the log, or without a record
        and unexplained), or may be (a time before all that is left): ``"fail"``, or ``"skip"``: load what is left, and
        record in the receipt what is missing, or possibly missing.
    :param on_timestamp_ahead: what to do when an instant would be cut at a record whose timestamp is more than an hour
        ahead of the clock: ``"fail"``, or ``"ignore"``: cut at the first record behind it whose timestamp may be true.

    **How fast**: what the load may take.

    :param concurrency: how many blocks are read and written at a time; ``"auto"``: up to eight, as many as the service
        and the window are worth; 0: one, in the task's own thread.
    :param workers: how many processes share the window, each of which may use ``max_memory``; ``"auto"``: as many as
        there are cores, where the window has millions of records.
    :param max_memory: how much memory each process may use in addition: bytes, or text such as ``"340MB"``.
    :param max_bytes_per_second: the highest speed, in bytes of the columns: a number, or text such as ``"20MB"``.
        Default: no limit.
    :param compression: how blocks are compressed when they are sent: ``"none"``, ``"lz4"``, ``"zstd"`` or ``"zlib"``.
    :param poll_timeout: seconds without any progress after which reading fails.
    :param block_timeout: seconds for writing one block, including retries, without waiting for its rows or its turn.
    :param load_timeout: seconds for the whole load, up to its commit. Default: a day, because an upload session lives
        no longer.

    **How sure**: what is done around the commit.

    :param commit_timeout: seconds until the result of the commit has to be known; then the task fails, and a retry asks
        again.
    :param on_rerun: what to do when the task is cleared after its rows were committed. In mode append: ``"keep"`` the
        rows as they are, or ``"replace"`` them: load the window again, then remove them and commit, which needs columns
        for ``__partition__`` and ``__offset__``. In mode overwrite both load the window again. ``"fail"`` fails the
        task.
    :param on_fewer_rows: what to do when rows that are visible would be replaced by fewer, or by none, in mode
        overwrite or by ``on_rerun="replace"``: because records have expired, were compacted, are rejected, are no JSON,
        or gave nothing but NULL: ``"fail"``, and the rows stay, or ``"replace"`` them all the same.
    :param reconcile: after the commit, compare the table with what was loaded, by SQL: rows, first and last offset and
        number of different offsets per Kafka partition if these are columns, and all rows in mode overwrite.
    :param commit_to_group: after the commit, commit the window's ends to the group of the Kafka connection, for tools
        that show its lag; the group's offsets are never moved back.
    """

    template_fields: Sequence[str] = (
        "topic", "table", "partition", "partition_by", "staging_table", "columns", "column_types", "where", "start",
        "end", "first_start", "partitions", "max_rejects", "rejects_table", "rejects_path", "group_id", "project",
        "endpoint", "quota_name",
    )  # fmt: skip
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "partition": "json",
        "partition_by": "json",
        "columns": "json",
        "start": "json",
        "end": "json",
    }
    ui_color = "#e8f1fb"
    operator_extra_links = (KafkaWindowLink(),)

    def __init__(  # noqa: PLR0913 - each is a parameter of the load, named at the call
        self, *,
        # what
        topic: str, columns: ColumnInput | None = None, key_type: str = "bytes", value_type: str = "bytes",
        encoding: str = "utf-8", field_delimiter: str = ",", empty_as_null: bool = False,
        conversions: str = "strict", timezone: str | None = None, where: str | None = None,
        # from where
        start: BoundInput | XComArg = "interval", end: BoundInput | XComArg = "interval",
        first_start: BoundInput | None = None, max_offsets: int | None = None,
        partitions: Sequence[int] | str | None = None, isolation_level: str = "read_committed",
        kafka_config_id: str = "kafka_default", group_id: str | None = None,
        # to where
        table: str, partition: PartitionInput | None = None, partition_timezone: str = "UTC",
        partition_by: RoutesInput | None = None, max_partitions: int = MAX_PARTITIONS,
        partitions_within_interval: bool = False, staging_table: str | None = None, mode: str = "append",
        create_table: bool = False, column_types: Mapping[str, str] | str | None = None, lifecycle: int | None = None,
        maxcompute_conn_id: str = "maxcompute_default", project: str | None = None, endpoint: str | None = None,
        quota_name: str | None = None, asset: Asset | None = None, partition_events: bool = False,
        # what does not fit
        on_bad_json: str = "null", on_unclear: str = "reject", max_rejects: ToleranceInput = 0,
        rejects_table: str | None = None, rejects_path: str | None = None, on_schema_drift: str = "fail",
        on_short_log: str = "fail", on_gap: str = "fail", on_data_loss: str = "fail", on_timestamp_ahead: str = "fail",
        # how fast
        concurrency: int | str = AUTO, workers: int | str = 1, max_memory: int | str = MAX_MEMORY,
        max_bytes_per_second: int | str | None = None, compression: str = "none", poll_timeout: float = 60.0,
        block_timeout: float = 900.0, load_timeout: float = 86_400.0,
        # how sure
        commit_timeout: float = 300.0, on_rerun: str = "keep", on_fewer_rows: str = "fail", reconcile: bool = True,
        commit_to_group: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        given = locals()
        if start == "previous":
            # The scheduler lets no two runs of this task plan at the same moment.
            kwargs.setdefault("max_active_tis_per_dag", 1)
        super().__init__(**kwargs)
        for name, value in checked(given).items():
            setattr(self, name, value)
        self.asset = asset or table_asset(table, project, maxcompute_conn_id)
        if self.asset is not None:
            # As an outlet only, Airflow would forget its state while the DAG's file has an error.
            self.inlets = [*self.inlets, *([] if self.asset in self.inlets else [self.asset])]
            self.outlets = [*self.outlets, *([] if self.asset in self.outlets else [self.asset])]

    @property
    def parameters(self) -> LoadParameters:
        """The parameters as they are now; once they are rendered, they are what the load goes by."""
        return LoadParameters.frozen(vars(self))

    @cached_property
    def kafka_hook(self) -> KafkaHook:
        """The hook that reads the topic."""
        asked = self.parameters.from_where
        return KafkaHook(kafka_config_id=asked.kafka_config_id, group_id=asked.group_id or None, clock=self.clock)

    @cached_property
    def odps_hook(self) -> OdpsHook:
        """The hook that writes the table."""
        asked = self.parameters.to_where
        return OdpsHook(
            maxcompute_conn_id=asked.maxcompute_conn_id,
            project=asked.project or None,
            endpoint=asked.endpoint or None,
            quota_name=asked.quota_name or None,
            block_patience=replace(BLOCK_RETRY, total=self.parameters.how_fast.block_timeout),
            clock=self.clock,
            on_refused=self.refusals.add,
        )

    @cached_property
    def refusals(self) -> Refusals:
        """How often MaxCompute has asked for less; the log says it once."""
        return Refusals(self.log.warning)

    def execute(self, context: Context) -> dict[str, Any]:
        """Load the window of this task instance and return the receipt.

        Errors that another attempt cannot fix fail the task without retries.
        """
        from airflow_provider_kafka_odps.core.delivery.transfer import transfer
        from airflow_provider_kafka_odps.transfers.build import Hooks, build_attempt
        from airflow_provider_kafka_odps.transfers.runtime.assets import event_of, partition_keys
        from airflow_provider_kafka_odps.transfers.runtime.failures import failure
        from airflow_provider_kafka_odps.transfers.runtime.memory import lean
        from airflow_provider_kafka_odps.transfers.runtime.stores import StateStoreJournal, asset_store
        from airflow_provider_kafka_odps.transfers.runtime.telemetry.metrics import report_metrics
        from airflow_provider_kafka_odps.transfers.runtime.topics import LoadedTopics

        run = AirflowRun(context, self.log.info, self.log.warning, self.clock, self.cancellation, self.refusals)
        KafkaWindowLink().push_early(context["ti"])
        try:
            self.check_templates()
            with lean(), run.in_sections() as run:
                attempt = self.keep_attempt(build_attempt(self.parameters, run, Hooks(self.kafka_hook, self.odps_hook)))
                topics = LoadedTopics(asset_store(context, self.asset), attempt)
                topics.warn(run.warn)
                before = attempt.ports.journal.load()
                receipt = transfer(attempt)
                topics.note(receipt.rows)
        except KafkaOdpsError as error:
            self.log.debug("where the error was found", exc_info=error)
            # The run's own: that of an interval is taken over by whoever looks.
            raise failure(error, lambda: StateStoreJournal(context).load()) from None
        event = event_of(receipt, before, attempt.run.clear_number)
        if event["changed"]:
            report_metrics(receipt, attempt.ports.survey, context["ti"])
        if self.asset is not None:
            context["outlet_events"][self.asset].extra = event
            if self.parameters.to_where.partition_events and event["changed"]:
                context["outlet_events"][self.asset].add_partitions(partition_keys(receipt, before))
        return self.keep_receipt(receipt, event)
