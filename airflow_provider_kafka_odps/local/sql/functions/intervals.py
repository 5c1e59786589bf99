"""Intervals that a statement writes: INTERVAL '2 1:2:3' DAY TO SECOND, INTERVAL_YEAR_MONTH('10-11') and the like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.wire.timestamps import NANOS
from airflow_provider_kafka_odps.local.wire.types import ColumnType, Kind

_FUNCTIONS = {"INTERVAL_DAY_TIME": Kind.INTERVAL_DAY_TIME, "INTERVAL_YEAR_MONTH": Kind.INTERVAL_YEAR_MONTH}


_SECONDS = {"DAY": 86_400, "HOUR": 3_600, "MINUTE": 60, "SECOND": 1}


_MONTHS = {"YEAR": 12, "MONTH": 1}


_DAY_TIME = re.compile(r"\s*([+-]?)(\d{1,9})\s+(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?\s*")


_YEAR_MONTH = re.compile(r"\s*([+-]?)(\d{1,9})-(\d{1,2})\s*")


_ONE = re.compile(r"\s*([+-]?)(\d{1,12})(?:\.(\d{1,9}))?\s*")


@dataclass(frozen=True, slots=True)
class Interval:
    """A constant: `amount` is in months, or in nanoseconds for days and times."""

    kind: Kind
    amount: int


def interval_of(node: Any) -> Interval | None:
    """Return the interval that an expression writes; None for any other expression.

    Raises SqlError for one that cannot be read, or that is not written as a constant.
    """
    from sqlglot import exp

    if isinstance(node, exp.Anonymous) and node.name.upper() in _FUNCTIONS:
        kind = _FUNCTIONS[node.name.upper()]
        text = _constant(node.expressions[0] if len(node.expressions) == 1 else None, node)
        return _read_span(text, kind)
    if not isinstance(node, exp.Interval) or node.args.get("unit") is None:
        return None
    unit = node.args["unit"]
    if isinstance(unit, exp.IntervalSpan):
        first, last = unit.this.name.upper(), unit.expression.name.upper()
        kinds = {("DAY", "SECOND"): Kind.INTERVAL_DAY_TIME, ("YEAR", "MONTH"): Kind.INTERVAL_YEAR_MONTH}
        if (first, last) not in kinds:
            raise SqlError.unsupported(f"INTERVAL … {first} TO {last}; there are DAY TO SECOND and YEAR TO MONTH")
        return _read_span(_constant(node.this, node), kinds[first, last])
    return _read_one(node, unit.name.upper().removesuffix("S"))


def written(node: Any, interval: Interval) -> Any:
    """Return an interval for DuckDB: as a value of its column where it is a result, and for arithmetic elsewhere."""
    from sqlglot import exp

    above = node.parent.parent if isinstance(node.parent, exp.Alias) else node.parent
    is_result = isinstance(above, exp.Select) and node.arg_key in ("expressions", "this")
    months = interval.kind is Kind.INTERVAL_YEAR_MONTH
    if is_result and months:
        return _parsed(f"CAST({interval.amount} AS BIGINT)")
    if is_result:
        seconds, nanos = divmod(interval.amount, NANOS)
        return _parsed(f"CAST(struct_pack(sec := {seconds}, nano := {nanos}) AS STRUCT(sec BIGINT, nano INTEGER))")
    if months:
        return _parsed(f"to_months({interval.amount})")
    if interval.amount % 1000:
        raise SqlError.unsupported("arithmetic with an interval below a microsecond")
    return _parsed(f"to_microseconds({interval.amount // 1000})")


def type_of(node: Any) -> ColumnType | None:
    """Return the type of a result that is an interval; None for any other."""
    found = interval_of(node)
    return None if found is None else ColumnType(found.kind)


def _parsed(text: str) -> Any:
    import sqlglot

    return sqlglot.parse_one(text, read="duckdb")


def _constant(node: Any, whole: Any) -> str:
    from sqlglot import exp

    if not isinstance(node, exp.Literal):
        raise SqlError.unsupported(f"an interval that is not written as a constant: {whole.sql(dialect='hive')}")
    return str(node.name)


def _read_span(text: str, kind: Kind) -> Interval:
    pattern = _DAY_TIME if kind is Kind.INTERVAL_DAY_TIME else _YEAR_MONTH
    found = pattern.fullmatch(text)
    if found is None:
        form = "'days hours:minutes:seconds'" if kind is Kind.INTERVAL_DAY_TIME else "'years-months'"
        raise SqlError.semantic(f"'{text}' is no interval; it is written as {form}")
    sign = -1 if found[1] == "-" else 1
    if kind is Kind.INTERVAL_YEAR_MONTH:
        return Interval(kind, sign * (int(found[2]) * 12 + int(found[3])))
    days, hours, minutes, seconds = (int(found[at]) for at in range(2, 6))
    whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return Interval(kind, sign * (whole * NANOS + int((found[6] or "").ljust(9, "0"))))


def _read_one(node: Any, unit: str) -> Interval:
    text = _constant(node.this, node)
    found = _ONE.fullmatch(text)
    if found is None or (found[3] and unit != "SECOND"):
        raise SqlError.semantic(f"'{text}' {unit} is no interval")
    sign = -1 if found[1] == "-" else 1
    if unit in _MONTHS:
        return Interval(Kind.INTERVAL_YEAR_MONTH, sign * int(found[2]) * _MONTHS[unit])
    if unit not in _SECONDS:
        raise SqlError.semantic(f"{unit} is no unit of an interval; there are {', '.join([*_MONTHS, *_SECONDS])}")
    nanos = int(found[2]) * _SECONDS[unit] * NANOS + int((found[3] or "").ljust(9, "0"))
    return Interval(Kind.INTERVAL_DAY_TIME, sign * nanos)
