"""JSON paths into a column of values: one parse per value, all paths at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.expressions import JsonPath

if TYPE_CHECKING:
    import duckdb

# DuckDB prints a number anew (1.10 becomes 1.1), so a leaf that is or holds such a number may have to be read again as
# it was written. That is slow, and done only where printing alters: exponents, a last 0, more digits than a double has.
_FRACTION = r"^-?[0-9]+\.|^[\[{].*[0-9]\."
_EXPONENT = r"^-?[0-9.]+[eE]|^[\[{].*[0-9][eE]"
_ALTERED = r"[:\[,\s]-?(?:[0-9.]+[eE]|[0-9]+\.[0-9]+0(?:[^0-9.]|$)|[0-9.]{17})"
_LOCAL = threading.local()


def to_json(values: pa.Array) -> pa.Array:
    """Return each value of a (nested) column as JSON text; NULL stays NULL."""
    (texts,) = _query("SELECT to_json(item)::VARCHAR FROM batch", values)
    return texts


def _query(statement: str, values: pa.Array) -> list[pa.Array]:
    connection = _connection()
    connection.register("batch", pa.table({"item": values}))
    try:
        found = connection.sql(statement).to_arrow_table()
    finally:
        connection.unregister("batch")
    return [column.combine_chunks() for column in found.columns]


def _connection() -> duckdb.DuckDBPyConnection:
    """Return this thread's connection: DuckDB's are not to be shared, and making one costs milliseconds."""
    if not hasattr(_LOCAL, "connection"):
        import duckdb

        # One thread: the pipeline around this decides how many cores a load takes.
        _LOCAL.connection = duckdb.connect(config={"threads": 1, "autoload_known_extensions": False})
    connection: duckdb.DuckDBPyConnection = _LOCAL.connection
    return connection


class JsonReader:
    """Leaves of JSON documents as text.

    A string leaf is its text, a number stays as written (but ``-0`` is ``0``), ``true``/``false`` and nested values are
    JSON text; a missing path, a JSON null, and every path into a value that is no JSON object are NULL. Of several
    fields of one name the first counts.
    """

    def __init__(self, paths: Sequence[JsonPath]) -> None:
        self._paths = tuple(paths)

    def extract(self, values: pa.Array) -> tuple[list[pa.Array], int]:
        """Return one string column per path for a string column of documents, and how many were no JSON object."""
        texts = ", ".join("'$." + ".".join(f'"{name}"' for name in path.names) + "'" for path in self._paths)
        picked = ", ".join(f"leaves[{number}]" for number in range(1, len(self._paths) + 1))
        # TRY: a document that is no JSON gives NULL for itself alone; otherwise one of them would fail its whole batch.
        # S608: the names are quoted above, and `JsonPath` takes none with quotes, backslashes or control characters.
        found = f"SELECT TRY(json_extract_string(item, [{texts}])) AS leaves FROM batch"  # noqa: S608
        unreadable, *leaves = _query(f"SELECT leaves IS NULL, {picked} FROM ({found})", values)  # noqa: S608
        exact = [self._as_written(values, leaf, path) for leaf, path in zip(leaves, self._paths, strict=True)]
        return exact, _not_objects(values, unreadable, leaves)

    @staticmethod
    def _as_written(values: pa.Array, leaf: pa.Array, path: JsonPath) -> pa.Array:
        doubtful = _doubtful(values, leaf)
        if not pc.any(doubtful).as_py():
            return leaf
        documents = zip(values.filter(doubtful).to_pylist(), leaf.filter(doubtful).to_pylist(), strict=True)
        again = [_read_leaf(document, path, printed) for document, printed in documents]
        return pc.replace_with_mask(leaf, doubtful, pa.array(again, pa.string()))


def _doubtful(values: pa.Array, leaf: pa.Array) -> pa.Array:
    """Return which leaves DuckDB may have printed otherwise than they were written."""
    altered = pc.match_substring_regex(leaf, _EXPONENT)
    fractions = pc.match_substring_regex(leaf, _FRACTION)
    if pc.any(fractions).as_py():
        written = pc.if_else(fractions, values, pa.scalar(None, pa.string()))
        altered = pc.or_(altered, pc.fill_null(pc.match_substring_regex(written, _ALTERED), fill_value=False))
    return pc.fill_null(altered, fill_value=False)


def _not_objects(values: pa.Array, unreadable: pa.Array, leaves: Sequence[pa.Array]) -> int:
    suspects = pc.and_(unreadable, pc.is_valid(values))
    count: int = pc.sum(suspects).as_py() or 0
    empty = pc.and_(pc.is_valid(values), pc.invert(unreadable))
    for leaf in leaves:
        empty = pc.and_(empty, pc.is_null(leaf))
    scalars = pc.invert(pc.match_substring_regex(values.filter(empty), r"^\s*\{"))
    return count + (pc.sum(scalars).as_py() or 0)


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def _read_leaf(document: str, path: JsonPath, printed: str) -> str | None:
    try:
        node: Any = json.loads(
            document, parse_float=_Number, parse_int=_Number, parse_constant=_Number, object_pairs_hook=tuple
        )
    except (ValueError, RecursionError):
        # DuckDB is more lenient (a trailing comma, deep nesting): what it printed is all there is.
        return printed
    for name in path.names:
        fields = node if isinstance(node, tuple) else ()
        node = next((inner for field, inner in fields if field == name), None)
    return node if node is None or isinstance(node, str) else _print(node)


def _print(node: Any) -> str:
    match node:
        case _Number():
            return str(node)
        case tuple():
            fields = (f"{json.dumps(name, ensure_ascii=False)}:{_print(inner)}" for name, inner in node)
            return "{" + ",".join(fields) + "}"
        case list():
            return "[" + ",".join(map(_print, node)) + "]"
        case _:
            return json.dumps(node, ensure_ascii=False)
