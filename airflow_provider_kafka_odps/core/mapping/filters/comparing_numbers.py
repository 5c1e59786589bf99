"""Numbers compared with constants: by doubles, which decide of all but those next to a constant, and there exactly."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.doubles import are_near, doubles_of
from airflow_provider_kafka_odps.core.mapping.filters.condition import Comparison
from airflow_provider_kafka_odps.core.mapping.strict import Converted, Unconvertible, shown
from airflow_provider_kafka_odps.exceptions import InvalidMapping

SIGNS: dict[Comparison, Callable[[Any, Any], pa.Array]] = {
    Comparison.EQUAL: pc.equal,
    Comparison.UNEQUAL: pc.not_equal,
    Comparison.LESS: pc.less,
    Comparison.AT_MOST: pc.less_equal,
    Comparison.GREATER: pc.greater,
    Comparison.AT_LEAST: pc.greater_equal,
}
_EXACTLY: dict[Comparison, Callable[[Decimal, Decimal], bool]] = {
    Comparison.EQUAL: operator.eq,
    Comparison.UNEQUAL: operator.ne,
    Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.GREATER: operator.gt,
    Comparison.AT_LEAST: operator.ge,
}


@dataclass(frozen=True, slots=True)
class NumbersCompared:
    """A comparison of numbers: true, false, or NULL for NULL; what is no number is listed.

    Of two numbers whose nearest doubles differ, these tell which one is larger. Where they are the same, the digits do:
    about 1 µs for each text that differs.
    """

    near: tuple[float, ...]
    """The doubles nearest to the constants."""
    by_doubles: Callable[[pa.DoubleArray], pa.BooleanArray]
    exactly: Callable[[Decimal], bool]

    def apply(self, values: pa.Array) -> Converted:
        """Decide of numbers, or of texts that are numbers in digits."""
        texts = values.cast(pa.string())
        doubles = doubles_of(texts)
        said = self.by_doubles(doubles)
        near = are_near(doubles, self.near)
        if pc.any(near).as_py():
            said = pc.replace_with_mask(said, near, self._exactly(texts.filter(near)))
        return said, _no_numbers(texts, doubles)

    def _exactly(self, texts: pa.Array) -> pa.BooleanArray:
        encoded = texts.dictionary_encode()
        said = pa.array([self.exactly(_decimal(text)) for text in encoded.dictionary.to_pylist()], pa.bool_())
        return said.take(encoded.indices)


def compared(sign: Comparison, constant: Decimal) -> NumbersCompared:
    """Return the comparison with one number; raises InvalidMapping for one that no double is near to."""
    near = _nearest(constant)
    return NumbersCompared(
        (near,), lambda doubles: SIGNS[sign](doubles, near), lambda number: _EXACTLY[sign](number, constant)
    )


def one_of(constants: Sequence[Decimal]) -> NumbersCompared:
    """Return the comparison with several numbers, true where it is one; raises InvalidMapping as ``compared`` does."""
    near = tuple(map(_nearest, constants))
    return NumbersCompared(
        near,
        # All others are none of them.
        lambda doubles: pc.if_else(pc.is_valid(doubles), False, pa.scalar(None, pa.bool_())),  # noqa: FBT003
        frozenset(constants).__contains__,
    )


def _nearest(constant: Decimal) -> float:
    near = float(constant)
    if math.isinf(near) or (constant and not near):
        raise InvalidMapping(f"the constant {constant} is beyond a DOUBLE, which goes from 4.9e-324 to 1.8e308")
    return near


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # Its exponent has more than eighteen digits: any that is beyond all constants will do.
        mantissa, _, exponent = text.lower().partition("e")
        return Decimal(f"{mantissa}e{'-' if exponent.startswith('-') else ''}999999")


def _no_numbers(texts: pa.Array, doubles: pa.DoubleArray) -> list[Unconvertible]:
    if doubles.null_count == texts.null_count and not pc.any(pc.is_nan(doubles)).as_py():
        return []
    none = pc.and_(pc.is_valid(texts), pc.is_null(doubles, nan_is_null=True))
    rows = pc.indices_nonzero(none).to_pylist()
    return [Unconvertible(row, _reason(text)) for row, text in zip(rows, texts.filter(none).to_pylist(), strict=True)]


def _reason(text: str) -> str:
    way = "; '| number' behind the source makes it one" if _is_quoted_number(text) else ""
    return f"{shown(text)} is no number, and is compared with one{way}"


def _is_quoted_number(text: str) -> bool:
    try:
        return text.startswith('"') and Decimal(text.strip('"')).is_finite()
    except InvalidOperation:
        return False
