"""A staging table and its target to be loaded and disturbed: in memory, and on an endpoint over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
from contracts.table_backends import hook
from core.world import ROUTES, STAGED
from twins.maxcompute import MaxCompute
from twins.maxcompute import Sink as TwinSink
from twins.staging import MergeWorld, TwinMerges, TwinStagedRows, find_in, show_filled, values_of
from twins.table_rows import Shown

from airflow_provider_kafka_odps.clients.maxcompute.sql import hints_for
from airflow_provider_kafka_odps.core.delivery.merging.staged_rows import Merges, StagedRows, Staging
from airflow_provider_kafka_odps.core.delivery.ports import Sink
from airflow_provider_kafka_odps.core.delivery.window_rows import NoOffsetColumns, WindowRows, window_rows_sql
from airflow_provider_kafka_odps.core.options import Compression
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.routing.staging import Routing, staging_schema
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.local.testing import RunningEndpoint
from airflow_provider_kafka_odps.transfers.adapters.staging import StagedSink, staging_of, staging_sink
from airflow_provider_kafka_odps.transfers.adapters.table import TableSink, TableWindowRows

TARGET = TableSchema(columns_of({"p": "bigint", "o": "bigint", "v": "string"}), columns_of({"ds": "string"}))
_CONFLICT = "ODPS-0110999:MetaTransactionAborted - cannot satisfy ODPS ACID constraints"


class StagingBackend(Protocol):
    """A target without rows, its staging table, and what may befall the statements between them."""

    staged: Staged
    places: Sequence[PartitionSpec]
    """The partitions of rows with the values ``a`` and ``b``."""

    def sink(self) -> Sink:
        """Return what a load writes to."""

    def staged_rows(self) -> StagedRows:
        """Return what waits there."""

    def merges(self, *, overwrite: bool = False) -> Merges:
        """Return the statements that move it."""

    def filled(self) -> Sequence[PartitionSpec]:
        """Return those of its partitions that have rows."""

    def change(self) -> str:
        """Return what is said of the last change of its partitions."""

    def find(self, columns: tuple[str, ...] | None) -> WindowRows:
        """Return the rows of the target in its partitions."""

    def rows(self) -> list[tuple[int, int, str]]:
        """Return what everybody sees in the target, in order."""

    def fail_next(self, fault: str) -> None:
        """Let the next statement be one that ``fails``, ``conflicts`` or ``leaves a part``."""

    def forget(self, statement_id: str) -> None:
        """Let the service forget a statement that has ended."""


@dataclass
class TwinStaging:
    """All of it in memory."""

    world: MaxCompute = field(default_factory=lambda: MaxCompute(table=[]))
    statements: MergeWorld = field(default_factory=MergeWorld)
    staged: Staged = STAGED
    places: Sequence[PartitionSpec] = (PartitionSpec.parse("ds=a"), PartitionSpec.parse("ds=b"))

    def sink(self) -> Sink:
        """Return the twin."""
        return TwinSink(self.world, overwrite=True, staged=str(self.staged))

    def staged_rows(self) -> StagedRows:
        """Return the twin."""
        return TwinStagedRows(self.world)

    def merges(self, *, overwrite: bool = False) -> Merges:
        """Return the twin."""
        return TwinMerges(self.world, self.statements, overwrite)

    def filled(self) -> Sequence[PartitionSpec]:
        """Return what the twin says."""
        return show_filled(self.world)(self.places)

    def change(self) -> str:
        """Return what the twin says."""
        return Shown(self.world, values_of(self.places)).last_change()

    def find(self, columns: tuple[str, ...] | None) -> WindowRows:
        """Return the twin."""
        return find_in(self.world, by_rows=True)(columns, self.places)

    def rows(self) -> list[tuple[int, int, str]]:
        """Return the rows."""
        return sorted(self.world.table)

    def fail_next(self, fault: str) -> None:
        """Do it."""
        self.statements.faults.append(fault)

    def forget(self, statement_id: str) -> None:
        """Do it."""
        del self.statements.merges[statement_id]


@dataclass
class EndpointStaging:
    """Tables of a local endpoint, by what the operator makes of the hook."""

    endpoint: RunningEndpoint
    target: TableName
    staged: Staged
    places: Sequence[PartitionSpec] = (PartitionSpec.parse("ds=day-a"), PartitionSpec.parse("ds=day-b"))

    @property
    def _routing(self) -> Routing:
        return Routing(ROUTES, 64, self.staged, ())

    def _sink(self, *, overwrite: bool = False) -> TableSink:
        return TableSink(
            hook(), self.target, TARGET, None, overwrite=overwrite, create=False, lifecycle=None, log=_say_nothing,
            compression=Compression.NONE, added=(),
        )  # fmt: skip

    def sink(self) -> Sink:
        """Return what the operator writes to."""
        return StagedSink(self._sink(), staging_sink(self._sink(), self._routing))

    def staged_rows(self) -> StagedRows:
        """Return what the operator makes of the hook."""
        return self._staging().rows

    def merges(self, *, overwrite: bool = False) -> Merges:
        """Return what the operator makes of the hook."""
        return self._staging(overwrite=overwrite).merges

    def filled(self) -> Sequence[PartitionSpec]:
        """Return what the operator makes of the hook."""
        return self._staging().filled(self.places)

    def change(self) -> str:
        """Return what the operator makes of the hook."""
        return self._staging().show(self.places).last_change()

    def find(self, columns: tuple[str, ...] | None) -> WindowRows:
        """Return what the operator makes of the hook."""
        return self._staging().find(columns, self.places)

    def _staging(self, *, overwrite: bool = False) -> Staging:
        found = window_rows_sql({"p": "__partition__", "o": "__offset__"}, self.target, TARGET, None)
        rows = TableWindowRows(hook(), found) if found else NoOffsetColumns()
        return staging_of(self._sink(overwrite=overwrite), self._routing, rows)

    def rows(self) -> list[tuple[int, int, str]]:
        """Query them; each is in the partition that its value names."""
        answer = hook().run_sql(f"SELECT p, o, v, ds FROM {self.target}", hints_for(self.target)).to_pylist()
        assert all(row["ds"] == f"day-{row['v']}" for row in answer)
        return sorted((row["p"], row["o"], row["v"]) for row in answer)

    def fail_next(self, fault: str) -> None:
        """Do it."""
        words = _CONFLICT if fault == "conflicts" else "ODPS-0010000:System internal error - a worker was lost"
        self.endpoint.control.fail_insert(words, part=fault == "leaves a part")

    def forget(self, statement_id: str) -> None:
        """Do it."""
        self.endpoint.control.forget_instance(statement_id)


def _say_nothing(_: str) -> None:
    pass


def endpoint_staging(endpoint: RunningEndpoint) -> EndpointStaging:
    """Create a target whose name nobody else uses; its staging table is not there yet."""
    name = TableName(f"routed_{uuid.uuid4().hex[:12]}")
    hook().create_table(name, TARGET)
    resolved = hook().resolve(name)
    place = PartitionSpec.parse(f"load_id={uuid.uuid4().hex}")
    return EndpointStaging(
        endpoint, resolved, Staged(TableName(f"{name}__kafka_staging", resolved.project), place, ("p", "o", "v"))
    )


def staged_batches(rows: Sequence[tuple[int, int, str]]) -> list[pa.RecordBatch]:
    """Return the columns of rows, each with the partition that its value names."""
    schema = staging_schema(TARGET, ROUTES).arrow
    staged = [{"p": p, "o": o, "v": v, "ds": f"day-{v}"} for p, o, v in rows]
    return [pa.RecordBatch.from_pylist(staged, schema)]
