"""An instance as a value, and as the document in which it survives a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow_provider_kafka_odps.local.catalog.manifest import dump_column, load_column
from airflow_provider_kafka_odps.local.catalog.model import Blob, Column
from airflow_provider_kafka_odps.local.instances.jobs import Job, TaskKind


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


def id_prefix(milliseconds: int) -> str:
    """Return how the ids of instances of this time begin."""
    # Ids sort by time, as those of the service do.
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y%m%d%H%M%S%f")[:17]


def dump_instance(instance: Instance) -> dict[str, Any]:
    """Return an instance as JSON values."""
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


def load_instance(document: dict[str, Any]) -> Instance:
    """Read what `dump_instance` wrote."""
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
