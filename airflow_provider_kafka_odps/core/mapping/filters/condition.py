"""A condition over sources of a record, as values; what it means is in docs/mapping.md, "Filters"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from airflow_provider_kafka_odps.core.mapping.expressions import Expression

Literal: TypeAlias = "str | Decimal | bool"
"""A constant of the condition."""


class Comparison(StrEnum):
    """How a source is compared with a constant."""

    EQUAL = "="
    UNEQUAL = "<>"
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Compared:
    """``amount >= 10``: NULL where the source is NULL."""

    source: Expression
    comparison: Comparison
    literal: Literal


@dataclass(frozen=True, slots=True)
class OneOf:
    """``region IN ('cn', 'sg')``: NULL where the source is NULL."""

    source: Expression
    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """``name LIKE 'a%'``: ``%`` stands for any text, ``_`` for one character; NULL where the source is NULL."""

    source: Expression
    pattern: str


@dataclass(frozen=True, slots=True)
class IsNull:
    """``name IS NULL``: never NULL."""

    source: Expression


@dataclass(frozen=True, slots=True)
class Negation:
    """``NOT …``: NULL where the condition is NULL."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Both:
    """``… AND …``: false where either is false, even if the other is NULL or cannot be told."""

    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Either:
    """``… OR …``: true where either is true, even if the other is NULL or cannot be told."""

    left: Condition
    right: Condition


Leaf: TypeAlias = Compared | OneOf | Matches | IsNull
Condition: TypeAlias = Leaf | Negation | Both | Either


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield the comparisons of a condition, from left to right."""
    match condition:
        case Negation(inner):
            yield from leaves(inner)
        case Both(left, right) | Either(left, right):
            yield from leaves(left)
            yield from leaves(right)
        case _:
            yield condition
