"""Connections to a real broker and a local MaxCompute."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# Before a test captures what is printed: Airflow keeps the stream that it finds when it is imported.
import airflow.sdk  # noqa: F401
import pytest
from demo.broker import Broker
from kafka import KafkaAdminClient
from odps import ODPS

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

Connect = Callable[..., None]


def kafka_connection(broker: Broker) -> dict[str, Any]:
    """Return the connection to a broker without a login."""
    return {"conn_type": "kafka", "extra": {"bootstrap.servers": broker.bootstrap_servers}}


def maxcompute_connection(endpoint: RunningEndpoint) -> dict[str, Any]:
    """Return the connection to an endpoint."""
    keys = {"access_key_id": endpoint.access_id, "access_key_secret": endpoint.access_key}
    return {"conn_type": "maxcompute", "extra": keys | {"project": endpoint.project, "endpoint": endpoint.endpoint}}


@pytest.fixture
def connect(airflow_db: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Return a function that makes the two default connections, each a description or None for none.

    The database has to be there before it is looked into: an Airflow keeps what it has opened.
    """
    del airflow_db
    # The command sets this for its process, which is ours here.
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")

    def connect(**connections: Mapping[str, Any] | None) -> None:
        for kind, described in connections.items():
            name = f"AIRFLOW_CONN_{kind.upper()}_DEFAULT"
            if described is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, json.dumps(described))

    return connect


@pytest.fixture
def odps(endpoint: RunningEndpoint) -> ODPS:
    """Return the official client of the endpoint."""
    return ODPS(endpoint.access_id, endpoint.access_key, endpoint.project, endpoint.endpoint, overwrite_global=False)


@pytest.fixture
def table(odps: ODPS) -> str:
    """Return a partitioned table without rows."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    odps.execute_sql(f"CREATE TABLE {name} (id BIGINT, note STRING) PARTITIONED BY (ds STRING)")
    return name


@pytest.fixture
def connected(connect: Connect, broker: Broker, endpoint: RunningEndpoint) -> None:
    """Make both connections good ones."""
    connect(kafka=kafka_connection(broker), maxcompute=maxcompute_connection(endpoint))


def things(admin: KafkaAdminClient, odps: ODPS) -> set[tuple[str, str]]:
    """Return the topics, groups, tables and partitions that somebody has made."""
    tables = list(odps.list_tables())
    parts = [(each.name, str(part.name)) for each in tables if each.table_schema.partitions for part in each.partitions]
    return (
        # The broker makes its own topic when somebody asks for the coordinator of a group for the first time.
        {("topic", name) for name in admin.list_topics() if name != "__consumer_offsets"}
        | {("group", group["group_id"]) for group in admin.list_groups()}
        | {("table", each.name) for each in tables}
        | {("partition", f"{table}/{part}") for table, part in parts}
    )
