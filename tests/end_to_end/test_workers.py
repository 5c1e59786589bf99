"""Workers: several processes load one window, all of it or nothing, and none of them is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from airflow.sdk.exceptions import AirflowFailException
from kit.airflow_home import ROOT
from kit.kafka_topics import producer
from kit.share_tasks import task_of_nowhere
from kit.task_run import TaskRun
from kit.unbroken import fails

from airflow_provider_kafka_odps.core.cancellation import Cancellation
from airflow_provider_kafka_odps.core.load import shares
from airflow_provider_kafka_odps.exceptions import Cancelled, FingerprintDiffers, WorkerFailed
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator
from airflow_provider_kafka_odps.transfers.workers.pool import RunningPool

RECORDS = 9_000
COLUMNS = {"p": "__partition__", "o": "__offset__", "v": "__value__"}
WHOLE = {"start": "earliest", "end": "latest", "columns": COLUMNS, "create_table": True, "workers": 2}
SLOW: dict[str, Any] = {**WHOLE, "max_bytes_per_second": 20_000}
"""A load that a test can be sure to meet at work."""


@pytest.fixture(autouse=True)
def _small_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "LEAST_SPAN", 1_000)


@pytest.fixture(scope="module")
def skewed(broker: Any, make_topic: Callable[..., str]) -> str:
    """Return a topic of three partitions, the first of which has most of the records; the last record is no number."""
    topic = make_topic(partitions=3)
    to = producer(broker.bootstrap_servers)
    for number in range(RECORDS):
        to.produce(topic, b"%d" % number, partition=(0, 0, 0, 0, 1, 2)[number % 6])
    to.produce(topic, b"no number", partition=2)
    assert to.flush(60) == 0
    return topic


def _workers() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and "transfers.workers.process" in " ".join(child.cmdline())
    ]


def _meet(act: Callable[[psutil.Process], None]) -> threading.Thread:
    """Wait for a worker to start, in a thread of its own, and do something about it."""

    def meet() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(psutil.NoSuchProcess):
                if found := _workers():
                    act(found[0])
                    return
            time.sleep(0.02)

    thread = threading.Thread(target=meet)
    thread.start()
    return thread


def test_several_workers_load_what_one_loads(skewed: str, odps: OdpsHook) -> None:
    """Alone or shared out, also with one partition cut in two: the same rows, counts and rejects."""
    rows, receipts = [], []
    for workers in (1, 2, 3):
        table = f"workers_{workers}"
        asked = {**WHOLE, "workers": workers, "value_type": "string", "column_types": {"v": "bigint"}, "max_rejects": 1}
        receipts.append(TaskRun().attempt(topic=skewed, table=table, **asked))
        rows.append(odps.run_sql(f"SELECT p, o, v FROM {table} ORDER BY p, o").to_pylist())
    assert len(rows[0]) == RECORDS
    assert rows[0] == rows[1] == rows[2]
    assert [receipt["workers"] for receipt in receipts] == [1, 2, 3]
    assert [receipt["blocks"] for receipt in receipts] == [1, 2, 3]
    for key in ("partitions", "offsets", "rows", "rejects", "gaps", "reconciled"):
        assert receipts[0][key] == receipts[1][key] == receipts[2][key], key
    assert receipts[0]["rejects"] == 1
    assert not _workers()


def test_rejects_of_a_worker_are_kept_and_limited(skewed: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """What does not fit in another process goes where rejects go, and fails the load where that is too many."""
    asked = {**WHOLE, "value_type": "string", "column_types": {"v": "bigint"}}
    with fails(r"RecordsRejected: .*max_rejects=0", AirflowFailException):
        task_run.attempt(topic=skewed, table="workers_refused", **asked)
    assert odps.run_sql("SELECT COUNT(*) AS n FROM workers_refused").to_pylist() == [{"n": 0}]
    receipt = task_run.attempt(
        topic=skewed, table="workers_refused", **asked, max_rejects=1, rejects_table="workers_rejects"
    )
    assert receipt["rejected_to"]["rows"] == 1
    (found,) = odps.run_sql("SELECT kafka_partition AS p, record_value AS v FROM workers_rejects").to_pylist()
    assert found == {"p": 2, "v": "bm8gbnVtYmVy"}
    assert not _workers()


def test_an_error_in_a_worker_is_the_error_of_the_load(skewed: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """What a worker raises ends all of them, with its own class and words, and nothing is visible."""
    asked = {**WHOLE, "value_type": "json", "on_bad_json": "fail"}
    with fails(r"RecordsRejected: .*\[2\] offset \d+.*on_bad_json='fail'", AirflowFailException):
        task_run.attempt(topic=skewed, table="workers_failed", **asked)
    assert odps.run_sql("SELECT COUNT(*) AS n FROM workers_failed").to_pylist() == [{"n": 0}]
    assert not _workers()


def test_a_worker_that_is_killed_fails_the_load(skewed: str, task_run: TaskRun, odps: OdpsHook) -> None:
    """A worker's death is told with its share, a retry loads everything, and nothing is doubled."""
    meeting = _meet(lambda worker: worker.kill())
    with fails(r"worker 1 of 2 .* was killed by signal 9 .*\[2\]@\[", WorkerFailed):
        task_run.attempt(topic=skewed, table="workers_killed", **SLOW)
    meeting.join()
    assert odps.run_sql("SELECT COUNT(*) AS n FROM workers_killed").to_pylist() == [{"n": 0}]
    receipt = task_run.attempt(topic=skewed, table="workers_killed", **WHOLE)
    assert receipt["rows"] == RECORDS + 1
    assert not _workers()


