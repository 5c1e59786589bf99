"""Rejects in a MaxCompute table: one partition per load, which another load of the same window replaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.upload import AT_ONCE

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload
    from airflow_provider_kafka_odps.core.upload import Sending, Upload, UploadStatus
    from airflow_provider_kafka_odps.hooks.odps import OdpsHook


LOAD = "load_id"


_TYPES = {
    "topic": "string",
    "kafka_partition": "bigint",
    "kafka_offset": "bigint",
    "kafka_timestamp": "bigint",
    "record_key": "string",
    "record_value": "string",
    "column_name": "string",
    "reason": "string",
}


@dataclass(frozen=True, slots=True)
class RejectTable:
    """A table that is created when it is missing, and the partition of one load in it."""

    hook: OdpsHook
    table: TableName
    partition: PartitionSpec
    log: Callable[[str], None]
    """Takes a line for the task's log."""

    @property
    def place(self) -> str:
        """The table and the partition."""
        return f"{self.table} ({self.partition})"

    def open_upload(self) -> Upload:
        """Open an upload that replaces what is in the partition; create both where they are missing."""
        if self.hook.describe(self.table) is None:
            schema = TableSchema(columns_of(_TYPES), columns_of({LOAD: "string"}))
            self.log(f"there is no table {self.table} for the rejects: it is created")
            self.hook.create_table(self.table, schema)
        self.hook.create_partition(self.table, self.partition)
        return _FittingUpload(self.hook.open_upload(self.table, self.partition, overwrite=True))

    def attach_upload(self, upload_id: str) -> Upload:
        """Return an upload that an earlier attempt opened."""
        return self.hook.attach_upload(self.table, self.partition, upload_id)

    def stale(self) -> bool:
        """Tell whether the partition is there already."""
        return self.hook.describe(self.table) is not None and self.hook.partition_exists(self.table, self.partition)


class _FittingUpload:
    """An upload of rejects whose keys and values are cut to what a field of the table takes."""

    def __init__(self, upload: OdpsUpload) -> None:
        self._upload = upload

    @property
    def id(self) -> str:
        """The session's id."""
        return self._upload.id

    def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
        """Write one block of rejects; a value that is too long loses its end, and its reason says so."""
        from airflow_provider_kafka_odps.core.accounting.rejects import cut_to_fit

        limit = self._upload.max_field_bytes
        return self._upload.write_block(number, [cut_to_fit(batch, limit) for batch in batches], sending)

    def commit(self, blocks: int) -> None:
        """Ask once for the blocks to be made visible."""
        self._upload.commit(blocks)

    def status(self) -> UploadStatus:
        """Ask the service once."""
        return self._upload.status()
