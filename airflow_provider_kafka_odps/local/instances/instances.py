"""Instances: jobs that run in the background, with status and result."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Lock
from uuid import uuid4

from airflow_provider_kafka_odps.local.catalog.csv_rows import csv_text
from airflow_provider_kafka_odps.local.catalog.documents import Documents
from airflow_provider_kafka_odps.local.catalog.rows import RowRange, write_rows
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.errors import DiskError, ServiceError, SqlError, UnsureDiskError
from airflow_provider_kafka_odps.local.instances.instance import Instance, dump_instance, id_prefix, load_instance
from airflow_provider_kafka_odps.local.instances.jobs import Job, TaskKind
from airflow_provider_kafka_odps.local.instances.pacing import Pacing
from airflow_provider_kafka_odps.local.instances.workers import Workers
from airflow_provider_kafka_odps.local.sessions.uploads import DAY
from airflow_provider_kafka_odps.local.settings import Pace
from airflow_provider_kafka_odps.local.sql.engine import Engine, Outcome
from airflow_provider_kafka_odps.local.sql.stopping import Stopping
from airflow_provider_kafka_odps.local.sql.writing.doomed import CancelledError

_log = logging.getLogger(__name__)


_STOPPED = "ODPS-0010000:System internal error - the endpoint was stopped while this ran; look before you run it again"


_CANCELLED = "ODPS-0130252:Cancelled - the instance was stopped"


MOST_RESULT_ROWS = 10_000
"""Rows of a result that isn't read through the instance tunnel, as on the service."""


MOST_INSTANCES = 10_000


