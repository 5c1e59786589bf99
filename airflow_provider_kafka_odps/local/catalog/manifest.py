"""The catalog as JSON and back: what the manifest file holds."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog, Schema
from airflow_provider_kafka_odps.local.catalog.model import Blob, Clustering, Column, Partition, Table, TableName, View
from airflow_provider_kafka_odps.local.wire.types import parse_type

VERSION = 1


def dump_catalog(catalog: Catalog) -> bytes:
    """Return the whole catalog as JSON."""
    content = {
        "version": VERSION,
        "project": catalog.project,
        "created": catalog.created,
        "schemas": [[s.name, s.comment, s.created] for s in catalog.schemas.values()],
        "tables": [dump_table(table) for table in catalog.tables.values()],
        "ended": dict(catalog.ended),
    }
    return json.dumps(content, separators=(",", ":")).encode()


def load_catalog(text: bytes) -> Catalog:
    """Read what `dump_catalog` wrote.

    Raises ValueError for another version.
    """
    content = json.loads(text)
    if content["version"] != VERSION:
        raise ValueError(f"the manifest has version {content['version']}; this endpoint reads version {VERSION}")
    tables = [load_table(table) for table in content["tables"]]
    return Catalog(
        content["project"],
        content["created"],
        {name: Schema(name, comment, created) for name, comment, created in content["schemas"]},
        {table.name: table for table in tables},
        # Manifests of earlier versions have committed uploads only.
        content["ended"] if "ended" in content else content["closed_uploads"],
    )


def dump_table(table: Table) -> dict[str, Any]:
    """Return a table as JSON values."""
    return {
        "name": [table.name.project, table.name.schema, table.name.table],
        "id": table.table_id,
        "columns": [dump_column(column) for column in table.columns],
        "partition_columns": [dump_column(column) for column in table.partition_columns],
        "partitions": [
            [
                list(map(list, spec)),
                [[b.name, b.rows, b.size] for b in part.blobs],
                part.created,
                part.modified,
                part.touched,
            ]
            for spec, part in table.partitions.items()
        ],
        "next_field_id": table.next_field_id,
        "comment": table.comment,
        "owner": table.owner,
        "lifecycle": table.lifecycle,
        "properties": dict(table.properties),
        "primary_key": list(table.primary_key),
        "clustering": None if table.clustering is None else list(astuple(table.clustering)),
        "times": [table.created, table.defined, table.modified],
        "view": None if table.view is None else _dump_view(table.view),
    }


def _dump_view(view: View) -> list[Any]:
    return [view.query, dict(view.settings), {name: list(columns) for name, columns in view.columns.items()}]


def _load_view(query: str, settings: dict[str, str], columns: dict[str, list[str]] | None = None) -> View:
    return View(query, settings, {name: tuple(names) for name, names in (columns or {}).items()})


def load_table(content: dict[str, Any]) -> Table:
    """Read what `dump_table` wrote."""
    created, defined, modified = content["times"]
    return Table(
        name=TableName(*content["name"]),
        table_id=content["id"],
        columns=tuple(map(load_column, content["columns"])),
        partition_columns=tuple(map(load_column, content["partition_columns"])),
        partitions={
            tuple((name, value) for name, value in spec): Partition(tuple(Blob(*blob) for blob in blobs), *times)
            # Partitions of earlier versions have two times.
            for spec, blobs, *times in content["partitions"]
        },
        next_field_id=content["next_field_id"],
        comment=content["comment"],
        owner=content["owner"],
        lifecycle=content["lifecycle"],
        properties=content["properties"],
        primary_key=tuple(content["primary_key"]),
        clustering=_load_clustering(content.get("clustering")),
        created=created,
        defined=defined,
        modified=modified,
        view=_load_view(*content["view"]) if content.get("view") else None,
    )


def dump_column(column: Column) -> list[Any]:
    """Return a column as JSON values."""
    return [column.field_id, column.name, str(column.type), column.comment, column.nullable, column.default]


def load_column(content: list[Any]) -> Column:
    """Read what `dump_column` wrote."""
    # Columns of earlier versions have no default.
    field_id, name, type_text, comment, nullable, *default = content
    return Column(field_id, name, parse_type(type_text), comment, nullable, *default)


def _load_clustering(content: list[Any] | None) -> Clustering | None:
    if content is None:
        return None
    ranged, columns, sorts, buckets = content
    return Clustering(ranged, tuple(columns), tuple((name, order) for name, order in sorts), buckets)
