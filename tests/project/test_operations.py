"""The pages for operations: their DAGs are DAGs, and do what the text says; their numbers add up."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from kit.airflow_home import ROOT
from kit.page_code import dags_of

from airflow_provider_kafka_odps.core.load.resources import MAX_MEMORY
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DAG]:
    """Return the DAGs of the page."""
    return dags_of("operations.md", tmp_path_factory.mktemp("operations"))


def _function(dag: DAG, task_id: str) -> Any:
    task: Any = dag.get_task(task_id)
    return task.python_callable


def test_each_topic_has_a_load_of_its_own(dags: dict[str, DAG]) -> None:
    """One task for each topic, each with a table, a pool and retries."""
    tasks: list[Any] = list(dags["hourly_topics"].tasks)
    assert {(each.task_id, each.topic) for each in tasks} == {
        ("load_ods_orders", "orders"),
        ("load_ods_payments", "payments"),
        ("load_ods_web_clicks", "web.clicks"),
    }
    assert {(each.pool, each.retries, each.create_table) for each in tasks} == {("kafka_loads", 3, True)}


def test_late_records_fail_the_task_behind_the_load(dags: dict[str, DAG]) -> None:
    """One in a hundred passes, more do not, and the message has the receipt's line."""
    few_are_late = _function(dags["hourly_orders"], "few_are_late")
    receipt = {"late": 2, "rows": 200, "summary": "orders 10:00Z → 11:00Z: 200 rows, 0 rejects"}
    few_are_late(receipt)
    with pytest.raises(RuntimeError, match=r"^3 late: orders 10:00Z"):
        few_are_late({**receipt, "late": 3})


def test_a_load_in_time_has_a_deadline_and_a_callback(dags: dict[str, DAG], capsys: pytest.CaptureFixture[str]) -> None:
    """The deadline is on the DAG, the callback on the task, and it says task, error and log."""
    dag = dags["hourly_orders_in_time"]
    assert dag.deadline is not None
    task: Any = dag.get_task("load")
    assert isinstance(task, KafkaToMaxComputeOperator)
    callbacks: Any = task.on_failure_callback
    (callback,) = callbacks
    callback({"ti": SimpleNamespace(task_id="load", log_url="https://airflow/log"), "exception": ValueError("why")})
    assert capsys.readouterr().out == "load: why\nhttps://airflow/log\n"


def test_the_memory_of_a_load_is_what_the_formula_says() -> None:
    """Each row is the sum, with a tenth more as the limit, and the formula has the default of max_memory."""
    ours, further = (int(found) for found in re.findall(r"^\| .* \| (\d+) \|$", DEPLOYMENT, re.MULTILINE)[:2])
    rows = re.findall(r"^\| (\d) \| (\d+) MB \| `(\d+)Mi` \|$", DEPLOYMENT, re.MULTILINE)
    assert len(rows) == 3
    for workers, needed, limit in ((int(workers), int(needed), int(limit)) for workers, needed, limit in rows):
        assert needed == ours + workers * MAX_MEMORY // 10**6 + (workers - 1) * further
        assert 1.1 * needed <= limit * 2**20 / 10**6 < 1.3 * needed


def test_the_needed_packages_are_those_of_the_project() -> None:
    """What the page says is needed stands in pyproject.toml as it is."""
    asked = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z0-9-]+)((?:>=|<)[0-9.,<>=]+)`", DEPLOYMENT)
    assert len(named) > 5
    assert [name for name, bounds in named if not re.search(rf'"{name}(\[[\w,]+\])?{re.escape(bounds)}"', asked)] == []
