"""The columns of a job: which source goes into which column of the table, through which functions."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kafka_odps.core.mapping.calls import quote
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.rows.change import Change, Source
from airflow_provider_kafka_odps.dataworks.rows.string_replace import string_replace
from airflow_provider_kafka_odps.dataworks.rows.transformers import transformer
from airflow_provider_kafka_odps.dataworks.settings import Render
from airflow_provider_kafka_odps.dataworks.variables import Template
from airflow_provider_kafka_odps.exceptions import InvalidJob

_NOT_TEXTUAL = ("__timestamp__", "__headers__", "*")


_NUMBERS = ("short", "integer", "long")


_FRACTIONS = ("float", "double")


def job_columns(job: Job, render: Render) -> list[str] | dict[str, str]:
    """Return the operator's ``columns``: sources of the reader in the order of the writer's columns, with functions.

    Raises InvalidJob where they do not fit together, and for steps that cannot be done exactly.
    """
    sources = [_expression(source) for source in job.reader.names("column")]
    for change in changes(job, render):
        sources[change.column] += f" | {change.functions}"
    columns = [name.strip().strip("`") for name in job.writer.names("column")]
    if columns == ["*"]:
        return sources
    if len(columns) != len(sources):
        raise InvalidJob(
            f"{job.reader.where}.column has {len(sources)} entries and {job.writer.where}.column has {len(columns)}: "
            "they belong together in order, one to one"
        )
    if unknown := [name for name in job.writer.names("column") if isinstance(name, Template)]:
        raise InvalidJob(
            f"{job.writer.where}.column has {unknown[0].written}, whose value is known in the run only; the names of "
            "columns are wanted when the job is read: give the variable a constant in variables="
        )
    lowered = [name.lower() for name in columns]
    if twice := sorted({name for name in lowered if lowered.count(name) > 1}):
        raise InvalidJob(f"{job.writer.where}.column has {', '.join(twice)} more than once")
    return dict(zip(columns, sources, strict=True))


def changes(job: Job, render: Render) -> Iterator[Change]:
    """Yield what the steps between reader and writer do to columns, in their order.

    Raises InvalidJob for steps that cannot be done exactly.
    """
    sources = [_source(text, job) for text in job.reader.names("column")]
    for step in job.steps:
        found = (
            string_replace(step, sources, render)
            if step.kind == "stringreplace"
            else iter([transformer(step, sources, render)])
        )
        for change in found:
            if not sources[change.column].textual:
                raise InvalidJob(
                    f"{change.where} changes {sources[change.column].text} as a text, which cannot be done by this "
                    "operator"
                )
            yield change


def _source(text: str, job: Job) -> Source:
    kind = {"__key__": "keyType", "__value__": "valueType"}.get(text)
    read_as = (job.reader.text(kind) or "").lower() if kind else ""
    return Source(text, text not in _NOT_TEXTUAL and read_as not in _FRACTIONS, read_as in _NUMBERS)


def _expression(source: str) -> str:
    """Return a column of the reader as a source expression: a field's name may have a ``|`` there."""
    if "|" not in source or source.startswith("'") or isinstance(source, Template):
        return source
    steps = [f"[{quote(name)}]" if "|" in name else name for name in source.split(".")]
    return ".".join(steps).replace(".[", "[")
