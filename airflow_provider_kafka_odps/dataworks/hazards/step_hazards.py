"""What the steps of a job do to rows, and what its settings ask of memory."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kafka_odps.core.load.resources import MAX_MEMORY, Resources
from airflow_provider_kafka_odps.dataworks.arguments import concurrency_asked
from airflow_provider_kafka_odps.dataworks.hazards.hazard import Hazard
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.rows.change import Change
from airflow_provider_kafka_odps.dataworks.rows.columns import steps_done
from airflow_provider_kafka_odps.dataworks.settings import Render


def step_hazards(job: Job, render: Render) -> Iterator[Hazard]:
    """Yield each change that a step makes, with the functions or the condition that does the same here.

    Raises InvalidJob for steps that cannot be done exactly.
    """
    columns = job.reader.names("column")
    for each in steps_done(job, render):
        name = columns[each.column]
        differs = f"\n           {each.differs}" * bool(each.differs)
        if isinstance(each, Change):
            instead = f"{name} | {each.functions}"
            yield Hazard("changed-on-the-way", each.where, f"changes {name}", each.there, instead + differs)
        else:
            yield Hazard(
                "left-out-on-the-way", each.where, f"looks at {name}", each.there, f"where: {each.keeps}{differs}"
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
