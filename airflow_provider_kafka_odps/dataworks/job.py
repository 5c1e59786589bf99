"""Reading a job of DataWorks (``steps``) or DataX (``job.content``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.shapes.content import from_content
from airflow_provider_kafka_odps.dataworks.shapes.steps import from_steps
from airflow_provider_kafka_odps.exceptions import InvalidJob

JobInput: TypeAlias = "Mapping[str, Any] | str | Path"
"""The JSON of a job: parsed, as text, or as the path of a file."""


def read_job(given: JobInput) -> Job:
    """Find reader, writer and settings of a job, and the steps between them.

    Raises InvalidJob, with the place, for what is no JSON, for a job of other systems than Kafka and MaxCompute, and
    for parts that may change rows and are not understood.
    """
    written = _load(given)
    if "steps" in written:
        return from_steps(written)
    if "job" in written:
        return from_content(written)
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
