"""SQL over Arrow columns, in this thread and in memory, by DuckDB."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

_LOCAL = threading.local()


def query(statement: str, values: pa.Array) -> list[pa.Array]:
    """Return the columns that a SELECT finds in the table ``batch``, whose only column is ``item``.

    Raises ``duckdb.Error`` for a value that a function refuses.
    """
    import duckdb

    connection = _connection()
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


def _connection() -> duckdb.DuckDBPyConnection:
    """Return this thread's connection: DuckDB's are not to be shared, and making one costs milliseconds."""
    if not hasattr(_LOCAL, "connection"):
        import duckdb

        # One thread: the pipeline around this decides how many cores a load takes. No statement needs a file.
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "autoload_known_extensions": False,
            "enable_external_access": False,
        }
        _LOCAL.connection = duckdb.connect(config=config)
    connection: duckdb.DuckDBPyConnection = _LOCAL.connection
    return connection
