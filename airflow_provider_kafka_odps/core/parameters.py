"""What a user wrote as the operator's parameters, after templates were rendered, parsed once."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from airflow_provider_kafka_odps.exceptions import InvalidInput

Choice = TypeVar("Choice", bound=StrEnum)
# Six digits: more partitions than a cluster can have, and few enough to list them all.
_PARTITIONS = re.compile(r"([0-9]{1,6})(?:\s*-\s*([0-9]{1,6}))?")


def choice(kind: type[Choice], asked: str, parameter: str) -> Choice:
    """Return the member of ``kind`` that ``asked`` names.

    Raises InvalidInput with the accepted names.
    """
    try:
        return kind(asked)
    except ValueError:
        accepted = ", ".join(repr(member.value) for member in kind)
        raise InvalidInput(f"{parameter}={asked!r} is not one of {accepted}") from None


def seconds(asked: float, parameter: str) -> float:
    """Return a deadline in seconds.

    Raises InvalidInput for what is no positive, finite number.
    """
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not 0 < asked < math.inf:
        raise InvalidInput(f"{parameter}={asked!r}: a number of seconds above 0 is wanted")
    return float(asked)


def parse_partitions(asked: Sequence[int | str] | str | int | None) -> frozenset[int] | None:
    """Return the partitions of the topic to load: a list, or text such as ``"0,2-4"`` or ``"[0, 2]"``; None means all.

    >>> sorted(parse_partitions("0,2-4"))
    [0, 2, 3, 4]
    """
    if asked is None or asked == "":
        return None
    words = asked.strip("[] ").split(",") if isinstance(asked, str) else [asked] if isinstance(asked, int) else asked
    numbers: set[int] = set()
    for word in words:
        found = _PARTITIONS.fullmatch(str(word).strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last:
            raise InvalidInput(
                f"partitions={asked!r}: {word!r} is no partition; write a list such as [0, 2] or '0,2-4'"
            )
        numbers.update(range(first, last + 1))
    return frozenset(numbers)


def parse_columns(
    asked: Mapping[str, str] | Sequence[str] | str | None,
) -> Mapping[str, str] | Sequence[str] | None:
    """Return the source expressions, by column or as a list by position, also from JSON text; None for none at all.

    Raises InvalidInput for anything but text in them.
    """
    if not asked:
        return None
    try:
        columns = json.loads(asked) if isinstance(asked, str) else asked
    except ValueError as error:
        raise InvalidInput(f"columns={asked!r} is no JSON: {error}") from None
    parts = [part for pair in columns.items() for part in pair] if isinstance(columns, Mapping) else columns
    if (
        not isinstance(parts, list | tuple)
        or not (parts or columns == {})
        or not all(isinstance(part, str) for part in parts)
    ):
        raise InvalidInput(
            f"columns={columns!r}: a mapping of column names to source expressions is wanted, or a list of expressions"
        )
    return columns
