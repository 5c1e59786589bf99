"""A real Airflow whose provider of OpenLineage writes events into a file."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from delivery.scene import environment
from demo.broker import Broker
from kit.airflow_service import AirflowService, running_airflow
from kit.kafka_topics import producer

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

RECORDS: tuple[tuple[int, dict[str, Any]], ...] = (
    (0, {"type": "order", "id": 1, "amount": 5, "phone": "123", "address": {"city": " Berlin "}, "at": 0}),
    (0, {"type": "order", "id": 2, "amount": 7, "phone": "456", "address": {"city": "Köln"}, "at": 86_400_000}),
    (0, {"type": "order", "id": "three", "amount": 7, "at": 0}),
    (1, {"type": "visit", "id": 4, "amount": 1, "at": 0}),
    (1, {"type": "order", "id": 5, "amount": 1, "phone": "789", "at": 0}),
)
"""Partition and value; the last but two has no number for an id."""


@dataclass(frozen=True)
class Told:
    """An Airflow, and what its tasks have told OpenLineage."""

    airflow: AirflowService
    file: Path
    topic: str
    servers: str
    endpoint: RunningEndpoint

    def run(self, dag_id: str, state: str = "success") -> str:
        """Run a DAG to its end, and return its run's id."""
        run_id = self.airflow.trigger(dag_id)
        assert self.airflow.await_run(dag_id, run_id) == state
        return run_id

    def events(self, job: str, kind: str, how_many: int = 1) -> list[dict[str, Any]]:
        """Wait until a job has told so many events of a kind, and return them all."""

        def look() -> list[dict[str, Any]] | None:
            found = [each for each in self._written() if each["job"]["name"] == job and each["eventType"] == kind]
            return found if len(found) >= how_many else None

        return self.airflow.until(look, complaint=lambda: f"{job} tells no {kind}: {self._written()}")

    def event(self, job: str, kind: str) -> dict[str, Any]:
        """Return the latest event of a kind that a job has told."""
        return self.events(job, kind)[-1]

    def _written(self) -> list[dict[str, Any]]:
        if not self.file.exists():
            return []
        # The last line may still be on its way.
        return [json.loads(line) for line in self.file.read_text().splitlines() if line.endswith("}")]


@pytest.fixture(scope="session")
def told(
    broker: Broker, endpoint: RunningEndpoint, admin: KafkaAdminClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    """Return it, with a topic of three partitions, of which the last one is empty."""
    from kafka.admin import NewTopic

    topic = f"told_{uuid.uuid4().hex[:12]}"
    admin.create_topics([NewTopic(topic, 3, 1, topic_configs={})])
    sender = producer(broker.bootstrap_servers)
    for partition, value in RECORDS:
        sender.produce(topic, json.dumps(value).encode(), b"key", partition=partition, headers={"trace": b"t"})
    assert sender.flush(60) == 0
    file = tmp_path_factory.mktemp("told") / "events.jsonl"
    settings = {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(file), "append": True}),
        # The machine may have much else to do.
        "AIRFLOW__OPENLINEAGE__EXECUTION_TIMEOUT": "120",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "TOLD_TOPIC": topic,
    }
    dags = {"told": Path(__file__).parent / "dags"}
    with running_airflow(dags, environment(broker, endpoint) | settings) as airflow:
        yield Told(airflow, file, topic, broker.bootstrap_servers, endpoint)
