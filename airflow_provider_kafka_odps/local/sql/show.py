"""SHOW and DESC: texts about the catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_never

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Column, Table, View, spec_text
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.lexer import quoted
from airflow_provider_kafka_odps.local.sql.parsing.statements import Describe, Show, ShowKind
from airflow_provider_kafka_odps.local.sql.scope import Scope, spec_of, specs_like
from airflow_provider_kafka_odps.local.wire.types import sql_text

_RULE = "+" + "-" * 86 + "+"


def show(catalog: Catalog, statement: Show, scope: Scope) -> str:
    """Return the answer of SHOW.

    Raises SqlError.
    """
    match statement.kind:
        case ShowKind.TABLES | ShowKind.VIEWS:
            schema = scope.schema_name(statement.name) if statement.name else scope.default_schema
            schema = scope.default_schema if schema == scope.project else schema
            only_views = statement.kind is ShowKind.VIEWS
            names = [t.name.table for t in catalog.tables_of(schema) if t.view is not None or not only_views]
            return "\n".join(f"{scope.owner}:{name}" for name in names if _matches(name, statement.pattern))
        case ShowKind.SCHEMAS:
            return "\n".join(sorted(catalog.schemas))
        case ShowKind.PARTITIONS:
            table = scope.table(catalog, statement.name)
            if not table.partition_columns:
                raise SqlError.ddl(f"table {table.name} is not partitioned")
            specs = specs_like(table, statement.spec) if statement.spec else list(table.partitions)
            return "\n".join(spec_text(spec, "/") for spec in sorted(specs))
        case ShowKind.COLUMNS:
            table = scope.table(catalog, statement.name)
            return "\n".join(column.name for column in table.columns + table.partition_columns)
        case ShowKind.PROPERTIES:
            table = scope.table(catalog, statement.name)
            return "\n".join(f"{key}={value}" for key, value in sorted(table.properties.items()))
        case ShowKind.DEFINITION:
            table = scope.table(catalog, statement.name)
            return definition(table, table.name.full if scope.has_schemas else str(table.name))
        case _:
            assert_never(statement.kind)


def _matches(name: str, pattern: str) -> bool:
    """Return whether a name is like a pattern of SHOW: `*` and `%` are any characters, `|` is between two patterns."""
    return not pattern or any(_is_like(name, each.strip()) for each in pattern.split("|"))


def _is_like(name: str, pattern: str) -> bool:
    # Not by a regular expression: a dozen stars would take it hours.
    first, *others = pattern.replace("%", "*").split("*")
    if not others:
        return name == first
    *between, last = others
    if not name.startswith(first) or len(name) < len(first) + len(last) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in between:
        at = name.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def definition(table: Table, name: str) -> str:
    """Return the statement that makes a table or view, by a name that this scope reads."""
    if table.view is not None:
        return _view_definition(table, table.view, name)
    columns = ", ".join(map(_column_text, table.columns))
    if table.primary_key:
        columns += f", PRIMARY KEY ({', '.join(map(quoted, table.primary_key))})"
    text = f"CREATE TABLE IF NOT EXISTS {name}({columns})"
    text += _comment(table.comment)
    if table.partition_columns:
        text += f" PARTITIONED BY ({', '.join(map(_column_text, table.partition_columns))})"
    if table.clustering is not None:
        text += f" {table.clustering}"
    if table.properties:
        pairs = ", ".join(f"{_quoted(key)}={_quoted(value)}" for key, value in table.properties.items())
        text += f" TBLPROPERTIES ({pairs})"
    return text + (f" LIFECYCLE {table.lifecycle};" if table.lifecycle > 0 else ";")


def _view_definition(table: Table, view: View, name: str) -> str:
    names = ", ".join(f"`{column.name}`{_comment(column.comment)}" for column in table.columns)
    return f"CREATE VIEW IF NOT EXISTS {name}({names}){_comment(table.comment)} AS {view.query};"


def _comment(text: str) -> str:
    return f" COMMENT {_quoted(text)}" if text else ""


def _column_text(column: Column) -> str:
    text = f"{quoted(column.name)} {sql_text(column.type)}"
    text += "" if column.nullable else " NOT NULL"
    text += f" DEFAULT {column.default}" if column.default else ""
    return text + _comment(column.comment)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def describe(catalog: Catalog, statement: Describe, scope: Scope) -> str:
    """Return the answer of DESC.

    Raises SqlError.
    """
    if statement.schema:
        name = scope.schema_name(statement.name)
        if name not in catalog.schemas:
            raise SqlError("ODPS-0422155", f"Schema not found - {name}")
        return f"Name: {name}\nOwner: {scope.owner}\nCreatedTime: {_time(catalog.schemas[name].created)}"
    table = scope.table(catalog, statement.name)
    if statement.spec is not None:
        partition = table.partitions.get(spec_of(table, statement.spec))
        if partition is None:
            raise SqlError.ddl(f"NoSuchObjectException(message:partition {dict(statement.spec)} does not exist)")
        lines = [f"PartitionSize: {partition.size}", f"CreateTime: {_time(partition.created)}"]
        lines.append(f"LastModifiedTime: {_time(partition.modified)}")
        if statement.extended:
            lines += [f"PhysicalSize: {partition.size}", f"FileNum: {len(partition.blobs)}", f"Rows: {partition.rows}"]
        return _boxed(lines)
    return _boxed(_table_lines(table) + (_extended_lines(table) if statement.extended else []))


def _table_lines(table: Table) -> list[str]:
    lines = [
        f"Owner: {table.owner} | Project: {table.name.project} | Schema: {table.name.schema}",
        f"TableComment: {table.comment}",
        f"CreateTime: {_time(table.created)}",
        f"LastDDLTime: {_time(table.defined)}",
        f"LastModifiedTime: {_time(table.modified)}",
        f"Lifecycle: {table.lifecycle}" if table.lifecycle > 0 else "",
        _kind_line(table),
        "Native Columns:",
        *(_column_line(column) for column in table.columns),
    ]
    if table.partition_columns:
        lines += ["Partition Columns:", *(_column_line(column) for column in table.partition_columns)]
    return [line for line in lines if line]


def _kind_line(table: Table) -> str:
    if table.view is None:
        return f"InternalTable: YES | Size: {table.size}"
    return f"VirtualView: YES | ViewText: {' '.join(table.view.query.split())}"


def _extended_lines(table: Table) -> list[str]:
    lines = ["Extended Info:", f"TableID: {table.table_id}", "IsArchived: false", f"PhysicalSize: {table.size}"]
    lines += [f"FileNum: {len(table.blobs)}", f"Rows: {table.rows}", "StoredAs: Arrow"]
    lines.append(f"Transactional: {str(table.transactional).lower()}")
    if table.primary_key:
        lines.append(f"Primarykey: [{', '.join(table.primary_key)}]")
    if table.clustering is not None:
        lines.append(f"Clustering: {table.clustering}")
    lines += [f"Property: {key}={value}" for key, value in sorted(table.properties.items())]
    return lines + [f"Default: {column.name}={column.default}" for column in table.columns if column.default]


def _column_line(column: Column) -> str:
    return f"{column.name:<16}| {column.type!s:<16}| {'' if column.nullable else 'NOT NULL'} | {column.comment}"


def _boxed(lines: list[str]) -> str:
    return "\n".join([_RULE, *(f"| {line:<84} |" for line in lines), _RULE])


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
