"""Histories of runs that somebody triggers, or a sensor."""

from __future__ import annotations

from random import Random

import pytest
from scheduled.history import PARTITIONS, History


def in_a_chain(history: History, random: Random) -> None:
    """Trigger runs two at a time: each continues where one has ended, and one that is cleared keeps its own window."""
    history.unpause()
    for _ in range(2):
        history.records.send([random.uniform(0, 1) for _ in range(8)], random.randrange(PARTITIONS))
        for run_id in [history.airflow.trigger(history.dag_id) for _ in range(2)]:
            assert history.await_run(run_id) == "success"
    first = min(history.runs(), key=lambda run_id: history.window(run_id)["partitions"]["0"])
    window = history.window(first)
    assert history.clear(first) == "success"
    assert history.window(first) == window
    while history.window(history.trigger())["span"]:
        pass
    history.check_tiles(sorted(history.runs(), key=lambda run_id: sorted(history.window(run_id)["partitions"].items())))
    _ask_by_commands(history, first)


def _ask_by_commands(history: History, run_id: str) -> None:
    """Ask for the windows, for the next one, and whether a run is in the table: as the real Airflow keeps it."""
    code, answer = history.command("windows")
    assert (code, len(answer["windows"]), answer["holes"]) == (0, len(history.runs()), [])
    assert history.command("verify", "--run-id", run_id, "--task-id", "load")[1]["verdict"] == "the same"
    before = history.airflow.call("GET", "assets", limit=100, uri_pattern=history.name)
    history.records.send([0.5], partition=1)
    task = ["--dag-file", str(history.bundle / "hours.py"), "--task-id", "load"]
    code, planned = history.command("plan", *task)
    sent = {str(number): len(values) for number, values in history.records.sent.items()}
    expected = {number: [end - (number == "1"), end] for number, end in sent.items()}
    assert (code, planned["window"]["partitions"]) == (0, expected)
    # What was planned here is nothing to the next run.
    assert history.airflow.call("GET", "assets", limit=100, uri_pattern=history.name) == before
    assert history.window(history.trigger())["partitions"] == expected
    history.check_rows()


def per_partition(history: History, random: Random) -> None:
    """Load three hours at once: the DAG behind it runs once for each of their partitions."""
    airflow = history.airflow
    history.records.send([hour + random.uniform(0, 0.9) for hour in (2, 0, 2, 1)])
    history.unpause()
    airflow.call("PATCH", "dags/of_a_partition", {"is_paused": False})
    per_partition = airflow.xcom(history.task(history.trigger()))["per_partition"]
    assert len(per_partition) == 3

    def told() -> dict[str, str]:
        runs = airflow.call("GET", "dags/of_a_partition/dagRuns")["dag_runs"]
        return {run["partition_key"]: run["dag_run_id"] for run in runs}

    airflow.until(lambda: len(told()) >= 3, complaint=lambda: f"not each partition is told: {told()}")
    for key, run_id in told().items():
        assert airflow.await_run("of_a_partition", run_id, 900) == "success"
        assert airflow.xcom(("of_a_partition", run_id, "which"), "return_value") == key
    assert set(told()) == set(per_partition)
    history.check_rows()


def waiting_kafka_to_maxcompute(history: History, random: Random) -> None:
    """Wait in the triggerer, without a worker, for three records; load them, and wait for the next three."""
    airflow = history.airflow
    history.unpause()
    for number in (1, 2):
        run_id = history.await_number(number)
        waiting = airflow.await_task(history.task(run_id, "wait"), lambda seen: seen["state"] == "deferred", 900)
        assert waiting["trigger"]["classpath"].endswith("KafkaWindowTrigger")
        history.records.send([random.uniform(0, 1) for _ in range(3)], partition=number - 1)
        assert history.await_run(run_id) == "success"
        assert history.window(run_id)["span"] == 3
    history.check_rows()


def ranges_kafka_to_maxcompute(history: History, random: Random) -> None:
    """Trigger a range with a typing error, which the form refuses, and then in pieces that are labelled."""
    for partition in (0, 1):
        history.records.send([random.uniform(0, 1) for _ in range(5)], partition)
    history.unpause()
    with pytest.raises(AssertionError, match=r"400 .*'zero' does not match"):
        history.trigger(ranges={"zero": [0, 5]})
    run_id = history.trigger(ranges={"0": [0, 5], "1": [0, 5]}, piece=3)
    path = f"dags/{history.dag_id}/dagRuns/{run_id}/taskInstances/load/listMapped"
    loads = history.airflow.call("GET", path)["task_instances"]
    assert [load["rendered_map_index"] for load in loads] == [
        f"{history.name}[{partition}]@[{start}, {end})" for partition in (0, 1) for start, end in ((0, 3), (3, 5))
    ]
    history.check_rows()
