"""What a user may choose, on one page: each choice is an enum of the texts that the operator takes."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TypeVar

from airflow_provider_kafka_odps.exceptions import InvalidInput


class OnSchemaDrift(StrEnum):
    """What to do when the mapping and the table differ; decided once, before anything is read.

    | ``on_schema_drift`` | a mapped column that the table lacks | a type in ``column_types`` that is not the table's |
    |---|---|---|
    | ``"fail"`` | is refused | is refused |
    | ``"add"`` | is added to the table | is refused |
    | ``"ignore"`` | is not loaded | gives way to the table's |
    """

    FAIL = "fail"
    ADD = "add"
    IGNORE = "ignore"


class OnGap(StrEnum):
    """What to do when this window and its neighbour do not meet at a boundary instant."""

    FAIL = "fail"
    ABSORB = "absorb"
    """Start where the neighbour ended, end where it starts."""
    IGNORE = "ignore"
    """Use the cut of this window's own side."""


class Compression(StrEnum):
    """How blocks are compressed when they are sent."""

    NONE = "none"
    LZ4 = "lz4"
    ZSTD = "zstd"
    ZLIB = "zlib"


class OnDataLoss(StrEnum):
    """What to do when offsets of the window are gone."""

    FAIL = "fail"
    SKIP = "skip"
    """Load what is left, and record in the receipt what is missing."""


class OnTimestampAhead(StrEnum):
    """What to do when a record whose timestamp is far ahead of the clock would make a cut."""

    FAIL = "fail"
    IGNORE = "ignore"
    """Cut at the first record behind it whose timestamp may be true; it is loaded by the window before the cut."""


class Mode(StrEnum):
    """What to do with rows that are already in the table or partition."""

    APPEND = "append"
    """Keep them."""
    OVERWRITE = "overwrite"
    """Replace them by those of the load, atomically."""


class OnRerun(StrEnum):
    """What to do when a task is cleared after its rows were committed."""

    KEEP = "keep"
    """Leave appended rows as they are; in mode overwrite, load the window again."""
    REPLACE = "replace"
    """Remove the window's rows and load the window again."""
    FAIL = "fail"


class OnFewerRows(StrEnum):
    """What to do when a load would replace rows that are visible by fewer, or by none that have a value."""

    FAIL = "fail"
    REPLACE = "replace"
    """Replace them all the same."""


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


MAX_PARTITIONS, MOST_PARTITIONS = 64, 2_000
"""How many partitions one load may touch, unless a parameter says otherwise; the most that it may say."""


def partitions_allowed(asked: int) -> int:
    """Return how many partitions a load may touch.

    Raises InvalidInput for what is no number of partitions, or more than the journal and a statement can name.
    """
    if isinstance(asked, bool) or not isinstance(asked, int) or not 1 <= asked <= MOST_PARTITIONS:
        raise InvalidInput(f"max_partitions={asked!r}: a number from 1 to {MOST_PARTITIONS} is wanted")
    return asked


class OnShortLog(StrEnum):
    """What to do when explicit offsets are beyond the end of the log."""

    FAIL = "fail"
    CLAMP = "clamp"
    """Load up to the end of the log."""


class OnBadJson(StrEnum):
    """What to do when a key or value that is read as JSON is no JSON, or no object although a path points into it."""

    NULL = "null"
    """Load NULL; the receipt counts it."""
    REJECT = "reject"
    """Reject the record."""
    FAIL = "fail"
    """Fail the load at once."""


class Conversions(StrEnum):
    """Which values a column takes that are written as something else."""

    STRICT = "strict"
    """None: what is no value of the column's type is a reject."""
    LENIENT = "lenient"
    """Texts of numbers, the usual texts of booleans and dates, and whole numbers as milliseconds since 1970."""


class OnUnclear(StrEnum):
    """What to do with a record of which the filter cannot tell whether it is to be loaded."""

    REJECT = "reject"
    LEAVE_OUT = "leave_out"
    """Leave it out, and count it as filtered."""


class IsolationLevel(StrEnum):
    """Which records of transactions are read."""

    READ_COMMITTED = "read_committed"
    READ_UNCOMMITTED = "read_uncommitted"
