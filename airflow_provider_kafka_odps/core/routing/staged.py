"""The place where the rows of one load wait to be moved into their partitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName


@dataclass(frozen=True, slots=True)
class Staged:
    """Where the rows of one load wait: a partition of a staging table."""

    table: TableName
    partition: PartitionSpec

    def __str__(self) -> str:
        return f"{self.table} ({self.partition})"

    def to_json(self) -> dict[str, str]:
        """Return the place as it stands in the journal."""
        return {"table": str(self.table), "partition": str(self.partition)}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Staged:
        """Read what ``to_json`` wrote; raises InvalidInput and KeyError for anything else."""
        return cls(TableName.parse(written["table"]), PartitionSpec.parse(written["partition"]))
