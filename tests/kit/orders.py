"""Orders of a worker that will wait for a broker for a long time."""

from __future__ import annotations

from core.examples import target_of, window_of

from airflow_provider_kafka_odps.core.effort import Compression, Effort
from airflow_provider_kafka_odps.core.gaps import OnDataLoss
from airflow_provider_kafka_odps.core.kafka_settings import parse_kafka_settings
from airflow_provider_kafka_odps.core.odps_settings import OdpsSettings
from airflow_provider_kafka_odps.core.reading import Reading
from airflow_provider_kafka_odps.core.schema import Column, TableSchema
from airflow_provider_kafka_odps.core.shares import Share
from airflow_provider_kafka_odps.core.types import OdpsType
from airflow_provider_kafka_odps.hooks.odps import BLOCK_PATIENCE
from airflow_provider_kafka_odps.hooks.odps_place import UploadPlace
from airflow_provider_kafka_odps.transfers.worker import Orders


def orders_to_nowhere(broker: str) -> Orders:
    """Return orders to read from a server that takes connections and never answers."""
    settings = OdpsSettings("maxcompute_default", "http://127.0.0.1:9/api", "shop", "id", "secret")
    return Orders(
        share=Share(1, 2, window_of((0, 10))),
        upload=UploadPlace(
            settings, settings.endpoint, settings.endpoint, "shop.t", {}, "u1", Compression.NONE, BLOCK_PATIENCE
        ),
        kafka=parse_kafka_settings("kafka_default", {"bootstrap.servers": broker}),
        target=target_of(),
        columns={"o": "__offset__"},
        schema=TableSchema((Column("o", OdpsType.parse("bigint")),), ()),
        reading=Reading(),
        wanted=frozenset({"partition", "offset"}),
        keep_rejects=False,
        on_data_loss=OnDataLoss.FAIL,
        poll_timeout=600.0,
        effort=Effort(),
    )
