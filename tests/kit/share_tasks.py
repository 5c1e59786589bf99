"""ShareTask of a worker that will wait for an answer for a long time."""

from __future__ import annotations

from core.examples import facts_of, window_of

from airflow_provider_kafka_odps.clients.kafka.connection.settings import parse_kafka_settings
from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings
from airflow_provider_kafka_odps.clients.maxcompute.upload_address import UploadPlace
from airflow_provider_kafka_odps.core.load.fingerprint import fingerprint
from airflow_provider_kafka_odps.core.load.layout import Block
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.load.shares import Share
from airflow_provider_kafka_odps.core.mapping.filters.wanted import EVERYTHING
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat
from airflow_provider_kafka_odps.core.mapping.projection import Origin
from airflow_provider_kafka_odps.core.options import Compression, OnDataLoss
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
from airflow_provider_kafka_odps.hooks.odps import BLOCK_RETRY
from airflow_provider_kafka_odps.transfers.workers.process import ShareTask


def task_of_nowhere(broker: str) -> ShareTask:
    """Return the task to read from a server that takes connections and never answers."""
    # A block is begun before its rows are read, so the table's side is what it waits for first.
    settings = OdpsSettings("maxcompute_default", f"http://{broker}/api", "shop", "id", "secret")
    window = window_of((0, 10))
    blocks = (Block(1, window.ranges),)
    columns, schema = {"o": "__offset__"}, TableSchema((Column("o", OdpsType.parse("bigint")),), ())
    return ShareTask(
        share=Share(
            1, 2, window, blocks, fingerprint(window, blocks, Origin(columns, schema, RecordFormat(), EVERYTHING))
        ),
        upload=UploadPlace(
            settings, settings.endpoint, settings.endpoint, "shop.t", {}, "u1", Compression.NONE, BLOCK_RETRY
        ),
        kafka=parse_kafka_settings("kafka_default", {"bootstrap.servers": broker}, callbacks=()),
        columns=columns,
        schema=schema,
        levels=(),
        record_format=RecordFormat(),
        filtering=EVERYTHING,
        wanted=frozenset({"partition", "offset"}),
        keep_rejects=False,
        on_data_loss=OnDataLoss.FAIL,
        poll_timeout=600.0,
        facts=facts_of(PartitionFacts(0, 0, 10, 10)),
        resources=Resources.within(),
    )
