"""Functions of the service that DuckDB lacks, or that differ there: dates, JSON, partitions."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.functions.casts import checked_cast
from airflow_provider_kafka_odps.local.sql.functions.intervals import interval_of, written
from airflow_provider_kafka_odps.local.sql.functions.nodes import (
    Node,
    as_time,
    call,
    cast_as,
    literal,
    number_node,
    text_node,
)
from airflow_provider_kafka_odps.local.sql.functions.times import BY_ZONE, TIME_FUNCTIONS, now
from airflow_provider_kafka_odps.local.sql.scope import Scope

_STRICT = "odps.function.strictmode"


_OWN = frozenset({"TO_DATE", "TO_CHAR", "DATEDIFF", "FROM_UNIXTIME", "UNIX_TIMESTAMP", "TRUNC", "SUBSTRING_INDEX"})
"""What sqlglot would read as Hive's: other formats, other results, and the unit of DATEDIFF would be lost."""


@lru_cache(maxsize=1)
def dialect() -> Any:
    """Return the dialect that queries are read in: Hive's, less the functions that are written out here."""
    from sqlglot.dialects.hive import Hive

    class MaxCompute(Hive):  # type: ignore[misc] # sqlglot leaves its dialects untyped
        class Parser(Hive.Parser):  # type: ignore[misc]
            FUNCTIONS = {name: build for name, build in Hive.Parser.FUNCTIONS.items() if name not in _OWN}  # noqa: RUF012 - sqlglot's way

    return MaxCompute


def rewrite(tree: Node, catalog: Catalog, scope: Scope, *, wide: bool = False) -> Node:
    """Return the query with DuckDB's functions in place of the service's; `wide` when TIMESTAMPs are in microseconds.

    Raises SqlError for a wrong number of arguments, an unknown unit, or a table without partitions.
    """
    # From the leaves up: the arguments of a function are replaced before the function.
    for node in reversed(list(tree.walk())):
        new = _replaced(node, catalog, scope, wide=wide)
        if new is node:
            continue
        if node is tree:
            tree = new
        else:
            node.replace(new)
    return tree


def _replaced(node: Node, catalog: Catalog, scope: Scope, *, wide: bool) -> Node:
    from sqlglot import exp

    if isinstance(node, exp.CurrentTimestamp):
        return cast_as(now(scope), "TIMESTAMPTZ" if wide else "TIMESTAMP_NS")
    if isinstance(node, exp.Ceil | exp.Floor) and not node.args.get("decimals"):
        return cast_as(node.copy(), "BIGINT")
    if isinstance(node, exp.Hour | exp.Minute | exp.Second | exp.WeekOfYear | exp.LastDay):
        # The service takes texts too; DuckDB doesn't guess that they are times.
        node.set("this", as_time(node.this.copy()))
        return node
    if isinstance(node, exp.Cast):
        return checked_cast(node, scope.zone, strict=scope.settings.get(_STRICT, "").lower() == "true")
    interval = interval_of(node)
    if interval is not None:
        return written(node, interval)
    if isinstance(node, exp.JSONExtractScalar):
        # What isn't JSON has no members; DuckDB would fail the whole query.
        return exp.case().when(call("json_valid", node.this.copy()), node.copy())
    return _replaced_call(node, catalog, scope) if isinstance(node, exp.Anonymous) else node


def _replaced_call(node: Node, catalog: Catalog, scope: Scope) -> Node:
    name = node.name.upper()
    if name == "MAX_PT":
        return _max_pt(node.expressions, catalog, scope)
    if name in ("GETDATE", "NOW"):
        return now(scope)
    if name == "UNIX_TIMESTAMP" and not node.expressions:
        return number_node(scope.now)
    build, by_zone = _FUNCTIONS.get(name), BY_ZONE.get(name)
    try:
        if by_zone is not None:
            return by_zone(scope.zone, *node.expressions)
        return node if build is None else build(*node.expressions)
    except TypeError:
        raise SqlError.semantic(f"{name} is called with {len(node.expressions)} arguments") from None


def _is_null(value: Node) -> Node:
    from sqlglot import exp

    return exp.Is(this=exp.paren(value), expression=exp.Null())


def _truncated(number: Node, digits: Node | None) -> Node:
    if digits is None:
        return call("trunc", number)
    power = call("pow", number_node(10), digits)
    return call("divide", call("trunc", call("multiply", cast_as(number, "DOUBLE"), power)), power.copy())


def _substring_index(text: Node, separator: Node, count: Node) -> Node:
    from sqlglot import exp

    parts = call("str_split", text, separator)
    forwards = call("list_slice", parts, number_node(1), count)
    backwards = call("list_slice", parts.copy(), count.copy(), number_node(-1))
    chosen = exp.case().when(exp.GT(this=count.copy(), expression=number_node(0)), forwards).else_(backwards)
    return call("array_to_string", chosen, separator.copy())


_FUNCTIONS: dict[str, Callable[..., Node]] = {
    **TIME_FUNCTIONS,
    "LENGTHB": lambda text: call("octet_length", call("encode", cast_as(text, "VARCHAR"))),
    "TOLOWER": lambda text: call("lower", cast_as(text, "VARCHAR")),
    "TOUPPER": lambda text: call("upper", cast_as(text, "VARCHAR")),
    "TRUNC": _truncated,
    "ISNULL": _is_null,
    "SUBSTRING_INDEX": _substring_index,
    "FIND_IN_SET": lambda text, texts: call(
        "coalesce", call("list_position", call("str_split", texts, text_node(",")), text), number_node(0)
    ),
    "WM_CONCAT": lambda separator, text: call("string_agg", cast_as(text, "VARCHAR"), separator),
}


def _max_pt(arguments: list[Node], catalog: Catalog, scope: Scope) -> Node:
    if len(arguments) != 1:
        raise SqlError.semantic(f"MAX_PT is called with {len(arguments)} arguments; it takes the name of a table")
    name = literal(arguments[0], "the table of MAX_PT")
    table = scope.table(catalog, tuple(part.strip("`").lower() for part in name.split(".")))
    values = [spec[0][1] for spec, partition in table.partitions.items() if spec and partition.rows]
    if not values:
        raise SqlError.semantic(f"MAX_PT: {table.name} has no partition with rows")
    return text_node(max(values))
