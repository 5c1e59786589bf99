"""What a source is made of, before it becomes a column of the table."""

from __future__ import annotations

from enum import StrEnum


class SourceKind(StrEnum):
    """The kinds of source columns; each has one Arrow type."""

    BYTES = "bytes"
    TEXT = "text"
    JSON = "JSON value"
    INT8 = "integer of 8 bits"
    INT16 = "integer of 16 bits"
    INT32 = "integer of 32 bits"
    INT64 = "integer of 64 bits"
    FLOAT = "float"
    DOUBLE = "double"
    INSTANT = "instant"
    HEADERS = "headers"
