"""The records of several batches, put together as one Arrow batch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.decoding.columns import binary_column, header_column
from airflow_provider_kafka_odps.decoding.malformed import refuse
from airflow_provider_kafka_odps.decoding.records import Fields
from airflow_provider_kafka_odps.decoding.varints import Ints
from airflow_provider_kafka_odps.decoding.workspace import Workspace

_NONE = -1
"""How Kafka writes "no timestamp" and "no leader epoch"."""


def arrow_batch(workspace: Workspace, fields: Fields, partition: int, wanted: frozenset[str]) -> pa.RecordBatch:
    """Return the records of the workspace as a batch of ``BATCH_SCHEMA``.

    Raises Malformed where offsets do not increase or leave their batch, and for malformed headers.
    """
    batches = [section.batch for section in workspace.sections]
    counts = [batch.records for batch in batches]

    def each(numbers: Iterable[int]) -> Ints:
        """Repeat one number per batch for each of its records."""
        return np.repeat(np.fromiter(numbers, np.int64, len(batches)), counts)

    offset = each(batch.base_offset for batch in batches) + fields.offset_delta
    last = each(batch.last_offset for batch in batches)
    refuse((fields.offset_delta < 0) | (offset > last), "its offset is outside of its batch")
    refuse(np.diff(offset, prepend=-1) <= 0, "its offset is not above the one before")
    columns: dict[str, pa.Array] = {
        "partition": pa.array(np.full(len(offset), partition, np.int32)),
        "offset": pa.array(offset),
    }
    if "timestamp" in wanted:
        by_broker = each(batch.log_append_time for batch in batches)
        created = each(batch.base_timestamp for batch in batches) + fields.timestamp_delta
        moment = np.where(by_broker, each(batch.max_timestamp for batch in batches), created)
        columns["timestamp"] = pa.array(moment, mask=moment == _NONE).view(BATCH_SCHEMA.field("timestamp").type)
    if "timestamp_type" in wanted:
        columns["timestamp_type"] = pa.array(each(batch.log_append_time for batch in batches).astype(np.int8))
    if "leader_epoch" in wanted:
        epoch = each(batch.leader_epoch for batch in batches)
        columns["leader_epoch"] = pa.array(epoch.astype(np.int32), mask=epoch == _NONE)
    for name, spots in (("key", fields.key), ("value", fields.value)):
        if name in wanted and spots is not None:
            columns[name] = binary_column(workspace, spots)
    if fields.headers is not None:
        columns["headers"] = header_column(workspace, fields.headers)
    return completed(columns, len(offset))


def completed(columns: dict[str, pa.Array], rows: int) -> pa.RecordBatch:
    """Return a batch of ``BATCH_SCHEMA``; columns that are missing are all null."""
    present = [columns[field.name] if field.name in columns else pa.nulls(rows, field.type) for field in BATCH_SCHEMA]
    return pa.RecordBatch.from_arrays(present, schema=BATCH_SCHEMA)
