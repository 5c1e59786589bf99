"""A real broker and a local MaxCompute as Airflow's default connections, and one operator between them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from demo.broker import Broker
from kit.task_run import Send, TaskRun

from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint


@pytest.fixture
def task_run() -> TaskRun:
    """Return a task instance that has not run yet."""
    return TaskRun()


@pytest.fixture(autouse=True)
def connections(broker: Broker, endpoint: RunningEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make broker and endpoint the default connections."""
    extra = {
        "endpoint": endpoint.endpoint,
        "project": endpoint.project,
        "access_key_id": endpoint.access_id,
        "access_key_secret": endpoint.access_key,
    }
    monkeypatch.setenv("AIRFLOW_CONN_MAXCOMPUTE_DEFAULT", json.dumps({"conn_type": "maxcompute", "extra": extra}))
    servers = {"bootstrap.servers": broker.bootstrap_servers}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": servers}))


@pytest.fixture
def odps(connections: None) -> OdpsHook:
    """Return a hook on the local MaxCompute."""
    del connections
    return OdpsHook()


@pytest.fixture(scope="session")
def send(broker: Broker) -> Iterator[Send]:
    """Return a function that sends one record to a partition and waits until the broker has it."""
    from kafka import KafkaProducer

    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap_servers)) as producer:

        def send_one(topic: str, value: bytes | None, partition: int = 0, **record: Any) -> None:
            producer.send(topic, value, partition=partition, **record).get(timeout=30)

        yield send_one
