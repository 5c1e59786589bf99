"""One task as Airflow runs it: retried, cleared, timed out, and asked to stop."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from airflow.models.dagrun import DagRun
from airflow.sdk import DAG
from delivery.airflow_scene import AirflowScene
from delivery.conftest import MakeScene
from delivery.pausable import ASK, HOLD, PausableOperator
from demo.broker import Broker
from kit.dags import rerun_dag, run_dag

pytestmark = pytest.mark.usefixtures("airflow_db")
MODES = ("append", "overwrite")


def dag_of(scene: AirflowScene, **parameters: Any) -> DAG:
    """Return a DAG with one task that loads what the scene says."""
    with DAG(scene.scene.table, schedule=None) as dag:
        wanted = {name: value for name, value in scene.scene.parameters.items() if name not in {"mode", "on_rerun"}}
        PausableOperator(task_id="load", **wanted, **parameters)
    return dag


def check_loaded(scene: AirflowScene, run: DagRun) -> dict[str, Any]:
    """Hold that the run ended well, and that its window is in the table once; return the receipt."""
    assert run.state == "success"
    task = run.get_task_instance("load")
    assert task is not None
    receipt: dict[str, Any] = task.xcom_pull(task_ids="load")
    scene.check_once({"phase": "committed", "window": receipt["window"]})
    return receipt


def connections(broker: Broker) -> int:
    """Return how many connections this process has to the broker."""
    ports = {int(server.rpartition(":")[2]) for server in broker.bootstrap_servers.split(",")}
    seen = psutil.Process().net_connections("tcp")
    return sum(bool(each.raddr) and each.raddr.port in ports and each.status == "ESTABLISHED" for each in seen)


@pytest.mark.parametrize("mode", MODES)
def test_asked_to_stop(make_scene: MakeScene, broker: Broker, mode: str) -> None:
    """The attempt goes no further than to the next look, and commits nothing; the retry loads the same window."""
    before = connections(broker)
    scene = AirflowScene(make_scene(mode), {"1": {"batch": ASK}})
    run = run_dag(dag_of(scene, retries=1, retry_delay=timedelta(0)), run_conf=scene.conf)
    check_loaded(scene, run)
    assert "save committing" not in scene.trace(1)
    assert scene.trace(2)[0] == "announce"
    # One that an earlier test has left may end meanwhile.
    assert connections(broker) <= before


@pytest.mark.parametrize("mode", MODES)
def test_execution_timeout(make_scene: MakeScene, broker: Broker, mode: str) -> None:
    """At Airflow's deadline the attempt ends where it is, and nothing is visible; clearing the run loads the window."""
    before = connections(broker)
    scene = AirflowScene(make_scene(mode), {"1": {"block 1": HOLD}})
    dag = dag_of(scene, execution_timeout=timedelta(seconds=6))
    run = run_dag(dag, run_conf=scene.conf)
    assert run.state == "failed"
    assert "save committing" not in scene.trace(1)
    scene.check_unchanged()
    assert connections(broker) <= before

    again = rerun_dag(dag, run)
    first = check_loaded(scene, again)
    assert scene.trace(2)[0] == "announce"

    # Once more, as after a click on "Clear" when all is there: mode append keeps the rows, and overwrite replaces them.
    kept = check_loaded(scene, rerun_dag(dag, again))
    assert (kept["upload_id"] == first["upload_id"]) is (mode == "append")
    assert kept["window"] == first["window"]
    assert Path(scene.scene.folder, "trace-3").exists()
