"""Windows among others, in runs of a real Airflow: hours in any order, chains, partitions, assets."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.dagrun import DagRun
from airflow.sdk import DAG, CronDataIntervalTimetable, CronPartitionTimetable
from airflow.utils.session import create_session
from airflow.utils.types import DagRunType
from kit.dags import rerun_dag, run_as, run_dag
from kit.task_run import Send
from kit.unbroken import unbroken
from sqlalchemy import select

from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

MakeTopic = Callable[..., str]
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = {"value": "__value__", "p": "__partition__", "o": "__offset__"}
HOURLY = CronDataIntervalTimetable("0 * * * *", timezone="UTC")
pytestmark = pytest.mark.usefixtures("airflow_db")


@pytest.fixture
def topic(make_topic: MakeTopic) -> str:
    """Return an empty topic of two partitions that keeps records of long ago."""
    return make_topic(partitions=2, configs={"retention.ms": "-1"})


class Sender:
    """Sends records with timestamps of a certain hour; each has a value of its own."""

    def __init__(self, send: Send, topic: str) -> None:
        self._send, self._topic, self.sent = send, topic, 0

    def __call__(self, hour: float, partition: int = 0) -> None:
        at = MIDNIGHT + timedelta(hours=hour)
        self._send(self._topic, str(self.sent).encode(), partition, timestamp_ms=int(at.timestamp() * 1000))
        self.sent += 1


@pytest.fixture
def at_hour(send: Send, topic: str) -> Sender:
    """Return what sends records of a certain hour."""
    return Sender(send, topic)


def loading(topic: str, schedule: Any = HOURLY, **parameters: Any) -> DAG:
    """Return a DAG that loads the topic into a table of its own."""
    with DAG(f"windows_{uuid.uuid4().hex[:8]}", schedule=schedule, start_date=MIDNIGHT, catchup=False) as dag:
        KafkaToMaxComputeOperator(
            task_id="load",
            **{"topic": topic, "table": table_of(topic), "columns": COLUMNS, "create_table": True, **parameters},
        )
    return dag


def table_of(topic: str) -> str:
    """Return the table of a topic."""
    return topic.replace("-", "_")


def xcom(run: DagRun, key: str = "return_value") -> Any:
    """Return what the task of a run has pushed."""
    task = run.get_task_instance("load")
    assert task is not None
    return task.xcom_pull(task_ids="load", key=key)


def run_hour(dag: DAG, hour: int) -> DagRun:
    """Run the DAG for the interval that begins at this hour."""
    run = run_dag(dag, logical_date=MIDNIGHT + timedelta(hours=hour + 1))
    assert run.state == "success"
    return run


def ends_meet(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether a window starts where another one ends, in every partition."""
    ends = {number: end for number, (_, end) in before["partitions"].items()}
    return ends == {number: start for number, (start, _) in after["partitions"].items()}


@pytest.mark.parametrize(
    ("order", "partition"),
    [((2, 1, 0), None), ((0, 2, 1), "hh={{ data_interval_start.strftime('%H') }}")],
    ids=["backwards", "mixed"],
)
def test_hours_tile_the_log_whatever_comes_late(
    topic: str, at_hour: Sender, odps: OdpsHook, order: tuple[int, ...], partition: str | None
) -> None:
    """Up to the last cut each record is in the table once, though records of every hour come before and after each."""
    dag = loading(topic, partition=partition)
    windows, runs = {}, {}
    # The first partition is quiet at first, the second has a record of every hour from the start.
    for hour in range(3):
        at_hour(hour + 0.5, partition=1)
    for hour in order:
        runs[hour] = run_hour(dag, hour)
        windows[hour] = xcom(runs[hour], "window")
        at_hour(hour + 0.2)
        at_hour(hour - 0.7, partition=1)
    # Cleared in the middle: the same window, and what came late is not in it.
    assert xcom(rerun_dag(dag, runs[1]), "window") == windows[1]

    assert all(ends_meet(before, after) for before, after in pairwise(windows[hour] for hour in range(3)))
    found = odps.run_sql(f"SELECT p, o FROM {table_of(topic)}").to_pylist()
    starts, ends = windows[0]["partitions"], windows[2]["partitions"]
    wanted = [(p, o) for p in (0, 1) for o in range(starts[str(p)][0], ends[str(p)][1])]
    assert sorted((row["p"], row["o"]) for row in found) == wanted
    assert len(wanted) >= 3


