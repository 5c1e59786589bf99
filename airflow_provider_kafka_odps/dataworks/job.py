"""A job of DataWorks (``steps``) or DataX (``job.content``): its reader, its writer and its settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from airflow_provider_kafka_odps.dataworks.settings import Settings
from airflow_provider_kafka_odps.exceptions import InvalidJob

JobInput: TypeAlias = "Mapping[str, Any] | str | Path"
"""The JSON of a job: parsed, as text, or as the path of a file."""


# What has no counterpart here, and changes neither the rows nor what is lost.
_WITHOUT_MEANING = {
    "reader": (
        "server", "groupId", "kafkaConfig", "headerEncoding", "stopWhenReachEndOffset", "stopWhenPollEmpty",
        "skipExceedRecord", "fetchMinBytes", "fetchMaxWaitMs", "sessionTimeoutMs", "timeZone",
    ),
    "writer": (
        "odpsServer", "tunnelServer", "accessId", "accessKey", "securityToken", "accountType", "consistencyCommit",
        "maxRetryTime", "blockSizeInMB", "writeTimeoutInMs", "overLengthRule", "maxFieldLength", "maxOdpsFieldLength",
        "enableOverLengthOutput", "maxOverLengthOutputCount", "dynamicPartitionMemUsageFlushIntervalInMinute",
    ),
    "setting": ("jvmOption", "executeMode", "failoverEnable", "errorLimit", "speed", "common"),
}  # fmt: skip


_READERS, _WRITERS = ("kafka", "kafkareader"), ("odps", "odpswriter", "maxcompute")


@dataclass(frozen=True, slots=True)
class Job:
    """The three parts of a job that say what it does."""

    reader: Settings
    writer: Settings
    setting: Settings

    def unknown(self) -> list[str]:
        """Return the keys that nobody understands; to be asked when everything was read."""
        parts = {"reader": self.reader, "writer": self.writer, "setting": self.setting}
        for name, part in parts.items():
            for key in _WITHOUT_MEANING[name]:
                part.has(key)
        return [key for part in parts.values() for key in part.unknown()]


def read_job(given: JobInput) -> Job:
    """Find reader, writer and settings of a job.

    Raises InvalidJob, with the place, for what is no JSON, and for a job of other systems than Kafka and MaxCompute.
    """
    written = _load(given)
    if "steps" in written:
        return _from_steps(written)
    if "job" in written:
        return _from_datax(written)
    raise InvalidJob(
        "neither 'steps' (DataWorks) nor 'job' (DataX) is in the job; it has "
        f"{', '.join(map(repr, written)) or 'nothing'}"
    )


def _load(given: JobInput) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return given
    text, source = (
        (given, "the job")
        if isinstance(given, str) and given.lstrip().startswith("{")
        else (_text_of(Path(given)), f"the job in {given}")
    )
    try:
        written = json.loads(text)
    except ValueError as error:
        raise InvalidJob(f"{source} is no JSON: {error}") from None
    if not isinstance(written, Mapping):
        raise InvalidJob(f"{source} is no JSON object")
    return written


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidJob(f"the job cannot be read: {error}") from None


def _from_steps(written: Mapping[str, Any]) -> Job:
    steps = written["steps"]
    if not isinstance(steps, list) or not all(isinstance(step, Mapping) for step in steps):
        raise InvalidJob("steps is no list of JSON objects")
    found = {}
    for category, kinds in (("reader", _READERS), ("writer", _WRITERS)):
        matching = [step for step in steps if _category(step, written) == category]
        if len(matching) != 1:
            raise InvalidJob(f"steps has {len(matching)} steps of category {category!r}; one is wanted")
        found[category] = _part(f"steps.{category}", matching[0], "stepType", kinds)
    return Job(found["reader"], found["writer"], Settings("setting", written.get("setting") or {}))


def _category(step: Mapping[str, Any], written: Mapping[str, Any]) -> str:
    """Return ``reader`` or ``writer``, by the step's own word or by the hop that it is an end of."""
    if step.get("category"):
        return str(step["category"]).lower()
    hops = (written.get("order") or {}).get("hops") or [{}]
    ends = {hops[0].get("from"): "reader", hops[0].get("to"): "writer"}
    return ends.get(step.get("name"), "")


def _from_datax(written: Mapping[str, Any]) -> Job:
    job = Settings("job", written["job"])
    content = job.value("content")
    # DataX takes a single object as well as the usual list of one.
    first = content[0] if isinstance(content, list) and len(content) == 1 else content
    if not isinstance(first, Mapping):
        raise InvalidJob("job.content has to be a list of one reader with its writer")
    return Job(
        _part("job.content[0].reader", first.get("reader"), "name", _READERS),
        _part("job.content[0].writer", first.get("writer"), "name", _WRITERS),
        job.section("setting"),
    )


def _part(where: str, written: object, key: str, kinds: tuple[str, ...]) -> Settings:
    part = Settings(where, written)
    kind = part.text(key)
    if (kind or "").lower() not in kinds:
        raise InvalidJob(f"{where}.{key} is {kind!r}; only {kinds[0]!r} can be run by this operator")
    return Settings(f"{where}.parameter", part.value("parameter"))
