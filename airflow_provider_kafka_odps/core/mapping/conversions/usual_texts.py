"""Numbers, and true and false, as people write them in texts."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.strict import Checked, Conversion, shown

_NUMBER = r"^[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
_TRUE = ("true", "1", "yes", "y", "t", "on")
_FALSE = ("false", "0", "no", "n", "f", "off")
_POWER = r"^[+-]?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+$"
_MOST_DIGITS = 20
_BLANKS = " \t\r\n"


def number_texts(name: str = "number") -> Conversion:
    """Return the conversion of texts that are numbers to JSON's spelling: without blanks around them, and a plus."""

    def convert(texts: pa.Array) -> pa.Array:
        trimmed = pc.utf8_trim(texts, _BLANKS)
        if pc.any(pc.invert(pc.match_substring_regex(trimmed, _NUMBER))).as_py():
            raise pa.ArrowInvalid("some texts are no numbers")
        return pc.utf8_ltrim(trimmed, "+")

    def unfit(texts: pa.Array) -> pa.Array:
        return pc.invert(pc.match_substring_regex(pc.utf8_trim(texts, _BLANKS), _NUMBER))

    return Checked(convert, unfit, lambda value: f"{name}: {shown(value)} is no number, such as -12.50")


def whole_texts(texts: pa.Array) -> pa.Array:
    """Return numbers without a fraction as their digits, ``1.0`` and ``1e3`` as ``1`` and ``1000``; others as they are.

    >>> whole_texts(pa.array(["1.0", " +1.5e1", "1.5", "+-1.0", None])).to_pylist()
    ['1', '15', '1.5', '+-1.0', None]
    """
    plain = pc.replace_substring_regex(pc.utf8_trim(texts, _BLANKS), r"^(?:\+([0-9]+)|(-?[0-9]+))\.0+$", r"\1\2")
    powers = pc.fill_null(
        pc.match_substring_regex(plain, r"^[+-]?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+$"), fill_value=False
    )
    if not pc.any(powers).as_py():
        return plain
    read = pa.array([_digits(text) for text in plain.filter(powers).to_pylist()], pa.string())
    return pc.replace_with_mask(plain, powers, read)


def _digits(text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    # Of 1e999999 the digits would take minutes.
    whole = number.adjusted() < _MOST_DIGITS and number == number.to_integral_value()
    return str(int(number)) if whole else text


def boolean_texts(name: str = "bool") -> Conversion:
    """Return the conversion of the usual texts for true and false, in upper or lower case."""
    true = pa.array(_TRUE)
    known = pa.array(_TRUE + _FALSE)

    def unfit(texts: pa.Array) -> pa.Array:
        return pc.and_(pc.is_valid(texts), pc.invert(pc.is_in(_plain(texts), known)))

    def convert(texts: pa.Array) -> pa.Array:
        if pc.any(unfit(texts)).as_py():
            raise pa.ArrowInvalid("some texts are neither")
        return pc.if_else(pc.is_valid(texts), pc.is_in(_plain(texts), true), pa.scalar(None, pa.bool_()))

    return Checked(convert, unfit, lambda value: f"{name}: {shown(value)} is none of {', '.join(_TRUE + _FALSE)}")


def _plain(texts: pa.Array) -> pa.Array:
    return pc.utf8_lower(pc.utf8_trim(texts, _BLANKS))
