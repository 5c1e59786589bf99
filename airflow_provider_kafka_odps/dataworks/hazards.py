"""What can go wrong with a job where it runs today, and what this operator does instead."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kafka_odps.dataworks.hazard import Hazard
from airflow_provider_kafka_odps.dataworks.job import Job
from airflow_provider_kafka_odps.dataworks.reader_hazards import READER_HAZARDS
from airflow_provider_kafka_odps.dataworks.writer_hazards import WRITER_HAZARDS


def hazards(job: Job) -> Iterator[Hazard]:
    """Yield every hazard of a job, in the order in which a record meets them."""
    for find in (*READER_HAZARDS, *WRITER_HAZARDS):
        hazard = find(job)
        if hazard is not None:
            yield hazard
