"""Clusters as clients see them, without Airflow."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from airflow_provider_kafka_odps.clients.clock import SystemClock
from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
from airflow_provider_kafka_odps.clients.kafka.connection.settings import parse_kafka_settings
from airflow_provider_kafka_odps.core.clock import Clock


def no_secret(secrets: Iterable[str | None]) -> None:
    """Hide nothing: the test has no log in which a secret could stand."""
    del secrets


def cluster_at(
    servers: str,
    clock: Clock | None = None,
    on_secret: Callable[[Iterable[str | None]], None] = no_secret,
    **extra: object,
) -> Cluster:
    """Return a cluster with these servers; ``extra`` are further keys of its connection, with ``_`` for each dot."""
    keys = {name.replace("_", "."): value for name, value in extra.items()}
    settings = parse_kafka_settings("kafka_test", {"bootstrap.servers": servers, **keys}, callbacks=())
    return Cluster(settings, clock or SystemClock(), on_secret)