def test_a_timestamp_far_ahead_does_not_hold_back_what_follows(
    make_topic: MakeTopic, send: Send, odps: OdpsHook, capfd: pytest.CaptureFixture[str]
) -> None:
    """Report B01: a producer counted microseconds once; the hours are refused, or loaded whole, with a count of it."""
    topic = make_topic(configs={"retention.ms": "-1", "message.timestamp.after.max.ms": str(2**63 - 1)})
    at_hour = Sender(send, topic)
    at_hour(0.1)
    send(topic, b"far ahead", timestamp_ms=int(MIDNIGHT.timestamp() * 1_000_000))
    for hour in (0.5, 1.2, 1.4):
        at_hour(hour)
    refused = run_dag(loading(topic), logical_date=MIDNIGHT + timedelta(hours=1))
    assert refused.state == "failed"
    assert f"TimestampAhead: {topic}[0]@1: timestamp" in "".join(capfd.readouterr())

    dag = loading(topic, on_timestamp_ahead="ignore")
    runs = [run_hour(dag, hour) for hour in (0, 1)]
    assert [xcom(run, "window")["partitions"] for run in runs] == [{"0": [0, 3]}, {"0": [3, 5]}]
    assert [(xcom(run)["rows"], xcom(run)["early"]) for run in runs] == [(3, 1), (2, 0)]
    found = odps.run_sql(f"SELECT o FROM {table_of(topic)} ORDER BY o")["o"].to_pylist()
    assert found == [0, 1, 2, 3, 4]


def test_an_interval_that_ends_at_a_sensors_offsets_is_refused(
    topic: str, at_hour: Sender, capfd: pytest.CaptureFixture[str]
) -> None:
    """Four late records of the other partition were in no window: the next run asked the broker for its own start."""
    for _ in range(2):
        at_hour(0.5, partition=1)
    at_hour(1.1)
    assert run_dag(loading(topic, end='{"0": 0, "1": 2}'), logical_date=MIDNIGHT + timedelta(hours=1)).state == "failed"
    assert "With offsets of a sensor as end, set start='previous'" in "".join(capfd.readouterr())


def test_late_and_early_records_are_counted(topic: str, at_hour: Sender) -> None:
    """What lies outside of the interval is loaded and counted, and the window says where its start comes from."""
    dag = loading(topic)
    for hour in (0.5, 1.5, 0.9):
        at_hour(hour)
    first = run_hour(dag, 0)
    at_hour(2.5)
    at_hour(1.1)
    receipt = xcom(run_hour(dag, 1))

    assert receipt["window"]["partitions"]["0"] == [1, 3]
    assert receipt["window"]["start"]["source"] == f"cut of run {first.run_id}"
    assert (receipt["late"], receipt["early"], receipt["partitions"]["0"]["late"]) == (1, 0, 1)


def test_a_template_leaves_the_cut_to_the_previous_runs_window(topic: str, at_hour: Sender) -> None:
    """Where no asset can be named, the window in the XCom of the run before has the cut."""
    dag = loading(topic, table=table_of(topic) + "_{{ data_interval_start.strftime('%H') }}")
    at_hour(0.5)
    first = run_hour(dag, 0)
    at_hour(0.9)
    at_hour(1.5)
    second = xcom(run_hour(dag, 1), "window")
    assert (dag.task_dict["load"].inlets, dag.task_dict["load"].outlets) == ([], [])
    assert (second["partitions"]["0"], second["start"]["source"]) == ([1, 3], f"cut of run {first.run_id}")


