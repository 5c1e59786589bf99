"""SQL over Arrow columns, in this thread and in memory, by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

_IDLE: list[duckdb.DuckDBPyConnection] = []
"""Connections that nobody uses at this moment, the last one at the end: each keeps megabytes of what it has done."""


def query(statement: str, values: pa.Array) -> list[pa.Array]:
    """Return the columns that a SELECT finds in the table ``batch``, whose only column is ``item``.

    Raises ``duckdb.Error`` for a value that a function refuses.
    """
    import duckdb

    with _connection() as connection:
        connection.register("batch", pa.table({"item": values}))
        try:
            found = connection.sql(statement).to_arrow_table()
        except UnicodeDecodeError:
            # Its message quotes the value, cut off within a character, and this is all that Python makes of it.
            raise duckdb.InvalidInputException("a value is refused, and so is the message about it") from None
        finally:
            connection.unregister("batch")
    return [column.combine_chunks() for column in found.columns]


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def to_json(values: pa.Array) -> pa.Array:
    """Return each value of a (nested) column as JSON text; NULL stays NULL."""
    (texts,) = query("SELECT to_json(item)::VARCHAR FROM batch", values)
    return texts


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection that nobody else uses meanwhile: making one costs milliseconds.

    There are as many as threads that compute at once, and not as many as threads.
    """
    try:
        # One step for Python: no other thread comes between.
        connection = _IDLE.pop()
    except IndexError:
        connection = _open()
    try:
        yield connection
    finally:
        _IDLE.append(connection)


def _open() -> duckdb.DuckDBPyConnection:
    import duckdb

    # One thread: the lanes around this decide how many cores a load takes. No statement needs a file.
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "autoload_known_extensions": False,
        "enable_external_access": False,
    }
    return duckdb.connect(config=config)
