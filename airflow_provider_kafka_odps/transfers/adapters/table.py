"""An ODPS hook in the shapes that a load asks for: the table, its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.delivery.reconciling import FoundOffsets
from airflow_provider_kafka_odps.core.delivery.window_rows import (
    FoundRows,
    NoOffsetColumns,
    WindowRows,
    WindowRowsSql,
    rows_sql_by,
    rows_statement,
)
from airflow_provider_kafka_odps.core.statement import Fate
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.window.offsets import TopicPartition
from airflow_provider_kafka_odps.exceptions import StatementFailed

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.delivery.ports import FindRows
    from airflow_provider_kafka_odps.core.options import Compression
    from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema
    from airflow_provider_kafka_odps.core.upload import Upload
    from airflow_provider_kafka_odps.core.window.window import Window
    from airflow_provider_kafka_odps.hooks.odps import OdpsHook


@dataclass(frozen=True, slots=True)
class TableSink:
    """An ODPS hook as the sink of a transfer into one table, or one partition of it."""

    hook: OdpsHook
    table: TableName
    schema: TableSchema
    partition: PartitionSpec | None
    overwrite: bool
    create: bool
    """Whether the table is missing, and is to be created from ``schema``."""
    lifecycle: int | None
    """Days that the created table keeps its rows."""
    log: Callable[[str], None]
    """Takes a line for the task's log."""
    compression: Compression
    added: tuple[Column, ...]
    """Columns of ``schema`` that the table lacks."""

    def ensure(self) -> None:
        """Create what is missing: the table, columns, the partition. All statements are harmless to repeat."""
        if self.create:
            # The hook logs its statements.
            self.log(f"there is no table {self.table}: it is created")
            self.hook.create_table(self.table, self.schema, self.lifecycle)
        if self.added:
            self.log(f"table {self.table} lacks {', '.join(each.name for each in self.added)}: they are added")
            self.hook.add_columns(self.table, self.added)
        if self.partition is not None:
            self.hook.create_partition(self.table, self.partition)

    def open_upload(self) -> Upload:
        """Open a fresh upload session."""
        return self.hook.open_upload(self.table, self.partition, overwrite=self.overwrite, compression=self.compression)

    def attach_upload(self, upload_id: str) -> Upload:
        """Return a session that an earlier attempt opened, alive or not."""
        return self.hook.attach_upload(self.table, self.partition, upload_id)


@dataclass(frozen=True, slots=True)
class TableWindowRows:
    """An ODPS hook as what finds and removes the rows of a window."""

    hook: OdpsHook
    finder: WindowRowsSql

    def count(self, window: Window) -> FoundRows:
        """Return how much of the window is visible."""
        from airflow_provider_kafka_odps.clients.maxcompute.sql import hints_for

        answer = self.hook.run_sql(self.finder.count_statement(window), hints_for(self.finder.table))
        (row,) = answer.to_pylist()
        return FoundRows(rows=row["found"], offsets=row["places"])

    def offsets(self, window: Window) -> Mapping[TopicPartition, FoundOffsets]:
        """Return what is visible of each partition of the window."""
        from airflow_provider_kafka_odps.clients.maxcompute.sql import hints_for

        answer = self.hook.run_sql(self.finder.offsets_statement(window), hints_for(self.finder.table))
        return {
            TopicPartition(window.topic, row["p"]): FoundOffsets(
                row["found"], row["places"], row["first_o"], row["last_o"]
            )
            for row in answer.to_pylist()
        }

    def start_removal(self, window: Window, name: str) -> str:
        """Start to remove the window's rows and no others, once per name; return the id of the instance.

        Where they are in several partitions, each has a statement with a name of its own, and the ids are joined.
        """
        if not self.finder.places:
            return self.hook.start_sql(self.finder.removal_statement(window), self.finder.table, name)
        started = []
        for number, place in enumerate(self.finder.places):
            statement = replace(self.finder, partition=place, places=()).removal_statement(window)
            started.append(self.hook.start_sql(statement, self.finder.table, f"{name}-{number}"))
        return ",".join(started)

    def await_removal(self, statement_id: str) -> str | None:
        """Wait until the removal has ended; return why nothing was removed, if it was not."""
        refusals = []
        for each in statement_id.split(","):
            end = self.hook.await_sql(each)
            if end.fate is Fate.RUNNING:
                raise StatementFailed(end.words)
            refusals += [] if end.fate is Fate.SUCCEEDED else [end.words]
        return next(iter(refusals), None)


def find_rows(sink: TableSink, today: TableWindowRows | NoOffsetColumns) -> FindRows:
    """Return what finds rows of a sink's table by the columns that a receipt names, or by those of today."""

    def find(columns: tuple[str, ...] | None) -> WindowRows:
        if columns is None:
            return today
        finder = rows_sql_by(columns, sink.table, sink.schema, sink.partition)
        return NoOffsetColumns() if finder is None else TableWindowRows(sink.hook, finder)

    return find


@dataclass(frozen=True, slots=True)
class TableVisibleRows:
    """What a table shows of a load after its commit."""

    hook: OdpsHook
    table: TableName
    window_rows: TableWindowRows | NoOffsetColumns
    places: tuple[PartitionSpec, ...]
    """The partitions that are looked at; (): the whole table."""

    def offsets(self, window: Window) -> Mapping[TopicPartition, FoundOffsets] | None:
        """Return what is there of each partition of the window; None if partition and offset are no columns."""
        return self.window_rows.offsets(window) if isinstance(self.window_rows, TableWindowRows) else None

    def rows(self) -> int:
        """Return how many rows there are, whosever they are."""
        from airflow_provider_kafka_odps.clients.maxcompute.sql import hints_for

        (row,) = self.hook.run_sql(rows_statement(self.table, self.places), hints_for(self.table)).to_pylist()
        return int(row["found"])

    def last_change(self) -> str:
        """Return when the table, or one of the partitions, was changed last, and how large it is."""
        return self.hook.last_change(self.table, *self.places)


def visible_rows(sink: TableSink, window_rows: TableWindowRows | NoOffsetColumns) -> TableVisibleRows:
    """Return what a sink's table, or its partition, shows."""
    places = () if sink.partition is None else (sink.partition,)
    return TableVisibleRows(sink.hook, sink.table, window_rows, places)
