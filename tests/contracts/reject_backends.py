"""Places for rejects: the one in memory, a partition of a table over HTTP, and files."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from contracts.table_backends import hook
from pyarrow import parquet
from twins.maxcompute import MaxCompute, Row
from twins.maxcompute import RejectSink as TwinSink

from airflow_provider_kafka_odps.core.accounting.rejects import REJECT_SCHEMA, RejectSink
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.local.testing import RunningEndpoint
from airflow_provider_kafka_odps.transfers.adapters.reject_file import RejectFile
from airflow_provider_kafka_odps.transfers.adapters.reject_table import RejectTable

_SEEN = ("kafka_partition", "kafka_offset", "column_name")


class RejectsBackend(Protocol):
    """A place that nobody has written to yet."""

    def sink(self) -> RejectSink:
        """Return the place as a load sees it; each time as another process would."""

    def rows(self) -> list[Row]:
        """Return partition, offset and column of the rejects that everybody sees, in order."""

    def lose(self, upload_id: str) -> None:
        """Lose what was written by an upload."""


@dataclass
class TwinRejects:
    """The place in memory."""

    world: MaxCompute = field(default_factory=MaxCompute)

    def sink(self) -> RejectSink:
        """Return the twin."""
        return TwinSink(self.world)

    def rows(self) -> list[Row]:
        """Return the rejects."""
        return sorted(self.world.rejects)

    def lose(self, upload_id: str) -> None:
        """Let it expire."""
        self.world.expire([self.world.reject_sessions[upload_id]])


@dataclass
class TableRejects:
    """A partition of a table of the endpoint to which the default connection leads."""

    endpoint: RunningEndpoint
    name: TableName = field(default_factory=lambda: TableName(f"rejects_{uuid.uuid4().hex[:12]}"))

    def sink(self) -> RejectSink:
        """Return what the operator makes of the hook."""
        return RejectTable(hook(), self.name, PartitionSpec.parse("load_id=a1"), _say_nothing)

    def rows(self) -> list[Row]:
        """Query them, where there is a table by now."""
        if hook().describe(self.name) is None:
            return []
        return _sorted(hook().run_sql(f"SELECT * FROM {self.name}").to_pylist())

    def lose(self, upload_id: str) -> None:
        """Let it expire."""
        self.endpoint.control.force_status(upload_id, "expired")


@dataclass
class FileRejects:
    """A file on this machine."""

    path: Path

    def sink(self) -> RejectSink:
        """Return what the operator makes of the path."""
        return RejectFile(str(self.path))

    def rows(self) -> list[Row]:
        """Read the file, where there is one by now; nobody who lists the folder takes a part of it for one."""
        assert not set(self.path.parent.glob(f"*{self.path.suffix}")) - {self.path}
        if not self.path.exists():
            return []
        if self.path.suffix == ".parquet":
            return _sorted(parquet.read_table(self.path).to_pylist())
        return _sorted([json.loads(line) for line in self.path.read_text().splitlines()])

    def lose(self, upload_id: str) -> None:
        """Remove its parts."""
        for part in self.path.parent.glob(f"*{upload_id}*"):
            part.unlink()


def rejects(*rows: Row) -> list[pa.RecordBatch]:
    """Return rejects in the columns in which they are written."""
    names = ("topic", *_SEEN)
    named = [dict(zip(names, ("orders", *row), strict=True)) for row in rows]
    return [pa.RecordBatch.from_pylist(named, REJECT_SCHEMA)]


def _sorted(rows: list[dict[str, Any]]) -> list[Row]:
    partition, offset, column = _SEEN
    return sorted((row[partition], row[offset], row[column]) for row in rows)


def _say_nothing(_: str) -> None:
    pass
