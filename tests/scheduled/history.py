"""One history: a DAG of the real Airflow, its topic and its table, and whether they agree in the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from threading import Event, Lock, Thread
from typing import Any

from kit.airflow_service import AirflowService, Task
from kit.kafka_topics import producer
from scheduled.named import MIDNIGHT

from airflow_provider_kafka_odps.hooks.odps import OdpsHook

PARTITIONS = 2
_PAUSE = 0.2
"""Seconds between two records that come while runs are going."""


@dataclass
class Sender:
    """Sends records of any hour of the day, in any order; each has a value of its own."""

    servers: str
    topic: str
    sent: dict[int, list[str]] = field(default_factory=lambda: {number: [] for number in range(PARTITIONS)})
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Connect."""
        self._producer = producer(self.servers, linger_ms=0)

    def send(self, hours: Iterable[float], partition: int = 0) -> None:
        """Send a record of each hour, and wait until the broker has them."""
        with self._lock:
            for hour in hours:
                at = MIDNIGHT + timedelta(hours=hour)
                value = f"{partition}-{len(self.sent[partition])}"
                self._producer.produce(
                    self.topic, value.encode(), partition=partition, timestamp=int(at.timestamp() * 1000)
                )
                self.sent[partition].append(value)
            assert self._producer.flush(30) == 0

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

    def unpause(self) -> None:
        """Flip the switch."""
        self.airflow.call("PATCH", f"dags/{self.dag_id}", {"is_paused": False})

    def backfill(self, first: int, last: int, **how: Any) -> None:
        """Backfill hours, the last one too, and wait until all of its runs have ended; ``how`` is for the REST API."""
        body = {
            "dag_id": self.dag_id,
            "from_date": _date(first),
            "to_date": _date(last),
            "run_backwards": False,
            "max_active_runs": 4,
            **how,
        }
        self.await_backfill(self.airflow.call("POST", "backfills", body)["id"])

    def await_backfill(self, number: int) -> None:
        """Wait until a backfill is over."""
        self.airflow.until(
            lambda: self.airflow.call("GET", f"backfills/{number}")["completed_at"],
            complaint=lambda: f"the backfill does not end: {self.runs()}",
        )

    def runs(self) -> dict[str, dict[str, Any]]:
        """Return the runs by their ids, in the order of their dates."""
        listed = self.airflow.call("GET", f"dags/{self.dag_id}/dagRuns", order_by="run_after", limit=100)["dag_runs"]
        return {run["dag_run_id"]: run for run in listed}

    def await_runs(self, number: int) -> None:
        """Wait until so many runs have succeeded."""
        self.airflow.until(
            lambda: [run["state"] for run in self.runs().values()].count("success") == number,
            complaint=lambda: f"{self.dag_id}: {number} runs do not succeed: {self.runs()}",
        )

    def run_of(self, hour: int) -> str:
        """Return the id of the run that loads an hour."""
        (found,) = (
            run_id
            for run_id, run in self.runs().items()
            if run["data_interval_start"] and datetime.fromisoformat(run["data_interval_start"]) == _hour(hour)
        )
        return found

    def task(self, run_id: str, task_id: str = "load") -> Task:
        """Return a task instance of a run."""
        return self.dag_id, run_id, task_id

    def window(self, run_id: str) -> Mapping[str, Any]:
        """Return the window of a run."""
        window: Mapping[str, Any] = self.airflow.xcom(self.task(run_id), "window")
        return window

    def rows(self) -> list[tuple[int, int, str]]:
        """Return the rows of the table in order."""
        found = OdpsHook().run_sql(f"SELECT p, o, v FROM {self.name} ORDER BY p, o")
        return [tuple(row.values()) for row in found.to_pylist()]

    def loaded(self, run_ids: Iterable[str]) -> list[tuple[int, int, str]]:
        """Return the records of the windows of these runs, in order."""
        windows = [self.window(run_id)["partitions"] for run_id in run_ids]
        return sorted(
            (number, offset, self.records.sent[number][offset])
            for window in windows
            for number in range(PARTITIONS)
            for offset in range(*window[str(number)])
        )

    def check_tiles(self, run_ids: Iterable[str]) -> None:
        """Hold that the windows of these runs, by date, are the whole topic, and that the table has it, once."""
        windows = [self.window(run_id)["partitions"] for run_id in run_ids]
        for number, sent in self.records.sent.items():
            ranges = [window[str(number)] for window in windows]
            assert [ranges[0][0], ranges[-1][1]] == [0, len(sent)], ranges
            assert all(before[1] == after[0] for before, after in pairwise(ranges)), ranges
        topic = [(number, at, value) for number, sent in self.records.sent.items() for at, value in enumerate(sent)]
        assert self.rows() == topic


def _hour(hour: int) -> datetime:
    return MIDNIGHT + timedelta(hours=hour)


def _date(hour: int) -> str:
    return _hour(hour).isoformat()
