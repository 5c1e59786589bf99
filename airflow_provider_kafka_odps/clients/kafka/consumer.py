"""A consumer that reads a window: it joins no group, commits nothing, and no position of it ever moves by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.clients.interruptible import interruptible
from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster, build, client_arguments
from airflow_provider_kafka_odps.core.window.window import Window

if TYPE_CHECKING:
    from kafka import KafkaConsumer

POLL_MS = 500
"""How long one poll may wait: so often a reader looks whether it is to stop."""
_FETCH: Mapping[str, Any] = {
    # Batches, not records: all of a response may come at once.
    "max_poll_records": 1_000_000,
    "check_crcs": True,
    "group_id": None,
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}


@contextmanager
def consumer_of(
    cluster: Cluster, window: Window, fetch_bytes: int, check: Callable[[], None]
) -> Iterator[KafkaConsumer]:
    """Give a consumer, and close it on every path."""
    from kafka import KafkaConsumer

    from airflow_provider_kafka_odps.clients.kafka.transport import RoomyClient

    # What a response may hold bounds the memory: it is there several times over, with the next one on its way.
    sizes = {"fetch_max_bytes": fetch_bytes, "max_partition_fetch_bytes": fetch_bytes}
    ours = {**_FETCH, **sizes, "isolation_level": window.isolation_level.value}
    # The client wants an answer later than the broker may wait with it.
    ours["fetch_max_wait_ms"] = min(POLL_MS, cluster.settings.client.get("request_timeout_ms", 30_000) // 2)
    kwargs = {"bootstrap_servers": list(cluster.settings.bootstrap_servers), **client_arguments(cluster), **ours}
    # It waits for a broker that is away.
    consumer = interruptible(lambda: build(KafkaConsumer, partial(RoomyClient, window.topic), **kwargs), check)
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False)
