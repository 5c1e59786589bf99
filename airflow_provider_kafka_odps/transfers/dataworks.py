"""An operator made from a job of DataWorks or DataX."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Self

from airflow_provider_kafka_odps.core.load.resources import MAX_MEMORY
from airflow_provider_kafka_odps.dataworks.arguments import operator_arguments, rendered
from airflow_provider_kafka_odps.dataworks.hazards.step_hazards import more_than_fits
from airflow_provider_kafka_odps.dataworks.job import JobInput, read_job
from airflow_provider_kafka_odps.transfers.parameters import parse_bytes


class FromJob:
    """What of the operator is about jobs."""

    @classmethod
    def from_dataworks(
        cls,
        job: JobInput,
        *,
        task_id: str,
        timezone: str | None = None,
        variables: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Self:
        """Return the operator that does what a job of DataWorks or DataX says (docs/dataworks.md).

        :param job: its JSON: parsed, as text, or as the path of a file.
        :param timezone: by which clock times, also those in values, and schedule variables are meant where the job
            does not say.
        :param variables: what the job's schedule assigns to variables of its own: ``{"day": "$[yyyymmdd-1]"}``; a
            value may also be a constant, or a template of Airflow.
        :param more: further arguments of the operator, which win over the job's.
        :raises InvalidJob: with the place in the JSON, for what cannot be done, or not without a guess.
        """
        read = read_job(job)
        memory = parse_bytes(more.get("max_memory", MAX_MEMORY), "max_memory")
        arguments = operator_arguments(read, timezone=timezone, variables=variables, max_memory=memory)
        asked, _ = rendered(read, timezone, variables)
        if "concurrency" not in more and (lowered := more_than_fits(asked, memory)):
            warnings.warn(f"{task_id}: {lowered.where} {lowered.seen}; {lowered.instead}", stacklevel=2)
        if unknown := read.unknown():
            warnings.warn(f"{task_id}: not understood in the job, and ignored: {', '.join(unknown)}", stacklevel=2)
        return cls(task_id=task_id, **{**arguments, **more})  # type: ignore[call-arg]  # an operator takes them
