"""The scope of a statement: project, default schema, settings and time, by which names are resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_kafka_odps.local.catalog.catalog import DEFAULT_SCHEMA, Catalog
from airflow_provider_kafka_odps.local.catalog.model import Spec, Table, TableName
from airflow_provider_kafka_odps.local.catalog.specs import complete_spec
from airflow_provider_kafka_odps.local.errors import ServiceError, SqlError
from airflow_provider_kafka_odps.local.settings import SCHEMA_SYNTAX, TIMEZONE
from airflow_provider_kafka_odps.local.sql.parsing.statements import Name, Values
from airflow_provider_kafka_odps.local.sql.stopping import Stopping

_UTC = frozenset({"", "UTC", "ETC/UTC", "GMT", "ETC/GMT", "Z", "ZULU", "ETC/ZULU", "UCT", "ETC/UCT"})


@dataclass(frozen=True, slots=True)
class Scope:
    """By what the names of a statement are resolved; `now` is in seconds since the epoch.

    `job` is the id of the instance that has ended well once this statement has, if it is the last one of its script.
    """

    project: str
    now: int
    owner: str
    settings: dict[str, str] = field(default_factory=dict)
    new_id: str = ""
    job: str = ""
    stopping: Stopping = field(default_factory=Stopping)
    variables: Mapping[str, str] = field(default_factory=dict)
    """What a script has set: @name → query."""

    @property
    def has_schemas(self) -> bool:
        """Whether names have schemas: what the statement says counts before what the tenant says."""
        return self.settings.get(SCHEMA_SYNTAX, "true").lower() == "true"

    @property
    def zone(self) -> str:
        """The time zone by whose clock statements read and write times; empty for UTC."""
        name = self.settings.get(TIMEZONE, "").strip()
        return "" if name.upper() in _UTC else name

    @property
    def default_schema(self) -> str:
        """The schema of names that don't have one."""
        return (self.settings.get("odps.default.schema") if self.has_schemas else None) or DEFAULT_SCHEMA

    def full_name(self, catalog: Catalog, name: Name) -> TableName:
        """Return the table that a name of one to three parts means; two are `schema.table` where names have schemas.

        Raises SqlError for another project, or a schema that isn't there.
        """
        match name:
            case (table,):
                found = TableName(self.project, self.default_schema, table)
            case (schema, table) if self.has_schemas:
                found = TableName(self.project, schema, table)
            case (project, table):
                found = TableName(self._named(project), DEFAULT_SCHEMA, table)
            case (project, schema, table) if self.has_schemas:
                found = TableName(self._named(project), schema, table)
            case (_, _, _):
                raise SqlError.semantic(f"{'.'.join(name)} has a schema, and {SCHEMA_SYNTAX} is false")
            case _:
                raise SqlError.semantic(f"{'.'.join(name)} is not the name of a table")
        if found.project != self.project:
            raise SqlError("ODPS-0420111", f"Project not found - '{found.project}'")
        if found.schema not in catalog.schemas:
            raise SqlError("ODPS-0422155", f"Schema not found - {self.project}.{found.schema}")
        return found

    def _named(self, project: str) -> str:
        # Names of statements are in lower case; that of the project is as it was given.
        return self.project if project.lower() == self.project.lower() else project

    def table(self, catalog: Catalog, name: Name) -> Table:
        """Return the table or view of this name.

        Raises SqlError (table not found).
        """
        found = self.full_name(catalog, name)
        table = catalog.find(found)
        if table is None:
            raise SqlError.no_table(str(found))
        return table

    def stored(self, catalog: Catalog, name: Name, what: str) -> Table:
        """Return the table of this name, which has rows of its own; `what` is to be done with it.

        Raises SqlError (table not found, or it is a view).
        """
        table = self.table(catalog, name)
        if table.view is not None:
            raise SqlError.semantic(f"{table.name} is a view: {what} needs a table")
        return table

    def schema_name(self, name: Name) -> str:
        """Return the schema that `s` or `project.s` means.

        Raises SqlError for another project.
        """
        match name:
            case (schema,):
                return schema
            case (project, schema) if self._named(project) == self.project:
                return schema
            case _:
                raise SqlError("ODPS-0420111", f"Project not found - '{name[0]}'")


def spec_of(table: Table, values: Values) -> Spec:
    """Return the complete partition spec of these values.

    Raises SqlError when it is incomplete or names a column that doesn't partition the table.
    """
    try:
        return complete_spec(table, {name: value or "" for name, value in values.items()})
    except ServiceError as reason:
        raise SqlError.semantic(f"invalid partition spec: {reason.message}") from None


def specs_like(table: Table, values: Values) -> list[Spec]:
    """Return the partitions whose columns have these values; a column that isn't named has any."""
    known = {column.name for column in table.partition_columns}
    unknown = [name for name in values if name not in known]
    if unknown or not values:
        raise SqlError.semantic(f"{table.name} is not partitioned by {', '.join(unknown) or 'nothing'}")
    return [spec for spec in table.partitions if all(dict(spec)[name] == value for name, value in values.items())]
