"""One history: a DAG of the real Airflow, its topic and its table, and whether they agree in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from kit.airflow_service import AirflowService, Task
from kit.kafka_topics import producer
from kit.recording_endpoint import Recording
from kit.shell import program
from kit.unbroken import unbroken
from scheduled.named import MIDNIGHT

from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import Delay, EndpointControl, Operation

T = TypeVar("T")

PARTITIONS = 2
_PATIENCE = 900.0
"""Seconds that one thing may take, beside all other histories."""
_LONG = 120.0
"""Seconds that a block is held which a history will not wait for."""
_FLUSH_SECONDS = 120.0
_PAUSE = 0.2
"""Seconds between two records that come while runs are going."""


@dataclass
class Sender:
    """Sends records of any hour of the day, in any order; each has a value of its own."""

    servers: str
    topic: str
    sent: dict[int, list[str]] = field(default_factory=lambda: {number: [] for number in range(PARTITIONS)})
    times: dict[str, datetime] = field(default_factory=dict)
    """Value → the timestamp of its record."""
    text: Callable[[str, float], str] = lambda name, _: name
    """Returns the value of a record, which has a name of its own, of an hour."""
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Connect."""
        # A record that is sent again must not come behind the next one, nor twice: its place is what is compared.
        self._producer = producer(self.servers, linger_ms=0, enable_idempotence=True)

    def send(self, hours: Iterable[float], partition: int = 0) -> None:
        """Send a record of each hour, and wait until the broker has them."""
        with self._lock:
            for hour in hours:
                at = MIDNIGHT + timedelta(hours=hour)
                value = self.text(f"{partition}-{len(self.sent[partition])}", hour)
                self._producer.produce(
                    self.topic, value.encode(), partition=partition, timestamp=int(at.timestamp() * 1000)
                )
                self.sent[partition].append(value)
                self.times[value] = at
            assert self._producer.flush(_FLUSH_SECONDS) == 0

    @contextmanager
    def meanwhile(self, random: Random, hours: int) -> Iterator[None]:
        """Send records of random hours to random partitions as long as the block goes on."""
        done = Event()

        def go_on() -> None:
            while not done.wait(_PAUSE):
                self.send([random.uniform(0, hours)], random.randrange(PARTITIONS))

        thread = Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


