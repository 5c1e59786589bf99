"""Histories of hours: by the scheduler, in backfills, and reprocessed."""

from __future__ import annotations

from random import Random

from scheduled.history import History

DAY = 24
"""The hours of a whole day. In each history the last run is for the hour after all others, and has what is left."""


def in_order(history: History, random: Random) -> None:
    """Let the scheduler make 24 runs, one after the other, while records of all hours come."""
    history.records.send([0.5])
    with history.records.meanwhile(random, DAY):
        history.unpause()
        history.await_runs(DAY - 4)
    history.await_runs(DAY + 1)
    history.check_tiles()


def four_at_a_time(history: History, random: Random) -> None:
    """Backfill the same hours, four at a time."""
    history.unpause()
    with history.records.meanwhile(random, DAY):
        history.backfill_by_command(0, DAY - 1, "--max-active-runs", "4")
    history.backfill(DAY, DAY)
    history.check_tiles()


def backwards(history: History, random: Random) -> None:
    """Backfill them the other way round, into partitions."""
    history.unpause()
    with history.records.meanwhile(random, DAY):
        history.backfill_by_command(0, DAY - 1, "--max-active-runs", "2", "--run-backwards")
    history.backfill(DAY, DAY)
    history.check_tiles()


def late_between(history: History, random: Random) -> None:
    """Backfill half of the hours, the later half first, before records of all of them come late, and half after."""
    history.records.send(hour + 0.5 for hour in range(8))
    history.unpause()
    history.backfill(4, 7)
    history.records.send([random.uniform(0, 8) for _ in range(20)], partition=1)
    history.records.send([random.uniform(0, 8) for _ in range(20)], partition=0)
    history.backfill(0, 3)
    history.backfill(8, 8)
    history.check_tiles()


def failed_while_running(history: History, random: Random) -> None:
    """Mark a run as failed while it writes, go on with the others, and reprocess what has failed."""
    history.records.send(hour + 0.5 for hour in range(4))
    history.unpause()
    await_held = history.hold_block(2)
    number = history.start_backfill(0, 3, max_active_runs=1)
    await_held()
    failed = history.run_of(1)
    history.fail_while_running(failed)
    history.await_backfill(number)
    window = history.window(failed)
    assert window["span"] == 1
    assert len(history.rows()) == 3

    history.records.send([random.uniform(0, 4) for _ in range(20)])
    history.backfill(0, 3, reprocess_behavior="failed")
    assert history.window(failed) == window
    history.backfill(4, 4)
    history.check_tiles()


def by_partition(history: History, random: Random) -> None:
    """Do the same with a partitioned timetable: Airflow makes new runs, and none of them doubles what is there."""
    history.records.send(hour + 0.5 for hour in range(3))
    history.unpause()
    await_held = history.hold_block(2)
    number = history.start_backfill(0, 2, max_active_runs=1)
    await_held()
    (failed,) = (run_id for run_id, run in history.runs().items() if run["partition_key"] == "2026030101")
    history.fail_while_running(failed)
    history.await_backfill(number)
    window = history.window(failed)
    assert len(history.rows()) == 2

    history.records.send([random.uniform(0, 3) for _ in range(20)])
    history.backfill(0, 2, reprocess_behavior="failed")
    assert len(history.runs()) == 4
    assert len(history.rows()) == 3
    # All of them once more, and the one that failed at first.
    history.backfill(0, 2, reprocess_behavior="completed")
    assert history.clear(failed) == "success"
    assert history.window(failed) == window
    history.backfill(3, 3)

    runs = history.runs()
    assert (len(runs), {run["state"] for run in runs.values()}) == (8, {"success"})
    last_of_key = {run["partition_key"]: run_id for run_id, run in runs.items()}
    history.check_tiles(last_of_key.values())


def same_conf(history: History, random: Random) -> None:
    """Give a backfill offsets in its conf: each run says why it loads nothing, and one by hand loads them."""
    history.records.send([random.uniform(0, 2) for _ in range(3)])
    history.records.send([1.5], partition=1)
    conf = {"start": '{"0": 0, "1": 0}', "end": '{"0": 3, "1": 1}'}
    history.unpause()
    history.backfill(0, 1, dag_run_conf=conf)
    failed = history.runs()
    assert [run["state"] for run in failed.values()] == ["failed", "failed"]
    assert all(
        "each of them would load the same offsets. Trigger the DAG once by hand" in history.log(run) for run in failed
    )
    history.check_tiles([history.trigger(**conf)])
