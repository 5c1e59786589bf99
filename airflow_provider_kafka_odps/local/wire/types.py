"""Column types: read from text, written as the plain text that every client parses, mapped to Arrow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.lexer import Cursor, TokenKind, quoted

if TYPE_CHECKING:
    import pyarrow as pa


MAX_PRECISION = 38


MOST_LEVELS = 32
"""Of a type that is nested; deeper ones are refused, in a definition and in a result."""


_PLAIN = re.compile(r"[^\W\d]\w*")
"""A name that is one word to every reader of types."""


_LEGACY_DECIMAL = (54, 18)


class Kind(Enum):
    """Every type that a tunnel carries."""

    TINYINT = "tinyint"
    SMALLINT = "smallint"
    INT = "int"
    BIGINT = "bigint"
    FLOAT = "float"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    STRING = "string"
    BINARY = "binary"
    JSON = "json"
    CHAR = "char"
    VARCHAR = "varchar"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    TIMESTAMP = "timestamp"
    TIMESTAMP_NTZ = "timestamp_ntz"
    INTERVAL_DAY_TIME = "interval_day_time"
    INTERVAL_YEAR_MONTH = "interval_year_month"
    ARRAY = "array"
    MAP = "map"
    STRUCT = "struct"
    VECTOR = "vector"


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type: `sizes` are a length, or precision and scale; `parts` are (name, type) of what it is made of."""

    kind: Kind
    sizes: tuple[int, ...] = ()
    parts: tuple[tuple[str, ColumnType], ...] = ()

    def __post_init__(self) -> None:
        """Refuse sizes that the service refuses, and what could not be written down."""
        if self.parts and _depth(self) > MOST_LEVELS:
            raise SqlError.semantic(f"the type has more than {MOST_LEVELS} levels")
        if self.kind is Kind.STRUCT and not all(name for name, _ in self.parts):
            raise SqlError.semantic("a field of a STRUCT has an empty name")
        match self.kind, self.sizes:
            case (Kind.CHAR, (n,)) if not 1 <= n <= 255:  # noqa: PLR2004 - the documented limit
                raise SqlError.semantic(f"char({n}): the length of CHAR is 1 to 255")
            case (Kind.VARCHAR, (n,)) if not 1 <= n <= 65535:  # noqa: PLR2004 - the documented limit
                raise SqlError.semantic(f"varchar({n}): the length of VARCHAR is 1 to 65535")
            case (Kind.VECTOR, (n,)) if n < 1:
                raise SqlError.semantic(f"{self}: the dimension of a VECTOR is 1 at least")
            case (Kind.DECIMAL, (p, s)) if not (1 <= p <= MAX_PRECISION and 0 <= s <= p):
                raise SqlError.semantic(f"decimal({p},{s}): precision is 1 to 38 and scale 0 to precision")
            case _:
                pass

    def __str__(self) -> str:
        """Return plain text in lower case, without backticks: Go's parser takes nothing else.

        Only names of fields that could not be read back have them, such as `a b`.
        """
        match self.kind:
            case Kind.STRUCT:
                return f"struct<{','.join(f'{_quoted(name)}:{part}' for name, part in self.parts)}>"
            case Kind.ARRAY | Kind.MAP:
                return f"{self.kind.value}<{','.join(str(part) for _, part in self.parts)}>"
            case Kind.VECTOR:
                return f"vector({self.parts[0][1]},{self.sizes[0]})"
            case _:
                sizes = f"({','.join(map(str, self.sizes))})" if self.sizes else ""
                return f"{self.kind.value}{sizes}"


def _depth(column: ColumnType) -> int:
    return 1 + max((_depth(part) for _, part in column.parts), default=0)


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else quoted(name)


def sql_text(column: ColumnType) -> str:
    """Return a type as definitions write it: in capitals, but for the names of fields, which are as they are."""
    match column.kind:
        case Kind.STRUCT:
            return f"STRUCT<{','.join(f'{_quoted(name)}:{sql_text(part)}' for name, part in column.parts)}>"
        case Kind.ARRAY | Kind.MAP:
            return f"{column.kind.name}<{','.join(sql_text(part) for _, part in column.parts)}>"
        case _:
            return str(column).upper()


def parse_type(text: str) -> ColumnType:
    """Read one whole type text.

    Raises SqlError (parse) showing what came instead.
    """
    cursor = Cursor(text)
    found = read_type(cursor)
    if not cursor.finished:
        raise cursor.error("expected the end of the type")
    return found


