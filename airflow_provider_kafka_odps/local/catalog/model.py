"""Tables and what they are made of, as frozen values: every change is a new value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from airflow_provider_kafka_odps.local.lexer import quoted
from airflow_provider_kafka_odps.local.wire.types import ColumnType

Spec = tuple[tuple[str, str], ...]
"""A partition's name: (partition column, value) in the table's order; empty for the whole of a plain table."""


WHOLE: Spec = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `field_id` stays the same when it is renamed, and names it in the files.

    `default` is the literal, as SQL, that an INSERT fills in when it doesn't name the column.
    """

    field_id: int
    name: str
    type: ColumnType
    comment: str = ""
    nullable: bool = True
    default: str = ""

    @property
    def stored_name(self) -> str:
        """What the column is called inside files."""
        return f"c{self.field_id}"


@dataclass(frozen=True, slots=True)
class Blob:
    """A file of rows: its name in the store, its rows and its bytes."""

    name: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class Partition:
    """The rows of one partition, or of a whole plain table; times in seconds since the epoch, `touched` 0 if never."""

    blobs: tuple[Blob, ...] = ()
    created: int = 0
    modified: int = 0
    touched: int = 0

    @property
    def defined(self) -> int:
        """When it was created, renamed or touched last: what the service calls the last DDL."""
        return max(self.created, self.touched)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(blob.rows for blob in self.blobs)

    @property
    def size(self) -> int:
        """How many bytes the files have."""
        return sum(blob.size for blob in self.blobs)


@dataclass(frozen=True, slots=True)
class TableName:
    """A table's full name, in lower case."""

    project: str
    schema: str
    table: str

    @property
    def full(self) -> str:
        """The name with its schema, as statements read it where names have schemas."""
        return f"{self.project}.{self.schema}.{self.table}"

    def __str__(self) -> str:
        """Return the name as messages write it, and statements where names have no schemas: without the default one."""
        return f"{self.project}.{self.table}" if self.schema == "default" else self.full


@dataclass(frozen=True, slots=True)
class Clustering:
    """How a table was asked to be clustered: kept and shown, and of no effect here. `sorts` are (column, order)."""

    ranged: bool
    columns: tuple[str, ...]
    sorts: tuple[tuple[str, str], ...] = ()
    buckets: int = 0

    def __str__(self) -> str:
        """Return the clause of a CREATE TABLE statement."""
        text = f"{'RANGE ' if self.ranged else ''}CLUSTERED BY ({', '.join(map(quoted, self.columns))})"
        if self.sorts:
            text += f" SORTED BY ({', '.join(f'{quoted(name)} {order.upper()}' for name, order in self.sorts)})"
        return text + (f" INTO {self.buckets} BUCKETS" if self.buckets else "")


@dataclass(frozen=True, slots=True)
class View:
    """What a view shows: a query, and the settings by which its names were resolved when it was made.

    `columns` are those that its tables had then, by full name: what `*` means in it.
    """

    query: str
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view: `columns` hold data, `partition_columns` name partitions, `next_field_id` is the next column's.

    `lifecycle` is in days, -1 for none; times are in seconds since the epoch. A view has no partition, and so no rows.
    """

    name: TableName
    table_id: str
    columns: tuple[Column, ...]
    partition_columns: tuple[Column, ...] = ()
    partitions: Mapping[Spec, Partition] = field(default_factory=lambda: MappingProxyType({}))
    next_field_id: int = 0
    comment: str = ""
    owner: str = ""
    lifecycle: int = -1
    properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    primary_key: tuple[str, ...] = ()
    clustering: Clustering | None = None
    created: int = 0
    defined: int = 0
    modified: int = 0
    view: View | None = None

    @property
    def rows(self) -> int:
        """How many rows there are in all partitions."""
        return sum(partition.rows for partition in self.partitions.values())

    @property
    def size(self) -> int:
        """How many bytes all files have."""
        return sum(partition.size for partition in self.partitions.values())

    @property
    def blobs(self) -> frozenset[str]:
        """The names of all files."""
        return frozenset(blob.name for partition in self.partitions.values() for blob in partition.blobs)

    @property
    def transactional(self) -> bool:
        """Whether the table was created with transactional=true."""
        return self.properties.get("transactional", "").lower() == "true"

    def column(self, name: str) -> Column | None:
        """Return the data or partition column of this name."""
        wanted = name.lower()
        return next((c for c in self.columns + self.partition_columns if c.name == wanted), None)

    def with_partition(self, spec: Spec, partition: Partition, now: int) -> Table:
        """Return the table with this partition added or replaced."""
        return replace(self, partitions={**self.partitions, spec: partition}, modified=now)

    def without_partitions(self, specs: frozenset[Spec], now: int) -> Table:
        """Return the table without these partitions."""
        kept = {spec: partition for spec, partition in self.partitions.items() if spec not in specs}
        return replace(self, partitions=kept, modified=now)


def spec_text(spec: Spec, separator: str = ",", quote: str = "") -> str:
    """Return a partition's name as text: ds=20261122,hh=10."""
    return separator.join(f"{name}={quote}{value}{quote}" for name, value in spec)