MOST_RESULT_BYTES = 4 << 30
"""Of all results together that are kept; the oldest instances are forgotten first."""


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
        most_seconds: float = DAY,
    ) -> None:
        """Run jobs on `engine`; their rows are kept in `store`, and they themselves in `documents` for a day.

        `pace` is how long statements are shown as running, `most_seconds` how long one may really run.
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
        self._workers = Workers(most_seconds)

    def submit(self, job: Job, wait: float) -> Instance:
        """Start a job and wait `wait` seconds for it."""
        instance, ended = self.start(job)
        if ended is not None:
            with suppress(TimeoutError):
                ended.result(wait)
        return instance

    def start(self, job: Job) -> tuple[Instance, Future[None] | None]:
        """Start a job, and return it and its end, for which to wait a little: a client's first question finds it done.

        A job with the guid of an earlier one is not started: the earlier instance is the answer, as on the service.
        There is nothing to wait for then, nor where statements are shown as running.
        """
        instance_id = f"{id_prefix(self._now())}{uuid4().hex[:12]}"
        instance = Instance(instance_id, job, self._now() // 1000)
        with self._lock:
            if job.guid and job.guid in self._guids:
                return self._kept[self._guids[job.guid]], None
            try:
                self._documents.keep(instance_id, dump_instance(instance))
            except DiskError as reason:
                # It fails by itself if it needs room; one that frees some must be able to run.
                _log.warning("instance %s is known until this process ends only: %s", instance_id, reason.message)
            self._kept[instance_id] = instance
            if job.guid:
                self._guids[job.guid] = instance_id
            self.pacing.start(instance_id, self._now())
            ended = self._workers.start(instance_id, partial(self._run, instance))
        return instance, ended if self.pacing.pace == Pace() else None

    def stop(self, instance: Instance) -> None:
        """Cancel a job: one that waits for a thread at once, one that runs as soon as its query can be interrupted.

        Raises ServiceError (InvalidStateSetting) when it ended already.
        """
        if instance.ended is not None:
            raise ServiceError(400, "InvalidStateSetting", f"instance {instance.instance_id} has ended already")
        with self._lock:
            if self._workers.withdraw(instance.instance_id):
                self._end(replace(instance, failure=f"{_CANCELLED} before it began", cancelled=True))
        code, _, text = _CANCELLED.partition(":")
        self._workers.stop(instance.instance_id, CancelledError(code, f"{text} while it ran"))
        self.pacing.end(instance.instance_id)

    def _run(self, instance: Instance, stopping: Stopping) -> None:
        try:
            job = instance.job
            if job.kind is TaskKind.SQL_COST:
                outcome = self.engine.cost(job.query, job.settings, stopping)
            else:
                outcome = self.engine.run(job.query, job.settings, instance.instance_id, stopping)
            done = self._kept_outcome(instance, outcome)
        except SqlError as reason:
            done = replace(instance, failure=f"{reason}", cancelled=isinstance(reason, CancelledError))
        except DiskError as reason:
            done = self._failed_by_disk(instance, reason)
        except ServiceError as reason:
            done = replace(instance, failure=f"ODPS-0010000:System internal error - {reason.code}: {reason.message}")
        except Exception as reason:  # noqa: BLE001 - whatever happens in a job, the job must end and report it
            done = replace(instance, failure=f"ODPS-0010000:System internal error - {type(reason).__name__}: {reason}")
        with self._lock:
            self._end(done)
            self._forget_old(instance.instance_id)

    def _failed_by_disk(self, instance: Instance, reason: DiskError) -> Instance:
        if instance.instance_id in self._store.catalog.ended:
            # What can be seen was changed: "failed" would have the client change it again.
            _log.warning("instance %s has ended well, but %s", instance.instance_id, reason.message)
            return instance
        return replace(instance, failure=f"ODPS-0010000:System internal error - {reason.message}")

    def _end(self, instance: Instance) -> None:
        ended = replace(instance, ended=self._now() // 1000)
        try:
            self._documents.keep(ended.instance_id, dump_instance(ended))
            self._store.settle([ended.instance_id])
        except UnsureDiskError as reason:
            _log.warning("instance %s has ended, but %s", ended.instance_id, reason.message)
        except DiskError as reason:
            # What it has changed is kept with the catalog; only without a change is there nothing that stays.
            if not ended.failure and ended.instance_id not in self._store.catalog.ended:
                self._store.unpin(blob.name for blob in ended.blobs)
                ended = replace(self._failed_by_disk(ended, reason), columns=(), blobs=(), text="")
        self._kept[ended.instance_id] = ended

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
        present = self._store.blobs.names()
        for instance in self._documents.load(load_instance):
            if instance.started + DAY <= self._now() // 1000:
                self._documents.forget(instance.instance_id)
                continue
            if not all(blob.name in present for blob in instance.blobs):
                _log.warning("the result of instance %s is gone, and so is the instance", instance.instance_id)
                self._documents.forget(instance.instance_id)
                continue
            self._store.pin(blob.name for blob in instance.blobs)
            resumed[instance.instance_id] = instance if instance.ended is not None else self._stopped(instance)
        return resumed

    def _stopped(self, instance: Instance) -> Instance:
        """Return what became of an instance that had not kept its end when the last process ended."""
        ended = self._store.catalog.ended.get(instance.instance_id)
        if ended is None:
            return replace(instance, ended=instance.started, failure=_STOPPED)
        done = replace(instance, ended=ended)
        with suppress(DiskError):
            self._documents.keep(done.instance_id, dump_instance(done))
            self._store.settle([done.instance_id])
        return done

    def _kept_outcome(self, instance: Instance, outcome: Outcome) -> Instance:
        if outcome.written is not None:
            table, count = outcome.written
            return replace(instance, text=outcome.text, written=(str(table), count))
        if outcome.rows is None:
            return replace(instance, text=outcome.text)
        name = f"result-{instance.instance_id}.arrow"
        blob = write_rows(self._store.blobs, name, outcome.columns, outcome.rows)
        self._store.pin([name])
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

    def close(self, patience: float = 0.0) -> bool:
        """Take no more jobs, end those that run, wait so many seconds for them, and return whether all ended."""
        code, _, text = _STOPPED.partition(":")
        return self._workers.close(SqlError(code, text), patience)