def test_a_task_that_is_asked_to_stop_leaves_no_worker(
    skewed: str, task_run: TaskRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a kill by Airflow the load ends as cancelled, with its workers."""
    # What `on_kill` cancels, of a task that is made further down.
    cancellation = Cancellation()
    monkeypatch.setattr(KafkaToMaxComputeOperator, "cancellation", cancellation)
    meeting = _meet(lambda _: cancellation.cancel())
    with pytest.raises(Cancelled):
        task_run.attempt(topic=skewed, table="workers_cancelled", **SLOW)
    meeting.join()
    assert not _workers()


@pytest.mark.parametrize("workers", [0, 65])
def test_as_many_workers_cannot_be(skewed: str, task_run: TaskRun, workers: int) -> None:
    """A number of no sense is refused before anything is read."""
    with fails(rf"workers={workers}: 1 to 64 processes", AirflowFailException):
        task_run.attempt(topic=skewed, table="workers_none", **{**WHOLE, "workers": workers})


def test_a_worker_with_another_mapping_writes_nothing(silent_server: SilentServer) -> None:
    """What it was given does not make the rows that were planned: it says so, and asks neither broker nor service."""
    task = replace(task_of_nowhere(silent_server.address), columns={"o": "__partition__"})
    with RunningPool([task]) as running, pytest.raises(FingerprintDiffers, match=r"share 1 of 2, .*the mapping"):
        _wait_for_its_end(running)
    assert not silent_server.guests


def _wait_for_its_end(running: RunningPool) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        running.check()
        time.sleep(0.05)


class SilentServer:
    """Takes one connection, and never answers."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(60)
        self.guests: list[socket.socket] = []
        self.address = "{}:{}".format(*self._socket.getsockname())

    def wait_for_a_guest(self) -> None:
        self.guests.append(self._socket.accept()[0])

    def close(self) -> None:
        for each in (*self.guests, self._socket):
            each.close()


@pytest.fixture
def silent_server() -> Iterator[SilentServer]:
    """Return a server that a worker waits for in vain."""
    server = SilentServer()
    yield server
    server.close()


_ABANDONED = """
import os, sys, time
from airflow_provider_kafka_odps.transfers.workers.pool import RunningPool
from kit.share_tasks import task_of_nowhere
with RunningPool([task_of_nowhere(sys.argv[1])]):
    time.sleep(600)
"""


def test_workers_die_with_the_process_that_started_them(silent_server: SilentServer, tmp_path: Path) -> None:
    """Also where that one is killed and can tell nobody, and the worker waits for something else."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    starter = subprocess.Popen(
        [sys.executable, "-c", _ABANDONED, silent_server.address],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=tmp_path,
    )
    try:
        silent_server.wait_for_a_guest()
        (worker,) = psutil.Process(starter.pid).children()
        starter.send_signal(signal.SIGKILL)
        starter.wait()
        worker.wait(30)
    finally:
        starter.kill()
        starter.wait()
    assert not worker.is_running()


_LEAN = """
import sys
from airflow_provider_kafka_odps.transfers.workers import process

process._import_lean()
print(*sorted({"odps", "pandas", "sqlalchemy"} & sys.modules.keys()))
import pandas, sqlalchemy
"""


def test_a_worker_starts_with_what_it_needs() -> None:
    """PyODPS is imported without the packages that take longest, which a user's own function still finds later."""
    told = subprocess.run([sys.executable, "-c", _LEAN], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "odps"
