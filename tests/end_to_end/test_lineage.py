"""What an operator tells OpenLineage of a load, in the process in which it has loaded."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import BaseHook
from kit.task_run import Send, TaskRun
from kit.unbroken import fails
from openlineage.client.serde import Serde

from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers import known

ALL = {"start": "earliest", "end": "latest", "create_table": True}


@pytest.fixture
def topic(make_topic: Callable[..., str], send: Send) -> str:
    """Return a topic with a record in each of two partitions."""
    name = make_topic(partitions=2)
    for partition in (0, 1):
        send(name, b'{"id": 1, "note": "n"}', partition)
    return name


@pytest.fixture
def table() -> str:
    """Return the name of a table that is missing."""
    return f"t_{uuid.uuid4().hex[:12]}"


def completed(run: TaskRun) -> dict[str, Any]:
    """Return what the operator of the latest attempt tells at its end."""
    assert run.operator is not None
    event: dict[str, Any] = json.loads(Serde.to_json(run.operator.get_openlineage_facets_on_complete(None)))
    return event


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_is_asked_for_at_the_end(
    task_run: TaskRun, topic: str, table: str, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """The provider's process must not talk to Airflow; all that is told has been kept while the load ran."""
    task_run.attempt(topic=topic, table=table, workers=workers, **ALL)

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(BaseHook, "get_connection", refuse)
    event = completed(task_run)
    assert [each["name"] for each in event["inputs"]] == [topic]
    assert event["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert task_run.operator is not None
    started = task_run.operator.get_openlineage_facets_on_start()
    assert (list(started.inputs), list(started.outputs)) == ([], [])


def test_columns_that_are_added(task_run: TaskRun, topic: str, table: str) -> None:
    """A load that changes the table says so, and what the new column comes from."""
    columns = {"p": "__partition__", "o": "__offset__"}
    task_run.attempt(topic=topic, table=table, columns=columns, **ALL)
    later = TaskRun()
    more = {**columns, "note": "note"}
    later.attempt(topic=topic, table=table, columns=more, on_schema_drift="add", mode="overwrite", **ALL)
    facets = completed(later)["outputs"][0]["facets"]
    assert facets["lifecycleStateChange"]["lifecycleStateChange"] == "ALTER"
    assert [each["name"] for each in facets["schema"]["fields"]] == ["p", "o", "note"]
    assert facets["columnLineage"]["fields"]["note"]["inputFields"][0]["field"] == "value.note"


def test_an_empty_window(task_run: TaskRun, topic: str, table: str) -> None:
    """It has read and written nothing, and has created the table."""
    task_run.attempt(topic=topic, table=table, start="latest", end="latest", create_table=True)
    event = completed(task_run)
    assert event["inputs"][0]["inputFacets"]["subset"]["inputCondition"]["partitions"] == []
    assert event["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == 0
    (written,) = event["outputs"]
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 0
    assert written["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "CREATE"
    assert OdpsHook().describe(TableName.parse(table)) is not None


def test_a_load_goes_on_without_its_lineage(
    task_run: TaskRun, topic: str, table: str, mocker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong while it is prepared: the log says so, without what the error has seen; nothing is named."""
    mocker.patch.object(known, "known_load", side_effect=RuntimeError("with a s3cret"))
    with caplog.at_level(logging.WARNING):
        assert task_run.attempt(topic=topic, table=table, **ALL)["rows"] == 2
    assert "OpenLineage will not hear which datasets this load is about: RuntimeError" in caplog.text
    assert "s3cret" not in caplog.text
    event = completed(task_run)
    assert (event["inputs"], event["outputs"]) == ([], [])
    assert event["run_facets"]["kafkaOdps_window"]["topic"] == topic


def test_what_cannot_be_told_is_no_reason_to_guess(task_run: TaskRun, topic: str, table: str, mocker: Any) -> None:
    """If telling fails, the provider still gets an answer: else it would make the table an input of itself."""
    task_run.attempt(topic=topic, table=table, **ALL)
    mocker.patch("airflow_provider_kafka_odps.lineage.translation._column_lineage", side_effect=KeyError("no"))
    event = completed(task_run)
    assert (event["inputs"], event["outputs"]) == ([], [])


def test_a_topic_that_there_is_none_of(task_run: TaskRun, table: str) -> None:
    """A wrong name does not become a dataset."""
    with fails("has no topic 'nosuchtopic'"):
        task_run.attempt(topic="nosuchtopic", table=table, **ALL)
    assert task_run.operator is not None
    failed = task_run.operator.get_openlineage_facets_on_failure(None)
    assert (list(failed.inputs), list(failed.outputs)) == ([], [])


def test_a_load_where_nobody_has_openlineage(
    task_run: TaskRun, topic: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no dependency."""
    for module in [name for name in sys.modules if name.startswith(("openlineage", "airflow.providers.openlineage"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "openlineage", None)
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage", None)
    assert task_run.attempt(topic=topic, table=table, **ALL)["rows"] == 2


_WITHOUT = """
import importlib, pkgutil, sys

class Without:
    def find_spec(self, name, path=None, target=None):
        # Airflow finds what the provider says of itself by its metadata.
        told = name in ("airflow.providers.openlineage", "airflow.providers.openlineage.get_provider_info")
        if name.startswith(("openlineage", "airflow.providers.openlineage")) and not told:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Without())
import airflow_provider_kafka_odps as package

for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
    if not found.name.endswith("__main__") and ".examples" not in found.name:
        importlib.import_module(found.name)
print(sorted(name for name in sys.modules if name.split(".")[0] == "openlineage"))
"""


def test_every_module_can_be_imported_without_openlineage() -> None:
    """In an interpreter that has none of it."""
    answer = subprocess.run([sys.executable, "-c", _WITHOUT], check=False, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == "[]"
