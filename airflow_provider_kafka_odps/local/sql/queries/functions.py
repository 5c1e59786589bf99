"""Functions of the service that DuckDB lacks, or that differ there: dates, JSON, partitions."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.scope import Scope

Node: TypeAlias = Any
"""An expression of sqlglot, which is imported only when the first query comes."""


_UNITS = {
    **dict.fromkeys(("yyyy", "year"), "year"),
    **dict.fromkeys(("q", "quarter"), "quarter"),
    **dict.fromkeys(("mm", "mon", "month"), "month"),
    **dict.fromkeys(("dd", "day"), "day"),
    **dict.fromkeys(("hh", "hour"), "hour"),
    **dict.fromkeys(("mi", "minute"), "minute"),
    **dict.fromkeys(("ss", "second"), "second"),
    "week": "week",
    "ff3": "millisecond",
}


_FORMATS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "hh": "%H", "HH": "%H", "mi": "%M", "ss": "%S", "ff3": "%g"}


_COMPUTED = tuple(
    (spelt, sign)
    for word, sign in (
        ("yyyy", "%Y"),
        ("mi", "%M"),
        ("mm", "%m"),
        ("dd", "%d"),
        ("hh", "%H"),
        ("ss", "%S"),
        ("ff3", "%g"),
    )
    for spelt in (word, word.upper())
)
"""What the words of a computed format become, one after the other; no sign may be read as a word again."""


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
        return _as(_now(scope), "TIMESTAMPTZ" if wide else "TIMESTAMP_NS")
    if isinstance(node, exp.Ceil | exp.Floor) and not node.args.get("decimals"):
        return _as(node.copy(), "BIGINT")
    if isinstance(node, exp.Hour | exp.Minute | exp.Second | exp.WeekOfYear | exp.LastDay):
        # The service takes texts too; DuckDB doesn't guess that they are times.
        node.set("this", _time(node.this.copy()))
        return node
    if isinstance(node, exp.JSONExtractScalar):
        # What isn't JSON has no members; DuckDB would fail the whole query.
        return exp.case().when(_call("json_valid", node.this.copy()), node.copy())
    return _replaced_call(node, catalog, scope) if isinstance(node, exp.Anonymous) else node


def _replaced_call(node: Node, catalog: Catalog, scope: Scope) -> Node:
    name = node.name.upper()
    if name == "MAX_PT":
        return _max_pt(node.expressions, catalog, scope)
    if name in ("GETDATE", "NOW"):
        return _now(scope)
    if name == "UNIX_TIMESTAMP" and not node.expressions:
        return _number(scope.now)
    build = _FUNCTIONS.get(name)
    if build is None:
        return node
    try:
        return build(*node.expressions)
    except TypeError:
        raise SqlError.semantic(f"{name} is called with {len(node.expressions)} arguments") from None


def _call(name: str, *arguments: Node) -> Node:
    from sqlglot import exp

    return exp.Anonymous(this=name, expressions=list(arguments))


def _as(node: Node, kind: str) -> Node:
    from sqlglot import exp

    return exp.cast(node, kind, dialect="duckdb")


def _time(node: Node) -> Node:
    return _as(node, "TIMESTAMP")


def _text(value: str) -> Node:
    from sqlglot import exp

    return exp.Literal.string(value)


def _now(scope: Scope) -> Node:
    return _time(_text(datetime.fromtimestamp(scope.now, UTC).strftime("%Y-%m-%d %H:%M:%S")))


def _literal(node: Node, what: str) -> str:
    from sqlglot import exp

    if not isinstance(node, exp.Literal) or not node.is_string:
        raise SqlError.semantic(f"{what} must be a quoted text here, not {node.sql()}")
    return str(node.this)


def _unit(node: Node) -> str:
    name = _literal(node, "a unit of time")
    unit = _UNITS.get(name.lower())
    if unit is None:
        raise SqlError.semantic(f"'{name}' is not a unit of time; there are {', '.join(sorted(_UNITS))}")
    return unit


def _format(node: Node) -> Node:
    from sqlglot import exp

    if not isinstance(node, exp.Literal) and not node.find(exp.Column):
        # DuckDB computes it once, if it is made of constants.
        for word, sign in _COMPUTED:
            node = _call("replace", node, _text(word), _text(sign))
        return node
    text = _literal(node, "a format")
    # mm is the month, and beside MM it is Java's minute.
    known = {**_FORMATS, "mm": "%M" if "MM" in text else "%m", "SSS": "%g"}
    known |= (
        {name.upper(): sign for name, sign in known.items() if name not in ("mm", "ss")} if "MM" not in text else {}
    )
    return _text(re.sub("|".join(sorted(known, key=len, reverse=True)), lambda found: known[found[0]], text))


def _date_add(moment: Node, delta: Node, unit: Node | None = None) -> Node:
    from sqlglot import exp

    name = "day" if unit is None else _unit(unit)
    return exp.Add(this=_time(moment), expression=_call(f"to_{name}s", _as(delta, "INTEGER")))


def _date_diff(later: Node, earlier: Node, unit: Node | None = None) -> Node:
    return _call("date_diff", _text("day" if unit is None else _unit(unit)), _time(earlier), _time(later))


def _to_date(text: Node, form: Node | None = None) -> Node:
    return _as(text, "DATE") if form is None else _time(_call("strptime", _as(text, "VARCHAR"), _format(form)))


def _to_char(value: Node, form: Node | None = None) -> Node:
    return _as(value, "VARCHAR") if form is None else _call("strftime", _time(value), _format(form))


def _from_unixtime(seconds: Node, form: Node | None = None) -> Node:
    moment = _call("make_timestamp", _call("multiply", _as(seconds, "BIGINT"), _as(_text("1000000"), "BIGINT")))
    return moment if form is None else _call("strftime", moment, _format(form))


def _unix_timestamp(moment: Node, form: Node | None = None) -> Node:
    read = _time(moment) if form is None else _to_date(moment, form)
    return _as(_call("floor", _call("epoch", read)), "BIGINT")


def _weekday(moment: Node) -> Node:
    # Monday is 0.
    return _call("subtract", _call("isodow", _time(moment)), _as(_text("1"), "BIGINT"))


def _is_date(text: Node, form: Node) -> Node:
    from sqlglot import exp

    return exp.Not(this=exp.Is(this=_call("try_strptime", text, _format(form)), expression=exp.Null()))


def _number(value: int) -> Node:
    from sqlglot import exp

    return exp.Literal.number(value)


def _is_null(value: Node) -> Node:
    from sqlglot import exp

    return exp.Is(this=exp.paren(value), expression=exp.Null())


def _truncated(number: Node, digits: Node | None) -> Node:
    if digits is None:
        return _call("trunc", number)
    power = _call("pow", _number(10), digits)
    return _call("divide", _call("trunc", _call("multiply", _as(number, "DOUBLE"), power)), power.copy())


def _substring_index(text: Node, separator: Node, count: Node) -> Node:
    from sqlglot import exp

    parts = _call("str_split", text, separator)
    forwards = _call("list_slice", parts, _number(1), count)
    backwards = _call("list_slice", parts.copy(), count.copy(), _number(-1))
    chosen = exp.case().when(exp.GT(this=count.copy(), expression=_number(0)), forwards).else_(backwards)
    return _call("array_to_string", chosen, separator.copy())


_FUNCTIONS: dict[str, Callable[..., Node]] = {
    "DATEADD": _date_add,
    "DATEDIFF": _date_diff,
    "DATETRUNC": lambda moment, unit: _call("date_trunc", _text(_unit(unit)), _time(moment)),
    "DATEPART": lambda moment, unit: _call("date_part", _text(_unit(unit)), _time(moment)),
    "TO_DATE": _to_date,
    "TO_CHAR": _to_char,
    "FROM_UNIXTIME": _from_unixtime,
    "UNIX_TIMESTAMP": _unix_timestamp,
    "LASTDAY": lambda moment: _time(_call("last_day", _time(moment))),
    "WEEKDAY": _weekday,
    "ISDATE": _is_date,
    "TO_MILLIS": lambda moment: _call("epoch_ms", _time(moment)),
    "LENGTHB": lambda text: _call("octet_length", _call("encode", _as(text, "VARCHAR"))),
    "TOLOWER": lambda text: _call("lower", _as(text, "VARCHAR")),
    "TOUPPER": lambda text: _call("upper", _as(text, "VARCHAR")),
    "TRUNC": _truncated,
    "ISNULL": _is_null,
    "SUBSTRING_INDEX": _substring_index,
    "FIND_IN_SET": lambda text, texts: _call(
        "coalesce", _call("list_position", _call("str_split", texts, _text(",")), text), _number(0)
    ),
    "WM_CONCAT": lambda separator, text: _call("string_agg", _as(text, "VARCHAR"), separator),
}


def _max_pt(arguments: list[Node], catalog: Catalog, scope: Scope) -> Node:
    if len(arguments) != 1:
        raise SqlError.semantic(f"MAX_PT is called with {len(arguments)} arguments; it takes the name of a table")
    name = _literal(arguments[0], "the table of MAX_PT")
    table = scope.table(catalog, tuple(part.strip("`").lower() for part in name.split(".")))
    values = [spec[0][1] for spec, partition in table.partitions.items() if spec and partition.rows]
    if not values:
        raise SqlError.semantic(f"MAX_PT: {table.name} has no partition with rows")
    return _text(max(values))
