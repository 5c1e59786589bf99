"""The service asks for less: lanes go slower together, the load ends with its rows once, and the log says it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from kit.kafka_topics import producer
from kit.task_run import TaskRun

from airflow_provider_kafka_odps.core.load import shares
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.faults import Request
from airflow_provider_kafka_odps.local.testing import Delay, EndpointControl, Operation, Refuse, RunningEndpoint

RECORDS, LANES, BLOCKS = 4_000, 4, 12
COLUMNS = {"p": "__partition__", "o": "__offset__", "v": "__value__"}
WHOLE: dict[str, Any] = {"start": "earliest", "end": "latest", "create_table": True, "columns": COLUMNS}
LESS = Refuse(429, "FlowExceeded", "Your flow quota is exceeded", retry_after=0)
LINE = "MaxCompute asks for less: FlowExceeded: Your flow quota is exceeded"


@pytest.fixture
def control(endpoint: RunningEndpoint) -> Iterator[EndpointControl]:
    """Return the endpoint's control without any fault, and forget all of them afterwards."""
    endpoint.control.clear()
    yield endpoint.control
    endpoint.control.clear()


@pytest.fixture(autouse=True)
def _many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Resources, "blocks", lambda *_: BLOCKS)
    monkeypatch.setattr(shares, "LEAST_SPAN", 1_000)


@pytest.fixture(scope="module")
def filled(broker: Any, make_topic: Callable[..., str]) -> str:
    """Return a topic of two partitions."""
    topic = make_topic(partitions=2)
    to = producer(broker.bootstrap_servers)
    for number in range(RECORDS):
        to.produce(topic, b"%d" % number, partition=number % 2)
    assert to.flush(60) == 0
    return topic


def _at_once(requests: Sequence[Request]) -> int:
    """Return how many requests there were at a time, at most."""
    edges = sorted([(each.started, 1) for each in requests] + [(each.started + each.seconds, -1) for each in requests])
    open_, most = 0, 0
    for _, step in edges:
        open_ += step
        most = max(most, open_)
    return most


def _check_rows(odps: OdpsHook, table: str) -> None:
    places = "COUNT(*) AS n, COUNT(DISTINCT concat(p, '-', o)) AS d, SUM(CAST(v AS BIGINT)) AS s"
    (found,) = odps.run_sql(f"SELECT {places} FROM {table}").to_pylist()
    assert found == {"n": RECORDS, "d": RECORDS, "s": sum(range(RECORDS))}


def _lines(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in "".join(capfd.readouterr()).splitlines() if "asks for less" in line]


def test_fewer_blocks_are_written_at_a_time_after_a_refusal(
    filled: str, task_run: TaskRun, odps: OdpsHook, control: EndpointControl, capfd: pytest.CaptureFixture[str]
) -> None:
    """Four lanes write four blocks at a time until the service asks for less, and two afterwards."""
    after = max((each.number for each in control.requests()), default=0)
    control.inject(Operation.WRITE_BLOCK, Delay(0.3), table="throttled", times=1_000)
    control.inject(Operation.WRITE_BLOCK, LESS, table="throttled", nth=LANES + 1, times=3)
    receipt = task_run.attempt(topic=filled, table="throttled", concurrency=LANES, **WHOLE)
    assert (receipt["rows"], receipt["blocks"]) == (RECORDS, BLOCKS)
    _check_rows(odps, "throttled")
    asked = control.requests(Operation.WRITE_BLOCK, after)
    refused = [each for each in asked if each.status == LESS.status]
    assert len(refused) == 3
    known = max(each.started + each.seconds for each in refused)
    earlier = [each for each in asked if each.started < min(each.started for each in refused)]
    later = [each for each in asked if each.started > known]
    assert len(later) >= BLOCKS - 2 * LANES
    assert (_at_once(earlier), _at_once(later)) == (LANES, LANES // 2)
    (line,) = _lines(capfd)
    assert LINE in line


@pytest.mark.parametrize("operation", [Operation.CREATE_UPLOAD, Operation.COMMIT_UPLOAD])
def test_a_session_that_is_opened_or_committed_late_is_told_of(
    filled: str,
    task_run: TaskRun,
    odps: OdpsHook,
    control: EndpointControl,
    capfd: pytest.CaptureFixture[str],
    operation: Operation,
) -> None:
    """Whichever request was refused, however often, the rows are there once and there is one line."""
    table = f"throttled_{operation.value}"
    control.inject(operation, LESS, table=table, times=2)
    task_run.attempt(topic=filled, table=table, concurrency=2, **WHOLE)
    _check_rows(odps, table)
    (line,) = _lines(capfd)
    assert LINE in line


def test_a_refusal_in_another_process_is_told_by_the_task(
    filled: str, task_run: TaskRun, odps: OdpsHook, control: EndpointControl, capfd: pytest.CaptureFixture[str]
) -> None:
    """A worker has no log: the task's process hears of it, and says it once for all of them."""
    for block in (0, BLOCKS - 1):
        control.inject(Operation.WRITE_BLOCK, LESS, table="throttled_workers", block_id=block)
    receipt = task_run.attempt(topic=filled, table="throttled_workers", workers=2, concurrency=1, **WHOLE)
    assert receipt["workers"] == 2
    _check_rows(odps, "throttled_workers")
    (line,) = _lines(capfd)
    assert LINE in line
