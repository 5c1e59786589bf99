"""Which function would take a value that a column does not: what a message of a reject ends with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from airflow_provider_kafka_odps.core.table.types import NUMBERS

_MOMENTS = frozenset({"datetime", "timestamp"})

_ZONE = "'Asia/Shanghai'"
_PATTERNS: Sequence[tuple[str, str]] = (
    (r"[0-9]{10}(?:\.[0-9]{1,3})?", "epoch_s"),
    (r"[0-9]{13}", "epoch_ms"),
    (r"[0-9]{16}", "epoch_us"),
    (r"[0-9]{19}", "epoch_ns"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", f"time('yyyy-MM-dd HH:mm:ss', {_ZONE})"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", rf"time('yyyy-MM-dd\'T\'HH:mm:ss', {_ZONE})"),
    (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}",
        f"time('yyyy-MM-dd HH:mm:ss.SSS', {_ZONE})",
    ),
    (r"[0-9]{14}", f"time('yyyyMMddHHmmss', {_ZONE})"),
)
"""How times are often written, and what reads them."""
_NUMBER = re.compile(r"\s*[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\s*")
_BOOLEAN = re.compile(r"\s*(?:true|false|[01]|yes|no|[yntf]|on|off)\s*", re.IGNORECASE)


def hint(target: str, text: str) -> str:
    """Return the end of a message about a text that a column of this type does not take; often nothing.

    >>> hint("bigint", "5"), hint("datetime", "1795341600123"), hint("bigint", "five")
    ("; '| number' behind the source reads it", "; '| epoch_ms' behind the source reads it", '')
    """
    found = _function(target, text)
    return f"; '| {found}' behind the source reads it" if found else ""


def hint_of_bytes(target: str) -> str:
    """Return the end of a message about bytes that a column of this type does not take; nothing for other types."""
    by_type = {"boolean": "bool", **dict.fromkeys(_MOMENTS, "epoch_ms"), **dict.fromkeys(NUMBERS, "number")}
    return f"; if they are a text, '| {by_type[target]}' behind the source reads it" if target in by_type else ""


def _function(target: str, text: str) -> str | None:
    if target in NUMBERS:
        return "number" if _NUMBER.fullmatch(text) else None
    if target == "boolean":
        return "bool" if _BOOLEAN.fullmatch(text) else None
    if target in _MOMENTS:
        return next((function for pattern, function in _PATTERNS if re.fullmatch(pattern, text)), None)
    return None


def hinting(target: str, reason: Callable[[str], str]) -> Callable[[str], str]:
    """Return a reason with the hint behind it."""
    return lambda value: f"{reason(value)}{hint(target, value.strip(chr(34)))}"
