"""The place where the rows of one load wait to be moved into their partitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName, check_identifier


@dataclass(frozen=True, slots=True)
class Staged:
    """Where the rows of one load wait: a partition of a staging table."""

    table: TableName
    partition: PartitionSpec
    columns: tuple[str, ...]
    """The columns of the target that were staged, by the names that they had then."""

    def __post_init__(self) -> None:
        """Refuse what could be the name of no column."""
        for name in self.columns:
            check_identifier(name, "column")

    def __str__(self) -> str:
        return f"{self.table} ({self.partition})"

    def to_json(self) -> dict[str, Any]:
        """Return the place as it stands in the journal."""
        return {"table": str(self.table), "partition": str(self.partition), "columns": list(self.columns)}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Staged:
        """Read what ``to_json`` wrote; raises InvalidInput and KeyError for anything else."""
        return cls(
            TableName.parse(written["table"]), PartitionSpec.parse(written["partition"]), tuple(written["columns"])
        )
