"""Jobs as clients post them: one SQL task, or one that asks what a query would cost."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from enum import StrEnum

from airflow_provider_kafka_odps.local.errors import ServiceError


class TaskKind(StrEnum):
    """What a job's task is: the name of its element."""

    SQL = "SQL"
    SQL_COST = "SQLCost"


@dataclass(frozen=True, slots=True)
class Job:
    """What is to run: one task with its settings; `source` is the XML as it came, for `?source`."""

    task: str
    query: str
    settings: dict[str, str]
    source: str
    kind: TaskKind = TaskKind.SQL

    @property
    def guid(self) -> str:
        """The name that a client gave the job; a second job of the same name is not run. Empty: none."""
        return ET.fromstring(self.source).findtext("Guid") or ""  # noqa: S314 - we wrote it


def parse_xml(body: bytes, what: str) -> ET.Element:
    """Read a posted document.

    Raises ServiceError (MalformedXML).
    """
    try:
        if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
            raise ServiceError(400, "MalformedXML", f"{what} must not declare a document type")
        return ET.fromstring(body)  # noqa: S314 - without a document type there are no entities to expand
    except (ET.ParseError, ValueError, LookupError) as reason:
        raise ServiceError(400, "MalformedXML", f"The XML you provided was not well-formed: {reason}") from None


def read_job(body: bytes) -> Job:
    """Read the XML of POST /instances.

    Raises ServiceError: MalformedXML, InvalidArgument, NotImplemented for tasks of another kind.
    """
    root = parse_xml(body, "a job")
    job = root if root.tag == "Job" else root.find("Job")
    tasks = [] if job is None else list(job.iterfind("Tasks/*"))
    if job is None or len(tasks) != 1:
        raise ServiceError(400, "InvalidArgument", "only jobs with one SQL task can run here")
    (task,) = tasks
    if task.tag not in set(TaskKind):
        raise ServiceError(
            400, "NotImplemented", f"a task of the kind {task.tag} is not part of this endpoint; use SQL"
        )
    query = task.findtext("Query") or ""
    if not query.strip():
        raise ServiceError(400, "InvalidArgument", "the SQL task has no Query")
    properties = {p.findtext("Name"): p.findtext("Value") for p in task.iterfind("Config/Property")}
    return Job(
        task.findtext("Name") or "AnonymousSQLTask",
        query,
        _read_settings(properties.get("settings") or "{}"),
        ET.tostring(job, encoding="unicode"),
        TaskKind(task.tag),
    )


def _read_settings(text: str) -> dict[str, str]:
    try:
        settings = json.loads(text)
        return {str(key): str(value) for key, value in settings.items()}
    except (ValueError, AttributeError, RecursionError):
        raise ServiceError(
            400, "InvalidArgument", f"the settings of the task are not a JSON map: {text[:80]!r}"
        ) from None


def asks_to_stop(body: bytes) -> bool:
    """Return whether a body that is put on an instance asks to stop it.

    Raises ServiceError: MalformedXML, InvalidArgument.
    """
    status = parse_xml(body, "a status").findtext("Status") or ""
    if status.strip().lower() != "terminated":
        raise ServiceError(400, "InvalidArgument", f"an instance can only be set to Terminated, not to {status!r}")
    return True
