"""Values as the page shows them: short texts, and None for NULL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from airflow_provider_kafka_odps.local.catalog.model import Column
from airflow_provider_kafka_odps.local.wire.timestamps import WIDE, timestamp_texts

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
        rows += [list(row) for row in zip(*map(_texts, first.columns), strict=True)]
        if len(rows) >= most:
            break
    return rows


def short(text: str, longest: int = LONGEST) -> str:
    """Return a text, cut where it is longer."""
    return text[:longest] + ("…" if len(text) > longest else "")


def _texts(column: pa.Array) -> list[str | None]:
    # A TIMESTAMP that nanoseconds don't hold has two parts.
    return list(map(_shown, timestamp_texts(column) if column.type == WIDE else column))


def _shown(value: Any) -> str | None:
    try:
        shown = value.as_py()
    except UnicodeDecodeError:
        # STRINGs are bytes, and their client's affair.
        shown = value.as_buffer().to_pybytes().decode(errors="replace") if hasattr(value, "as_buffer") else "(no text)"
    except (ValueError, OverflowError):
        shown = "(outside of the years 1 to 9999)"
    if shown is None:
        return None
    if isinstance(shown, bytes):
        return short(shown[:LONGEST].hex(" "))
    return short(str(shown))
