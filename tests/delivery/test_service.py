"""A scheduler, an API server, tasks in processes: killed, cleared, marked and superseded while they run."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from delivery.airflow_scene import AirflowScene
from delivery.conftest import MakeScene
from delivery.crash_points import KILL
from delivery.pausable import HOLD
from delivery.scene import environment
from demo.broker import Broker
from kit.airflow_service import AirflowService, Task, running_airflow

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

DAG_ID = "pausable_load"
DAGS = Path(__file__).parents[1] / "dags"
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def airflow(broker: Broker, endpoint: RunningEndpoint) -> Iterator[AirflowService]:
    """Return an Airflow that starts tasks in processes; one for all tests of this module."""
    # An attempt whose supervisor is silent for so long is superseded by the next one; on a busy machine those that live
    # are late, too.
    silent = {
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
    }
    with running_airflow({"test-dags": DAGS}, environment(broker, endpoint) | silent) as service:
        yield service


def start(airflow: AirflowService, scene: AirflowScene) -> Task:
    """Start a run, and return its task."""
    return DAG_ID, airflow.trigger(DAG_ID, scene.conf), "load"


def ended(airflow: AirflowService, task: Task, attempt: int, state: str = "success") -> dict[str, Any]:
    """Wait until the attempt with this number, or a later one, has ended so; return the journal."""
    airflow.await_task(task, lambda seen: seen["try_number"] >= attempt and seen["state"] == state)
    (journal,) = airflow.state_store(task).values()
    assert isinstance(journal, dict)
    return journal


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    ends = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < ends, "the condition did not come about"
        time.sleep(0.05)


@pytest.mark.parametrize(("mode", "point"), [("append", "save committed"), ("overwrite", "commit")])
def test_kill_9(airflow: AirflowService, make_scene: MakeScene, mode: str, point: str) -> None:
    """Airflow retries a task whose process was killed; it finds the journal, and the rows are there once."""
    scene = AirflowScene(make_scene(mode), {"1": {"block 1": KILL}, "2": {point: KILL}})
    task = start(airflow, scene)
    scene.check_once(ended(airflow, task, 3))
    assert [scene.trace(number)[-1] for number in (1, 2)] == ["block 1", point]
    assert "survey" not in scene.trace(2) + scene.trace(3)


def test_cleared_while_running(airflow: AirflowService, make_scene: MakeScene) -> None:
    """The attempt that runs is asked to stop, and commits nothing; the next one loads the same window, once."""
    scene = AirflowScene(make_scene(), {"1": {"batch #2": HOLD}})
    task = start(airflow, scene)
    until(lambda: "batch #2" in scene.trace(1))
    airflow.clear_task(task)
    journal = ended(airflow, task, 2)
    assert "save committing" not in scene.trace(1)
    assert not psutil.pid_exists(scene.pid(1))
    assert journal["clear_number"] == 1
    scene.check_once(journal)
    # The run ends after its task; cleared in between, it would end without the task.
    airflow.await_run(DAG_ID, task[1])
    airflow.clear_run(DAG_ID, task[1])
    again = ended(airflow, task, 3)
    assert again["upload_id"] == journal["upload_id"]
    scene.check_once(again)


def test_marked_failed_while_running(airflow: AirflowService, make_scene: MakeScene) -> None:
    """Nothing is visible and nothing runs any more; after a click on "Clear" the window is loaded, once."""
    scene = AirflowScene(make_scene(), {"1": {"block 1": HOLD}})
    task = start(airflow, scene)
    until(lambda: "block 1" in scene.trace(1))
    airflow.mark(task, "failed")
    until(lambda: not psutil.pid_exists(scene.pid(1)))
    assert "save committing" not in scene.trace(1)
    assert airflow.task(task)["state"] == "failed"
    scene.check_unchanged()
    airflow.clear_task(task)
    scene.check_once(ended(airflow, task, 2))


def test_a_superseded_attempt(airflow: AirflowService, make_scene: MakeScene) -> None:
    """An attempt that Airflow gave up while its machine stood still wakes up at the fence, and cannot pass it."""
    scene = AirflowScene(make_scene(), {"1": {"save committing": signal.SIGSTOP}})
    task = start(airflow, scene)
    until(lambda: "save committing" in scene.trace(1))
    zombie = psutil.Process(scene.pid(1))
    supervisor = zombie.parent()
    assert supervisor is not None
    supervisor.suspend()
    try:
        journal = ended(airflow, task, 2)
        scene.check_once(journal)
    finally:
        zombie.resume()
        supervisor.resume()
    until(lambda: not psutil.pid_exists(zombie.pid))
    assert scene.trace(1)[-1] == "save committing"
    (after,) = airflow.state_store(task).values()
    assert after == journal
    scene.check_once(journal)
