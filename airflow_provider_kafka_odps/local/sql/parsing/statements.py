"""Statements as values: what the parser reads and the engine runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from airflow_provider_kafka_odps.local.catalog.model import Clustering
from airflow_provider_kafka_odps.local.wire.types import ColumnType

Name = tuple[str, ...]
"""One to three parts: table, project.table or schema.table, project.schema.table."""

Values = Mapping[str, str | None]
"""Partition column → value; None where a dynamic partition takes it from the rows."""


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    """A column as a statement defines it."""

    name: str
    type: ColumnType
    comment: str = ""
    nullable: bool = True
    default: str = ""


@dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE TABLE with columns, LIKE another table, or AS a query."""

    name: Name
    if_not_exists: bool
    columns: tuple[ColumnDefinition, ...] = ()
    partition_columns: tuple[ColumnDefinition, ...] = ()
    comment: str = ""
    lifecycle: int = -1
    properties: Mapping[str, str] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()
    clustering: Clustering | None = None
    like: Name = ()
    query: str = ""


@dataclass(frozen=True, slots=True)
class CreateView:
    """CREATE VIEW; `names` are (name, comment) of its columns, or none where they are the query's."""

    name: Name
    query: str
    if_not_exists: bool = False
    replaces: bool = False
    names: tuple[tuple[str, str], ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class DropView:
    """DROP VIEW."""

    name: Name
    if_exists: bool


@dataclass(frozen=True, slots=True)
class AlterView:
    """ALTER VIEW … RENAME TO, CHANGEOWNER: what is None stays as it is."""

    name: Name
    new_name: Name | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class DropTable:
    """DROP TABLE."""

    name: Name
    if_exists: bool


@dataclass(frozen=True, slots=True)
class Truncate:
    """TRUNCATE TABLE, the whole of it or some partitions."""

    name: Name
    specs: tuple[Values, ...]


@dataclass(frozen=True, slots=True)
class AddPartitions:
    """ALTER TABLE … ADD PARTITION, one or several."""

    name: Name
    specs: tuple[Values, ...]
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class DropPartitions:
    """ALTER TABLE … DROP PARTITION, one or several."""

    name: Name
    specs: tuple[Values, ...]
    if_exists: bool


@dataclass(frozen=True, slots=True)
class RenamePartition:
    """ALTER TABLE … PARTITION (…) RENAME TO PARTITION (…)."""

    name: Name
    spec: Values
    new_spec: Values


@dataclass(frozen=True, slots=True)
class Touch:
    """ALTER TABLE … TOUCH: the table, or a partition of it, counts as modified now."""

    name: Name
    specs: tuple[Values, ...]


@dataclass(frozen=True, slots=True)
class AddColumns:
    """ALTER TABLE … ADD COLUMNS."""

    name: Name
    columns: tuple[ColumnDefinition, ...]
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class DropColumns:
    """ALTER TABLE … DROP COLUMNS."""

    name: Name
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangeColumn:
    """ALTER TABLE … CHANGE COLUMN, RENAME COLUMN: what is None stays as it is."""

    name: Name
    column: str
    new_name: str | None = None
    type: ColumnType | None = None
    comment: str | None = None
    nullable: bool | None = None
    after: str | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class AlterTable:
    """ALTER TABLE … SET LIFECYCLE, COMMENT, TBLPROPERTIES, RENAME TO, CHANGEOWNER: what is None stays as it is.

    `unset` are properties that go.
    """

    name: Name
    lifecycle: int | None = None
    comment: str | None = None
    properties: Mapping[str, str] | None = None
    new_name: Name | None = None
    owner: str | None = None
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """ALTER TABLE … CLUSTERED BY, NOT CLUSTERED."""

    name: Name
    clustering: Clustering | None


@dataclass(frozen=True, slots=True)
class Maintain:
    """What the service does to files and lifecycles; it changes nothing here, but the table must exist."""

    name: Name


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """CREATE SCHEMA."""

    name: Name
    if_not_exists: bool
    comment: str = ""


@dataclass(frozen=True, slots=True)
class DropSchema:
    """DROP SCHEMA."""

    name: Name
    if_exists: bool
    cascade: bool


class ShowKind(Enum):
    """What SHOW lists, as it stands in the statement."""

    TABLES = "TABLES"
    VIEWS = "VIEWS"
    SCHEMAS = "SCHEMAS"
    PARTITIONS = "PARTITIONS"
    COLUMNS = "COLUMNS"
    PROPERTIES = "TBLPROPERTIES"
    DEFINITION = "CREATE TABLE"


@dataclass(frozen=True, slots=True)
class Show:
    """SHOW TABLES | SCHEMAS | PARTITIONS | COLUMNS | TBLPROPERTIES | CREATE TABLE."""

    kind: ShowKind
    name: Name = ()
    pattern: str = ""
    spec: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Describe:
    """DESC a table, a partition of it, or a schema."""

    name: Name
    spec: Values | None = None
    schema: bool = False
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Insert:
    """INSERT INTO | OVERWRITE … a query or VALUES; `columns` are those named, or none for all."""

    name: Name
    overwrite: bool
    partition: Values
    columns: tuple[str, ...]
    query: str


@dataclass(frozen=True, slots=True)
class ChangeRows:
    """UPDATE, DELETE, MERGE INTO."""

    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """SELECT, WITH, FROM … SELECT, VALUES."""

    text: str


@dataclass(frozen=True, slots=True)
class Assign:
    """@name := a query: what later statements of the script read from @name."""

    variable: str
    query: str


@dataclass(frozen=True, slots=True)
class Explain:
    """EXPLAIN a query, or a statement that writes what a query returns."""

    statement: Query | Insert | ChangeRows


Definition: TypeAlias = (
    CreateTable
    | DropTable
    | DropView
    | AlterView
    | Truncate
    | AddPartitions
    | DropPartitions
    | RenamePartition
    | Touch
    | AddColumns
    | DropColumns
    | ChangeColumn
    | AlterTable
    | Cluster
    | Maintain
    | CreateSchema
    | DropSchema
)

Statement: TypeAlias = Definition | CreateView | Show | Describe | Insert | ChangeRows | Query | Assign | Explain
