"""What a task finds of its other runs, and what it says where it can find nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kit.fake_context import context_of
from kit.task_run import MemoryStore

from airflow_provider_kafka_odps.core.cancellation import Cancellation
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.options import OnGap
from airflow_provider_kafka_odps.core.window.bounds import At, Earliest, Latest
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.transfers.runtime.history import history_of
from airflow_provider_kafka_odps.transfers.runtime.run import AirflowRun, author_of

HOUR = WindowRequest("orders", At(0), At(3_600_000))


def warned(request: WindowRequest, asset: Any, stores: dict[Any, Any]) -> list[str]:
    """Return what the task warns of, for a request and the stores that Airflow gives it."""
    said: list[str] = []
    context = {**context_of(MemoryStore(), lambda *_: None, 0), "asset_state_store": stores}
    clock: Any = SimpleNamespace()
    run = AirflowRun(context, said.append, said.append, clock, Cancellation(None, lambda: 0.0), Refusals(said.append))
    history = history_of(run, request, asset, OnGap.FAIL, None, None, "shop.t")
    assert history.remembers == (asset in stores)
    return said


@pytest.mark.parametrize("asset", [None, "maxcompute://shop/t"], ids=["no asset", "not registered with it"])
def test_a_task_that_remembers_nothing_says_so(asset: str | None) -> None:
    """Cuts and the interval's journal are lost, and nobody would see it: a mapped task forgets them easily."""
    (said,) = warned(HOUR, asset, {})
    assert "Neighbouring windows" in said
    assert "partial()" in said


def test_nothing_is_said_where_nothing_is_missing() -> None:
    """A window of offsets needs no other run, and a registered task finds what it needs."""
    assert warned(WindowRequest("orders", Earliest(), Latest()), None, {}) == []
    assert warned(HOUR, "maxcompute://shop/t", {"maxcompute://shop/t": MemoryStore()}) == []


@pytest.mark.parametrize(
    ("dag_id", "task_id", "map_index", "task"),
    [
        ("hourly", "load", -1, "hourly.load"),
        ("hourly", "load", 3, "hourly.load[3]"),
        ("a.b", "c", -1, "a.b/c"),
        ("a", "b.c", 0, "a/b.c[0]"),
    ],
)
def test_a_task_is_named_so_that_no_other_one_is(dag_id: str, task_id: str, map_index: int, task: str) -> None:
    """Ids may have dots; what earlier releases made of them is known, too."""
    ti = SimpleNamespace(dag_id=dag_id, task_id=task_id, map_index=map_index)
    author = author_of({"ti": ti, "run_id": "r"})
    assert author.task == task
    assert author.texts[-1] == f"{dag_id}.{task_id}" + ("" if map_index < 0 else f"[{map_index}]")
    assert (author.map_index, author.base) == (None if map_index < 0 else map_index, task.partition("[")[0])
