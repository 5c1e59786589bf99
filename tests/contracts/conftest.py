"""Each outside system twice: in memory, and as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import pytest
from contracts.kafka_backends import TopicBackend, broker_topic, twin_topic
from contracts.reject_backends import FileRejects, RejectsBackend, TableRejects, TwinRejects
from contracts.store_backends import StoresBackend, TwinStores
from contracts.table_backends import TableBackend, TwinTable, connection_to, endpoint_table
from demo.broker import Broker

from airflow_provider_kafka_odps.local.testing import RunningEndpoint


class MakeLog(Protocol):
    """Creates a topic."""

    def __call__(self, partitions: int = 1, policy: str = "delete") -> TopicBackend: ...


@pytest.fixture(params=["twin", "real"])
def make_log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> MakeLog:
    """Return a function that creates topics: in memory, or on a broker."""

    def make(partitions: int = 1, policy: str = "delete") -> TopicBackend:
        if request.param == "twin":
            return twin_topic(partitions, policy)
        broker: Broker = request.getfixturevalue("broker")
        connection = {"conn_type": "kafka", "extra": {"bootstrap.servers": broker.bootstrap_servers}}
        monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))
        return broker_topic(broker.bootstrap_servers, request.getfixturevalue("admin"), partitions, policy)

    return make


@pytest.fixture(params=["twin", "real"])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TableBackend:
    """Return a table with one row in it: in memory, or of an endpoint over HTTP."""
    if request.param == "twin":
        return TwinTable()
    endpoint: RunningEndpoint = request.getfixturevalue("endpoint")
    monkeypatch.setenv("AIRFLOW_CONN_MAXCOMPUTE_DEFAULT", connection_to(endpoint))
    return endpoint_table(endpoint)


@pytest.fixture(params=["twin", "real"])
def stores(request: pytest.FixtureRequest) -> StoresBackend:
    """Return a task instance and its stores: in memory, or in Airflow's database behind its API."""
    if request.param == "twin":
        return TwinStores()
    request.getfixturevalue("airflow_db")
    from contracts.airflow_stores import AirflowStores

    return AirflowStores()


@pytest.fixture(params=["twin", "real table", "real jsonl", "real parquet"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RejectsBackend:
    """Return a place for rejects: in memory, in a table over HTTP, or a file."""
    match request.param:
        case "twin":
            return TwinRejects()
        case "real table":
            endpoint: RunningEndpoint = request.getfixturevalue("endpoint")
            monkeypatch.setenv("AIRFLOW_CONN_MAXCOMPUTE_DEFAULT", connection_to(endpoint))
            return TableRejects(endpoint)
        case kind:
            return FileRejects(tmp_path / f"rejects.{kind.removeprefix('real ')}")
