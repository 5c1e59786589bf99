"""The columns of a job: which source goes into which column of the table, through which functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow_provider_kafka_odps.dataworks.parts import Job, Step
from airflow_provider_kafka_odps.dataworks.refusals import Refusals
from airflow_provider_kafka_odps.dataworks.rows.change import Change, Filter
from airflow_provider_kafka_odps.dataworks.rows.sources import ReaderColumn, expression, reader_columns
from airflow_provider_kafka_odps.dataworks.rows.string_replace import string_replace
from airflow_provider_kafka_odps.dataworks.rows.transformers import transformer
from airflow_provider_kafka_odps.dataworks.settings import Render
from airflow_provider_kafka_odps.dataworks.variables import Template
from airflow_provider_kafka_odps.exceptions import InvalidJob


def job_rows(job: Job, render: Render) -> dict[str, Any]:
    """Return the operator's ``columns``, and its ``where`` if the job has filters.

    Raises InvalidJob for columns that do not fit together, and for steps that cannot be done exactly.
    """
    refusals = Refusals()
    done = refusals.asked(list, steps_done(job, render)) or []
    columns = refusals.asked(_columns, job, [each for each in done if isinstance(each, Change)])
    refusals.raise_any()
    kept = [each.keeps for each in done if isinstance(each, Filter)]
    where = {"where": " AND ".join(f"({each})" for each in kept) if len(kept) > 1 else kept[0]} if kept else {}
    return {"columns": columns, **where}


def _columns(job: Job, changes: Sequence[Change]) -> list[str] | dict[str, str]:
    """Return sources of the reader in the order of the writer's columns, with functions."""
    sources = [expression(source) for source in job.reader.names("column")]
    for each in changes:
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


def steps_done(job: Job, render: Render) -> Iterator[Change | Filter]:
    """Yield what the steps between reader and writer do to columns, and which records they leave out, in their order.

    Raises InvalidJob for steps that cannot be done exactly.
    """
    columns, refusals = reader_columns(job), Refusals()
    empty_is_null = refusals.asked(job.writer.switch, "emptyAsNull", otherwise=False)
    for step in job.steps:
        for each in refusals.asked(_done, step, columns, render) or ():
            if isinstance(each, Change):
                columns[each.column] = refusals.asked(_changed, columns[each.column], each) or columns[each.column]
            elif empty_is_null:
                refusals.asked(_refuse_empty, each)
            yield each
    refusals.raise_any()


def _done(step: Step, columns: Sequence[ReaderColumn], render: Render) -> list[Change | Filter]:
    if step.kind == "stringreplace":
        return list(string_replace(step, columns, render))
    return [transformer(step, columns, render)]


def _refuse_empty(filter_: Filter) -> None:
    if filter_.minds_empty:
        raise InvalidJob(
            f"{filter_.where} makes a difference between an empty text and none, and with emptyAsNull the operator "
            "makes none, also in its where"
        )


def _changed(column: ReaderColumn, change: Change) -> ReaderColumn:
    if not column.textual:
        raise InvalidJob(f"{change.where} changes {column.text} as a text, which cannot be done by this operator")
    return column.through(change.calls)
