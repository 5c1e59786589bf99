"""Which operation a call is: its name in the log of requests and in the rules of faults."""

from __future__ import annotations

import re

from airflow_provider_kafka_odps.local.api.call import Call
from airflow_provider_kafka_odps.local.faults import Operation


def operation_of(call: Call) -> Operation:
    """Return the operation of a call."""
    match call.segments:
        case ("tenants",):
            return Operation.READ_TENANT
        case ("projects", _):
            return Operation.READ_PROJECT
        case ("projects", _, "tunnel"):
            return Operation.FIND_TUNNEL
        case ("projects", _, "instances", *rest):
            return _of_instance(call, rest)
        case ("projects", _, "tables") | ("projects", _, "schemas", _, "tables"):
            return Operation.LIST_TABLES
        case ("projects", _, "tables", _) | ("projects", _, "schemas", _, "tables", _):
            return _of_table(call)
        case (*_, "preview"):
            return Operation.PREVIEW
        case ("projects", _, "schemas", *_):
            return Operation.SCHEMAS
        case _:
            return Operation.OTHER


def _of_instance(call: Call, rest: list[str]) -> Operation:
    if not rest:
        return Operation.CREATE_INSTANCE if call.method == "POST" else Operation.READ_INSTANCE
    if call.has("result"):
        return Operation.READ_RESULT
    return _of_download(call) or Operation.READ_INSTANCE


def _of_download(call: Call) -> Operation | None:
    if call.has("downloads"):
        return Operation.CREATE_DOWNLOAD
    if call.has("downloadid"):
        return Operation.READ_ROWS if call.has("data") else Operation.RELOAD_DOWNLOAD
    return None


def _of_table(call: Call) -> Operation:
    match call.method:
        case "PUT" if call.has("blockid"):
            return Operation.WRITE_BLOCK
        case "POST" if call.has("uploads"):
            return Operation.CREATE_UPLOAD
        case "POST" if call.has("uploadid"):
            return Operation.COMMIT_UPLOAD
        case "GET" if call.has("uploadid"):
            return Operation.RELOAD_UPLOAD
        case "GET" if call.has("partitions") or call.has("partition"):
            return _of_download(call) or Operation.READ_PARTITIONS
        case _:
            return _of_download(call) or Operation.READ_TABLE


def table_of(call: Call) -> str | None:
    """Return the name of the table that a call's path has."""
    match call.segments:
        case (*_, "tables", name) | (*_, "tables", name, _):
            return name.lower()
        case _:
            return None


def block_of(call: Call) -> int | None:
    """Return the number of the block that a call carries."""
    text = call.query.get("blockid", "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None
