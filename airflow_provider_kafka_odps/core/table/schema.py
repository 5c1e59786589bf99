"""A MaxCompute table: its columns, its partition columns, and the DDL that would make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName, check_identifier
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput, TableRefused


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    type: OdpsType
    nullable: bool = True
    computed: str | None = field(default=None, compare=False)
    """The expression by which the service computes its values from other columns, if it does."""

    def __post_init__(self) -> None:
        """Refuse a name that is none."""
        check_identifier(self.name, "column")

    @property
    def ddl(self) -> str:
        """The column as CREATE TABLE spells it."""
        return f"`{self.name}` {self.type.ddl}{'' if self.nullable else ' NOT NULL'}"


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The columns of a table, without and with which its rows are partitioned."""

    columns: tuple[Column, ...]
    partition_columns: tuple[Column, ...] = ()
    clustered: bool = field(default=False, compare=False)
    """Whether the service keeps rows in buckets by the values of some columns."""

    def __post_init__(self) -> None:
        """Refuse a table without columns and a name twice: MaxCompute's names ignore case."""
        names = [column.name.lower() for column in (*self.columns, *self.partition_columns)]
        if not self.columns or len(set(names)) < len(names):
            raise InvalidInput(f"a table needs columns, each name once (case is ignored): {', '.join(names) or 'none'}")

    @property
    def arrow(self) -> pa.Schema:
        """The schema of a projection to this table: the columns in table order, without partition columns.

        A column of a type that cannot be written is all null.
        """
        return pa.schema([pa.field(column.name, _arrow(column.type), column.nullable) for column in self.columns])

    @property
    def in_arrow_blocks(self) -> bool:
        """Whether Arrow blocks carry every column; record blocks carry all that can be written."""
        return all(column.type.in_arrow_blocks for column in self.columns)

    def check_partition(self, table: TableName, partition: PartitionSpec | None) -> None:
        """Raise TableRefused unless ``partition`` names each partition column of the table, and no other.

        And for a table with columns that the service computes: the tunnel writes what it is given.
        """
        self.refuse_computed(table)
        wanted = [column.name for column in self.partition_columns]
        given = [name for name, _ in partition.levels] if partition else []
        if [name.lower() for name in wanted] == [name.lower() for name in given]:
            return
        if not wanted:
            raise TableRefused(f"{table} is not partitioned, but partition={str(partition)!r} was given; leave it out")
        example = ",".join(f"{name}=…" for name in wanted)
        seen = f"partition={str(partition)!r}" if partition else "no partition"
        raise TableRefused(f"{table} is partitioned by {', '.join(wanted)}, but {seen} was given; write {example!r}")

    def refuse_computed(self, table: TableName) -> None:
        """Raise TableRefused for a table with columns whose values the service computes, as of AUTO PARTITION."""
        for column in (*self.columns, *self.partition_columns):
            if column.computed:
                raise TableRefused(
                    f"{table}: MaxCompute computes column {column.name} by {column.computed}, and a load would write "
                    "something else into it. Load into a table without such columns, and INSERT … SELECT from there"
                )


def string_partition_columns(partition: PartitionSpec | None) -> tuple[Column, ...]:
    """Return the partition columns of a table that is created for ``partition``: STRING, as is usual."""
    levels: Sequence[tuple[str, str]] = partition.levels if partition else ()
    return tuple(Column(name, OdpsType("string")) for name, _ in levels)


def columns_of(types: Mapping[str, str]) -> tuple[Column, ...]:
    """Return nullable columns for a mapping of names to types as text."""
    return tuple(Column(name, OdpsType.parse(text)) for name, text in types.items())


def _arrow(kind: OdpsType) -> pa.DataType:
    return kind.arrow if kind.writable else pa.null()
