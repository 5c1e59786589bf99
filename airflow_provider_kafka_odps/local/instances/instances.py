"""Instances: jobs that run in the background, with status and result."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import uuid4

from airflow_provider_kafka_odps.local.catalog.csv_rows import csv_text
from airflow_provider_kafka_odps.local.catalog.documents import Documents
from airflow_provider_kafka_odps.local.catalog.manifest import dump_column, load_column
from airflow_provider_kafka_odps.local.catalog.model import Blob, Column
from airflow_provider_kafka_odps.local.catalog.rows import RowRange, write_rows
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.errors import ServiceError, SqlError
from airflow_provider_kafka_odps.local.instances.jobs import Job, TaskKind
from airflow_provider_kafka_odps.local.instances.pacing import Pacing
from airflow_provider_kafka_odps.local.sessions.uploads import DAY
from airflow_provider_kafka_odps.local.settings import Pace
from airflow_provider_kafka_odps.local.sql.engine import Engine, Outcome
from airflow_provider_kafka_odps.local.sql.writing.doomed import CancelledError

_STOPPED = "ODPS-0010000:System internal error - the endpoint was stopped while this ran; look before you run it again"


_CANCELLED = "ODPS-0130252:Cancelled - the instance was stopped before it began"


MOST_RESULT_ROWS = 10_000
"""Rows of a result that isn't read through the instance tunnel, as on the service."""


MOST_INSTANCES = 10_000


MOST_RESULT_BYTES = 4 << 30
"""Of all results together that are kept; the oldest instances are forgotten first."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A job and what became of it; times in seconds since the epoch. `failure` has code and text when it failed.

    `written` is a table, and how many of its rows the last statement put in, changed or removed.
    """

    instance_id: str
    job: Job
    started: int
    ended: int | None = None
    failure: str = ""
    text: str = ""
    columns: tuple[Column, ...] = ()
    blobs: tuple[Blob, ...] = ()
    cancelled: bool = False
    written: tuple[str, int] | None = None

    @property
    def status(self) -> str:
        """The status of the instance: Running or Terminated."""
        return "Running" if self.ended is None else "Terminated"

    @property
    def task_status(self) -> str:
        """The status of its task: Running, Success, Failed or Cancelled."""
        if self.ended is None:
            return "Running"
        if self.cancelled:
            return "Cancelled"
        return "Failed" if self.failure else "Success"