def test_a_backlog_is_worked_off_by_a_chain(topic: str, at_hour: Sender, odps: OdpsHook) -> None:
    """Runs without intervals continue where the last one ended, some offsets each; a cleared one keeps its own."""
    for hour in range(5):
        at_hour(hour)
    dag = loading(topic, None, start="previous", first_start="earliest", end="latest", max_offsets=2)
    runs = [run_dag(dag) for _ in range(3)]
    assert [xcom(run, "window")["partitions"]["0"] for run in runs] == [[0, 2], [2, 4], [4, 5]]
    assert xcom(runs[2], "window")["start"] == {"asked": "previous", "source": f"end of run {runs[1].run_id}"}
    assert xcom(rerun_dag(dag, runs[0]), "window")["partitions"]["0"] == [0, 2]
    assert odps.run_sql(f"SELECT COUNT(*) AS n FROM {table_of(topic)}")["n"].to_pylist() == [5]


def test_a_chain_is_safe_from_runs_side_by_side(topic: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The scheduler is told to run one attempt of the task at a time; told otherwise, nothing is planned."""
    chained = {"start": "previous", "first_start": "earliest", "end": "latest"}
    assert loading(topic, None, **chained).task_dict["load"].max_active_tis_per_dag == 1
    assert run_dag(loading(topic, None, **chained, max_active_tis_per_dag=2)).state == "failed"
    assert "start='previous' needs max_active_tis_per_dag=1" in "".join(capfd.readouterr())


def test_a_run_for_a_partition_loads_the_partitions_interval(topic: str, at_hour: Sender, odps: OdpsHook) -> None:
    """The run has no data interval; the partition's own counts, and its key names the partition of the table."""
    for hour in (15.5, 16.5, 39.5, 40.5):
        at_hour(hour)
    daily = CronPartitionTimetable("0 0 * * *", timezone="Asia/Shanghai", run_offset=-1, key_format="%Y%m%d")
    dag = loading(topic, daily, partition="ds={{ partition_key }}")
    # The second of March begins in Shanghai at four in the afternoon of the first.
    begins = MIDNIGHT + timedelta(hours=16)
    run = run_as(dag, DagRunType.SCHEDULED, partition_key="20260302", partition_date=begins)

    window = xcom(run, "window")
    assert (window["start"]["asked"], window["end"]["asked"]) == ("2026-03-01T16:00:00Z", "2026-03-02T16:00:00Z")
    found = odps.run_sql(f"SELECT o, ds FROM {table_of(topic)} ORDER BY o").to_pylist()
    assert [(row["o"], row["ds"]) for row in found] == [(1, "20260302"), (2, "20260302")]


@pytest.mark.parametrize(("on_rerun", "changed"), [("keep", False), ("replace", True)])
def test_another_run_for_the_partition_does_not_double_it(
    topic: str, at_hour: Sender, odps: OdpsHook, on_rerun: str, changed: bool
) -> None:
    """Airflow makes a new run to reprocess a partition: it finds what the first one has loaded."""
    hourly = CronPartitionTimetable("0 * * * *", timezone="UTC", key_format="%Y%m%d%H")
    dag = loading(topic, hourly, on_rerun=on_rerun)
    at_hour(0.5)
    which = {"partition_key": "2026030100", "partition_date": MIDNIGHT}
    first = run_as(dag, DagRunType.BACKFILL_JOB, **which)
    at_hour(0.6)
    second = run_as(dag, DagRunType.BACKFILL_JOB, **which)

    assert (first.state, second.state) == ("success", "success")
    assert xcom(second, "window") == xcom(first, "window")
    assert (xcom(second)["upload_id"] != xcom(first)["upload_id"]) is changed
    assert odps.run_sql(f"SELECT COUNT(*) AS n FROM {table_of(topic)}")["n"].to_pylist() == [1]


def test_a_click_on_trigger_does_not_double_the_last_hour(topic: str, at_hour: Sender, odps: OdpsHook) -> None:
    """A run by hand has the interval of the last scheduled one, and one that was deleted may come again."""
    dag = loading(topic)
    at_hour(0.5)
    interval = (MIDNIGHT, MIDNIGHT + timedelta(hours=1))
    runs = [
        run_as(dag, kind, logical_date=MIDNIGHT + timedelta(minutes=minutes), data_interval=interval)
        for kind, minutes in ((DagRunType.SCHEDULED, 0), (DagRunType.MANUAL, 90))
    ]
    assert [xcom(run)["upload_id"] for run in runs] == [xcom(runs[0])["upload_id"]] * 2
    run_hour(dag, 1)
    run_hour(dag, 1)
    assert odps.run_sql(f"SELECT COUNT(*) AS n FROM {table_of(topic)}")["n"].to_pylist() == [1]


def test_an_interval_across_hours_that_are_loaded_is_refused(
    topic: str, at_hour: Sender, odps: OdpsHook, capfd: pytest.CaptureFixture[str]
) -> None:
    """A run by hand under a timetable of deltas, and a schedule edited to daily, would load hours a second time."""
    dag = loading(topic)
    for hour in (0.2, 0.8, 3.5):
        at_hour(hour)
    run_hour(dag, 0)
    for begins, ends in ((0.6, 1.6), (0, 24)):
        interval = (MIDNIGHT + timedelta(hours=begins), MIDNIGHT + timedelta(hours=ends))
        run = run_as(dag, DagRunType.MANUAL, logical_date=interval[1], data_interval=interval)
        assert run.state == "failed"
        assert "NeighboursDiffer: the interval" in "".join(capfd.readouterr())
    # Every third hour from now on: what is between is said.
    interval = (MIDNIGHT + timedelta(hours=3), MIDNIGHT + timedelta(hours=6))
    later = run_as(dag, DagRunType.SCHEDULED, logical_date=interval[0], data_interval=interval)
    assert xcom(later)["left_out"] == ["[2026-03-01T01:00:00Z, 2026-03-01T03:00:00Z)"]
    assert odps.run_sql(f"SELECT COUNT(*) AS n FROM {table_of(topic)}")["n"].to_pylist() == [3]


def test_offsets_from_the_conf_of_a_backfill_are_refused(topic: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Airflow gives all runs of a backfill the same conf, so each would load the same offsets."""
    dag = loading(topic, start="{{ dag_run.conf['start'] }}", end="{{ dag_run.conf['end'] }}")
    run = run_as(dag, DagRunType.BACKFILL_JOB, conf={"start": 0, "end": 0})
    assert run.state == "failed"
    said = unbroken("".join(capfd.readouterr()))
    assert "each of them would load the same offsets. Trigger the DAG once by hand" in said


def test_the_tables_asset_tells_what_was_loaded(topic: str, at_hour: Sender, odps: OdpsHook) -> None:
    """The event has window and rows; one of a cleared task whose rows were kept says that nothing has changed."""
    at_hour(0.5)
    dag = loading(topic)
    run = run_hour(dag, 0)
    rerun_dag(dag, run)
    uri = f"maxcompute://maxcompute_default/{table_of(topic)}"
    with create_session() as session:
        asset_id = session.scalar(select(AssetModel.id).where(AssetModel.uri == uri))
        found = select(AssetEvent).where(AssetEvent.asset_id == asset_id).order_by(AssetEvent.id)
        extras = [event.extra for event in session.scalars(found)]
    assert [(extra["rows"], extra["changed"]) for extra in extras] == [(1, True), (1, False)]
    assert extras[0]["window"] == xcom(run, "window")
    assert odps.run_sql(f"SELECT COUNT(*) AS n FROM {table_of(topic)}")["n"].to_pylist() == [1]
