"""Reads a script: settings first, then statements; definitions word by word, queries as text for DuckDB."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.lexer import Cursor, TokenKind, tokenize
from airflow_provider_kafka_odps.local.sql.parsing.alter import read_alter
from airflow_provider_kafka_odps.local.sql.parsing.clauses import (
    read_clustering,
    read_columns,
    read_columns_and_key,
    read_name,
    read_names,
    read_partitions,
    read_properties,
    read_spec,
)
from airflow_provider_kafka_odps.local.sql.parsing.statements import (
    ColumnDefinition,
    CreateSchema,
    CreateTable,
    Describe,
    DropSchema,
    DropTable,
    Insert,
    Query,
    Show,
    ShowKind,
    Statement,
    Truncate,
)

_CLAUSES = (
    ("AUTO",),
    ("STORED", "BY"),
    ("ROW", "FORMAT"),
    ("WITH", "SERDEPROPERTIES"),
    ("LOCATION",),
    ("USING",),
    ("INTO",),
    ("PARTITIONED", "ON"),
)


_STATEMENTS = (
    ("CREATE", "EXTERNAL"),
    ("CREATE", "VIEW"),
    ("CREATE", "OR"),
    ("CREATE", "MATERIALIZED"),
    ("CREATE", "FUNCTION"),
    ("CREATE", "SQL"),
    ("CREATE", "TEMPORARY"),
    ("DROP", "VIEW"),
    ("DROP", "MATERIALIZED"),
    ("DROP", "FUNCTION"),
    ("ALTER", "VIEW"),
    ("ALTER", "MATERIALIZED"),
    ("ALTER", "SCHEMA"),
    ("UPDATE",),
    ("DELETE",),
    ("MERGE",),
    ("EXPLAIN",),
    ("ANALYZE",),
    ("CLONE",),
    ("MSCK",),
    ("UNLOAD",),
    ("LOAD",),
    ("GRANT",),
    ("REVOKE",),
    ("USE",),
)


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
    if not isinstance(statement, Query | Insert) and not (isinstance(statement, CreateTable) and statement.query):
        cursor.expect_end()
    return statement


def _read_statement(cursor: Cursor) -> Statement:
    _refuse_statements(cursor)
    if cursor.accept("CREATE"):
        return _read_create(cursor)
    if cursor.accept("DROP"):
        return _read_drop(cursor)
    if cursor.accept("ALTER", "TABLE"):
        return read_alter(cursor)
    if cursor.accept("TRUNCATE", "TABLE"):
        name = read_name(cursor)
        return Truncate(name, read_partitions(cursor) if cursor.sees("PARTITION") else ())
    if cursor.accept("SHOW"):
        return _read_show(cursor)
    if cursor.accept("DESC") or cursor.accept("DESCRIBE"):
        return _read_describe(cursor)
    if cursor.accept("INSERT"):
        return _read_insert(cursor)
    if any(map(cursor.sees, ("SELECT", "WITH", "FROM", "VALUES", "("))):
        return Query(cursor.rest)
    raise cursor.error("expected a statement that this endpoint knows")


def _read_create(cursor: Cursor) -> CreateTable | CreateSchema:  # noqa: C901 - one flat list of clauses
    if cursor.accept("SCHEMA") or cursor.accept("DATABASE"):
        missing_only = cursor.accept("IF", "NOT", "EXISTS")
        name = read_name(cursor)
        return CreateSchema(name, missing_only, cursor.string() if cursor.accept("COMMENT") else "")
    cursor.expect("TABLE")
    missing_only = cursor.accept("IF", "NOT", "EXISTS")
    name = read_name(cursor)
    if cursor.accept("LIKE"):
        like = read_name(cursor)
        return CreateTable(name, missing_only, lifecycle=_read_lifecycle(cursor), like=like)
    columns, key = read_columns_and_key(cursor) if cursor.sees("(") else ((), ())
    comment, lifecycle = "", -1
    properties: dict[str, str] = {}
    partition_columns: tuple[ColumnDefinition, ...] = ()
    clustering = None
    while True:
        _refuse_clauses(cursor)
        if cursor.accept("COMMENT"):
            comment = cursor.string()
        elif cursor.accept("PARTITIONED", "BY"):
            partition_columns = read_columns(cursor)
        elif cursor.accept("PRIMARY", "KEY"):
            key = read_names(cursor)
        elif cursor.accept("TBLPROPERTIES"):
            properties = read_properties(cursor)
        elif cursor.sees("LIFECYCLE"):
            lifecycle = _read_lifecycle(cursor)
        elif (found := read_clustering(cursor)) is not None:
            clustering = found
        elif not _skip_storage(cursor):
            break
    query = cursor.rest if cursor.accept("AS") or cursor.sees("SELECT") else ""
    if not columns and not query:
        raise cursor.error("expected the columns of the table")
    return CreateTable(
        name, missing_only, columns, partition_columns, comment, lifecycle, properties, key, clustering, query=query
    )


def _refuse_clauses(cursor: Cursor) -> None:
    for words in _CLAUSES:
        if cursor.sees(*words):
            raise SqlError.unsupported(f"CREATE TABLE … {' '.join(words)} is not part of this endpoint")


def _refuse_statements(cursor: Cursor) -> None:
    for words in _STATEMENTS:
        if cursor.sees(*words):
            raise SqlError.unsupported(f"{' '.join(words)} is not part of this endpoint")


def _read_lifecycle(cursor: Cursor) -> int:
    return cursor.integer() if cursor.accept("LIFECYCLE") else -1


def _skip_storage(cursor: Cursor) -> bool:
    if cursor.accept("STORED", "AS"):
        cursor.name()
        return True
    return False


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
    kind = ShowKind.TABLES if cursor.accept("TABLES") else ShowKind.SCHEMAS
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
