"""REST calls about tables and partitions."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any
from xml.sax.saxutils import quoteattr

import pyarrow as pa

from airflow_provider_kafka_odps.local.api.call import Answer, Call, element, rfc822, xml
from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.catalog.csv_rows import csv_text
from airflow_provider_kafka_odps.local.catalog.model import Column, Partition, Spec, Table, spec_text
from airflow_provider_kafka_odps.local.catalog.rows import concatenated, read_rows, shown_schema, with_partition_columns
from airflow_provider_kafka_odps.local.catalog.specs import full_spec, read_spec
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.sessions.downloads import pick_columns
from airflow_provider_kafka_odps.local.sessions.uploads import require_partition
from airflow_provider_kafka_odps.local.wire.arrays import seconds_and_nanos
from airflow_provider_kafka_odps.local.wire.timestamps import is_timestamp

_PAGE = 1000


_MOST_ROWS = 10_000


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": str(column.type),
        "comment": column.comment,
        "label": "",
        "isNullable": column.nullable,
        "defaultValue": column.default,
    }


def table_text(table: Table, *, extended: bool) -> str:
    """Return a table's XML with its schema as JSON in it."""
    schema: dict[str, Any] = {
        "columns": [_column(column) for column in table.columns],
        "partitionKeys": [_column(column) for column in table.partition_columns],
        "tableName": table.name.table,
        "comment": table.comment,
        "owner": table.owner,
        "createTime": table.created,
        "lastDDLTime": table.defined,
        "lastModifiedTime": table.modified,
        "isVirtualView": table.view is not None,
        "isMaterializedView": False,
        "lifecycle": table.lifecycle,
        "recordNum": table.rows,
        "size": table.size,
        "shardExist": False,
    }
    if extended:
        schema |= {
            "IsArchived": False,
            "PhysicalSize": table.size,
            "FileNum": len(table.blobs),
            "Reserved": json.dumps(_reserved(table)),
        }
    if table.view is not None:
        schema |= {"viewText": table.view.query, "viewExpandedText": table.view.query}
    parts = (
        element("Name", table.name.table),
        element("TableId", table.table_id),
        element("Comment", table.comment),
        element("Owner", table.owner),
        element("Project", table.name.project),
        element("SchemaName", table.name.schema),
        f'<Schema format="Json">{element("s", json.dumps(schema))[3:-4]}</Schema>',
        element("CreationTime", rfc822(table.created)),
        element("LastModifiedTime", rfc822(table.modified)),
        element("Type", _kind(table)),
    )
    return f"<Table>{''.join(parts)}</Table>"


def _kind(table: Table) -> str:
    return "MANAGED_TABLE" if table.view is None else "VIRTUAL_VIEW"


def _reserved(table: Table) -> dict[str, Any]:
    reserved: dict[str, Any] = {"schema_version": "0", "Transactional": "true" if table.transactional else "false"}
    if table.primary_key:
        reserved["PrimaryKey"] = list(table.primary_key)
    if table.clustering is not None:
        reserved |= {
            "ClusterType": "range" if table.clustering.ranged else "hash",
            "BucketNum": table.clustering.buckets,
            "ClusterCols": list(table.clustering.columns),
            "SortCols": [{"col": name, "order": order} for name, order in table.clustering.sorts],
        }
    return reserved


def list_tables(services: Services, call: Call) -> Answer:
    """Return the tables of a schema, in pages."""
    prefix = call.query.get("name", "").lower()
    services.require_schema(call)
    tables = services.store.catalog.tables_of(services.schema_of(call))
    tables = [table for table in tables if table.name.table.startswith(prefix) and _is_wanted(call, table)]
    after = call.query.get("marker", "")
    rest = (table for table in tables if table.name.table > after)
    page = list(islice(rest, call.integer("maxitems", _PAGE, 1)))
    marker = page[-1].name.table if next(rest, None) else ""
    texts = "".join(table_text(table, extended=call.has("extended")) for table in page)
    return xml(f"<Tables>{element('Marker', marker)}{element('MaxItems', len(page))}{texts}</Tables>")


def _is_wanted(call: Call, table: Table) -> bool:
    kind, owner = call.query.get("type", ""), call.query.get("owner", "")
    return kind.upper() in ("", _kind(table)) and owner in ("", table.owner)


def answer(services: Services, call: Call, table: Table) -> Answer:
    """Answer a call about one table.

    Raises ServiceError.
    """
    if call.method != "GET":
        raise ServiceError(405, "MethodNotAllowed", f"{call.method} is not allowed on a table; use SQL")
    if call.has("partitions"):
        return (
            _partition_names(table) if not call.has("expectmarker") and call.has("name") else _partitions(call, table)
        )
    if call.has("data"):
        return _head(services, call, table)
    if call.query.get("partition"):
        return _partition(table, full_spec(table, call.query["partition"]), extended=call.has("extended"))
    headers = {"x-odps-owner": table.owner, "Last-Modified": rfc822(table.modified)}
    headers["x-odps-creation-time"] = rfc822(table.created)
    return xml(table_text(table, extended=call.has("extended")), headers=headers)


