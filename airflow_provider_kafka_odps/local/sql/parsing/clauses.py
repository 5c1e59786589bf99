"""Parts that several statements share: names, partition specs, column lists, properties."""

from __future__ import annotations

from airflow_provider_kafka_odps.local.catalog.model import Clustering
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.lexer import Cursor, TokenKind
from airflow_provider_kafka_odps.local.sql.parsing.statements import ColumnDefinition, Name, Values
from airflow_provider_kafka_odps.local.wire.types import read_type

_LONGEST_NAME = 3


_CONSTANTS = frozenset({"TRUE", "FALSE", "NULL", "DATE", "DATETIME", "TIMESTAMP"})


def read_name(cursor: Cursor) -> Name:
    """Take a name of one to three parts."""
    parts = [cursor.name()]
    while cursor.accept("."):
        parts.append(cursor.name())
    if len(parts) > _LONGEST_NAME:
        raise cursor.error("expected at most project.schema.table before it")
    return tuple(parts)


def read_spec(cursor: Cursor) -> dict[str, str | None]:
    """Take `(ds='a', hh=7)`; a name without a value is a dynamic partition."""
    cursor.expect("(")
    spec: dict[str, str | None] = {}
    while True:
        name = cursor.name()
        spec[name] = _read_value(cursor) if cursor.accept("=") else None
        if not cursor.accept(","):
            break
    cursor.expect(")")
    return spec


def _read_value(cursor: Cursor) -> str:
    if cursor.next.kind is TokenKind.STRING:
        return cursor.string()
    sign = "-" if cursor.accept("-") else ""
    if cursor.next.kind not in (TokenKind.NUMBER, TokenKind.WORD):
        raise cursor.error("expected the value of a partition column")
    return sign + cursor.take().value


def read_partitions(cursor: Cursor) -> tuple[Values, ...]:
    """Take one or more PARTITION (…), with or without commas between."""
    specs = []
    cursor.expect("PARTITION")
    while True:
        specs.append(read_spec(cursor))
        cursor.accept(",")
        if not cursor.accept("PARTITION"):
            return tuple(specs)


def read_columns(cursor: Cursor) -> tuple[ColumnDefinition, ...]:
    """Take `(name type [NOT NULL] [DEFAULT …] [COMMENT '…'], …)`."""
    columns, _ = read_columns_and_key(cursor)
    return columns


def read_columns_and_key(cursor: Cursor) -> tuple[tuple[ColumnDefinition, ...], tuple[str, ...]]:
    """Take a column list that may hold PRIMARY KEY (…)."""
    cursor.expect("(")
    columns: list[ColumnDefinition] = []
    key: tuple[str, ...] = ()
    while True:
        if cursor.accept("PRIMARY", "KEY"):
            key = read_names(cursor)
        else:
            columns.append(read_column(cursor))
        if not cursor.accept(","):
            break
    cursor.expect(")")
    return tuple(columns), key


def read_column(cursor: Cursor) -> ColumnDefinition:
    """Take one column."""
    name = cursor.name()
    column_type = read_type(cursor)
    nullable, comment, default = True, "", ""
    while True:
        if cursor.accept("NOT", "NULL"):
            nullable = False
        elif cursor.accept("NULL"):
            nullable = True
        elif cursor.accept("COMMENT"):
            comment = cursor.string()
        elif cursor.accept("DEFAULT"):
            default = _read_default(cursor)
        else:
            return ColumnDefinition(name, column_type, comment, nullable, default)


def _read_default(cursor: Cursor) -> str:
    start = cursor.next.start
    if not (cursor.accept("-") or cursor.accept("+")) and cursor.next.kind is TokenKind.WORD:
        word = cursor.next.value.upper()
        if word not in _CONSTANTS or cursor.after("("):
            raise SqlError.unsupported(f"DEFAULT {cursor.next.value}: a default must be a literal here")
    elif cursor.next.kind not in (TokenKind.NUMBER, TokenKind.STRING):
        raise cursor.error("expected a literal")
    end = cursor.take().end
    if cursor.next.kind is TokenKind.STRING and cursor.text[start:end].upper() in _CONSTANTS:
        end = cursor.take().end
    return cursor.text[start:end]


def read_clustering(cursor: Cursor) -> Clustering | None:
    """Take `[RANGE] CLUSTERED BY (…) [SORTED BY (…)] [INTO n BUCKETS]`, if it comes next."""
    ranged = cursor.accept("RANGE", "CLUSTERED", "BY")
    if not ranged and not cursor.accept("CLUSTERED", "BY"):
        return None
    columns = read_names(cursor)
    sorts = _read_sorts(cursor) if cursor.accept("SORTED", "BY") else ()
    buckets = 0
    if cursor.accept("INTO"):
        buckets = cursor.integer()
        cursor.expect("BUCKETS")
    return Clustering(ranged, columns, sorts, buckets)


def _read_sorts(cursor: Cursor) -> tuple[tuple[str, str], ...]:
    cursor.expect("(")
    sorts = []
    while True:
        name = cursor.name()
        order = "desc" if cursor.accept("DESC") else "asc"
        cursor.accept("ASC")
        sorts.append((name, order))
        if not cursor.accept(","):
            break
    cursor.expect(")")
    return tuple(sorts)


def read_names(cursor: Cursor) -> tuple[str, ...]:
    """Take `(a, b)`."""
    cursor.expect("(")
    names = [cursor.name()]
    while cursor.accept(","):
        names.append(cursor.name())
    cursor.expect(")")
    return tuple(names)


def read_properties(cursor: Cursor) -> dict[str, str]:
    """Take `('k'='v', …)`; keys may be bare or dotted words."""
    cursor.expect("(")
    properties = {}
    while True:
        key = _read_key(cursor)
        cursor.expect("=")
        properties[key] = cursor.take().value
        if not cursor.accept(","):
            break
    cursor.expect(")")
    return properties


def read_keys(cursor: Cursor) -> tuple[str, ...]:
    """Take `('k', …)`: the names of properties."""
    cursor.expect("(")
    keys = [_read_key(cursor)]
    while cursor.accept(","):
        keys.append(_read_key(cursor))
    cursor.expect(")")
    return tuple(keys)


def _read_key(cursor: Cursor) -> str:
    if cursor.next.kind is TokenKind.STRING:
        return cursor.string()
    parts = [cursor.take().value]
    while cursor.accept("."):
        parts.append(cursor.take().value)
    return ".".join(parts)
