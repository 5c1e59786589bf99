"""A task that is asked to stop leaves a broker that does not answer."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from core.examples import window_of
from kit.asked import AskedBy

from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.facts import Questions
from airflow_provider_kafka_odps.exceptions import Cancelled
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.transfers.adapters.topic import TopicSource


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Make a server the Kafka connection that takes every connection and says nothing; return when it took one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken, connections = threading.Event(), []

        def take() -> None:
            try:
                while True:
                    connections.append(server.accept()[0])
                    taken.set()
            except OSError:
                return

        thread = threading.Thread(target=take)
        thread.start()
        extra = {
            "bootstrap.servers": f"127.0.0.1:{server.getsockname()[1]}",
            "group.id": "g",
            "socket.connection.setup.timeout.ms": 1000,
            "socket.timeout.ms": 1000,
        }
        monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": extra}))
        yield taken
        # A thread that accepts is not woken by closing.
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in connections:
            connection.close()


QUESTIONS: dict[str, Callable[[TopicSource], object]] = {
    "survey": lambda source: source.survey("orders", Questions()),
    "epochs": lambda source: source.epochs(window_of((0, 1))),
    "identity": lambda source: source.identity("orders", {}),
    "cleanup policy": lambda source: source.cleanup_policy("orders"),
    "commit ends": lambda source: source.commit_ends(window_of((0, 1))),
    "read": lambda source: list(source.read(window_of((0, 1)), frozenset(), Evidence())),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_whatever_a_broker_is_asked_for(silent: threading.Event, question: str) -> None:
    """Once the question has been sent and the task is asked to stop, nobody waits for the answer."""
    source = TopicSource(KafkaHook(), 600.0, OnDataLoss.FAIL, Resources.within(), AskedBy(silent.is_set).check)
    with pytest.raises(Cancelled, match="asked to stop"):
        QUESTIONS[question](source)
    assert silent.is_set()
