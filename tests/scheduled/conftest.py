"""One real Airflow for all histories, and what starts them side by side."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from delivery.scene import environment
from demo.broker import Broker
from kit.airflow_home import ROOT
from kit.airflow_service import AirflowService, running_airflow
from kit.recording_endpoint import Recording, recording_endpoint
from scheduled.history import PARTITIONS, History, Sender
from scheduled.named import SUFFIX, name_of

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

DAGS = Path(__file__).parent / "dags"
_OURS = uuid.uuid4().hex[:8]

RECORDED = "three_days"
"""How the names of the tables begin whose states are written down."""
_COLUMNS = ("p", "o", "v")
_DEFAULT_COLUMNS = ("partition", "offset", "value")
EXAMPLES: list[tuple[str, str, list[tuple[str, str]]]] = [
    (
        "waiting_kafka_to_maxcompute",
        "testkafka_waiting",
        [("Param(1000", "Param(3"), ("poke_interval=10", "poke_interval=1")],
    ),
    ("ranges_kafka_to_maxcompute", "testkafka_ranges", []),
    ("backfill_kafka_to_maxcompute", "testkafka_backfill", []),
]
"""Example DAGs that are histories, too: with topic and table of their own, and what else is changed in them."""


class MakeHistory(Protocol):
    """Returns the history of a DAG, whose topic is empty."""

    def __call__(self, dag_id: str) -> History: ...


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the DAGs, which a history may change."""
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copytree(DAGS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name, table, impatience in EXAMPLES:
        written = (ROOT / "example_dags" / f"{name}.py").read_text()
        for there, here in [(table, f"{name}_{_OURS}"), ("testkafka", f"{name}_{_OURS}"), *impatience]:
            assert there in written, f"{name} has no {there}"
            written = written.replace(there, here)
        (folder / f"{name}.py").write_text(written)
    return folder


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Return each state that a table was in which anybody could have seen."""
    return Recording(tmp_path_factory.mktemp("recorded") / "states.jsonl")


@pytest.fixture(scope="module")
def endpoint(recording: Recording) -> Iterator[RunningEndpoint]:
    """Return an endpoint that writes down what it shows of some tables."""
    with recording_endpoint(recording.file, RECORDED) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def airflow(broker: Broker, endpoint: RunningEndpoint, bundle: Path) -> Iterator[AirflowService]:
    """Return an Airflow whose DAGs are paused, as they are when a person first sees them."""
    settings = {
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__PARALLELISM": "5",
        # Tasks wait for an API server that has much else to do.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "20",
        SUFFIX: _OURS,
    }
    with running_airflow({"histories": bundle}, environment(broker, endpoint) | settings, postgres=True) as service:
        yield service


@pytest.fixture(scope="module")
def make_history(
    airflow: AirflowService,
    broker: Broker,
    endpoint: RunningEndpoint,
    admin: KafkaAdminClient,
    bundle: Path,
    recording: Recording,
) -> Iterator[MakeHistory]:
    """Return what makes histories."""
    from kafka.admin import NewTopic

    with pytest.MonkeyPatch.context() as patch:
        for name, value in [*environment(broker, endpoint).items(), (SUFFIX, _OURS)]:
            patch.setenv(name, value)

        def make(dag_id: str) -> History:
            name = name_of(dag_id)
            # Its records are of long ago.
            admin.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs={"retention.ms": "-1"})])
            columns = _DEFAULT_COLUMNS if dag_id in {example for example, _, _ in EXAMPLES} else _COLUMNS
            sender = Sender(broker.bootstrap_servers, name)
            patient = replace(airflow, pause=1.0)
            return History(patient, dag_id, name, sender, endpoint.control, bundle, columns, recording)

        yield make
