"""All hazards of a job."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kafka_odps.dataworks.hazards.hazard import Hazard
from airflow_provider_kafka_odps.dataworks.hazards.reader_hazards import READER_HAZARDS
from airflow_provider_kafka_odps.dataworks.hazards.step_hazards import more_than_fits, step_hazards
from airflow_provider_kafka_odps.dataworks.hazards.writer_hazards import WRITER_HAZARDS
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.settings import Render


def hazards(job: Job, render: Render = lambda text, _: text) -> Iterator[Hazard]:
    """Yield every hazard of a job, its variables rendered, in the order in which a record meets them.

    ``render`` is for the texts of steps; by itself they are shown as they are written.
    """
    for find in READER_HAZARDS:
        yield from filter(None, [find(job)])
    yield from step_hazards(job, render)
    for find in (*WRITER_HAZARDS, more_than_fits):
        yield from filter(None, [find(job)])
