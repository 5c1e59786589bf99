"""Statements that create what a load may create; all of them are harmless to repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

# The hook makes these, and a DAG that is parsed must not pay for pyarrow.
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
    from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema


def create_statement(table: TableName, schema: TableSchema, lifecycle: int | None = None) -> str:
    """Return the CREATE TABLE for a schema; ``lifecycle`` is in days."""
    text = f"CREATE TABLE IF NOT EXISTS {table.quoted} (\n{_lines(schema.columns)}\n)"
    if schema.partition_columns:
        text += f"\nPARTITIONED BY (\n{_lines(schema.partition_columns)}\n)"
    if lifecycle is not None:
        text += f"\nLIFECYCLE {lifecycle}"
    return text + ";"


def partition_statement(table: TableName, partition: PartitionSpec) -> str:
    """Return the DDL that makes a partition where it is missing."""
    return f"ALTER TABLE {table.quoted} ADD IF NOT EXISTS PARTITION ({partition.ddl});"


def columns_statement(table: TableName, columns: Sequence[Column]) -> str:
    """Return the DDL that adds columns to a table."""
    return f"ALTER TABLE {table.quoted} ADD COLUMNS ({', '.join(column.ddl for column in columns)});"


def _lines(columns: Sequence[Column]) -> str:
    return ",\n".join(f"  {column.ddl}" for column in columns)
