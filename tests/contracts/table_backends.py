"""A table to be loaded and disturbed: the one in memory, and one of an endpoint over HTTP."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
from twins.maxcompute import OLD_ROW, MaxCompute, Row
from twins.maxcompute import Sink as TwinSink
from twins.table_rows import Rows as TwinRows
from twins.table_rows import Shown

from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import RetryPolicy
from airflow_provider_kafka_odps.core.delivery.ports import Sink
from airflow_provider_kafka_odps.core.delivery.reconciling import VisibleRows
from airflow_provider_kafka_odps.core.delivery.window_rows import WindowRows, window_rows_sql
from airflow_provider_kafka_odps.core.options import Compression
from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import Drop, Moment, Operation, Refuse, RunningEndpoint
from airflow_provider_kafka_odps.transfers.adapters.table import TableSink, TableWindowRows, visible_rows

SCHEMA = TableSchema(columns_of({"p": "bigint", "o": "bigint", "v": "string"}))
_PATIENCE = RetryPolicy(total=5.0, connect=2.0, read=2.0, first_pause=0.05, longest_pause=0.2)
_FAULTS: Mapping[str, Drop | Refuse] = {
    "lost": Drop(Moment.BEFORE),
    "applied and lost": Drop(Moment.AFTER),
    "throttled": Refuse(429, "FlowExceeded"),
    "refused": Refuse(403, "NoPermission"),
}


class TableBackend(Protocol):
    """A table with one row in it, and all that may befall its uploads and statements."""

    def sink(self, *, overwrite: bool = False) -> Sink:
        """Return the table as a load sees it; each time as another process would."""

    def window_rows(self) -> WindowRows:
        """Return its rows as a load finds and removes them."""

    def shown(self) -> VisibleRows:
        """Return what a load is held against after its commit."""

    def rows(self) -> list[Row]:
        """Return what everybody sees, in order."""

    def expire(self, upload_id: str) -> None:
        """Let a session expire."""

    def begin_to_close(self, upload_id: str) -> None:
        """Let a session be as if its commit were under way."""

    def disturb_commit(self, fault: str) -> None:
        """Let the next commit be `lost`, `applied and lost`, `throttled` or `refused`."""

    def fail_statements(self) -> None:
        """Let statements that start from now on fail."""


@dataclass
class TwinTable:
    """The table in memory."""

    world: MaxCompute = field(default_factory=MaxCompute)

    def sink(self, *, overwrite: bool = False) -> Sink:
        """Return the twin of the table."""
        return TwinSink(self.world, overwrite)

    def window_rows(self) -> WindowRows:
        """Return the twin of its rows."""
        return TwinRows(self.world)

    def shown(self) -> VisibleRows:
        """Return the twin of what is seen."""
        return Shown(self.world)

    def rows(self) -> list[Row]:
        """Return the rows."""
        return sorted(self.world.table)

    def expire(self, upload_id: str) -> None:
        """Do it."""
        self.world.expire([self.world.sessions[upload_id]])

    def begin_to_close(self, upload_id: str) -> None:
        """Do it."""
        self.world.sessions[upload_id].status = UploadStatus.CLOSING
        self.world.closing = 5

    def disturb_commit(self, fault: str) -> None:
        """Do it."""
        self.world.commit_faults.append(fault)

    def fail_statements(self) -> None:
        """Do it."""
        self.world.statements_fail = "ODPS-0130131: Table not found"


@dataclass
class EndpointTable:
    """A table of a local endpoint, by PyODPS and our own client."""

    endpoint: RunningEndpoint
    name: TableName

    def sink(self, *, overwrite: bool = False) -> Sink:
        """Return what the operator makes of the hook."""
        return self._sink(overwrite=overwrite)

    def _sink(self, *, overwrite: bool) -> TableSink:
        return TableSink(
            hook(),
            self.name,
            SCHEMA,
            None,
            overwrite=overwrite,
            create=False,
            lifecycle=None,
            log=_say_nothing,
            compression=Compression.NONE,
            added=(),
        )

    def window_rows(self) -> TableWindowRows:
        """Return what the operator makes of the hook."""
        found = window_rows_sql({"p": "__partition__", "o": "__offset__"}, self.name, SCHEMA, None)
        assert found is not None
        return TableWindowRows(hook(), found)

    def shown(self) -> VisibleRows:
        """Return what the operator makes of the hook."""
        return visible_rows(self._sink(overwrite=False), self.window_rows())

    def rows(self) -> list[Row]:
        """Query them."""
        answer = hook().run_sql(f"SELECT p, o, v FROM {self.name}").to_pylist()
        return sorted((row["p"], row["o"], row["v"]) for row in answer)

    def expire(self, upload_id: str) -> None:
        """Do it."""
        self.endpoint.control.force_status(upload_id, "expired")

    def begin_to_close(self, upload_id: str) -> None:
        """Do it."""
        self.endpoint.control.force_status(upload_id, "closing")

    def disturb_commit(self, fault: str) -> None:
        """Do it."""
        self.endpoint.control.inject(Operation.COMMIT_UPLOAD, _FAULTS[fault], table=self.name.name)

    def fail_statements(self) -> None:
        """Drop the table."""
        hook().run_sql(f"DROP TABLE {self.name}")


def _say_nothing(_: str) -> None:
    pass


def hook() -> OdpsHook:
    """Return a hook with little patience: nobody waits for what is not going to come."""
    return OdpsHook(patience=_PATIENCE, block_patience=_PATIENCE)


def endpoint_table(endpoint: RunningEndpoint) -> EndpointTable:
    """Create a table with one row whose name nobody else uses; the default connection leads to the endpoint."""
    name = TableName(f"contract_{uuid.uuid4().hex[:12]}")
    hook().create_table(name, SCHEMA)
    hook().run_sql(f"INSERT INTO {name} VALUES ({', '.join(map(repr, OLD_ROW))})")
    return EndpointTable(endpoint, name)


def connection_to(endpoint: RunningEndpoint) -> str:
    """Return the Airflow connection as JSON."""
    extra = {
        "access_key_id": endpoint.access_id,
        "access_key_secret": endpoint.access_key,
        "project": endpoint.project,
        "endpoint": endpoint.endpoint,
    }
    return json.dumps({"conn_type": "maxcompute", "extra": extra})


def batches(*rows: Row) -> list[pa.RecordBatch]:
    """Return the columns of rows."""
    return [pa.RecordBatch.from_pylist([dict(zip("pov", row, strict=True)) for row in rows], SCHEMA.arrow)]
