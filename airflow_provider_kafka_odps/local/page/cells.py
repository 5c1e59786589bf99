"""Values as the page shows them: short texts, and None for NULL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.model import Column

LONGEST = 300
"""Characters of a value that are shown."""


def columns_json(columns: Sequence[Column]) -> list[dict[str, str]]:
    """Return the columns of a result or a table."""
    return [
        {
            "name": column.name,
            "type": str(column.type),
            "comment": column.comment,
            "nullable": "" if column.nullable else "NOT NULL",
        }
        for column in columns
    ]


def rows_json(batches: Iterable[pa.RecordBatch], most: int) -> list[list[str | None]]:
    """Return at most so many rows as texts."""
    rows: list[list[str | None]] = []
    for batch in batches:
        first = batch.slice(0, most - len(rows))
        rows += [list(row) for row in zip(*(map(_shown, column) for column in first.columns), strict=True)]
        if len(rows) >= most:
            break
    return rows


def short(text: str, longest: int = LONGEST) -> str:
    """Return a text, cut where it is longer."""
    return text[:longest] + ("…" if len(text) > longest else "")


def _shown(value: Any) -> str | None:
    try:
        shown = value.as_py()
    except (ValueError, OverflowError, UnicodeDecodeError):
        # Times outside Python's years, and texts that aren't UTF-8.
        shown = str(value)
    if shown is None:
        return None
    if isinstance(shown, bytes):
        return short(shown[:LONGEST].hex(" "))
    return short(str(shown))
