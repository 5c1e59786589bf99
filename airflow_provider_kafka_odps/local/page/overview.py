"""What the page shows first, as JSON: the endpoint, its tables, uploads, statements, requests and faults."""

from __future__ import annotations

from typing import Any

from airflow_provider_kafka_odps import __version__
from airflow_provider_kafka_odps.local.api.control import Control
from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.catalog.model import Table, spec_text
from airflow_provider_kafka_odps.local.faults import Operation, Request, dump
from airflow_provider_kafka_odps.local.instances.instance import Instance
from airflow_provider_kafka_odps.local.page.cells import short
from airflow_provider_kafka_odps.local.sessions.upload import UploadSession
from airflow_provider_kafka_odps.local.settings import DEFAULT_ACCESS_KEY, IN_MEMORY, Settings

MOST_TABLES = 500
"""Tables that are listed, the newest first."""


_MOST_SHOWN = 60


def overview(services: Services, control: Control) -> dict[str, Any]:
    """Return everything of the first page; times are in seconds since the epoch."""
    catalog = services.store.catalog
    tables = sorted(catalog.tables.values(), key=_changed, reverse=True)
    return {
        "endpoint": _endpoint(services.settings),
        "now": services.now() / 1000,
        "counts": {
            "tables": len(tables),
            "rows": sum(table.rows for table in tables),
            "bytes": sum(table.size for table in tables),
            "schemas": len(catalog.schemas),
        },
        "tables": [table_json(table) for table in tables[:MOST_TABLES]],
        "uploads": [upload_json(session) for session in services.uploads.all()[:_MOST_SHOWN]],
        "statements": [statement_json(instance) for instance in services.instances.all()[:_MOST_SHOWN]],
        "requests": [_request(request) for request in list(control.requests)[: -_MOST_SHOWN - 1 : -1]],
        "faults": [dump(state) for state in control.plan.states],
        "operations": [operation.value for operation in Operation],
    }


def _endpoint(settings: Settings) -> dict[str, Any]:
    return {
        "project": settings.project,
        "access_id": settings.access_id,
        # Another key than the one in the documentation is a secret of whoever started the endpoint.
        "access_key": settings.access_key if settings.access_key == DEFAULT_ACCESS_KEY else None,
        "schemas": settings.schemas,
        "timezone": settings.timezone,
        "data": str(settings.folder.resolve()) if settings.folder else IN_MEMORY,
        "strict_limits": settings.strict_limits,
        "version": __version__,
    }


def _changed(table: Table) -> tuple[int, str]:
    return max(table.created, table.defined, table.modified), table.name.full


def table_json(table: Table) -> dict[str, Any]:
    """Return a table of the list."""
    return {
        "name": str(table.name),
        "full": table.name.full,
        "kind": "view" if table.view is not None else "table",
        "comment": short(table.comment),
        "rows": None if table.view is not None else table.rows,
        "bytes": None if table.view is not None else table.size,
        "partitions": len(table.partitions) if table.partition_columns else None,
        "changed": _changed(table)[0],
    }


def upload_json(session: UploadSession) -> dict[str, Any]:
    """Return an upload session of the list."""
    return {
        "id": session.upload_id,
        "table": str(session.table),
        "full": session.table.full,
        "partition": spec_text(session.spec),
        "mode": "overwrite" if session.overwrite else "append",
        "status": session.status.value,
        "blocks": len(session.blocks),
        "rows": sum(block.blob.rows for block in session.blocks.values()),
        "created": session.created,
    }


def statement_json(instance: Instance) -> dict[str, Any]:
    """Return a statement of the list."""
    return {
        "id": instance.instance_id,
        "query": short(instance.job.query),
        "status": instance.task_status,
        "failure": short(instance.failure, 1000),
        "started": instance.started,
        "seconds": None if instance.ended is None else instance.ended - instance.started,
        "rows": sum(blob.rows for blob in instance.blobs) if instance.columns else None,
        "written": None if instance.written is None else instance.written[1],
    }


def _request(request: Request) -> dict[str, Any]:
    return {
        "number": request.number,
        "operation": request.operation.value,
        "request": short(f"{request.method} {request.path}"),
        "status": request.status,
        "started": request.started,
        "seconds": request.seconds,
        "faults": list(request.faults),
    }
