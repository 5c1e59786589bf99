"""Parameters of speed: whatever they are, the rows are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from core.examples import facts_of, window_of
from kit.kafka_topics import producer
from kit.task_run import TaskRun
from kit.unbroken import fails

from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.runtime.telemetry.metrics import lag

RECORDS = 30_000
COLUMNS = {"p": "__partition__", "o": "__offset__", "v": "__value__"}
WHOLE = {"start": "earliest", "end": "latest", "create_table": True, "columns": COLUMNS, "mode": "overwrite"}


STAGES = {"prepare", "queue", "wait", "decode", "project", "pack", "write", "commit"}


@pytest.fixture(scope="module")
def filled(broker: Any, make_topic: Callable[..., str]) -> str:
    """Return a topic of three partitions with 30 MB of records."""
    topic = make_topic(partitions=3)
    to = producer(broker.bootstrap_servers, queue_buffering_max_messages=1_000_000)
    for number in range(RECORDS):
        to.produce(topic, b"%d %s" % (number, b"x" * 1_000), partition=number % 3)
    assert to.flush(60) == 0
    return topic


@pytest.mark.parametrize(
    ("parameters", "blocks"),
    [
        ({}, 1),
        ({"concurrency": 0}, 1),
        ({"concurrency": 3, "max_memory": "210MB"}, 1),
        ({"concurrency": 1, "compression": "lz4"}, 1),
        ({"max_bytes_per_second": "1GB"}, 1),
    ],
    ids=str,
)
def test_every_way_loads_the_same_rows(
    filled: str, task_run: TaskRun, odps: OdpsHook, parameters: dict[str, Any], blocks: int
) -> None:
    """In one thread or in many, in one block or in many, packed or not: each record is one row, and time is told."""
    receipt = task_run.attempt(topic=filled, table="speed", **WHOLE, **parameters)
    places = "COUNT(*) AS n, COUNT(DISTINCT concat(p, '-', o)) AS d, SUM(CAST(split_part(v, ' ', 1) AS BIGINT)) AS s"
    (found,) = odps.run_sql(f"SELECT {places} FROM speed").to_pylist()
    assert found == {"n": RECORDS, "d": RECORDS, "s": sum(range(RECORDS))}
    assert (receipt["rows"], receipt["blocks"] >= blocks) == (RECORDS, True)
    throttle = {"throttle"} if "max_bytes_per_second" in parameters else set()
    assert set(receipt["seconds"]) == STAGES | throttle
    assert min(receipt["seconds"].values()) >= 0
    assert 1 <= receipt["lanes"] <= max(1, parameters.get("concurrency", 8))
    assert receipt["block_bytes"] == receipt["bytes"] // receipt["blocks"]
    assert receipt["lane_pace"] > 0
    assert receipt["pace"] == pytest.approx(receipt["bytes"] / receipt["elapsed"], rel=0.01)
    assert receipt["cpu"] > 0
    assert receipt["cores"] >= 1


def test_the_last_line_of_the_log_says_what_was_the_limit(
    filled: str, task_run: TaskRun, capfd: pytest.CaptureFixture[str]
) -> None:
    """With the numbers that show it, as in the receipt; a retry that finds the rows there has no load to speak of."""
    asked = {"topic": filled, "table": "speed_limit", **WHOLE, "concurrency": 1, "max_bytes_per_second": "10MB"}
    receipt = task_run.attempt(**asked)
    last = "".join(capfd.readouterr()).rstrip().splitlines()[-1]
    assert receipt["limit"].startswith("max_bytes_per_second: the lanes waited for it")
    assert f"MB/s, {receipt['lane_pace'] / 10**6:.1f} of each lane. What limited it: {receipt['limit']}" in last
    assert task_run.attempt(**asked) == receipt
    assert "What limited it" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_memory": "1MB"}, r"max_memory=1000000 is too little for concurrency=auto: at least \d+MB"),
        ({"max_memory": "lots"}, r"max_memory='lots' is no amount of bytes"),
        ({"max_bytes_per_second": "fast"}, r"max_bytes_per_second='fast' is no amount of bytes"),
        ({"concurrency": -1}, r"concurrency=-1: 0 or more"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(filled: str, task_run: TaskRun, parameters: dict[str, Any], message: str) -> None:
    """Parameters of no sense fail the task before anything is read."""
    with fails(message, AirflowFailException):
        task_run.attempt(topic=filled, table="speed_refused", **WHOLE, **parameters)


class Recorder:
    """A backend of Airflow's metrics that remembers."""

    def __init__(self) -> None:
        self.told: dict[str, tuple[float, dict[str, str]]] = {}

    def incr(self, stat: str, count: int, *, tags: dict[str, str]) -> None:
        self.told[stat] = (count, tags)

    timing = gauge = incr


@pytest.mark.parametrize("switched_on", [True, False])
def test_a_load_tells_airflows_metrics(
    filled: str, task_run: TaskRun, monkeypatch: pytest.MonkeyPatch, switched_on: bool
) -> None:
    """Rows, bytes, rejects, lanes, seconds per stage and what lies behind the window are told, where that is wanted."""
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", str(switched_on))
    recorder = Recorder()
    monkeypatch.setattr("airflow.sdk._shared.observability.metrics.stats._backend", recorder)
    end = {"0": 4_000, "1": 10_000, "2": 10_000}
    parameters = {**WHOLE, "end": end, "start": dict.fromkeys(end, 0)}
    receipt = task_run.attempt(topic=filled, table="speed_metrics", **parameters)
    found = {name.removeprefix("kafka_odps."): count for name, (count, _) in recorder.told.items()}
    if not switched_on:
        assert found == {}
        return
    stages = {stage: pytest.approx(spent * 1_000, abs=1) for stage, spent in receipt["seconds"].items()}
    speed = {name: receipt[name] for name in ("lanes", "pace", "refused")}
    counts = {
        "rows": 24_000,
        "bytes": receipt["bytes"],
        "rejects": 0,
        "filtered": 0,
        "lag": 6_000,
        "late": 0,
        "missing": 0,
    }
    assert found == {**counts, **speed, **stages}
    assert all(tags == {"topic": filled, "table": receipt["table"]} for _, tags in recorder.told.values())


def test_lag_is_what_lies_behind_the_window_in_its_partitions() -> None:
    """Partitions that are not loaded do not count, nor does a log that became shorter."""
    facts = facts_of(*(PartitionFacts(number, 0, high, high) for number, high in enumerate([50, 5, 1_000])))
    assert lag(window_of((0, 20), (0, 10)), facts) == 30