class Instances:
    """The jobs of one project; `now` returns milliseconds since the epoch."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        documents: Documents,
        now: Callable[[], int],
        pace: Pace | None = None,
        *,
        most_instances: int = MOST_INSTANCES,
        most_result_bytes: int = MOST_RESULT_BYTES,
    ) -> None:
        """Run jobs on `engine`; their rows are kept in `store`, and they themselves in `documents` for a day.

        `pace` is how long statements are shown as running.
        Of more than `most_instances`, or `most_result_bytes` of results, the oldest are forgotten before the day ends.
        """
        self._most_instances = most_instances
        self._most_result_bytes = most_result_bytes
        self._store = store
        self.engine = engine
        self.pacing = Pacing(pace or Pace())
        self._now = now
        self._lock = Lock()
        self._documents = documents
        self._kept = self._resumed()
        self._guids = {each.job.guid: each.instance_id for each in self._kept.values() if each.job.guid}
        self._futures: dict[str, Future[None]] = {}
        self._threads = ThreadPoolExecutor(4, "sql")

    def submit(self, job: Job, wait: float) -> Instance:
        """Start a job and wait `wait` seconds for it, so that a client's first question finds it done.

        A job with the guid of an earlier one is not started: the earlier instance is the answer, as on the service.
        """
        instance_id = f"{_id_prefix(self._now())}{uuid4().hex[:12]}"
        instance = Instance(instance_id, job, self._now() // 1000)
        with self._lock:
            if job.guid and self._guids.setdefault(job.guid, instance_id) != instance_id:
                return self._kept[self._guids[job.guid]]
            self._keep(instance)
            self.pacing.start(instance_id, self._now())
            future = self._threads.submit(self._run, instance)
            self._futures[instance_id] = future
        with suppress(TimeoutError):
            future.result(0 if self.pacing.pace != Pace() else wait)
        return instance

    def stop(self, instance: Instance) -> None:
        """Cancel a job that has not started; one that has ends by itself, and is shown as it is from now on.

        Raises ServiceError (InvalidStateSetting) when it ended already.
        """
        if instance.ended is not None:
            raise ServiceError(400, "InvalidStateSetting", f"instance {instance.instance_id} has ended already")
        with self._lock:
            future = self._futures.get(instance.instance_id)
            if future is not None and future.cancel():
                self._keep(replace(instance, ended=self._now() // 1000, failure=_CANCELLED, cancelled=True))
        self.pacing.end(instance.instance_id)

    def _run(self, instance: Instance) -> None:
        try:
            job = instance.job
            run = self.engine.cost if job.kind is TaskKind.SQL_COST else self.engine.run
            done = self._kept_outcome(instance, run(job.query, job.settings))
        except SqlError as reason:
            done = replace(instance, failure=f"{reason}", cancelled=isinstance(reason, CancelledError))
        except ServiceError as reason:
            done = replace(instance, failure=f"ODPS-0010000:System internal error - {reason.code}: {reason.message}")
        except Exception as reason:  # noqa: BLE001 - whatever happens in a job, the job must end and report it
            done = replace(instance, failure=f"ODPS-0010000:System internal error - {type(reason).__name__}: {reason}")
        with self._lock:
            self._keep(replace(done, ended=self._now() // 1000))
            self._futures.pop(instance.instance_id, None)
            self._forget_old(instance.instance_id)

    def _keep(self, instance: Instance) -> None:
        self._documents.keep(instance.instance_id, _dump(instance))
        self._kept[instance.instance_id] = instance

    def forget(self, instance_id: str) -> None:
        """Forget an instance that has ended, with its name, as the service does when it is old.

        Raises ServiceError (NoSuchObject).
        """
        instance = self.find(instance_id)
        if instance.ended is None:
            raise ServiceError(400, "InvalidStateSetting", f"instance {instance_id} has not ended yet")
        with self._lock:
            self._forget(instance)

    def _forget_old(self, newest: str) -> None:
        # Also in an endpoint that is never restarted: otherwise results would fill the disk, or the memory.
        first = self._now() // 1000 - DAY
        size = sum(blob.size for instance in self._kept.values() for blob in instance.blobs)
        for instance in list(self._kept.values()):
            enough = len(self._kept) <= self._most_instances and size <= self._most_result_bytes
            if instance.instance_id == newest or (enough and instance.started > first):
                break
            if instance.ended is not None:
                size -= sum(blob.size for blob in instance.blobs)
                self._forget(instance)

    def _forget(self, instance: Instance) -> None:
        del self._kept[instance.instance_id]
        self._guids.pop(instance.job.guid, None)
        self.pacing.end(instance.instance_id)
        self._documents.forget(instance.instance_id)
        self._store.unpin(blob.name for blob in instance.blobs)

    def _resumed(self) -> dict[str, Instance]:
        resumed = {}
        for instance in map(_load, self._documents.load()):
            if instance.started + DAY <= self._now() // 1000:
                self._documents.forget(instance.instance_id)
                continue
            self._store.pin(blob.name for blob in instance.blobs)
            stopped = replace(instance, ended=instance.started, failure=_STOPPED)
            resumed[instance.instance_id] = stopped if instance.ended is None else instance
        return resumed

    def _kept_outcome(self, instance: Instance, outcome: Outcome) -> Instance:
        if outcome.written is not None:
            table, count = outcome.written
            return replace(instance, text=outcome.text, written=(str(table), count))
        if outcome.rows is None:
            return replace(instance, text=outcome.text)
        name = f"result-{instance.instance_id}.arrow"
        self._store.pin([name])
        blob = write_rows(self._store.blobs, name, outcome.columns, outcome.rows)
        return replace(instance, columns=outcome.columns, blobs=(blob,))

    def find(self, instance_id: str, *, polled: bool = False) -> Instance:
        """Return the instance of this id as it is shown; `polled` when its status is asked for.

        Raises ServiceError (NoSuchObject).
        """
        with self._lock:
            instance = self._kept.get(instance_id)
        if instance is None:
            raise ServiceError(404, "NoSuchObject", f"The specified instance does not exist: {instance_id}")
        if self.pacing.runs(instance_id, self._now(), polled=polled):
            return Instance(instance_id, instance.job, instance.started)
        return instance

    def all(self) -> list[Instance]:
        """Return every instance, the newest first."""
        with self._lock:
            return sorted(self._kept.values(), key=lambda i: i.instance_id, reverse=True)

    def result(self, instance: Instance) -> tuple[str, str]:
        """Return format and text of `?result`: CSV of at most 10 000 rows, the statement's text, or its failure."""
        if instance.failure or not instance.columns:
            return "text", instance.failure or instance.text
        rows = RowRange(self._store.blobs, instance.blobs, instance.columns, 0, MOST_RESULT_ROWS)
        return "csv", csv_text(instance.columns, rows.batches(), self.engine.zone(instance.job.settings))

    def close(self) -> None:
        """Take no more jobs."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _id_prefix(milliseconds: int) -> str:
    # Ids sort by time, as those of the service do.
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y%m%d%H%M%S%f")[:17]


def _dump(instance: Instance) -> dict[str, Any]:
    job = instance.job
    return {
        "id": instance.instance_id,
        "job": [job.task, job.query, job.settings, job.source, job.kind],
        "started": instance.started,
        "ended": instance.ended,
        "failure": instance.failure,
        "text": instance.text,
        "columns": [dump_column(column) for column in instance.columns],
        "blobs": [[blob.name, blob.rows, blob.size] for blob in instance.blobs],
        "cancelled": instance.cancelled,
        "written": instance.written,
    }


def _load(document: dict[str, Any]) -> Instance:
    return Instance(
        document["id"],
        _load_job(*document["job"]),
        document["started"],
        document["ended"],
        document["failure"],
        document["text"],
        tuple(map(load_column, document["columns"])),
        tuple(Blob(*blob) for blob in document["blobs"]),
        document.get("cancelled", False),
        tuple(document["written"]) if document.get("written") else None,
    )


def _load_job(task: str, query: str, settings: dict[str, str], source: str, kind: str = "SQL") -> Job:
    return Job(task, query, settings, source, TaskKind(kind))
