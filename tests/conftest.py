"""Fixtures that many tests share; what starts slowly is started once."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from demo.broker import Broker, available_broker
from simulation.counting import summary

from airflow_provider_kafka_odps.local.testing import RunningEndpoint, running_endpoint

if TYPE_CHECKING:
    from kafka import KafkaAdminClient


class MakeTopic(Protocol):
    """Creates a topic with a name of its own and returns the name."""

    def __call__(self, partitions: int = 1, configs: Mapping[str, str] | None = None) -> str: ...


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many histories were simulated, wherever tests of the simulation ran."""
    reports = [each for stat in terminalreporter.stats.values() for each in stat if isinstance(each, pytest.TestReport)]
    if line := summary(found for report in reports if report.when == "call" for found in report.user_properties):
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def own_secrets() -> Iterator[None]:
    """Have Airflow forget the secrets of a test behind it: ``loader`` is a password here, and a user's name there."""
    before = _masker()
    kept = None if before is None else (set(before.patterns), before.replacer)
    yield
    if (masker := _masker()) is not None:
        masker.reset_masker()
        if kept is not None:
            masker.patterns, masker.replacer = kept


def _masker() -> Any:
    """Return what masks Airflow's logs, if anybody has imported it so far."""
    module = sys.modules.get("airflow.sdk._shared.secrets_masker")
    return None if module is None else module._secrets_masker()


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """Return a real Kafka broker: the one in KAFKA_BOOTSTRAP_SERVERS, or one of our own."""
    with available_broker(os.environ) as broker:
        yield broker


@pytest.fixture(scope="session")
def admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    """Return kafka-python's administrator of that broker."""
    from kafka import KafkaAdminClient

    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    yield client
    client.close()


@pytest.fixture(scope="session")
def make_topic(admin: KafkaAdminClient) -> MakeTopic:
    """Return a function that creates topics, each with a name that nobody else uses."""
    from kafka.admin import NewTopic

    def make(partitions: int = 1, configs: Mapping[str, str] | None = None) -> str:
        name = f"test-{uuid.uuid4().hex[:12]}"
        admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dict(configs or {}))])
        return name

    return make


@pytest.fixture(scope="session")
def endpoint() -> Iterator[RunningEndpoint]:
    """Return a local MaxCompute endpoint in a process of its own."""
    with running_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port of 127.0.0.1 on which nobody listens, and nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