@dataclass(frozen=True, slots=True)
class History:
    """What a person does with one DAG."""

    airflow: AirflowService
    dag_id: str
    name: str
    """Of its topic and its table."""
    records: Sender
    service: EndpointControl
    """Faults of the MaxCompute endpoint."""
    bundle: Path
    """The folder of the DAG's file."""
    columns: Sequence[str]
    """Of partition, offset and value."""
    recording: Recording
    """Of each state of its table, if the endpoint writes it down."""

    def unpause(self) -> None:
        """Flip the switch."""
        self.airflow.call("PATCH", f"dags/{self.dag_id}", {"is_paused": False})

    def backfill(self, first: int, last: int, **how: Any) -> None:
        """Backfill hours, the last one too, and wait until all of its runs have ended; ``how`` is for the REST API."""
        self.await_backfill(self.start_backfill(first, last, **how))

    def start_backfill(self, first: int, last: int, **how: Any) -> int:
        """Begin to backfill hours, and return the number of the backfill."""
        body = {
            "dag_id": self.dag_id,
            "from_date": _date(first),
            "to_date": _date(last),
            "run_backwards": False,
            "max_active_runs": 4,
            **how,
        }
        number: int = self.airflow.call("POST", "backfills", body)["id"]
        return number

    def backfill_by_command(self, first: int, last: int, *how: str) -> None:
        """Do the same in a shell; ``how`` are options of ``airflow backfill create``."""
        self.await_backfill(self.start_backfill_by_command(first, last, *how))

    def start_backfill_by_command(self, first: int, last: int, *how: str) -> int:
        """Begin to, and return the number of the backfill."""
        words = ["--dag-id", self.dag_id, "--from-date", _date(first), "--to-date", _date(last)]
        self.airflow.command("backfill", "create", *words, *how)
        (created,) = self.airflow.call("GET", "backfills", dag_id=self.dag_id)["backfills"]
        return int(created["id"])

    def await_backfill(self, number: int) -> None:
        """Wait until a backfill is over."""
        self.until(
            lambda: self.airflow.call("GET", f"backfills/{number}")["completed_at"],
            complaint=lambda: f"the backfill does not end: {self.runs()}",
        )

    def trigger(self, **conf: Any) -> str:
        """Trigger a run by hand, wait for it, and return its id."""
        run_id = self.airflow.trigger(self.dag_id, conf)
        assert self.await_run(run_id) == "success", self.log(run_id)
        return run_id

    def clear(self, run_id: str) -> str:
        """Clear a run, wait for it, and return the state in which it has ended."""
        self.airflow.clear_run(self.dag_id, run_id)
        return self.await_run(run_id)

    def fail_while_running(self, run_id: str) -> None:
        """Mark a run as failed."""
        self.airflow.call("PATCH", f"dags/{self.dag_id}/dagRuns/{quote(run_id)}", {"state": "failed"})

    def log(self, run_id: str) -> str:
        """Return what the last attempt at the load in a run has logged."""
        task = self.task(run_id)
        return unbroken(self.airflow.log(task, self.airflow.task(task)["try_number"]).replace("\\n", "\n"))

    def forget(self, run_id: str) -> None:
        """Do what "Clear All Task State Store" does."""
        dag_id, run_id, task_id = map(quote, self.task(run_id))
        self.airflow.call("DELETE", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/state-store")

    def hold_block(self, number: int) -> Callable[[], None]:
        """Have the endpoint not answer to a block, as they come; return what waits until it is written."""
        rule = self.service.inject(Operation.WRITE_BLOCK, Delay(_LONG), nth=number, table=self.name)

        def is_held() -> bool:
            return any(state.rule.number == rule.number and state.fired for state in self.service.faults())

        def await_held() -> None:
            self.until(is_held, complaint=lambda: f"no block is held: {self.runs()}")

        return await_held

    def await_run(self, run_id: str) -> str:
        """Wait until a run has ended, and return its state."""
        return self.airflow.await_run(self.dag_id, run_id, _PATIENCE)

    def until(self, look: Callable[[], T | None], complaint: Callable[[], str]) -> T:
        """Wait for something, beside all other histories."""
        return self.airflow.until(look, _PATIENCE, complaint=complaint)

    def runs(self) -> dict[str, dict[str, Any]]:
        """Return the runs by their ids, in the order of their dates."""
        listed = self.airflow.call("GET", f"dags/{self.dag_id}/dagRuns", order_by="run_after", limit=100)["dag_runs"]
        return {run["dag_run_id"]: run for run in listed}

    def await_number(self, number: int) -> str:
        """Wait until there are so many runs, and return the id of the last one."""
        listed = self.until(
            lambda: list(self.runs()) if len(self.runs()) >= number else None,
            complaint=lambda: f"{self.dag_id}: there are no {number} runs: {self.runs()}",
        )
        return listed[-1]

    def await_runs(self, number: int) -> None:
        """Wait until so many runs have succeeded, or fail with the log of one that has failed."""

        def succeeded() -> int:
            states = {run_id: run["state"] for run_id, run in self.runs().items()}
            for run_id in [run_id for run_id, state in states.items() if state == "failed"]:
                pytest.fail(f"{self.dag_id}: {run_id} has failed: {self.log(run_id)}")
            return [*states.values()].count("success")

        self.until(
            lambda: succeeded() == number,
            complaint=lambda: f"{self.dag_id}: {number} runs do not succeed: {self.runs()}",
        )

    def run_of(self, hour: int) -> str:
        """Return the id of the run that loads an hour."""
        runs = self.runs().items()
        (found,) = (run_id for run_id, run in runs if datetime.fromisoformat(run["data_interval_start"]) == _hour(hour))
        return found

    def task(self, run_id: str, task_id: str = "load") -> Task:
        """Return a task instance of a run."""
        return self.dag_id, run_id, task_id

    def window(self, run_id: str) -> Mapping[str, Any]:
        """Return the window of a run."""
        window: Mapping[str, Any] = self.airflow.xcom(self.task(run_id), "window")
        return window

    def command(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run a command of the package about this DAG, and return its exit code and its JSON."""
        command = program(*words, "--json", "--airflow", self.airflow.url, "--dag-id", self.dag_id)
        settings = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        ended = subprocess.run(command, check=False, capture_output=True, text=True, env=settings)
        assert ended.stdout, ended.stderr
        return ended.returncode, json.loads(ended.stdout)

    def rows(self) -> list[tuple[int, int, str]]:
        """Return the rows of the table in order."""
        listed = [f"`{column}`" for column in self.columns]
        found = OdpsHook().run_sql(f"SELECT {', '.join(listed)} FROM {self.name} ORDER BY {', '.join(listed[:2])}")
        return [tuple(row.values()) for row in found.to_pylist()]

    def check_tiles(self, run_ids: Iterable[str] | None = None) -> None:
        """Hold that the windows of these runs, by date, are the whole topic, and that the table has it, once.

        Without ids: those of all runs.
        """
        self.check_windows(run_ids)
        self.check_rows()

    def check_windows(self, run_ids: Iterable[str] | None = None) -> None:
        """Hold that the windows of these runs, by date, are the whole topic."""
        run_ids = self.runs() if run_ids is None else run_ids
        windows = [self.window(run_id)["partitions"] for run_id in run_ids]
        for number, sent in self.records.sent.items():
            ranges = [window[str(number)] for window in windows]
            assert [ranges[0][0], ranges[-1][1]] == [0, len(sent)], ranges
            assert all(before[1] == after[0] for before, after in pairwise(ranges)), ranges

    def check_rows(self) -> None:
        """Hold that the table has every record of the topic, once."""
        sent = self.records.sent.items()
        assert self.rows() == [(number, at, value) for number, values in sent for at, value in enumerate(values)]


def _hour(hour: int) -> datetime:
    return MIDNIGHT + timedelta(hours=hour)


def _date(hour: int) -> str:
    return _hour(hour).isoformat()
