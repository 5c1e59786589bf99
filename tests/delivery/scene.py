"""A task instance, what it loads from, and whether the table is what it should be."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as Place
from delivery.attempts import Orders
from delivery.forkserver import Ended, Nursery, log_of
from delivery.state_store import StateStore
from demo.broker import Broker
from kit.kafka_topics import by_confluent_kafka, producer, send

from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint

Row: TypeAlias = tuple[int, int, str]
OLD_ROW: Row = (-1, -1, "was there before")
COLUMNS = {"p": "__partition__", "o": "__offset__", "v": "__value__"}
WITHOUT_OFFSETS = {"v": "__value__"}
PATIENCE = {"total": 20.0, "connect": 5.0, "read": 5.0, "first_pause": 0.1, "longest_pause": 1.0}
_FILLED = (8, 1)
"""Where the first two partitions end: six records, an aborted one, and two markers."""
_SOON = 30.0


def kafka_connection(servers: str, **settings: object) -> str:
    """Return an Airflow connection to a Kafka cluster, as JSON; settings with underscores for dots."""
    dotted = {name.replace("_", "."): value for name, value in settings.items()}
    return json.dumps({"conn_type": "kafka", "extra": {"bootstrap.servers": servers, **dotted}})


def environment(broker: Broker, endpoint: RunningEndpoint) -> dict[str, str]:
    """Return the environment variables in which Airflow finds its default connections."""
    extra = {
        "endpoint": endpoint.endpoint,
        "project": endpoint.project,
        "access_key_id": endpoint.access_id,
        "access_key_secret": endpoint.access_key,
    }
    return {
        "AIRFLOW_CONN_MAXCOMPUTE_DEFAULT": json.dumps({"conn_type": "maxcompute", "extra": extra}),
        "AIRFLOW_CONN_KAFKA_DEFAULT": kafka_connection(broker.bootstrap_servers),
    }


@dataclass
class Log:
    """A topic of three partitions; the last one is for records that come later."""

    servers: str
    topic: str
    came_later: int = 0
    _records: list[Row] = field(default_factory=list)

    def fill(self) -> None:
        """Write batches, an aborted transaction between them, and a committed one."""
        plain = producer(self.servers)
        send(plain, self.topic, [b"a", b"b"])
        send(plain, self.topic, [b"f"], partition=1)
        for value, commit in ((b"never", False), (b"c", True)):
            writer = Producer({"bootstrap.servers": self.servers, "transactional.id": uuid.uuid4().hex})
            writer.init_transactions(_SOON)
            writer.begin_transaction()
            writer.produce(self.topic, value, partition=0)
            writer.flush(_SOON)
            (writer.commit_transaction if commit else writer.abort_transaction)(_SOON)
        send(plain, self.topic, [b"d", b"e"])
        self._await_the_last_marker()
        self._records += self._read()

    def come_later(self) -> None:
        """Write one more record, beyond every window that was planned by now."""
        value = f"later {self.came_later}"
        send(producer(self.servers), self.topic, [value.encode()], partition=2)
        self._records.append((2, self.came_later, value))
        self.came_later += 1

    def records(self, ranges: Mapping[str, tuple[int, int]]) -> list[Row]:
        """Return a row for every record of these offsets, as another client has read them."""
        return sorted(row for row in self._records if row[1] in range(*ranges[str(row[0])]))

    def _read(self) -> list[Row]:
        """Return what another client finds in the first two partitions."""
        window = Window.from_json(
            {
                "version": 1,
                "topic": self.topic,
                "topic_id": "",
                "cluster_id": "",
                "isolation_level": "read_committed",
                "planned_at": "2026-11-22T11:00:00Z",
                "start": {"asked": "0", "source": "given"},
                "end": {"asked": "latest", "source": "broker"},
                "partitions": {"0": [0, _FILLED[0]], "1": [0, _FILLED[1]]},
            }
        )
        return [(row[0], row[1], (row[5] or b"").decode()) for row in by_confluent_kafka(self.servers, window)]

    def _await_the_last_marker(self) -> None:
        consumer = Consumer({"bootstrap.servers": self.servers, "group.id": "never-joined"})
        ends = time.monotonic() + _SOON
        while consumer.get_watermark_offsets(Place(self.topic, 0), timeout=_SOON)[1] < _FILLED[0]:
            assert time.monotonic() < ends, "the transactions do not end"
        consumer.close()


@dataclass
class Scene:
    """One task instance: each attempt is a process, and what survives it is in a folder."""

    attempts: Nursery
    log: Log
    endpoint: RunningEndpoint
    folder: Path
    table: str
    parameters: dict[str, Any]
    patience: dict[str, float] = field(default_factory=lambda: dict(PATIENCE))
    environment: dict[str, str] = field(default_factory=dict)
    """What its attempts have beside the environment of all."""
    concurrency: int = 0
    """How many blocks its attempts write beside the rest; 0: one effect comes after the other."""
    number: int = 0
    clear_number: int = 0

    @property
    def beyond(self) -> list[int]:
        """The window's range of the last partition, where nothing came later."""
        start: int = self.parameters["start"]["2"]
        return [start, start]

    def start(self, signals: Mapping[str, int] | None = None) -> Running:
        """Start the next attempt; it becomes the current one, whatever the others do."""
        self.number += 1
        StateStore(self.folder / "store.json", self.number).claim()
        orders = Orders(
            str(self.folder),
            self.number,
            self.clear_number,
            self.parameters,
            dict(signals or {}),
            self.patience,
            self.environment,
            self.concurrency,
        )
        return Running(self.attempts, self.attempts.start(orders), orders)

    def attempt(self, signals: Mapping[str, int] | None = None) -> Ended:
        """Run the next attempt to its end, or until it is stopped."""
        return self.start(signals).wait()

    def clear(self) -> None:
        """Do what a click on "Clear" does."""
        self.clear_number += 1

    def journal(self) -> dict[str, Any] | None:
        """Return what the journal says."""
        entries = StateStore(self.folder / "store.json", 0).entries()
        return next(iter(entries.values()), None)

    def rows(self) -> list[Row]:
        """Return the table's rows in order."""
        listed = ", ".join(f"`{name}`" for name in COLUMNS)
        found = OdpsHook().run_sql(f"SELECT {listed} FROM {self.table} ORDER BY p, o, v")
        return [tuple(row.values()) for row in found.to_pylist()]

    def check_unchanged(self) -> None:
        """Hold that nothing was loaded."""
        assert self.rows() == [OLD_ROW]

    def check_loaded_once(self, ended: Ended) -> None:
        """Hold that the attempt ended well, and that its window is in the table once, beside what belongs there."""
        assert ended.receipt, ended
        window = ended.receipt["window"]
        assert self.check_rows() == ended.receipt["rows"]
        journal = self.journal()
        assert journal is not None
        assert (journal["phase"], journal["window"]) == ("committed", window)

    def check_rows(self) -> int:
        """Hold that the recorded window is in the table once, beside what belongs there; return its number of rows."""
        journal = self.journal()
        assert journal is not None
        old = [OLD_ROW] if self.parameters["mode"] == "append" else []
        expected = self.log.records(journal["window"]["partitions"])
        assert self.rows() == [*old, *expected]
        return len(expected)


