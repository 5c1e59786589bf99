"""Histories of runs that are cleared, of code that has changed by then, and of a window that is forgotten."""

from __future__ import annotations

from random import Random

from kit.whole_files import replace_text
from scheduled.history import History

from airflow_provider_kafka_odps.hooks.odps import OdpsHook


def cleared(history: History, random: Random) -> None:
    """Clear a task, one with those behind it, one of these alone, a run, and several runs: the same windows come."""
    airflow = history.airflow
    history.unpause()
    with history.records.meanwhile(random, 6):
        history.backfill(0, 5)
    runs = list(history.runs())
    before = {run_id: (history.window(run_id), airflow.xcom(history.task(run_id))["upload_id"]) for run_id in runs}
    history.records.send([random.uniform(0, 6) for _ in range(20)])

    airflow.clear_task(history.task(runs[0], "count"))
    airflow.clear_task(history.task(runs[1]))
    airflow.clear_task(history.task(runs[2]), include_downstream=True)
    airflow.clear_run(history.dag_id, runs[3])
    several = [{"dag_run_id": run_id} for run_id in runs[4:]]
    airflow.call(
        "POST", f"dags/{history.dag_id}/clearDagRuns", {"dry_run": False, "only_failed": False, "dag_runs": several}
    )
    history.await_runs(6)

    attempts = [[airflow.task(history.task(run, task))["try_number"] for task in ("load", "count")] for run in runs]
    assert attempts == [[1, 2], [2, 1], [2, 2], [2, 2], [2, 2], [2, 2]]
    for run_id, (window, upload_id) in before.items():
        assert history.window(run_id) == window
        is_loaded_again = run_id != runs[0] and window["span"] > 0
        assert (airflow.xcom(history.task(run_id))["upload_id"] != upload_id) is is_loaded_again
    history.backfill(6, 6)
    history.check_tiles()


def changing(history: History, random: Random) -> None:
    """Clear runs whose code has changed since: it loads the recorded window, or says why not."""
    file = history.bundle / "changing.py"
    code = file.read_text()
    history.records.send([random.uniform(0, 1) for _ in range(5)])
    history.unpause()
    history.backfill(0, 1)
    first, second = history.runs()
    window = history.window(first)
    rows = history.rows()

    replace_text(file, code.replace('"__value__"', "\"'of the new code'\""))
    assert history.clear(first) == "success"
    assert history.window(first) == window
    assert history.rows() == [(*place, "of the new code") for *place, _ in rows]

    replace_text(file, code.replace('name_of("changing")', 'name_of("another")', 1))
    assert history.clear(second) == "failed"
    assert "JournalMismatch: this task instance has a recorded window for" in history.log(second)

    replace_text(file, code)
    assert [history.clear(run) for run in (first, second)] == ["success", "success"]
    assert history.rows() == rows
    history.backfill(2, 2)
    history.check_tiles()


def routed(history: History, random: Random) -> None:
    """Backfill hours whose records come in any order, clear some of them, and load what came late: each in its hour."""
    history.records.send([random.uniform(0, 6) for _ in range(5)], partition=1)
    history.unpause()
    with history.records.meanwhile(random, 6):
        history.backfill(0, 5)
    history.records.send([random.uniform(0, 6) for _ in range(20)])
    cleared = list(history.runs())[1:4]
    windows = {run_id: history.window(run_id) for run_id in cleared}
    for run_id in cleared:
        # One after the other: they replace rows of the same partitions.
        assert history.clear(run_id) == "success"
        assert history.window(run_id) == windows[run_id]
    history.backfill(6, 6)
    history.check_tiles()
    found = OdpsHook().run_sql(f"SELECT v, hh FROM {history.name}").to_pylist()
    assert {row["v"]: row["hh"] for row in found} == {
        value: f"{at:%d%H}" for value, at in history.records.times.items()
    }


def forgotten(history: History, random: Random) -> None:
    """Forget a window whose rows were removed: the run plans another one, which has what has come since."""
    history.records.send([random.uniform(0, 1) for _ in range(3)])
    history.unpause()
    run_id = history.trigger()
    window = history.window(run_id)
    history.records.send([0.5], partition=1)
    assert history.clear(run_id) == "success"
    assert history.window(run_id) == window
    assert len(history.rows()) == 3

    OdpsHook().run_sql(f"DROP TABLE {history.name}")
    history.forget(run_id)
    assert history.clear(run_id) == "success"
    history.check_tiles()