def read_type(cursor: Cursor, levels: int = MOST_LEVELS) -> ColumnType:
    """Take a type of at most so many levels from the cursor.

    Raises SqlError.
    """
    if not levels:
        # Each level is a call: thousands of them would be the end of the stack.
        raise SqlError.semantic(f"the type has more than {MOST_LEVELS} levels")
    try:
        kind = Kind(cursor.next.value.lower())
    except ValueError:
        kind = _aliased(cursor)
    cursor.take()
    match kind:
        case Kind.ARRAY:
            cursor.expect("<")
            parts = (("element", read_type(cursor, levels - 1)),)
            cursor.expect(">")
            return ColumnType(kind, (), parts)
        case Kind.MAP:
            cursor.expect("<")
            key = read_type(cursor, levels - 1)
            cursor.expect(",")
            value = read_type(cursor, levels - 1)
            cursor.expect(">")
            return ColumnType(kind, (), (("key", key), ("value", value)))
        case Kind.STRUCT:
            return ColumnType(kind, (), _read_fields(cursor, levels - 1))
        case Kind.VECTOR:
            return _read_vector(cursor)
        case Kind.CHAR | Kind.VARCHAR | Kind.DECIMAL:
            return ColumnType(kind, _read_sizes(cursor, kind))
        case _:
            return ColumnType(kind)


def _aliased(cursor: Cursor) -> Kind:
    aliases = {"integer": Kind.INT, "numeric": Kind.DECIMAL}
    kind = aliases.get(cursor.next.value.lower())
    if kind is None or cursor.next.kind is not TokenKind.WORD:
        raise cursor.error("expected a type")
    return kind


def _read_fields(cursor: Cursor, levels: int) -> tuple[tuple[str, ColumnType], ...]:
    cursor.expect("<")
    fields = []
    while True:
        if cursor.next.kind not in (TokenKind.WORD, TokenKind.QUOTED):
            raise cursor.error("expected the name of a struct's field")
        name = cursor.take().value
        cursor.expect(":")
        fields.append((name, read_type(cursor, levels)))
        cursor.accept("NOT", "NULL")
        if cursor.accept("COMMENT"):
            cursor.string()
        if not cursor.accept(","):
            break
    cursor.expect(">")
    return tuple(fields)


def _read_vector(cursor: Cursor) -> ColumnType:
    cursor.expect("(")
    element = read_type(cursor)
    if element.kind not in (Kind.FLOAT, Kind.DOUBLE):
        raise SqlError.semantic(f"vector({element}): the elements of a VECTOR are FLOAT or DOUBLE")
    cursor.expect(",")
    dimension = cursor.integer()
    cursor.expect(")")
    return ColumnType(Kind.VECTOR, (dimension,), (("element", element),))


def _read_sizes(cursor: Cursor, kind: Kind) -> tuple[int, ...]:
    if not cursor.accept("("):
        if kind is not Kind.DECIMAL:
            raise cursor.error(f"expected the length of {kind.name}")
        return ()
    sizes = [cursor.integer()]
    while cursor.accept(","):
        sizes.append(cursor.integer())
    cursor.expect(")")
    if kind is Kind.DECIMAL and len(sizes) == 1:
        sizes.append(0)
    if len(sizes) != (2 if kind is Kind.DECIMAL else 1):
        raise SqlError.semantic(f"{kind.value}{tuple(sizes)}: too many sizes")
    return tuple(sizes)


def arrow_type(column: ColumnType) -> pa.DataType:
    """Return the Arrow type that carries this type in a tunnel, and that the endpoint keeps it in.

    JSON is text, as Java and Go send it; months are int64; legacy DECIMAL is PyODPS's decimal256(54, 18).
    """
    import pyarrow as pa

    match column.kind:
        case Kind.DECIMAL:
            return pa.decimal128(*column.sizes) if column.sizes else pa.decimal256(*_LEGACY_DECIMAL)
        case Kind.ARRAY | Kind.VECTOR:
            return pa.list_(arrow_type(column.parts[0][1]))
        case Kind.MAP:
            return pa.map_(arrow_type(column.parts[0][1]), arrow_type(column.parts[1][1]))
        case Kind.STRUCT:
            return pa.struct([(name, arrow_type(part)) for name, part in column.parts])
        case Kind.INTERVAL_DAY_TIME:
            return pa.struct([("sec", pa.int64()), ("nano", pa.int32())])
        case _:
            return _plain_arrow_types()[column.kind]


def _plain_arrow_types() -> dict[Kind, pa.DataType]:
    import pyarrow as pa

    return {
        Kind.TINYINT: pa.int8(),
        Kind.SMALLINT: pa.int16(),
        Kind.INT: pa.int32(),
        Kind.BIGINT: pa.int64(),
        Kind.FLOAT: pa.float32(),
        Kind.DOUBLE: pa.float64(),
        Kind.BOOLEAN: pa.bool_(),
        Kind.STRING: pa.string(),
        Kind.JSON: pa.string(),
        Kind.CHAR: pa.string(),
        Kind.VARCHAR: pa.string(),
        Kind.BINARY: pa.binary(),
        Kind.DATE: pa.date32(),
        Kind.DATETIME: pa.timestamp("ms"),
        Kind.TIMESTAMP: pa.timestamp("ns"),
        Kind.TIMESTAMP_NTZ: pa.timestamp("ns"),
        Kind.INTERVAL_YEAR_MONTH: pa.int64(),
    }
