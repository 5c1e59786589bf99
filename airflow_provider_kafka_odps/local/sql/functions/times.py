"""Functions of times: formats, units, and numbers of seconds."""

from __future__ import annotations

import re
from collections.abc import Callable

from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.functions.nodes import (
    Node,
    as_time,
    call,
    cast_as,
    literal,
    number_node,
    text_node,
)
from airflow_provider_kafka_odps.local.sql.scope import Scope

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


def now(scope: Scope) -> Node:
    """Return the time of the statement, by the clock of its session."""
    return _local(scope.zone, number_node(scope.now))


def _unit(node: Node) -> str:
    name = literal(node, "a unit of time")
    unit = _UNITS.get(name.lower())
    if unit is None:
        raise SqlError.semantic(f"'{name}' is not a unit of time; there are {', '.join(sorted(_UNITS))}")
    return unit


def _format(node: Node) -> Node:
    from sqlglot import exp

    if not isinstance(node, exp.Literal) and not node.find(exp.Column):
        # DuckDB computes it once, if it is made of constants.
        for word, sign in _COMPUTED:
            node = call("replace", node, text_node(word), text_node(sign))
        return node
    text = literal(node, "a format")
    # mm is the month, and beside MM it is Java's minute.
    known = {**_FORMATS, "mm": "%M" if "MM" in text else "%m", "SSS": "%g"}
    known |= (
        {name.upper(): sign for name, sign in known.items() if name not in ("mm", "ss")} if "MM" not in text else {}
    )
    return text_node(re.sub("|".join(sorted(known, key=len, reverse=True)), lambda found: known[found[0]], text))


def _date_add(moment: Node, delta: Node, unit: Node | None = None) -> Node:
    from sqlglot import exp

    name = "day" if unit is None else _unit(unit)
    return exp.Add(this=as_time(moment), expression=call(f"to_{name}s", cast_as(delta, "INTEGER")))


def _date_diff(later: Node, earlier: Node, unit: Node | None = None) -> Node:
    return call("date_diff", text_node("day" if unit is None else _unit(unit)), as_time(earlier), as_time(later))


def _to_date(text: Node, form: Node | None = None) -> Node:
    return cast_as(text, "DATE") if form is None else as_time(call("strptime", cast_as(text, "VARCHAR"), _format(form)))


def _to_char(value: Node, form: Node | None = None) -> Node:
    return cast_as(value, "VARCHAR") if form is None else call("strftime", as_time(value), _format(form))


def _local(zone: str, seconds: Node) -> Node:
    """Return the time by the clock of a zone, empty for UTC, so many seconds after 1970."""
    micros = call("multiply", cast_as(seconds, "BIGINT"), cast_as(text_node("1000000"), "BIGINT"))
    return (
        call("timezone", text_node(zone), call("make_timestamptz", micros)) if zone else call("make_timestamp", micros)
    )


def _instant(zone: str, moment: Node) -> Node:
    return call("timezone", text_node(zone), moment) if zone else moment


def _from_unixtime(zone: str, seconds: Node, form: Node | None = None) -> Node:
    moment = _local(zone, seconds)
    return moment if form is None else call("strftime", moment, _format(form))


def _unix_timestamp(zone: str, moment: Node, form: Node | None = None) -> Node:
    read = as_time(moment) if form is None else _to_date(moment, form)
    return cast_as(call("floor", call("epoch", _instant(zone, read))), "BIGINT")


def _weekday(moment: Node) -> Node:
    # Monday is 0.
    return call("subtract", call("isodow", as_time(moment)), cast_as(text_node("1"), "BIGINT"))


def _is_date(text: Node, form: Node) -> Node:
    from sqlglot import exp

    return exp.Not(this=exp.Is(this=call("try_strptime", text, _format(form)), expression=exp.Null()))


BY_ZONE: dict[str, Callable[..., Node]] = {
    "FROM_UNIXTIME": _from_unixtime,
    "UNIX_TIMESTAMP": _unix_timestamp,
    "TO_MILLIS": lambda zone, moment: call("epoch_ms", _instant(zone, as_time(moment))),
}
"""Functions between times and numbers; the first argument is the zone by whose clock times are, empty for UTC."""


TIME_FUNCTIONS: dict[str, Callable[..., Node]] = {
    "DATEADD": _date_add,
    "DATEDIFF": _date_diff,
    "DATETRUNC": lambda moment, unit: call("date_trunc", text_node(_unit(unit)), as_time(moment)),
    "DATEPART": lambda moment, unit: call("date_part", text_node(_unit(unit)), as_time(moment)),
    "TO_DATE": _to_date,
    "TO_CHAR": _to_char,
    "LASTDAY": lambda moment: as_time(call("last_day", as_time(moment))),
    "WEEKDAY": _weekday,
    "ISDATE": _is_date,
}
