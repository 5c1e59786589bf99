"""The answer to "does this connection work?", for a person who is to fix it if not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.clients.interruptible import interruptible
from airflow_provider_kafka_odps.clients.kafka.admin import open_admin
from airflow_provider_kafka_odps.clients.kafka.connection.client import client_arguments
from airflow_provider_kafka_odps.clients.kafka.connection.probe import Obstacle, probe
from airflow_provider_kafka_odps.exceptions import Unreachable

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster

_SECONDS = 30.0
_STEP_SECONDS = 5.0


def answer(cluster: Cluster, topic: str | None, seconds: float = _SECONDS) -> tuple[bool, str]:
    """Return whether the connection works, and a sentence about it; Unreachable after ``seconds``."""
    step_seconds = min(_STEP_SECONDS, seconds / 3)
    return interruptible(lambda: _tried(cluster, topic, step_seconds), _deadline(cluster, seconds))


def _deadline(cluster: Cluster, seconds: float) -> Callable[[], None]:
    ends = cluster.clock.monotonic() + seconds

    def check() -> None:
        if cluster.clock.monotonic() > ends:
            raise Unreachable(f"{cluster}: no answer within {seconds:.0f} s")

    return check


def _tried(cluster: Cluster, topic: str | None, seconds: float) -> tuple[bool, str]:
    settings, context = cluster.settings, client_arguments(cluster).get("ssl_context")

    def obstacles_of(servers: Iterable[str]) -> list[Obstacle]:
        return [found for server in servers if (found := probe(server, context, seconds, cluster.clock))]

    obstacles = obstacles_of(settings.bootstrap_servers)
    if len(obstacles) == len(settings.bootstrap_servers):
        return False, f"{cluster}: " + "; ".join(map(str, obstacles))
    millis = int(seconds * 1000)
    hasty = replace(settings, client={**settings.client, "bootstrap_timeout_ms": millis, "request_timeout_ms": millis})
    with open_admin(replace(cluster, settings=hasty)) as admin:
        found: Mapping[str, Any] = admin.client.describe_cluster()
        seen = len(admin.client.list_topics())
        if topic is not None:
            admin.topic_description(topic)
    # What clients are sent to after the first question; it may differ from the bootstrap servers.
    brokers = [f"{broker['host']}:{broker['port']}" for broker in found["brokers"]]
    if obstacles := obstacles + obstacles_of(brokers):
        return False, f"{cluster}: some servers cannot be reached: " + "; ".join(dict.fromkeys(map(str, obstacles)))
    return True, f"{cluster}: brokers that answer: {len(brokers)}; login: {settings.login}; {_sight(topic, seen)}"


def _sight(topic: str | None, seen: int) -> str:
    if topic is not None:
        return f"topic {topic!r} is there"
    if seen:
        return f"this login can see {seen} topics"
    return "this login cannot see any topic: it needs Describe on the topics to load"
