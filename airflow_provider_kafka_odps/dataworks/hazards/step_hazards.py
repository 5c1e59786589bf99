"""What the steps of a job do to rows, and what its settings ask of memory."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kafka_odps.core.load.resources import MAX_MEMORY, Resources
from airflow_provider_kafka_odps.dataworks.arguments import concurrency_asked
from airflow_provider_kafka_odps.dataworks.hazards.hazard import Hazard
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.rows.columns import changes


def step_hazards(job: Job) -> Iterator[Hazard]:
    """Yield each change that a step makes, with the functions that make it here.

    Raises InvalidJob for steps that cannot be done exactly.
    """
    columns = job.reader.names("column")
    for change in changes(job, lambda text, _: text):
        yield Hazard(
            "changed-on-the-way",
            change.where,
            f"changes {columns[change.column]}",
            change.there,
            f"{columns[change.column]} | {change.functions}"
            + (f"\n           {change.differs}" * bool(change.differs)),
        )


def more_than_fits(job: Job, max_memory: int = MAX_MEMORY) -> Hazard | None:
    """Return the hazard of a concurrency for which memory is too little."""
    asked, most = concurrency_asked(job.setting), Resources.most_concurrency(max_memory)
    if asked is None or most < 1 or asked <= most:
        return None
    return Hazard(
        "more-than-memory-allows",
        f"{job.setting.where}.speed.concurrent",
        f"is {asked}",
        "as many threads read and write at a time, with the memory of a resource group.",
        f"concurrency={most}: as many blocks as fit into max_memory={max_memory}; with more of it, more are taken.",
    )
