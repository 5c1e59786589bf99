"""The table's asset, and what its event says of a load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow.sdk import Asset


_LONGEST_KEY = 250
"""Characters of a partition key in Airflow 3.3."""


def event_of(receipt: Receipt, before: Mapping[str, Any] | None, clear_number: int) -> dict[str, Any]:
    """Return what the event of the table's asset says of a load, to be read by those whom it triggers.

    ``before`` is the journal with which this attempt began. Airflow emits an event whenever the task succeeds, also
    when a user cleared it and its rows were kept: ``changed`` is false then, and where no row was loaded.
    Where records say their partitions, ``per_partition`` has the rows of each.
    ``upload_id`` is another one for every load, so whoever must not take in a load twice can go by it.
    """
    entry = None if before is None else Journal.from_json(before)
    kept = (
        entry is not None
        and (entry.phase is not Phase.COMMITTED or entry.clear_number < clear_number)
        and entry.visible is not None
        and entry.visible.upload_id == receipt.upload_id
    )
    return {
        "window": receipt.window.to_json(),
        "partition": receipt.partition,
        "mode": receipt.mode.value,
        **({} if receipt.per_partition is None else {"per_partition": receipt.rows_by_name}),
        "rows": receipt.rows,
        "rejects": receipt.rejects,
        "filtered": receipt.filtered,
        "late": receipt.late,
        "missing": receipt.lost,
        "blocks": receipt.blocks,
        "bytes": receipt.bytes,
        "pace": None if receipt.speed is None else receipt.speed.pace,
        "upload_id": receipt.upload_id,
        "changed": receipt.upload_id is not None and not kept,
        **receipt.window.written_log_end(),
    }


def partition_keys(receipt: Receipt, before: Mapping[str, Any] | None) -> list[str]:
    """Return the names of all partitions that a load has changed, one event each: also those that only lost rows.

    None of them is longer than Airflow takes: such a partition is left out, for the rows are there by now.
    """
    entry = None if before is None else Journal.from_json(before)
    earlier = () if entry is None else (entry.visible, entry.replaces)
    lost = [place for each in earlier if each is not None for place in each.places]
    said = [receipt.partition] if receipt.partition and receipt.per_partition is None else []
    names = {*said, *map(str, (*receipt.written, *lost))}
    return sorted(name for name in names if len(name) <= _LONGEST_KEY)


def table_asset(table: object, project: object, maxcompute_conn_id: str) -> Asset | None:
    """Return the asset of a table, None where a template, or another task, will name it only at run time.

    The URI is ``maxcompute://project/schema/table`` as far as the parts are given, in lower case as MaxCompute compares
    names; a table of the connection's own project has the connection's id in place of the project. The asset's name is
    its URI: two DAGs that name the same table mean the same asset.
    """
    from airflow.sdk import Asset

    if not isinstance(table, str) or not isinstance(project, str | None) or "{" in f"{table}{project}":
        return None
    try:
        name = TableName.parse(table)
    except InvalidInput:
        # The task says so when it runs.
        return None
    parts = [name.project or project or maxcompute_conn_id, name.schema, name.name]
    uri = f"maxcompute://{'/'.join(part for part in parts if part)}".lower()
    return Asset(name=uri, uri=uri)
