"""What a user's rerun finds, and what it does to the rows that are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kit.task_run import Send, TaskRun

ALL = {"start": "earliest", "end": "latest", "create_table": True}


@pytest.fixture
def topic(make_topic: Callable[..., str], send: Send) -> str:
    """Return a topic of two partitions with three records."""
    name = make_topic(partitions=2)
    for partition, value in ((0, b"a"), (0, b"b"), (1, b"c")):
        send(name, value, partition)
    return name


def table_of(topic: str) -> str:
    """Return a table name that belongs to one topic."""
    return topic.replace("-", "_")


def parameters(topic: str, **more: Any) -> dict[str, Any]:
    """Return the operator's parameters for loading all of a topic into a table of its own."""
    return {"topic": topic, "table": table_of(topic), **ALL, **more}


@pytest.mark.parametrize("forgetful", [True, False])
def test_a_forgetful_state_store_is_warned_about_once(
    topic: str, task_run: TaskRun, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], forgetful: bool
) -> None:
    """Where Airflow deletes the journal on success, the first attempt says what a rerun will cost; a retry does not."""
    monkeypatch.setenv("AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS", str(forgetful))
    capfd.readouterr()
    task_run.attempt(**parameters(topic))
    task_run.attempt(**parameters(topic))

    said = "".join(capfd.readouterr())
    assert said.count("clear_on_success = True") == forgetful
    assert said.count("appended rows may be there twice") == forgetful
