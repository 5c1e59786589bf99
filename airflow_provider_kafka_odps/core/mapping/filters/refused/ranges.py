"""Ranges that nothing is in, such as ``a BETWEEN 5 AND 1``: a condition that leaves out all was written wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from airflow_provider_kafka_odps.core.mapping.expressions import Expression
from airflow_provider_kafka_odps.core.mapping.filters.condition import (
    Both,
    Compared,
    Comparison,
    Condition,
    Either,
    Leaf,
    Literal,
    Negation,
)

Sizes = Mapping[Leaf, Any]
"""Of comparisons with one constant: what its place among others of its kind is."""
_LOW = (Comparison.EQUAL, Comparison.AT_LEAST, Comparison.GREATER)
_HIGH = (Comparison.EQUAL, Comparison.AT_MOST, Comparison.LESS)


def empty_ranges(condition: Condition, sizes: Sizes) -> Iterator[tuple[Expression, str]]:
    """Yield the sources that a part of the condition wants in a range in which nothing is, and the range.

    Only comparisons that are joined by AND, and have a size, are looked at.
    """
    by_source: dict[tuple[Expression, type], list[Compared]] = {}
    for each in _joined(condition):
        match each:
            case Compared() if each in sizes:
                by_source.setdefault((each.source, type(sizes[each])), []).append(each)
            case Negation(inner):
                yield from empty_ranges(inner, sizes)
            case Either(left, right):
                yield from empty_ranges(left, sizes)
                yield from empty_ranges(right, sizes)
            case _:
                pass
    for (source, _), compared in by_source.items():
        if said := _empty(compared, sizes):
            yield source, said


def _joined(condition: Condition) -> Iterator[Condition]:
    """Yield what is joined by AND."""
    if isinstance(condition, Both):
        yield from _joined(condition.left)
        yield from _joined(condition.right)
    else:
        yield condition


def _empty(compared: list[Compared], sizes: Sizes) -> str:
    """Return the range that all of these leave, where nothing is in it."""
    lows = [each for each in compared if each.comparison in _LOW]
    highs = [each for each in compared if each.comparison in _HIGH]
    if not lows or not highs:
        return ""
    low = max(lows, key=lambda each: (sizes[each], each.comparison is Comparison.GREATER))
    high = min(highs, key=lambda each: (sizes[each], each.comparison is not Comparison.LESS))
    exclusive = low.comparison is Comparison.GREATER or high.comparison is Comparison.LESS
    if sizes[low] < sizes[high] or (sizes[low] == sizes[high] and not exclusive):
        return ""
    return f"{low.comparison} {_told(low.literal)} and {high.comparison} {_told(high.literal)}"


def _told(literal: Literal) -> str:
    if isinstance(literal, Decimal):
        return f"{literal}"
    return str(literal).upper() if isinstance(literal, bool) else f"'{literal}'"
