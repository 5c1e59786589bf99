"""Which function would take a value that a column does not: what a message of a reject ends with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.strict import Conversion, Converted, Unconvertible
from airflow_provider_kafka_odps.core.table.types import NUMBERS

_MOMENTS = frozenset({"datetime", "timestamp"})

_EPOCHS: Sequence[tuple[str, str]] = (
    (r"[0-9]{10}(?:\.[0-9]{1,3})?", "epoch_s"),
    (r"[0-9]{13}", "epoch_ms"),
    (r"[0-9]{16}", "epoch_us"),
    (r"[0-9]{19}", "epoch_ns"),
)
"""How times are often written as numbers, and what reads them."""
_DAY = r"(?P<year>[0-9]{4})(?P<between>[-/.]?)(?P<month>[0-9]{2})(?P=between)(?P<day>[0-9]{2})"
_TIME = r"(?P<blank>[ T]?)(?:[01][0-9]|2[0-3])(?P<colon>:?)[0-5][0-9](?P<seconds>(?P=colon)[0-5][0-9])?"
_LOCAL = re.compile(rf"{_DAY}(?P<time>{_TIME}(?:\.(?P<fraction>[0-9]+))?)?")
_MOST_DIGITS = {"datetime": 3, "timestamp": 9}
_NUMBER = re.compile(r"\s*[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\s*")
_BOOLEAN = re.compile(r"\s*(?:true|false|[01]|yes|no|[yntf]|on|off)\s*", re.IGNORECASE)


def hint(target: str, text: str, *, zoned: bool = False) -> str:
    """Return the end of a message about a text that a column of this type does not take; often nothing.

    ``zoned``: the load has a zone, so that a function needs none.

    >>> hint("bigint", "5"), hint("datetime", "1795341600123"), hint("bigint", "five")
    ("; '| number' behind the source reads it", "; '| epoch_ms' behind the source reads it", '')
    >>> hint("datetime", "2026/11/22 18:00", zoned=True)
    "; '| time('yyyy/MM/dd HH:mm')' behind the source reads it"
    """
    found = _function(target, text, zoned=zoned)
    return f"; '| {found}' behind the source reads it" if found else ""


def hint_of_bytes(target: str) -> str:
    """Return the end of a message about bytes that a column of this type does not take; nothing for other types."""
    by_type = {"boolean": "bool", **dict.fromkeys(_MOMENTS, "epoch_ms"), **dict.fromkeys(NUMBERS, "number")}
    return f"; if they are a text, '| {by_type[target]}' behind the source reads it" if target in by_type else ""


def _function(target: str, text: str, *, zoned: bool) -> str | None:
    if target in NUMBERS:
        return "number" if _NUMBER.fullmatch(text) else None
    if target == "boolean":
        return "bool" if _BOOLEAN.fullmatch(text) else None
    if target in _MOMENTS:
        return _of_epoch(text) or _in_pattern(target, text, zoned=zoned)
    return None


def _of_epoch(text: str) -> str | None:
    return next((function for pattern, function in _EPOCHS if re.fullmatch(pattern, text)), None)


def _in_pattern(target: str, text: str, *, zoned: bool) -> str | None:
    """Return the function that reads a day, or a time without an offset, in one of the usual spellings."""
    found = _LOCAL.fullmatch(text)
    if found is None or not _is_day(found) or len(found["fraction"] or "") > _MOST_DIGITS[target]:
        return None
    if found["time"] and bool(found["blank"]) != bool(found["colon"]):
        return None
    if zoned and found["between"] == "-" and found["seconds"]:
        # The load reads these itself: what is wrong with this one no function mends.
        return None
    zone = "" if zoned else ", 'Asia/Shanghai'"
    return f"time('{_pattern(found)}'{zone})"


def _is_day(found: re.Match[str]) -> bool:
    try:
        date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return False
    return True


def _pattern(found: re.Match[str]) -> str:
    day = found["between"].join(("yyyy", "MM", "dd"))
    if not found["time"]:
        return day
    blank = r"\'T\'" if found["blank"] == "T" else found["blank"]
    time = found["colon"].join(("HH", "mm", "ss")[: 3 if found["seconds"] else 2])
    return f"{day}{blank}{time}{'.' + 'S' * len(found['fraction']) if found['fraction'] else ''}"


def hinting(target: str, reason: Callable[[str], str], *, zoned: bool = False) -> Callable[[str], str]:
    """Return a reason with the hint behind it."""
    return lambda value: f"{reason(value)}{hint(target, value.strip(chr(34)), zoned=zoned)}"


@dataclass(frozen=True, slots=True)
class Hinted:
    """A conversion of texts whose reasons have the hint behind them."""

    target: str
    then: Conversion
    zoned: bool

    def apply(self, values: pa.Array) -> Converted:
        """Convert; a column without problems costs nothing more."""
        found, problems = self.then.apply(values)
        if not problems:
            return found, problems
        seen = values.take(pa.array([each.row for each in problems], pa.int64())).to_pylist()
        return found, [
            Unconvertible(each.row, each.reason + hint(self.target, text, zoned=self.zoned))
            for each, text in zip(problems, seen, strict=True)
        ]
