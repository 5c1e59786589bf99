"""Jobs as clients post them: one SQL task, or one that asks what a query would cost."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from enum import StrEnum

from airflow_provider_kafka_odps.local.errors import ServiceError

_MOST_LEVELS = 64
"""Of elements within each other; a job has seven, and each is a call of whatever walks through them."""


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


class _Builder(ET.TreeBuilder):
    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what
        self._levels = 0

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        # Asked of the parser, which knows the encoding: the bytes of a declaration can be written in many ways.
        raise ServiceError(400, "MalformedXML", f"{self._what} must not declare a document type")

    def start(self, tag: str, attributes: dict[str, str]) -> ET.Element:
        self._levels += 1
        if self._levels > _MOST_LEVELS:
            raise ServiceError(400, "MalformedXML", f"{self._what} has elements in more than {_MOST_LEVELS} levels")
        return super().start(tag, attributes)

    def end(self, tag: str) -> ET.Element:
        self._levels -= 1
        return super().end(tag)


def parse_xml(body: bytes, what: str) -> ET.Element:
    """Read a posted document.

    Raises ServiceError (MalformedXML).
    """
    parser = ET.XMLParser(target=_Builder(what))  # noqa: S314 - it refuses what makes the others refuse XML
    try:
        parser.feed(body)
        return parser.close()
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
