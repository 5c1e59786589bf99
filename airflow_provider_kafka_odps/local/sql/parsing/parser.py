"""Reads a script: settings first, then statements; definitions word by word, queries as text for DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.lexer import Cursor, TokenKind, tokenize
from airflow_provider_kafka_odps.local.sql.parsing.alter import read_alter
from airflow_provider_kafka_odps.local.sql.parsing.clauses import (
    read_name,
    read_names,
    read_partitions,
    read_spec,
)
from airflow_provider_kafka_odps.local.sql.parsing.create import read_create
from airflow_provider_kafka_odps.local.sql.parsing.statements import (
    Assign,
    ChangeRows,
    CreateTable,
    CreateView,
    Describe,
    DropSchema,
    DropTable,
    Explain,
    Insert,
    Query,
    Show,
    ShowKind,
    Statement,
    Truncate,
)
from airflow_provider_kafka_odps.local.sql.parsing.views import read_alter_view, read_drop_view

_STATEMENTS = (
    ("CREATE", "EXTERNAL"),
    ("CREATE", "MATERIALIZED"),
    ("CREATE", "FUNCTION"),
    ("CREATE", "SQL"),
    ("CREATE", "TEMPORARY"),
    ("DROP", "MATERIALIZED"),
    ("DROP", "FUNCTION"),
    ("ALTER", "MATERIALIZED"),
    ("ALTER", "SCHEMA"),
    ("ANALYZE",),
    ("CLONE",),
    ("MSCK",),
    ("UNLOAD",),
    ("LOAD",),
    ("GRANT",),
    ("REVOKE",),
    ("USE",),
)


_QUERY_STARTS = ("SELECT", "WITH", "FROM", "VALUES", "(")


@dataclass(frozen=True, slots=True)
class Script:
    """What a job runs: settings in its SET lines, then statements in order."""

    settings: dict[str, str]
    statements: tuple[Statement, ...]


def parse_script(text: str) -> Script:
    """Read `SET k=v; statement; …`.

    Raises SqlError.
    """
    settings: dict[str, str] = {}
    statements = []
    for piece in _split(text):
        cursor = Cursor(piece)
        if cursor.accept("SET"):
            key, _, value = cursor.rest.partition("=")
            settings[key.strip()] = value.strip()
        else:
            statements.append(parse_statement(piece))
    return Script(settings, tuple(statements))


def _split(text: str) -> list[str]:
    pieces, start, seen = [], 0, False
    for token in tokenize(text):
        ends = token.kind is TokenKind.END or (token.kind is TokenKind.SYMBOL and token.value == ";")
        if not ends:
            seen = True
            continue
        if seen:
            pieces.append(text[start : token.start])
        start, seen = token.end, False
    return pieces


def parse_statement(text: str) -> Statement:
    """Read one statement.

    Raises SqlError (parse) showing line and column.
    """
    cursor = Cursor(text)
    statement = _read_statement(cursor)
    if not _ends_with_query(statement):
        cursor.expect_end()
    return statement


def _ends_with_query(statement: Statement) -> bool:
    texts = Query | Insert | ChangeRows | CreateView | Assign | Explain
    return isinstance(statement, texts) or (isinstance(statement, CreateTable) and bool(statement.query))


def _read_statement(cursor: Cursor) -> Statement:
    _refuse_statements(cursor)
    for words, read in _READERS:
        if cursor.accept(*words):
            return read(cursor)
    if cursor.sees("@"):
        return _read_assignment(cursor)
    if any(map(cursor.sees, ("UPDATE", "DELETE", "MERGE"))):
        return ChangeRows(cursor.rest)
    if any(map(cursor.sees, _QUERY_STARTS)):
        return Query(cursor.rest)
    raise cursor.error("expected a statement that this endpoint knows")


def _read_truncate(cursor: Cursor) -> Truncate:
    name = read_name(cursor)
    return Truncate(name, read_partitions(cursor) if cursor.sees("PARTITION") else ())


def _read_explain(cursor: Cursor) -> Explain:
    cursor.accept("EXTENDED")
    inner = _read_statement(cursor)
    if not isinstance(inner, Query | Insert | ChangeRows):
        raise SqlError.unsupported("EXPLAIN of a statement that is no query and changes no rows")
    return Explain(inner)


def _read_assignment(cursor: Cursor) -> Assign:
    cursor.expect("@")
    variable = f"@{cursor.name()}"
    if not cursor.accept(":", "="):
        raise cursor.error(f"expected := and a query: {variable} can be a query here, and no scalar of a type")
    if not any(map(cursor.sees, _QUERY_STARTS)):
        raise cursor.error(f"expected a query: {variable} can be a query here, and no scalar or cache of another one")
    return Assign(variable, cursor.rest)


def _refuse_statements(cursor: Cursor) -> None:
    for words in _STATEMENTS:
        if cursor.sees(*words):
            raise SqlError.unsupported(f"{' '.join(words)} is not part of this endpoint")


def _read_drop(cursor: Cursor) -> DropTable | DropSchema:
    if cursor.accept("SCHEMA") or cursor.accept("DATABASE"):
        existing_only = cursor.accept("IF", "EXISTS")
        name = read_name(cursor)
        cascade = cursor.accept("CASCADE")
        cursor.accept("RESTRICT")
        return DropSchema(name, existing_only, cascade)
    cursor.expect("TABLE")
    existing_only = cursor.accept("IF", "EXISTS")
    name = read_name(cursor)
    cursor.accept("PURGE")
    return DropTable(name, existing_only)


def _read_show(cursor: Cursor) -> Show:
    if cursor.accept("CREATE", "TABLE"):
        return Show(ShowKind.DEFINITION, read_name(cursor))
    if cursor.accept("PARTITIONS"):
        name = read_name(cursor)
        spec = read_spec(cursor) if cursor.accept("PARTITION") else {}
        return Show(ShowKind.PARTITIONS, name, spec=spec)
    for kind in (ShowKind.COLUMNS, ShowKind.PROPERTIES):
        if cursor.accept(kind.value):
            cursor.accept("FROM") or cursor.accept("IN")
            return Show(kind, read_name(cursor))
    kind = ShowKind.SCHEMAS
    if any(map(cursor.sees, ("TABLES", "VIEWS"))):
        kind = ShowKind(cursor.take().value.upper())
    if kind is ShowKind.SCHEMAS and not (cursor.accept("SCHEMAS") or cursor.accept("DATABASES")):
        raise cursor.error("expected TABLES, SCHEMAS, PARTITIONS or CREATE TABLE")
    name = read_name(cursor) if cursor.accept("IN") or cursor.accept("FROM") else ()
    pattern = cursor.string() if cursor.accept("LIKE") else ""
    return Show(kind, name, pattern)


def _read_describe(cursor: Cursor) -> Describe:
    if cursor.accept("SCHEMA"):
        return Describe(read_name(cursor), schema=True)
    cursor.accept("TABLE")
    extended = cursor.accept("EXTENDED")
    name = read_name(cursor)
    spec = read_spec(cursor) if cursor.accept("PARTITION") else None
    return Describe(name, spec, extended=extended)


def _read_insert(cursor: Cursor) -> Insert:
    overwrite = cursor.accept("OVERWRITE")
    if not overwrite:
        cursor.expect("INTO")
    cursor.accept("TABLE")
    name = read_name(cursor)
    partition = read_spec(cursor) if cursor.accept("PARTITION") else {}
    # Parentheses after the name are columns, or around the query.
    columns = read_names(cursor) if cursor.sees("(") and not _opens_query(cursor) else ()
    if not partition and cursor.accept("PARTITION"):
        partition = read_spec(cursor)
    if cursor.finished:
        raise cursor.error("expected SELECT or VALUES")
    return Insert(name, overwrite, partition, columns, cursor.rest)


def _opens_query(cursor: Cursor) -> bool:
    return any(cursor.sees("(", word) for word in ("SELECT", "WITH", "(", "FROM"))


_READERS: tuple[tuple[tuple[str, ...], Callable[[Cursor], Statement]], ...] = (
    (("EXPLAIN",), _read_explain),
    (("CREATE",), read_create),
    (("DROP", "VIEW"), read_drop_view),
    (("DROP",), _read_drop),
    (("ALTER", "TABLE"), read_alter),
    (("ALTER", "VIEW"), read_alter_view),
    (("TRUNCATE", "TABLE"), _read_truncate),
    (("SHOW",), _read_show),
    (("DESC",), _read_describe),
    (("DESCRIBE",), _read_describe),
    (("INSERT",), _read_insert),
)
