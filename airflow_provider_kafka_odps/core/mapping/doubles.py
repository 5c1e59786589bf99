"""Numbers that are written in digits, as the doubles nearest to them."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

_BEGINS_NUMBER = "^-?[0-9]"


def doubles_of(texts: pa.Array) -> pa.DoubleArray:
    """Return, per text, the double nearest to the number that it is; null for null and for what is no number.

    Rounding to the nearest keeps the order: of two numbers whose doubles differ, the larger has the larger double.

    >>> doubles_of(pa.array(["1.10", "9007199254740993", "1e400", '"5"', "true", None])).to_pylist()
    [1.1, 9007199254740992.0, inf, None, None, None]
    """
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid:
        numbers = pc.match_substring_regex(texts, _BEGINS_NUMBER)
        return pc.if_else(numbers, texts, pa.scalar(None, pa.string())).cast(pa.float64())


def are_near(doubles: pa.DoubleArray, numbers: Iterable[float]) -> pa.BooleanArray:
    """Return which of these doubles are one of the numbers; false for null.

    >>> are_near(pa.array([1.5, 2.0, None]), [2.0]).to_pylist()
    [False, True, False]
    """
    # To a set of values -0.0 is not 0.0; adding 0.0 makes it so.
    return pc.is_in(pc.add(doubles, 0.0), value_set=pa.array([number + 0.0 for number in numbers], pa.float64()))
