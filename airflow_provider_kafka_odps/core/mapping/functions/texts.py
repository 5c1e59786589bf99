"""Functions of texts."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.arrow_sql import query
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.function import TEXTUAL, Change, function
from airflow_provider_kafka_odps.exceptions import InvalidInput

_BLANKS = " \t\r\n\f\v\u00a0\u3000"


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def trim() -> Change:
    """Take blanks away at both ends: also line ends, the no-break space and the wide one of Chinese texts."""
    return lambda texts: pc.utf8_trim(texts, _BLANKS)


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def lower() -> Change:
    """Write all letters small."""
    change: Change = pc.utf8_lower
    return change


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def upper() -> Change:
    """Write all letters large."""
    change: Change = pc.utf8_upper
    return change


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def substr(start: int, length: int = -1) -> Change:
    """Keep characters from ``start`` on, where 0 is the first, and at most ``length`` of them.

    A negative start counts from the end, -1 is the last character.
    """
    if length < -1:
        raise InvalidInput(f"length={length}: a number of characters is wanted, 0 or more")
    if start < 0:
        # What is shorter than this is kept from its first character on.
        return lambda texts: _first(pc.utf8_slice_codeunits(texts, start), length)
    return lambda texts: pc.utf8_slice_codeunits(texts, start, None if length < 0 else start + length)


def _first(texts: pa.Array, length: int) -> pa.Array:
    return texts if length < 0 else pc.utf8_slice_codeunits(texts, 0, length)


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def replace(old: str, new: str) -> Change:
    """Put ``new`` wherever ``old`` stands; upper and lower case differ."""
    if not old:
        raise InvalidInput("old='': what is to be replaced is empty")
    return lambda texts: pc.replace_substring(texts, old, new)


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def replace_regex(pattern: str, new: str) -> Change:
    r"""Put ``new`` wherever the regular expression (RE2) matches.

    In ``new``, ``\\1`` is the first group; in ``pattern``, ``(?i)`` ignores case.
    """
    try:
        pc.replace_substring_regex(pa.array([""]), pattern, new)
    except pa.ArrowInvalid as error:
        raise InvalidInput(f"pattern={pattern!r}, new={new!r}: {error}") from None
    return lambda texts: pc.replace_substring_regex(texts, pattern, new)


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def pad(length: int, padding: str = " ") -> Change:
    """Put ``padding`` in front of texts that have less than ``length`` characters."""
    return _padding(length, padding, pc.utf8_lpad)


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def pad_right(length: int, padding: str = " ") -> Change:
    """Put ``padding`` behind texts that have less than ``length`` characters."""
    return _padding(length, padding, pc.utf8_rpad)


_LONGEST = 10_000


def _padding(length: int, padding: str, padded: Callable[[pa.Array, int, str], pa.Array]) -> Change:
    if not 0 <= length <= _LONGEST:
        raise InvalidInput(f"length={length}: a number of characters is wanted, from 0 to {_LONGEST}")
    if len(padding) != 1:
        raise InvalidInput(f"padding={padding!r}: one character is wanted")
    return lambda texts: padded(texts, length, padding)


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def mask(first: int, last: int = 0) -> Change:
    """Keep the ``first`` and the ``last`` characters, and put a ``*`` for each one between them.

    A text that has no more characters than these is masked whole.
    """
    if min(first, last) < 0:
        raise InvalidInput(f"mask({first}, {last}): numbers of characters are wanted, 0 or more")

    def masked(texts: pa.Array) -> pa.Array:
        lengths = pc.utf8_length(texts)
        # Of NULL there may be any number: Arrow looks at it all the same.
        hidden = pc.fill_null(pc.subtract(lengths, first + last), 0)
        head = pc.utf8_slice_codeunits(texts, 0, first)
        tail = pc.utf8_slice_codeunits(texts, -last) if last else ""
        short = pc.less_equal(hidden, 0)
        if pc.any(short).as_py():
            hidden = pc.if_else(short, lengths, hidden)
            head, tail = pc.if_else(short, "", head), pc.if_else(short, "", tail)
        return pc.binary_join_element_wise(head, pc.binary_repeat("*", hidden), tail, "")

    return masked


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def sha256() -> Change:
    """Put the SHA-256 of the text in UTF-8, as 64 hexadecimal digits in lower case."""
    return lambda texts: query("SELECT sha256(item) FROM batch", texts)[0]


@function(takes=TEXTUAL, gives=SourceKind.TEXT)
def md5() -> Change:
    """Put the MD5 of the text in UTF-8, as 32 hexadecimal digits in lower case."""
    return lambda texts: query("SELECT md5(item) FROM batch", texts)[0]
