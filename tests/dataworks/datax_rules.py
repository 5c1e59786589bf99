"""What DataX makes of a value in a column of MaxCompute, in my own words from its column classes and its writer.

A reader of JSON makes a LongColumn of a whole number, a DoubleColumn of another one, a BoolColumn of true and false and
a StringColumn of a text; the writer asks the column for the table's type.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

ZONE = timezone(timedelta(hours=8))
"""What DataX takes for times without an offset, unless its job says otherwise."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Dirty(Exception):
    """A dirty record: counted, and not written."""


def datax(written: str, kind: str) -> Any:
    """Return what is in the table for the text of a JSON value; raise Dirty if nothing is.

    Decimals have a scale of 2 here.
    """
    value = json.loads(written, parse_int=lambda text: ("long", text), parse_float=lambda text: ("double", text))
    match value:
        case None:
            return None
        case bool():
            return _ASK[kind]("bool", str(value).lower())
        case str():
            return _ASK[kind]("string", value)
        case (column, text):
            return _ASK[kind](column, text)
    raise AssertionError(value)


def _decimal(column: str, text: str) -> Decimal:
    if column == "bool":
        return Decimal(text == "true")
    # BigDecimal takes no blanks.
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        raise Dirty(text)
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Dirty(text) from None


def _long(column: str, text: str) -> int:
    # Cut towards zero, and refused beyond 64 bits.
    number = int(_decimal(column, text))
    if not -(2**63) <= number < 2**63:
        raise Dirty(text)
    return number


def _wrapped(bits: int) -> Any:
    def asked(column: str, text: str) -> int:
        half = 1 << (bits - 1)
        return (_long(column, text) + half) % (2 * half) - half

    return asked


def _tinyint(column: str, text: str) -> int:
    number = _long(column, text)
    if not -128 <= number < 128:
        raise Dirty(text)
    return number


def _double(column: str, text: str) -> float:
    if column == "string" and text in ("NaN", "Infinity", "-Infinity"):
        return float(text)
    number = float(_decimal(column, text))
    if number in (float("inf"), float("-inf")):
        raise Dirty(text)
    return number


def _boolean(column: str, text: str) -> bool:
    if column == "long":
        return int(text) != 0
    if column == "double" or text.lower() not in ("true", "false"):
        raise Dirty(text)
    return text.lower() == "true"


# FastDateFormat begins at the left, is content with a part of the text, and lets days and hours run over.
_DATETIME = re.compile(r"([0-9]+)-([0-9]+)-([0-9]+) ([0-9]+):([0-9]+):([0-9]+)")
_DATE = re.compile(r"([0-9]+)-([0-9]+)-([0-9]+)")
_TIME = re.compile(r"([0-9]+):([0-9]+):([0-9]+)")


def _moment(column: str, text: str) -> datetime:
    if column == "long":
        return EPOCH + timedelta(milliseconds=_long(column, text))
    if column != "string":
        raise Dirty(text)
    if found := _DATETIME.match(text) or _DATE.match(text):
        year, month, day, hours, minutes, seconds = (*map(int, found.groups()), 0, 0, 0)[:6]
    elif found := _TIME.match(text):
        year, month, day, hours, minutes, seconds = 1970, 1, 1, *map(int, found.groups())
    else:
        raise Dirty(text)
    years, months = divmod(month - 1, 12)
    first = datetime(year + years, months + 1, 1, tzinfo=ZONE)
    return first + timedelta(days=day - 1, hours=hours, minutes=minutes, seconds=seconds)


def _date(column: str, text: str) -> date:
    return _moment(column, text).astimezone(ZONE).date()


def _string(column: str, text: str) -> str:
    return str(int(text)) if column == "long" else text


_ASK: dict[str, Any] = {
    "STRING": _string,
    "TINYINT": _tinyint,
    "SMALLINT": _wrapped(16),
    "INT": _wrapped(32),
    "BIGINT": _long,
    "DOUBLE": _double,
    "DECIMAL(10,2)": _decimal,
    "BOOLEAN": _boolean,
    "DATETIME": _moment,
    "DATE": _date,
}