def _partition_names(table: Table) -> Answer:
    names = (f"<Partition>{element('Name', spec_text(spec, '/'))}</Partition>" for spec in sorted(table.partitions))
    return xml(f"<Partitions>{''.join(names)}</Partitions>")


def _require_partitioned(table: Table) -> None:
    if not table.partition_columns:
        raise ServiceError(400, "InvalidArgument", f"The table {table.name} is not partitioned")


def _partitions(call: Call, table: Table) -> Answer:
    _require_partitioned(table)
    wanted = read_spec(call.query.get("partition", "")).items()
    specs = sorted(
        (s for s in table.partitions if wanted <= dict(s).items()), reverse=call.query.get("reverse") == "true"
    )
    first = call.integer("marker", 0, 0)
    page = specs[first : first + call.integer("maxitems", _PAGE, 1)]
    marker = first + len(page) if first + len(page) < len(specs) else ""
    texts = "".join(_partition_text(spec, table.partitions[spec]) for spec in page)
    return xml(f"<Partitions>{element('Marker', marker)}{element('MaxItems', len(page))}{texts}</Partitions>")


def _partition_text(spec: Spec, partition: Partition) -> str:
    parts = [f'<Column Name="{name}" Value={quoteattr(value)}/>' for name, value in spec]
    parts += (
        element("CreationTime", partition.created),
        element("LastDDLTime", partition.defined),
        element("LastModifiedTime", partition.modified),
        element("PartitionSize", partition.size),
        element("PartitionRecordCount", partition.rows),
    )
    return f"<Partition>{''.join(parts)}</Partition>"


def _partition(table: Table, spec: Spec, *, extended: bool) -> Answer:
    partition = require_partition(table, spec)
    schema: dict[str, Any] = {
        "createTime": partition.created,
        "lastDDLTime": partition.defined,
        "lastModifiedTime": partition.modified,
        "partitionSize": partition.size,
        "partitionRecordNum": partition.rows,
    }
    if extended:
        schema |= {
            "IsArchived": False,
            "IsExstore": False,
            "LifeCycle": table.lifecycle,
            "PhysicalSize": partition.size,
            "FileNum": len(partition.blobs),
            "Reserved": "{}",
        }
    return xml(f"<Partition>{element('Schema', json.dumps(schema))}</Partition>")


def _first_rows(services: Services, call: Call, asked: Table, count: int) -> tuple[tuple[Column, ...], pa.Table]:
    if asked.view is not None:
        raise ServiceError(400, "InvalidArgument", f"{asked.name} is a view (VIRTUAL_VIEW): SELECT from it instead")
    found: list[pa.Table] = []
    with services.store.reading(lambda catalog: catalog.find(asked.name) or asked, lambda read: [read]) as table:
        parts = {full_spec(table, call.query["partition"])} if call.query.get("partition") else set(table.partitions)
        for spec in parts:
            require_partition(table, spec)
        for spec in sorted(parts):
            left = count - sum(rows.num_rows for rows in found)
            if found and left <= 0:
                break
            rows = read_rows(services.store.blobs, table.partitions[spec].blobs, table.columns).slice(0, left)
            found.append(with_partition_columns(rows, table, spec))
    names = [name for name in (call.query.get("cols") or call.query.get("columns") or "").split(",") if name]
    every = table.columns + table.partition_columns
    columns = pick_columns(every, names) if names else every
    first = concatenated(found) if found else shown_schema(every).empty_table()
    return columns, first.select([column.name for column in columns])


def _head(services: Services, call: Call, table: Table) -> Answer:
    columns, rows = _first_rows(services, call, table, min(call.integer("linenum", _MOST_ROWS, 0), _MOST_ROWS))
    return Answer(200, csv_text(columns, rows.to_batches()).encode(errors="replace"), "text/plain; charset=utf-8")


def preview(services: Services, call: Call, table: Table) -> Answer:
    """Return the first rows as a plain Arrow stream, with a schema."""
    limit = call.integer("limit", _MOST_ROWS)
    columns, rows = _first_rows(services, call, table, min(limit, _MOST_ROWS) if limit >= 0 else _MOST_ROWS)
    if any(is_timestamp(column.type) for column in columns):
        # PyODPS 0.13.2 cannot read TIMESTAMPs beside partition columns here: it counts data columns only.
        columns = tuple(column for column in columns if column in table.columns)
        rows = rows.select([column.name for column in columns])
    sink = pa.BufferOutputStream()
    schema = seconds_and_nanos(pa.RecordBatch.from_pylist([], shown_schema(columns))).schema
    with pa.ipc.new_stream(sink, schema) as out:
        for batch in rows.to_batches():
            out.write_batch(seconds_and_nanos(batch))
    return Answer(200, sink.getvalue().to_pybytes(), "application/octet-stream")
