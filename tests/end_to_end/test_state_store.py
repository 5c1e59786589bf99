"""What a task leaves in Airflow's state stores, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kit.task_run import MemoryStore, Send, TaskRun

from airflow_provider_kafka_odps.core.load.pacing import progress
from airflow_provider_kafka_odps.transfers.runtime.stores import ShownProgress

ALL = {"start": "earliest", "end": "latest", "create_table": True}
BY_TIME = {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z", "create_table": True}


class Refused(Exception):
    """What Airflow raises in an attempt that was superseded."""


class Refusing(MemoryStore):
    """A state store that knows the attempt no more."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Refuse."""
        del retention
        raise Refused(f"{key}: {value}")


@pytest.fixture
def topic(make_topic: Callable[..., str], send: Send) -> str:
    """Return a topic with a record."""
    name = make_topic()
    send(name, b"a")
    return name


def test_a_superseded_attempt_leaves_nothing_to_other_runs(topic: str) -> None:
    """It is refused before it writes the cuts of its window to the asset, which refuses nobody."""
    run = TaskRun(store=Refusing(), asset_store=MemoryStore())
    with pytest.raises(Refused, match="planning"):
        run.attempt(topic=topic, table=topic.replace("-", "_"), **BY_TIME)
    assert run.asset_store is not None
    assert not run.asset_store.entries


def test_an_attempt_that_dies_while_it_plans_has_planned_nothing(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt finds no window, and plans one."""
    run = TaskRun(asset_store=MemoryStore())
    with monkeypatch.context() as patched:
        patched.setattr(run.asset_store, "set", Refusing().set)
        with pytest.raises(Refused, match="cut:"):
            run.attempt(topic=topic, table=topic.replace("-", "_"), **BY_TIME)
    assert run.attempt(topic=topic, table=topic.replace("-", "_"), **BY_TIME)["rows"] == 0
    assert run.asset_store is not None
    assert {key.partition(":")[0] for key in run.asset_store.entries} == {"cut", "instants", "intervals", "journal"}


class Unwilling(MemoryStore):
    """A state store that takes the journal and nothing else."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Refuse how far the load is."""
        if key == "progress":
            raise Refused("not now")
        super().set(key, value, retention=retention)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a load say how far it is with each piece of its rows."""
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.0)


@pytest.mark.usefixtures("hasty")
def test_a_load_leaves_how_far_it_is_beside_its_journal(topic: str) -> None:
    """Whoever may read the task's state store sees it there, by the upload that it is about."""
    run = TaskRun()
    receipt = run.attempt(topic=topic, table=topic.replace("-", "_"), **ALL)
    shown = run.store.get("progress")
    assert (shown["upload_id"], shown["rows"], shown["passed"]) == (receipt["upload_id"], 1, 1)
    assert shown["partitions"] == {"0": 1}


@pytest.mark.usefixtures("hasty")
def test_a_load_does_not_fail_because_nobody_sees_how_far_it_is(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The store refuses it each time: the log says so once, and the load is done."""
    run = TaskRun(store=Unwilling())
    assert run.attempt(topic=topic, table=topic.replace("-", "_"), **ALL)["rows"] == 1
    assert capsys.readouterr().out.count("its page does not show how far it is: not now") == 1
    assert "progress" not in run.store.entries


def test_who_stops_a_task_breaks_off_the_write_too() -> None:
    """Airflow's time-out is no failure of the store: it goes on to where the task ends."""
    from airflow.sdk.exceptions import AirflowTaskTimeout

    class Slow(MemoryStore):
        def set(self, key: str, value: Any, *, retention: Any = None) -> None:
            raise AirflowTaskTimeout(f"{key}: {value}{retention or ''}")

    show = ShownProgress({"task_state_store": Slow()}, lambda _: None)
    with pytest.raises(AirflowTaskTimeout):
        show({"rows": 1})
