"""Numbers, and true and false, that are written as texts or as something else."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.function import TEXTUAL, function
from airflow_provider_kafka_odps.core.mapping.strict import Checked, Conversion, shown

_NUMBER = r"^[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
_TRUE = ("true", "1", "yes", "y", "t", "on")
_FALSE = ("false", "0", "no", "n", "f", "off")
_BLANKS = " \t\r\n"


@function(takes=TEXTUAL, gives=SourceKind.NUMBER)
def number() -> Conversion:
    """Read a number that may be a text: blanks around it and a plus do not count."""

    def convert(texts: pa.Array) -> pa.Array:
        trimmed = pc.utf8_trim(texts, _BLANKS)
        if pc.any(pc.invert(pc.match_substring_regex(trimmed, _NUMBER))).as_py():
            raise pa.ArrowInvalid("some texts are no numbers")
        return pc.utf8_ltrim(trimmed, "+")

    def unfit(texts: pa.Array) -> pa.Array:
        return pc.invert(pc.match_substring_regex(pc.utf8_trim(texts, _BLANKS), _NUMBER))

    return Checked(convert, unfit, lambda value: f"number: {shown(value)} is no number, such as -12.50")


@function(takes=TEXTUAL, gives=SourceKind.BOOLEAN, name="bool")
def boolean() -> Conversion:
    """Read true, 1, yes, y, t and on as true, and false, 0, no, n, f and off as false, in upper or lower case."""
    true, false = pa.array(_TRUE), pa.array(_FALSE)

    def unfit(texts: pa.Array) -> pa.Array:
        known = pc.is_in(_plain(texts), pa.concat_arrays([true, false]))
        return pc.and_(pc.is_valid(texts), pc.invert(known))

    def convert(texts: pa.Array) -> pa.Array:
        if pc.any(unfit(texts)).as_py():
            raise pa.ArrowInvalid("some texts are neither")
        return pc.if_else(pc.is_valid(texts), pc.is_in(_plain(texts), true), pa.scalar(None, pa.bool_()))

    return Checked(convert, unfit, lambda value: f"bool: {shown(value)} is none of {', '.join(_TRUE + _FALSE)}")


def _plain(texts: pa.Array) -> pa.Array:
    return pc.utf8_lower(pc.utf8_trim(texts, _BLANKS))
