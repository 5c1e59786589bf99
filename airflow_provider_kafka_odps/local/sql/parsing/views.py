"""CREATE, DROP and ALTER VIEW."""

from __future__ import annotations

from airflow_provider_kafka_odps.local.lexer import Cursor
from airflow_provider_kafka_odps.local.sql.parsing.clauses import read_name
from airflow_provider_kafka_odps.local.sql.parsing.statements import AlterView, CreateView, DropView


def read_create_view(cursor: Cursor) -> CreateView | None:
    """Take `[OR REPLACE] VIEW [IF NOT EXISTS] name [(columns)] [COMMENT …] AS query`; None when it isn't one.

    Raises SqlError (parse).
    """
    replaces = cursor.sees("OR", "REPLACE", "VIEW")
    if not replaces and not cursor.sees("VIEW"):
        return None
    cursor.expect(*(("OR", "REPLACE", "VIEW") if replaces else ("VIEW",)))
    missing_only = cursor.accept("IF", "NOT", "EXISTS")
    name = read_name(cursor)
    names = _read_names(cursor) if cursor.sees("(") else ()
    comment = cursor.string() if cursor.accept("COMMENT") else ""
    cursor.expect("AS")
    if cursor.finished:
        raise cursor.error("expected the query of the view")
    return CreateView(name, cursor.rest, missing_only, replaces, names, comment)


def _read_names(cursor: Cursor) -> tuple[tuple[str, str], ...]:
    cursor.expect("(")
    names = []
    while True:
        names.append((cursor.name(), cursor.string() if cursor.accept("COMMENT") else ""))
        if not cursor.accept(","):
            break
    cursor.expect(")")
    return tuple(names)


def read_drop_view(cursor: Cursor) -> DropView:
    """Take `[IF EXISTS] name`, behind DROP VIEW.

    Raises SqlError (parse).
    """
    existing_only = cursor.accept("IF", "EXISTS")
    return DropView(read_name(cursor), existing_only)


def read_alter_view(cursor: Cursor) -> AlterView:
    """Take `name RENAME TO name` or `name CHANGEOWNER TO owner`, behind ALTER VIEW.

    Raises SqlError (parse).
    """
    name = read_name(cursor)
    if cursor.accept("RENAME", "TO"):
        return AlterView(name, new_name=read_name(cursor))
    if cursor.accept("CHANGEOWNER", "TO"):
        return AlterView(name, owner=cursor.string())
    raise cursor.error("expected RENAME TO or CHANGEOWNER TO; CREATE OR REPLACE VIEW gives it another query")
