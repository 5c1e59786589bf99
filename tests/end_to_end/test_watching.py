"""The DAG that watches lag, of the page "Operations", with a real broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeTopic
from demo.broker import Broker
from kit.page_code import dags_of
from kit.task_run import Send

from airflow_provider_kafka_odps.hooks.kafka import KafkaHook


def test_lag_is_what_is_behind_the_group(
    broker: Broker, make_topic: MakeTopic, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts the offsets after those that a load has committed to the group, and fails if they are too many."""
    topic = make_topic()
    servers = {"bootstrap.servers": broker.bootstrap_servers, "group.id": f"{topic}-loader"}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": servers}))
    send(topic, b"loaded")
    hook = KafkaHook()
    hook.commit_ends(hook.plan(topic, start="earliest", end="latest"))
    for _ in range(2):
        send(topic, b"not loaded yet")

    task: Any = dags_of("operations.md", tmp_path)["watch_lag"].get_task("lag")
    assert task.python_callable(topic) == 2
    monkeypatch.setitem(task.python_callable.__globals__, "MOST", 1)
    with pytest.raises(RuntimeError, match=f"^{topic}: 2 offsets are not loaded yet$"):
        task.python_callable(topic)
