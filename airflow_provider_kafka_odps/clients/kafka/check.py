"""The answer to "does this connection work?", for a person who is to mend it if not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.clients.interruptible import watched
from airflow_provider_kafka_odps.clients.kafka.admin import admin_client, topic_description, where_of
from airflow_provider_kafka_odps.clients.kafka.connection.client import client_arguments
from airflow_provider_kafka_odps.clients.kafka.connection.probe import probe
from airflow_provider_kafka_odps.exceptions import Unreachable

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.kafka.connection.settings import KafkaSettings


_SECONDS = 30.0


_STEP_SECONDS = 5.0


def answer(settings: KafkaSettings, topic: str | None, seconds: float = _SECONDS) -> tuple[bool, str]:
    """Return whether the connection works, and a sentence about it; Unreachable after ``seconds``."""
    step_seconds = min(_STEP_SECONDS, seconds / 3)
    return watched(lambda: _tried(settings, topic, step_seconds), _patience(settings, seconds))


def _patience(settings: KafkaSettings, seconds: float) -> Callable[[], None]:
    deadline = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > deadline:
            raise Unreachable(f"{where_of(settings)}: no answer within {seconds:.0f} s")

    return check


def _tried(settings: KafkaSettings, topic: str | None, seconds: float) -> tuple[bool, str]:
    context = client_arguments(settings).get("ssl_context")
    obstacles = [found for server in settings.bootstrap_servers if (found := probe(server, context, seconds))]
    if len(obstacles) == len(settings.bootstrap_servers):
        return False, f"{where_of(settings)}: " + "; ".join(map(str, obstacles))
    millis = int(seconds * 1000)
    hasty = {"bootstrap_timeout_ms": millis, "request_timeout_ms": millis}
    with admin_client(replace(settings, client={**settings.client, **hasty})) as client:
        cluster: Mapping[str, Any] = client.describe_cluster()
        seen = len(client.list_topics())
        if topic is not None:
            topic_description(client, topic, settings.conn_id)
    # What clients are sent to after the first question; it may differ from the bootstrap servers.
    brokers = [f"{broker['host']}:{broker['port']}" for broker in cluster["brokers"]]
    obstacles += [found for server in brokers if (found := probe(server, context, seconds))]
    if obstacles:
        return False, f"{where_of(settings)}: the cluster answers, but not from everywhere: " + "; ".join(
            dict.fromkeys(map(str, obstacles))
        )
    sight = f"topic {topic!r} is there" if topic else f"this login may see {seen} topics"
    if topic is None and not seen:
        sight = "this login may see no topic: it needs Describe on the topics that it is to load"
    return True, f"{where_of(settings)}: {len(brokers)} brokers answer; login by {settings.login}; {sight}"
