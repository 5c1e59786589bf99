"""The columns of a job: which source goes into which column of the table, through which functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.rows.change import Change, Filter
from airflow_provider_kafka_odps.dataworks.rows.sources import ReaderColumn, expression, reader_columns
from airflow_provider_kafka_odps.dataworks.rows.string_replace import string_replace
from airflow_provider_kafka_odps.dataworks.rows.transformers import transformer
from airflow_provider_kafka_odps.dataworks.settings import Render
from airflow_provider_kafka_odps.dataworks.variables import Template
from airflow_provider_kafka_odps.exceptions import InvalidJob


def job_columns(job: Job, render: Render) -> list[str] | dict[str, str]:
    """Return the operator's ``columns``: sources of the reader in the order of the writer's columns, with functions.

    Raises InvalidJob where they do not fit together, and for steps that cannot be done exactly.
    """
    sources = [expression(source) for source in job.reader.names("column")]
    for each in steps_done(job, render):
        if isinstance(each, Change):
            sources[each.column] += f" | {each.functions}"
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


def job_where(job: Job, render: Render) -> str | None:
    """Return the operator's ``where``: what the filters of the job leave in; None where it has none.

    Raises InvalidJob for steps that cannot be done exactly.
    """
    kept = [each.keeps for each in steps_done(job, render) if isinstance(each, Filter)]
    return " AND ".join(f"({each})" for each in kept) if len(kept) > 1 else next(iter(kept), None)


def steps_done(job: Job, render: Render) -> Iterator[Change | Filter]:
    """Yield what the steps between reader and writer do to columns, and which records they leave out, in their order.

    Raises InvalidJob for steps that cannot be done exactly.
    """
    columns, empty_is_null = reader_columns(job), job.writer.switch("emptyAsNull", otherwise=False)
    for step in job.steps:
        found: Iterable[Change | Filter] = (
            string_replace(step, columns, render)
            if step.kind == "stringreplace"
            else [transformer(step, columns, render)]
        )
        for each in found:
            if isinstance(each, Change):
                columns[each.column] = _changed(columns[each.column], each)
            elif each.minds_empty and empty_is_null:
                raise InvalidJob(
                    f"{each.where} makes a difference between an empty text and none, and with emptyAsNull the "
                    "operator makes none, also in its where"
                )
            yield each


def _changed(column: ReaderColumn, change: Change) -> ReaderColumn:
    if not column.textual:
        raise InvalidJob(f"{change.where} changes {column.text} as a text, which cannot be done by this operator")
    return column.through(change.calls)
