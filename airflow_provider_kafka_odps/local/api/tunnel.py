"""Tunnel calls: sessions as JSON, rows in record or Arrow bodies. Blocks are written in `blocks`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from airflow_provider_kafka_odps.local.api.call import Answer, Call, json_answer, rfc822
from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.catalog.model import Column, Table
from airflow_provider_kafka_odps.local.catalog.rows import RowRange
from airflow_provider_kafka_odps.local.catalog.specs import full_spec
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.instances.instance import Instance
from airflow_provider_kafka_odps.local.instances.instances import MOST_RESULT_ROWS
from airflow_provider_kafka_odps.local.sessions.downloads import DownloadSession, pick_columns
from airflow_provider_kafka_odps.local.sessions.limits import FIELD_BYTES
from airflow_provider_kafka_odps.local.sessions.upload import Block, UploadSession
from airflow_provider_kafka_odps.local.wire.arrays import seconds_and_nanos
from airflow_provider_kafka_odps.local.wire.encodings import ENCODINGS, pack
from airflow_provider_kafka_odps.local.wire.frames import encode_frames
from airflow_provider_kafka_odps.local.wire.records import RecordEncoder
from airflow_provider_kafka_odps.local.wire.timestamps import WIDE, is_timestamp

_KEYS = ("uploads", "uploadid", "downloads", "downloadid", "blockid")


_PARTS = ("preview", "streams", "upserts")


_RANGE = re.compile(r"\(?\s*(-?\d{1,18})\s*,\s*(-?\d{1,18})\s*\)?")


def is_tunnel(call: Call) -> bool:
    """Return whether a call on a table is one of the tunnel protocol: its query says so, or its path."""
    match call.segments:
        case (*_, "tables", _, part) if part in _PARTS:
            return True
        case _:
            return any(map(call.has, _KEYS))


def answer(services: Services, call: Call, table: Table) -> Answer:
    """Answer a session's call, except those that carry a block.

    Raises ServiceError.
    """
    require_rows(table)
    match call.method:
        case "POST" if call.has("uploads"):
            spec = full_spec(table, call.query.get("partition"))
            if call.query.get("create_partition", "").lower() == "true":
                table = services.uploads.with_partition(table, spec)
            overwrite = call.query.get("overwrite", "").lower() == "true"
            session = services.uploads.create(table, spec, overwrite=overwrite, owner=services.settings.owner)
            return json_answer(upload_json(session, table, _quota(call)))
        case "GET" if call.has("uploadid"):
            session = services.uploads.find(call.required("uploadid"), table.name)
            return json_answer(upload_json(session, table, _quota(call)))
        case "POST" if call.has("uploadid"):
            session = services.uploads.find(call.required("uploadid"), table.name)
            return json_answer({"UploadedBlockList": blocks_json(services.uploads.commit(session))})
        case "POST" if call.has("downloads"):
            spec = full_spec(table, call.query.get("partition"))
            return json_answer(download_json(services.downloads.open_table(table, spec), _quota(call)))
        case "GET":
            found = services.downloads.find(call.required("downloadid"), table.name)
            return _read(services, call, found) if call.has("data") else json_answer(download_json(found, _quota(call)))
        case _:
            raise ServiceError(405, "MethodNotAllowed", f"{call.method} is not allowed here")


def require_rows(table: Table) -> None:
    """Refuse a view: it has no rows of its own, and none that a tunnel carries.

    Raises ServiceError (InvalidArgument).
    """
    if table.view is not None:
        raise ServiceError(
            400, "InvalidArgument", f"{table.name} is a view (VIRTUAL_VIEW), and tunnels carry rows of tables: use SQL"
        )


def answer_instance(services: Services, call: Call, instance: Instance) -> Answer:
    """Answer a call on the rows of a query.

    Raises ServiceError: InstanceTypeNotSupported for a job that returns no rows.
    """
    if not instance.columns:
        raise ServiceError(400, "InstanceTypeNotSupported", "The specified instance has no rows: it is not a SELECT")
    if call.method == "POST":
        found = services.downloads.open_rows(instance.instance_id, instance.columns, instance.blobs)
        limited = call.has("instance_tunnel_limit_enabled")
        return json_answer(download_json(found, _quota(call), MOST_RESULT_ROWS if limited else None))
    found = services.downloads.find(call.required("downloadid"), instance.instance_id)
    return _read(services, call, found) if call.has("data") else json_answer(download_json(found, _quota(call)))


def _columns_json(columns: Sequence[Column]) -> list[dict[str, Any]]:
    # Java and Go refuse null anywhere in here, and Go another type of any value.
    return [
        {
            "name": column.name,
            "type": str(column.type),
            "comment": column.comment,
            "nullable": column.nullable,
            "column_id": "",
            "default_value": column.default,
        }
        for column in columns
    ]


def _quota(call: Call) -> str:
    # There are none here; clients compare what they asked for with what they are told.
    return call.query.get("quotaName", "")


def upload_json(session: UploadSession, table: Table, quota: str = "") -> dict[str, Any]:
    """Return an upload session as clients read it."""
    return {
        "UploadID": session.upload_id,
        "Status": session.status.value,
        "Initiated": rfc822(session.created),
        "IsOverwrite": session.overwrite,
        "MaxFieldSize": FIELD_BYTES,
        "Owner": session.owner,
        "QuotaName": quota,
        "Schema": {
            "IsVirtualView": False,
            "columns": _columns_json(session.columns),
            "partitionKeys": _columns_json(table.partition_columns),
        },
        "UploadedBlockList": blocks_json(session),
    }


def blocks_json(session: UploadSession) -> list[dict[str, Any]]:
    """Return the written blocks, by number."""
    return [_block_json(block) for _, block in sorted(session.blocks.items())]


def _block_json(block: Block) -> dict[str, Any]:
    return {
        "BlockID": block.block_id,
        "CreateTime": block.created,
        "Date": rfc822(block.created),
        "FileName": f"{block.block_id}_{block.version}_1",
        "RawSize": block.blob.size,
        "RecordCount": block.blob.rows,
        "Version": block.version,
    }


def download_json(session: DownloadSession, quota: str = "", most: int | None = None) -> dict[str, Any]:
    """Return a download session as clients read it."""
    return {
        "DownloadID": session.download_id,
        "Status": "normal",
        "Initiated": "",
        "Owner": "",
        "RecordCount": session.rows if most is None else min(session.rows, most),
        "QuotaName": quota,
        "SupportReadByRawSize": False,
        "Schema": {
            "IsVirtualView": False,
            "columns": _columns_json(session.columns),
            "partitionKeys": _columns_json(session.partition_columns),
        },
    }


def _read(services: Services, call: Call, session: DownloadSession) -> Answer:
    match = _RANGE.fullmatch(call.required("rowrange"))
    if match is None:
        raise ServiceError(
            400, "InvalidRowRange", f"The specified row range is not valid: {call.query['rowrange'][:80]!r}"
        )
    names = [name for name in call.query.get("columns", "").split(",") if name]
    if call.has("arrow"):
        # Record readers number columns as they asked for them; Arrow readers expect them in the table's order.
        wanted = {column.name for column in pick_columns(session.columns, names)}
        names = [column.name for column in session.columns if column.name in wanted]
    rows = services.downloads.read(session, int(match[1]), int(match[2]), names)
    if call.has("arrow") and not isinstance(session.owner, str):
        _require_narrow(rows)
    encoding = _accepted(call.headers.get("accept-encoding", ""))
    body = (
        _arrow_body(rows, split=isinstance(session.owner, str))
        if call.has("arrow")
        else RecordEncoder([c.type for c in rows.columns]).encode(rows.batches())
    )
    headers = {"Content-Encoding": encoding} if encoding else {}
    return Answer(200, pack(encoding, body), "application/octet-stream", headers)


def _require_narrow(rows: RowRange) -> None:
    moments = [at for at, column in enumerate(rows.columns) if is_timestamp(column.type)]
    if moments and any(batch.column(at).type == WIDE for batch in rows.batches() for at in moments):
        raise ServiceError(
            400,
            "InvalidArgument",
            "a TIMESTAMP is outside 1677 to 2262, and Arrow's nanoseconds cannot carry it; read records, or a query",
        )


def _accepted(header: str) -> str:
    wanted = [part.split(";")[0].strip().lower() for part in header.split(",")]
    return next((name for name in wanted if name in ENCODINGS), "")


def _arrow_body(rows: RowRange, *, split: bool) -> Iterator[bytes]:
    return encode_frames(_message(seconds_and_nanos(batch) if split else batch) for batch in rows.batches())


def _message(batch: pa.RecordBatch) -> bytes:
    return bytes(batch.serialize().to_pybytes())
