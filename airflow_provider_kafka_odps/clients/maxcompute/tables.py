"""Tables and partitions: what they are, and the DDL that makes them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import answers, is_foreign
from airflow_provider_kafka_odps.clients.maxcompute.pyodps import errors as odps_errors
from airflow_provider_kafka_odps.clients.maxcompute.pyodps import types as odps_types
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema
from airflow_provider_kafka_odps.core.table.types import OdpsType

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings
    from airflow_provider_kafka_odps.clients.maxcompute.pyodps import ODPS
    from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName


def table_of(odps: ODPS, table: TableName) -> Any:
    """Return PyODPS's table; the schema is given explicitly, because PyODPS forgets the connection's own."""
    return odps.get_table(table.name, project=table.project, schema=table.schema)


def describe(odps: ODPS, settings: OdpsSettings, table: TableName, *, extended: bool = False) -> TableSchema | None:
    """Return the table's columns, or None where there is no such table.

    ``extended`` asks once more, whether the table is clustered.
    """
    with answers(settings, f"describing {table}"):
        found = table_of(odps, table)
        try:
            found.reload()
        except odps_errors.NoSuchObject as error:
            if isinstance(error, odps_errors.NoSuchProject) or is_foreign(error):
                raise
            return None
        # PyODPS asks for it where it is looked at.
        clustered = extended and found.cluster_info is not None
    schema = found.table_schema
    return TableSchema(_columns(schema.simple_columns), _columns(schema.partitions or ()), clustered)


def _columns(columns: Any) -> tuple[Column, ...]:
    return tuple(
        Column(column.name, OdpsType.parse(column.type.name), column.nullable, _expression(column))
        for column in columns
    )


def _expression(column: Any) -> str | None:
    """Return the generateExpression of a table's description, which PyODPS also reads for its own writers."""
    return str(column.generate_expression) if column.generate_expression else None


def partition_size(odps: ODPS, settings: OdpsSettings, table: TableName, partition: PartitionSpec) -> int | None:
    """Return how many bytes the service stores of a partition; None where there is none."""
    with answers(settings, f"looking for partition {partition} of {table}"):
        wanted = table_of(odps, table).get_partition(odps_types.PartitionSpec(str(partition)))
        try:
            wanted.reload()
        except odps_errors.NoSuchPartition:
            return None
    return int(wanted.size)


def last_change(odps: ODPS, settings: OdpsSettings, table: TableName, places: Sequence[PartitionSpec]) -> str:
    """Return what the description of a table, or of some partitions, says of the last change; of several of the latest.

    Times are whole seconds: two writes within one second that leave the same size are not told apart. A partition that
    does not exist was never changed.
    """
    place = f"{table} ({'; '.join(map(str, places))})" if places else str(table)
    found = []
    with answers(settings, f"looking when {place} was changed"):
        whole = table_of(odps, table)
        for each in [whole.get_partition(odps_types.PartitionSpec(str(each))) for each in places] or [whole]:
            with suppress(odps_errors.NoSuchPartition):
                each.reload()
                found.append(each)
    # Without its zone, which is this machine's: another one is to get the same text.
    moments = [each.last_data_modified_time.timestamp() for each in found if each.last_data_modified_time]
    changed = f"{datetime.fromtimestamp(max(moments), UTC):%Y-%m-%dT%H:%M:%SZ}" if moments else "never"
    there = f" in {len(found)} partitions" if len(places) > 1 else ""
    return f"changed {changed}, {sum(each.size for each in found)} bytes{there}"
