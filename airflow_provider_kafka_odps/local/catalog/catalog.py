"""Everything that is committed, as one value: tables by name, schemas, and which uploads made them."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from airflow_provider_kafka_odps.local.catalog.model import Table, TableName

DEFAULT_SCHEMA = "default"


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema of the project; `created` is in seconds since the epoch."""

    name: str
    comment: str = ""
    created: int = 0


@dataclass(frozen=True, slots=True)
class Catalog:
    """One project's committed state; `ended` maps ids of committed uploads, and of statements, to their ends.

    A commit puts rows and its upload's id into the same value, so neither a crash nor a full disk comes between them.
    The id goes once the upload, or the statement, has kept its end in its own file.
    Times are in seconds since the epoch.
    """

    project: str
    created: int = 0
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    tables: Mapping[TableName, Table] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)

    def find(self, name: TableName) -> Table | None:
        """Return the table of this name."""
        return self.tables.get(name)

    def tables_of(self, schema: str) -> list[Table]:
        """Return the tables of a schema, by name."""
        return sorted((t for t in self.tables.values() if t.name.schema == schema), key=lambda t: t.name.table)

    def with_table(self, table: Table) -> Catalog:
        """Return the catalog with this table added or replaced."""
        return replace(self, tables={**self.tables, table.name: table})

    def without_table(self, name: TableName) -> Catalog:
        """Return the catalog without this table."""
        return replace(self, tables={key: table for key, table in self.tables.items() if key != name})

    def with_schema(self, schema: Schema) -> Catalog:
        """Return the catalog with this schema."""
        return replace(self, schemas={**self.schemas, schema.name: schema})

    def without_schema(self, name: str) -> Catalog:
        """Return the catalog without this schema and its tables."""
        return replace(
            self,
            schemas={key: schema for key, schema in self.schemas.items() if key != name},
            tables={key: table for key, table in self.tables.items() if key.schema != name},
        )

    def with_ended(self, ended_id: str, now: int) -> Catalog:
        """Return the catalog that knows this upload, or statement, as ended well."""
        return replace(self, ended={**self.ended, ended_id: now})

    def without_ended(self, ids: AbstractSet[str]) -> Catalog:
        """Return the catalog without these ids."""
        if not ids & self.ended.keys():
            return self
        return replace(self, ended={each: time for each, time in self.ended.items() if each not in ids})

    @property
    def blobs(self) -> frozenset[str]:
        """The names of all files that some table refers to."""
        return frozenset().union(*(table.blobs for table in self.tables.values()))
