"""Views: queries with a name, which every query that reads them runs again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Column, Table, View
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.settings import SCHEMA_SYNTAX
from airflow_provider_kafka_odps.local.sql.parsing.statements import AlterView, CreateView, DropView, Name
from airflow_provider_kafka_odps.local.sql.queries.translating import translate
from airflow_provider_kafka_odps.local.sql.scope import Scope


def create_view(catalog: Catalog, statement: CreateView, scope: Scope, columns: Sequence[Column]) -> Catalog:
    """Return the catalog with this view; `columns` are those of its query.

    The tables that it names have for it, ever after, the columns that they have now.

    Raises SqlError: the name is taken, or the statement names another number of columns.
    """
    name = scope.full_name(catalog, statement.name)
    known = catalog.find(name)
    if known is not None and (known.view is None or not statement.replaces):
        if statement.if_not_exists:
            return catalog
        kind = "Table" if known.view is None else "View"
        raise SqlError.ddl(f"AlreadyExistsException(message:{kind} {name} already exists)")
    # What its names meant when it was made, they mean for whoever reads it.
    settings = {
        SCHEMA_SYNTAX: str(scope.has_schemas).lower(),
        "odps.default.schema": scope.default_schema,
    }
    view = Table(
        name,
        known.table_id if known is not None else scope.new_id,
        _named(columns, statement),
        next_field_id=len(columns),
        comment=statement.comment,
        owner=scope.owner,
        created=known.created if known is not None else scope.now,
        defined=scope.now,
        modified=scope.now,
        view=View(statement.query, settings, translate(statement.query, catalog, scope).named),
    )
    return catalog.with_table(view)


def _named(columns: Sequence[Column], statement: CreateView) -> tuple[Column, ...]:
    if not statement.names:
        return tuple(columns)
    if len(statement.names) != len(columns):
        raise SqlError.semantic(
            f"the view names {len(statement.names)} columns, but its query has {len(columns)}: "
            f"{', '.join(column.name for column in columns)}"
        )
    names = [name for name, _ in statement.names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SqlError.semantic(f"column {', '.join(twice)} is defined twice")
    return tuple(
        replace(column, name=name, comment=comment)
        for column, (name, comment) in zip(columns, statement.names, strict=True)
    )


def change_view(catalog: Catalog, statement: DropView | AlterView, scope: Scope) -> Catalog:
    """Return the catalog without this view, or with it as it was altered.

    Raises SqlError: there is none, it is a table, or the new name is taken.
    """
    match statement:
        case DropView(name, if_exists):
            if if_exists and catalog.find(scope.full_name(catalog, name)) is None:
                return catalog
            return catalog.without_table(_view(catalog, name, scope).name)
        case AlterView(name, new_name, owner):
            view = _view(catalog, name, scope)
            altered = replace(view, owner=view.owner if owner is None else owner, defined=scope.now)
            if new_name is None:
                return catalog.with_table(altered)
            moved = replace(view.name, table=new_name[-1])
            if len(new_name) > 1 and scope.full_name(catalog, new_name) != moved:
                raise SqlError.unsupported(f"moving {view.name} to another schema or project: {'.'.join(new_name)}")
            if catalog.find(moved) is not None:
                raise SqlError.ddl(f"AlreadyExistsException(message:Table {moved} already exists)")
            return catalog.without_table(view.name).with_table(replace(altered, name=moved))
        case _:
            assert_never(statement)


def _view(catalog: Catalog, name: Name, scope: Scope) -> Table:
    found = scope.table(catalog, name)
    if found.view is None:
        raise SqlError.semantic(f"{found.name} is a table and no view")
    return found
