"""Statements that are typed into the page: run as any other, in the endpoint's own name."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.catalog.rows import RowRange
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.instances.jobs import read_job
from airflow_provider_kafka_odps.local.page.cells import columns_json, rows_json
from airflow_provider_kafka_odps.local.page.overview import statement_json

_MOST_ROWS = 200


_TASK = "page"


def run(services: Services, body: bytes) -> dict[str, Any]:
    """Start a statement or script, and return its id.

    Raises ServiceError: the body is no `{"query": "…"}`.
    """
    try:
        query = str(json.loads(body)["query"]).strip()
    except (ValueError, TypeError, KeyError, RecursionError) as reason:
        raise ServiceError(400, "InvalidArgument", f'the body is no {{"query": "…"}}: {reason}') from None
    if not query:
        raise ServiceError(400, "InvalidArgument", "there is no statement to run")
    job = read_job(_job_text(query if query.endswith(";") else f"{query};"))
    return {"id": services.instances.submit(job, 0.0).instance_id}


def _job_text(query: str) -> bytes:
    """Return the job that a client would post for a statement."""
    job = ET.Element("Job")
    task = ET.SubElement(ET.SubElement(job, "Tasks"), "SQL")
    ET.SubElement(task, "Name").text = _TASK
    ET.SubElement(task, "Query").text = query
    return ET.tostring(job)


def shown(services: Services, instance_id: str) -> dict[str, Any]:
    """Return a statement with its first rows, its text, or its failure.

    Raises ServiceError (NoSuchObject).
    """
    instance = services.instances.find(instance_id)
    rows = RowRange(services.store.blobs, instance.blobs, instance.columns, 0, _MOST_ROWS)
    return {
        **statement_json(instance),
        "query": instance.job.query,
        "failure": instance.failure,
        "text": instance.text,
        "columns": columns_json(instance.columns),
        "first": rows_json(rows.batches(), _MOST_ROWS) if instance.columns else [],
    }
