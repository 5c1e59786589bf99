"""What a task leaves in Airflow's state stores, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kit.task_run import MemoryStore, Send, TaskRun

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
