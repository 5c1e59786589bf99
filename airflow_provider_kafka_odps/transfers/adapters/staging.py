"""An ODPS hook in the shapes that a load asks for whose rows are staged: where they wait, and how they are moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.delivery.merging.staged_rows import Staging
from airflow_provider_kafka_odps.core.delivery.window_rows import NoOffsetColumns, NoRows, WindowRows, filled_statement
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.routing.staging import (
    STAGED_DAYS,
    Routing,
    drop_statement,
    empty_statement,
    merge_statement,
    staging_drift,
    staging_schema,
)
from airflow_provider_kafka_odps.core.statement import StatementEnd
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.exceptions import StatementFailed, TableRefused
from airflow_provider_kafka_odps.transfers.adapters.table import (
    TableSink,
    TableVisibleRows,
    TableWindowRows,
    find_rows,
)

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.upload import Upload
    from airflow_provider_kafka_odps.hooks.odps import OdpsHook

_HINTS = {"odps.sql.reshuffle.dynamicpt": "true"}
"""Rows of one partition are brought together before they are written: few files, whatever the service's default is."""


@dataclass(frozen=True, slots=True)
class StagedSink:
    """A table as the sink of a load whose rows go into its staging table first."""

    target: TableSink
    staging: TableSink

    def ensure(self) -> None:
        """Create what is missing: the target and its columns, the staging table and its columns, the load's partition.

        Raises TableRefused, with what to do, where the staging table cannot be made.
        """
        self.target.ensure()
        try:
            self.staging.ensure()
        except StatementFailed as error:
            raise TableRefused(
                f"rows of {self.target.table} wait in {self.staging.table}, which cannot be made: {error}\nGive this "
                "account CreateTable on its project, or let somebody create the table and grant Describe, Alter, "
                "Update, Select and Drop on it; staging_table= names another one"
            ) from error

    def open_upload(self) -> Upload:
        """Open a fresh upload session to the load's partition of the staging table."""
        return self.staging.open_upload()

    def attach_upload(self, upload_id: str) -> Upload:
        """Return a session that an earlier attempt opened, alive or not."""
        return self.staging.attach_upload(upload_id)


def staging_sink(target: TableSink, routing: Routing) -> TableSink:
    """Return the staging table of a target as a sink: made where it is missing, and with the columns that it lacks.

    Raises TableRefused for a table that cannot be one.
    """
    table, wanted = routing.staged.table, staging_schema(target.schema, routing.routes)
    found = target.hook.describe(table)
    added = () if found is None else staging_drift(table, wanted, found)
    schema = wanted if found is None else replace(found, columns=(*found.columns, *added))
    return TableSink(
        hook=target.hook,
        table=table,
        schema=schema,
        partition=routing.staged.partition,
        overwrite=True,
        create=found is None,
        lifecycle=STAGED_DAYS,
        log=target.log,
        compression=target.compression,
        added=added,
    )


@dataclass(frozen=True, slots=True)
class HookStagedRows:
    """The staged rows of loads, by an ODPS hook."""

    hook: OdpsHook

    def attach_upload(self, staged: Staged, upload_id: str) -> Upload:
        """Return a session that an earlier attempt opened, alive or not."""
        return self.hook.attach_upload(staged.table, staged.partition, upload_id)

    def size(self, staged: Staged) -> int | None:
        """Return how many bytes the service stores there; None where there is no such partition, or no such table."""
        if self.hook.describe(staged.table) is None:
            return None
        return self.hook.partition_size(staged.table, staged.partition)

    def drop(self, staged: Staged) -> None:
        """Remove the partition, if it is there."""
        self.hook.await_sql(self.hook.start_sql(drop_statement(staged), staged.table))


@dataclass(frozen=True, slots=True)
class HookMerges:
    """Statements that move staged rows into a target, by an ODPS hook."""

    target: TableSink
    routing: Routing

    def start(self, staged: Staged, name: str) -> str:
        """Start to move all rows that are staged there, once per name; return the id of the instance."""
        sink = self.target
        # Of a table that is gone the statement fails, as it has to: under its name it may have run before.
        now = sink.hook.describe(sink.table) or sink.schema
        routes = self.routing.routes
        statement = merge_statement(sink.table, now.columns, routes, staged, overwrite=sink.overwrite)
        return sink.hook.start_sql(statement, sink.table, name, _HINTS)

    def end(self, statement_id: str, seconds: float) -> StatementEnd:
        """Wait for so long until it has ended, and return how."""
        return self.target.hook.await_sql(statement_id, seconds)

    def empty(self, places: Sequence[PartitionSpec], name: str) -> StatementEnd:
        """Remove all rows of some partitions, once under a name; return how that ended."""
        hook, table = self.target.hook, self.target.table
        return hook.await_sql(hook.start_sql(empty_statement(table, places), table, name))


def staging_of(target: TableSink, routing: Routing, today: TableWindowRows | NoOffsetColumns) -> Staging:
    """Return the outside of a load into a target whose rows are staged."""
    from airflow_provider_kafka_odps.clients.maxcompute.sql import hints_for

    by_columns = find_rows(target, today)

    def find(columns: tuple[str, ...] | None, places: Sequence[PartitionSpec]) -> WindowRows:
        if not places:
            # Without a partition it would be looked for everywhere, which a project may forbid.
            return NoRows()
        rows = by_columns(columns)
        if not isinstance(rows, TableWindowRows):
            return NoOffsetColumns()
        return TableWindowRows(rows.hook, replace(rows.finder, places=tuple(places)))

    def show(places: Sequence[PartitionSpec]) -> TableVisibleRows:
        rows = find(None, places)
        found = rows if isinstance(rows, TableWindowRows) else NoOffsetColumns()
        return TableVisibleRows(target.hook, target.table, found, tuple(places))

    def filled(places: Sequence[PartitionSpec]) -> Sequence[PartitionSpec]:
        answer = target.hook.run_sql(filled_statement(target.table, places), hints_for(target.table))
        seen = {tuple(row.values()) for row in answer.to_pylist()}
        return [place for place in places if tuple(value for _, value in place.levels) in seen]

    return Staging(HookStagedRows(target.hook), HookMerges(target, routing), find, show, filled)
