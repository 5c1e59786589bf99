"""What the mapping has and the table has not: decided once, before anything is read.

| ``on_schema_drift`` | a mapped column that the table lacks | a type in ``column_types`` that is not the table's |
|---|---|---|
| ``"fail"`` | is refused | is refused |
| ``"add"`` | is added to the table | is refused |
| ``"ignore"`` | is not loaded | gives way to the table's |
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TypeVar

from airflow_provider_kafka_odps.exceptions import (
    InvalidInput,
)


class OnSchemaDrift(StrEnum):
    """What a difference between mapping and table leads to."""

    FAIL = "fail"
    ADD = "add"
    IGNORE = "ignore"


class OnGap(StrEnum):
    """What a hole or an overlap between this window and a neighbour leads to."""

    FAIL = "fail"
    ABSORB = "absorb"
    """Start where the neighbour ended, end where it starts."""
    IGNORE = "ignore"
    """Use the cut of this window's own side."""


class Compression(StrEnum):
    """How the bodies of blocks are packed on their way."""

    NONE = "none"
    LZ4 = "lz4"
    ZSTD = "zstd"
    ZLIB = "zlib"


class OnDataLoss(StrEnum):
    """What offsets of the window that are lost lead to."""

    FAIL = "fail"
    SKIP = "skip"


class Mode(StrEnum):
    """What the load does with the rows that are there."""

    APPEND = "append"
    OVERWRITE = "overwrite"


class OnRerun(StrEnum):
    """What clearing a task leads to whose window is committed."""

    KEEP = "keep"
    REPLACE = "replace"
    FAIL = "fail"


Choice = TypeVar("Choice", bound=StrEnum)


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


class OnShortLog(StrEnum):
    """What an explicit offset beyond the log's end leads to."""

    FAIL = "fail"
    CLAMP = "clamp"


class OnBadJson(StrEnum):
    """What becomes of a record whose key or value is no JSON, or no JSON object where paths lead into it."""

    NULL = "null"
    """What is read of it is NULL; the receipt counts it."""
    REJECT = "reject"
    """The record is a reject."""
    FAIL = "fail"
    """The load fails at once."""


class IsolationLevel(StrEnum):
    """Which records of transactions are read."""

    READ_COMMITTED = "read_committed"
    READ_UNCOMMITTED = "read_uncommitted"
