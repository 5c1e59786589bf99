"""The records of several batches, put together as one Arrow batch."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA, LOG_APPEND_TIME
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
    headers, counts = workspace.headers, workspace.counts

    def each(numbers: Ints) -> Ints:
        """Repeat one number per batch for each of its records."""
        return np.repeat(numbers.astype(np.int64), counts)

    base = each(headers["base_offset"])
    offset, last = base + fields.offset_delta, base + each(headers["last_offset_delta"])
    refuse((fields.offset_delta < 0) | (offset > last), "its offset is outside of its batch")
    refuse(np.diff(offset, prepend=-1) <= 0, "its offset is not above the one before")
    columns: dict[str, pa.Array] = {
        "partition": pa.array(np.full(len(offset), partition, np.int32)),
        "offset": pa.array(offset),
    }
    by_broker = each(headers["attributes"] & LOG_APPEND_TIME != 0)
    if "timestamp" in wanted:
        created = each(headers["base_timestamp"]) + fields.timestamp_delta
        moment = np.where(by_broker, each(headers["max_timestamp"]), created)
        columns["timestamp"] = pa.array(moment, mask=moment == _NONE).view(BATCH_SCHEMA.field("timestamp").type)
    if "timestamp_type" in wanted:
        columns["timestamp_type"] = pa.array(by_broker.astype(np.int8))
    if "leader_epoch" in wanted:
        epoch = each(headers["leader_epoch"])
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
