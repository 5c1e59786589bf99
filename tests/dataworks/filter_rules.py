"""Which records ``dx_filter`` of DataX leaves out, in my own words from its code and that of its column classes."""

from __future__ import annotations

import json
import operator
import re
from typing import Any

from dataworks.datax_rules import Dirty

SIGNS = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip


def kept(written: str, code: str, value: str) -> bool:
    """Tell whether the record of a JSON value is left in; raise Dirty for one that is counted as dirty."""
    found = json.loads(written, parse_int=lambda text: ("long", text), parse_float=lambda text: ("double", text))
    if code in ("like", "not like"):
        matches = found is not None and re.fullmatch(value, _text(found)) is not None
        return matches == (code == "not like")
    if found is None:
        return not {"=": value.lower() == "null", "!=": value.lower() != "null"}.get(code, False)
    return not SIGNS[code](*_compared(found, value))


def _compared(found: Any, value: str) -> tuple[Any, Any]:
    match found:
        case ("long", text):
            return int(text), _long(value)
        case ("double", text):
            return float(text), _double(value)
        case _:
            # Java compares texts by 16 bits at a time.
            return _text(found).encode("utf-16-be"), value.encode("utf-16-be")


def _text(found: Any) -> str:
    match found:
        case bool():
            return str(found).lower()
        case (_, text):
            return str(text)
        case _:
            return str(found)


def _long(value: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", value) or not -(2**63) <= int(value) < 2**63:
        raise Dirty(value)
    return int(value)


def _double(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise Dirty(value) from None
