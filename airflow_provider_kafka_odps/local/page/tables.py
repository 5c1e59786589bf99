"""One table or view, as JSON: columns, partitions, its newest rows, and the statement that makes it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Spec, Table, TableName, spec_text
from airflow_provider_kafka_odps.local.catalog.rows import RowRange, with_partition_columns
from airflow_provider_kafka_odps.local.errors import DiskError, ServiceError
from airflow_provider_kafka_odps.local.page.cells import columns_json, rows_json
from airflow_provider_kafka_odps.local.page.overview import table_json
from airflow_provider_kafka_odps.local.sql.show import definition

_MOST_ROWS = 20


_MOST_PARTITIONS = 200


def table_page(services: Services, full: str) -> dict[str, Any]:
    """Return what is known of the table of a full name.

    Raises ServiceError (NoSuchTable).
    """
    with services.store.reading(lambda catalog: _named(catalog, full), lambda table: [table]) as table:
        return _shown(services, table)


def _named(catalog: Catalog, full: str) -> Table:
    parts = full.lower().split(".")
    table = catalog.find(TableName(*parts)) if len(parts) == 3 else None  # noqa: PLR2004 - project.schema.table
    if table is None:
        raise ServiceError(404, "NoSuchTable", f"There is no table {full}: it may have been dropped since")
    return table


def _shown(services: Services, table: Table) -> dict[str, Any]:
    newest = sorted(table.partitions, key=lambda spec: (table.partitions[spec].modified, spec), reverse=True)
    in_sql = table.name.full if services.settings.schemas else str(table.name)
    return {
        **table_json(table),
        "in_sql": in_sql,
        "columns": columns_json(table.columns),
        "partition_columns": columns_json(table.partition_columns),
        "lifecycle": table.lifecycle,
        "owner": table.owner,
        "created": table.created,
        "definition": definition(table, in_sql),
        "listed": [
            {
                "name": spec_text(spec),
                "rows": table.partitions[spec].rows,
                "bytes": table.partitions[spec].size,
                "modified": table.partitions[spec].modified,
            }
            for spec in newest[:_MOST_PARTITIONS]
            if spec
        ],
        "latest": _latest(services, table, newest),
    }


def _latest(services: Services, table: Table, newest: list[Spec]) -> list[list[str | None]]:
    """Return the last rows of the partition that was changed last, the newest row first, with partition columns."""
    spec = next((spec for spec in newest if table.partitions[spec].rows), None)
    if spec is None:
        return []
    partition = table.partitions[spec]
    first = max(0, partition.rows - _MOST_ROWS)
    try:
        found = RowRange(services.store.blobs, partition.blobs, table.columns, first, partition.rows)
        rows = with_partition_columns(pa.Table.from_batches(list(found.batches())), table, spec)
    except DiskError:
        # A file is gone: the rest of what is known of the table is shown nevertheless.
        return []
    return rows_json(rows.to_batches(), _MOST_ROWS)[::-1]
