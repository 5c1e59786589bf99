"""Statements end: when they are stopped, when their time is over, when they need too much, and with the endpoint."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from local.conftest import connect
from odps import ODPS, errors
from starlette.concurrency import run_in_threadpool

from airflow_provider_kafka_odps.local.api.call import Answer
from airflow_provider_kafka_odps.local.http.app import held
from airflow_provider_kafka_odps.local.settings import LEAST_MEMORY
from airflow_provider_kafka_odps.local.testing import EndpointStartError, RunningEndpoint, running_endpoint

ENDLESS = "SELECT COUNT(*) FROM range(1000000000000) t(k) WHERE k % 7 = 3"
STUBBORN = "SELECT LEVENSHTEIN(REPEAT('ab', 200000), REPEAT('ba', 200000))"
"""One function of one value, for minutes: DuckDB does not look whether it was interrupted."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningEndpoint, Path]]:
    """Return an endpoint of little memory, and its directory."""
    folder = tmp_path_factory.mktemp("small")
    limits = ("--memory-limit", str(LEAST_MEMORY), "--spill-limit", str(1 << 30))
    with running_endpoint(folder, arguments=limits) as endpoint:
        yield endpoint, folder


@pytest.mark.parametrize(("statement", "signals"), [(ENDLESS, 1), (STUBBORN, 2)])
def test_a_signal_ends_statements_too(tmp_path: Path, statement: str, signals: int) -> None:
    """SIGTERM, once or twice, ends the process with exit code 0 whatever runs; afterwards the statement has failed."""
    command = [sys.executable, "-m", "airflow_provider_kafka_odps.local", "--port", "0", "--data", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3]
        odps = ODPS("demo_access_id", "demo_access_key", "demo_project", url, overwrite_global=False)
        instance = odps.run_sql(statement)
        assert instance.status == instance.Status.RUNNING
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
    with running_endpoint(tmp_path) as endpoint:
        ended = connect(endpoint).get_instance(instance.id)
        with pytest.raises(errors.ODPSError, match="the endpoint was stopped while this ran"):
            ended.wait_for_success(interval=0.01)


def test_a_statement_that_runs_can_be_stopped(endpoint: RunningEndpoint) -> None:
    """It ends as Cancelled, and the next one finds its thread free."""
    odps = connect(endpoint)
    instance = odps.run_sql(ENDLESS)
    instance.stop()
    instance.wait_for_completion(interval=0.01)
    (task,) = instance.get_task_statuses().values()
    assert task.status == task.TaskStatus.CANCELLED
    assert "the instance was stopped while it ran" in instance.get_task_result(task.name)
    with odps.execute_sql("SELECT 7 AS k").open_reader() as reader:
        assert [record[0] for record in reader] == [7]


def test_a_statement_has_so_much_time(tmp_path: Path) -> None:
    """After --statement-timeout it fails and says so; what it was to insert is not there."""
    with running_endpoint(tmp_path, arguments=("--statement-timeout", "3")) as endpoint:
        odps = connect(endpoint)
        odps.create_table("t", "k bigint")
        with pytest.raises(errors.ODPSError, match=r"more than 3 s: --statement-timeout"):
            odps.execute_sql(f"INSERT INTO t {ENDLESS}")
        with odps.get_table("t").open_reader() as reader:
            assert reader.count == 0


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM range(1000000000000)",
        "SELECT LISTAGG(k) FROM range(100000000) t(k)",
        "SELECT MAX(n) FROM (SELECT k, COUNT(*) AS n FROM range(1000000000) t(k) GROUP BY k)",
    ],
)
def test_a_statement_that_needs_too_much_fails(small: tuple[RunningEndpoint, Path], statement: str) -> None:
    """Too many rows, values and groups that are too large: the text has the limits, and the endpoint goes on."""
    endpoint, _ = small
    odps = connect(endpoint)
    with pytest.raises(errors.ODPSError, match=rf"too large for this endpoint \(--memory-limit is {LEAST_MEMORY}"):
        odps.execute_sql(statement)
    with odps.execute_sql("SELECT 7 AS k").open_reader() as reader:
        assert [record[0] for record in reader] == [7]


def test_what_does_not_fit_the_memory_is_spilled(small: tuple[RunningEndpoint, Path]) -> None:
    """Sorting more than the memory takes works, and what a killed process has spilled is removed at the next start."""
    endpoint, folder = small
    odps = connect(endpoint)
    query = "SELECT MAX(v) FROM (SELECT CONCAT('some more bytes ', k) AS v FROM range(3000000) t(k) ORDER BY v)"
    with odps.execute_sql(query).open_reader() as reader:
        assert [record[0] for record in reader] == ["some more bytes 999999"]
    assert (folder / "spill").is_dir()


def test_what_was_spilled_is_removed_at_the_next_start(tmp_path: Path) -> None:
    """A killed process leaves files behind, and nobody else would remove them."""
    (tmp_path / "spill").mkdir()
    (tmp_path / "spill" / "left").write_bytes(b"rows")
    with running_endpoint(tmp_path):
        assert not (tmp_path / "spill").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--memory-limit", "1000"), "--memory-limit 1000: statements need"),
        (("--spill-limit", "-1"), "--spill-limit -1"),
        (("--statement-timeout", "0"), r"--statement-timeout 0\.0: it is more than 0"),
        (("--statement-timeout", "nan"), "--statement-timeout nan"),
    ],
)
def test_limits_that_let_nothing_run_are_refused(arguments: tuple[str, ...], reason: str) -> None:
    """The option, its value and what it may be are named."""
    with pytest.raises(EndpointStartError, match=reason), running_endpoint(arguments=arguments):
        pass


def test_statements_that_are_waited_for_hold_no_thread() -> None:
    """More of them than the web server has threads keep nobody else from being answered."""

    async def scenario() -> int:
        ends: list[Future[None]] = [Future() for _ in range(200)]
        waiting = [asyncio.create_task(held(Answer(201, after=end))) for end in ends]
        await asyncio.sleep(0)
        answered: Any = await run_in_threadpool(lambda: 7)
        assert not any(task.done() for task in waiting)
        for end in ends:
            end.set_result(None)
        assert {answer.status for answer in await asyncio.gather(*waiting)} == {201}
        return int(answered)

    assert asyncio.run(scenario()) == 7


def test_many_statements_that_wait_leave_the_others_alone(endpoint: RunningEndpoint) -> None:
    """Behind statements that take all threads for SQL further ones wait, can be stopped there, and are all answered."""
    odps = connect(endpoint)
    endpoint.control.pace_statements(seconds=0.001)
    try:
        waiting = [odps.run_sql(ENDLESS) for _ in range(50)]
        assert odps.exist_project(endpoint.project)
        for instance in waiting:
            instance.stop()
        for instance in waiting:
            instance.wait_for_completion(interval=0.01)
            assert next(iter(instance.get_task_statuses().values())).status.value == "CANCELLED"
    finally:
        endpoint.control.pace_statements()