@dataclass(frozen=True, slots=True)
class Running:
    """An attempt that was started."""

    attempts: Nursery
    pid: int
    orders: Orders

    def wait(self) -> Ended:
        """Wait until it has ended or is stopped."""
        return self.attempts.wait(self.pid, self.orders)

    def go_on(self) -> None:
        """Let it continue where it was stopped."""
        os.kill(self.pid, signal.SIGCONT)

    def trace(self) -> list[str]:
        """Return the points that it reached."""
        return Path(self.orders.folder, f"trace-{self.orders.number}").read_text().splitlines()

    def log(self) -> str:
        """Return what it wrote."""
        return log_of(self.orders)


def together(steps: Callable[..., None], cases: Sequence[tuple[Any, ...]]) -> None:
    """Take the same steps in all cases, six at a time; say in which of them it fails."""
    with ThreadPoolExecutor(6) as pool:
        started = [pool.submit(steps, *case) for case in cases]
    for case, ended in zip(cases, started, strict=True):
        if error := ended.exception():
            error.add_note(f"in the case {case[1:]}, mode {case[0].parameters['mode']}, files in {case[0].folder}")
            raise error


def scene_of(attempts: Nursery, log: Log, endpoint: RunningEndpoint, folder: Path, mode: str = "append") -> Scene:
    """Return a task instance that has not run yet, and its table with one row in it."""
    table = f"t_{uuid.uuid4().hex[:12]}"
    hook = OdpsHook()
    hook.run_sql(f"CREATE TABLE {table} (p BIGINT, o BIGINT, v STRING)")
    hook.run_sql(f"INSERT INTO TABLE {table} VALUES ({', '.join(map(repr, OLD_ROW))})")
    parameters = {
        "topic": log.topic,
        "table": table,
        "columns": COLUMNS,
        "start": {"0": 0, "1": 0, "2": log.came_later},
        "end": "latest",
        "mode": mode,
        "poll_timeout": 20,
        "commit_timeout": 5,
    }
    return Scene(attempts, log, endpoint, folder, table, parameters)


def route(scene: Scene) -> Scene:
    """Have a scene load a table of its own, in which each value names its partition; one row is there before."""
    table = f"{scene.table}_routed"
    hook = OdpsHook()
    hook.run_sql(f"CREATE TABLE {table} (p BIGINT, o BIGINT, v STRING) PARTITIONED BY (ds STRING)")
    hook.run_sql(f"INSERT INTO TABLE {table} PARTITION (ds='old') VALUES ({', '.join(map(repr, OLD_ROW))})")
    scene.table = table
    scene.parameters |= {"table": table, "partition_by": {"ds": "__value__"}}
    return scene
