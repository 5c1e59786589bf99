"""JSON paths into a column of documents: one parse per document, all paths at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias, assert_never

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.arrow import bytes_of
from airflow_provider_kafka_odps.core.mapping.arrow_sql import query, quoted
from airflow_provider_kafka_odps.core.mapping.doubles import are_near, doubles_of
from airflow_provider_kafka_odps.core.mapping.expressions import FieldPath, Rest, Source
from airflow_provider_kafka_odps.core.mapping.sources import json_text

JsonSource: TypeAlias = FieldPath | Rest


# DuckDB prints a number anew (1.10 becomes 1.1), so a leaf that is or holds such a number may have to be read again as
# it was written. This matches where printing alters: exponents, a last 0, -0, small ones, more digits than fit.
ALTERED = (
    r"(?:^|[:\[,\s])-?(?:[0-9.]+[eE]|[0-9]+\.[0-9]+0(?:[^0-9.]|$)|[0-9.]{17}|0\.00000)|(?:^|[:\[,\s])-0(?:[^0-9.]|$)"
)


_MAY_DIFFER = r"^-?[0-9]+\.|^0$|^-?[0-9.]+[eE]|^[\[{].*[0-9]"


# All that is lost of a number whose value alone counts: that it was not 0, but smaller than a double can be.
_MAY_BE_TOO_SMALL = r"^-?0\.0$"


# A name in which a letter or a slash is escaped: it may be any.
_ESCAPED_NAME = r'\\[u/][^"]*"\s*:'


_NUMBER = r"\s*:\s*(?P<number>-?[0-9][0-9.eE+-]*)"


# DuckDB reads these, and JSON (RFC 8259) has none of them: a trailing comma, NaN, infinity.
_LENIENT = r",\s*[}\]]|(?:^|[:\[,])\s*-?(?i:nan|inf(?:inity)?)\s*(?:[,}\]]|$)"


# Nothing of it is inside a document where none of these is anywhere in a whole batch. Each begins with one character,
# which is searched for many at a time: a quarter of the cost of looking into every document for all at once.
_LENIENT_IN_OBJECTS = (r",\s*(?:[}\]]|-?(?i:nan|inf))", r":\s*-?(?i:nan|inf)", r"\[\s*-?(?i:nan|inf)")


# Bytes that a document has at least, if it is nested deeper than Python reads it.
_DEEP = 1_000


# DuckDB takes these for no name; what is behind them is found one document at a time.
_NO_NAMES = frozenset({"", "*"})


@dataclass(frozen=True, slots=True)
class Documents:
    """What was read of a column of documents."""

    leaves: list[pa.Array]
    """Per source a column of JSON text, numbers as they are written; null where there is nothing, or a JSON null."""
    bad: pa.BooleanArray
    """Which documents are no JSON object; false for null."""


class JsonReader:
    """Leaves of JSON documents, as JSON text.

    A missing path, a JSON null, and every path into a value that is no JSON object give null. Of several fields of one
    name the first counts. A JSON array is as good as an object where a path starts with an index.
    """

    def __init__(
        self,
        sources: Sequence[JsonSource],
        by_value: Mapping[Source, Sequence[float]] = MappingProxyType({}),
        beside: Container[object] = (),
    ) -> None:
        """Take what to find.

        Of ``by_value`` the value of a number counts, and its spelling may change but near the given numbers;
        ``beside`` stays in the rest, too.
        """
        self._sources = tuple(sources)
        self._doubts = [_Doubts(by_value.get(source)) for source in self._sources]
        paths = [source for source in self._sources if isinstance(source, FieldPath)]
        mapped = [path for path in paths if path not in beside]
        self._mapped = frozenset(step for path in mapped if len(path.steps) == 1 for step in path.steps[:1])
        indexed = any(isinstance(path.steps[0], int) for path in paths)
        self._opening = r"^[ \t\r\n]*[{\[]" if indexed else r"^[ \t\r\n]*\{"
        self._picked = ", ".join(f"leaves[{number}]::VARCHAR" for number in range(1, len(self._sources) + 1))
        self._found = f"json_extract(item, [{', '.join(quoted(_spelled(source)) for source in self._sources)}])"

    def extract(self, values: pa.Array) -> Documents:
        """Return the leaves of a string column of documents."""
        bad, altered, *leaves = self._query(values)
        if not _all_begin(values, "{"):
            bad = pc.or_(bad, pc.invert(pc.match_substring_regex(values, self._opening)))
        bad = pc.and_(pc.fill_null(bad, fill_value=False), pc.is_valid(values))
        exact = [
            self._finish(values, altered, bad, leaf, source) for leaf, source in zip(leaves, self._sources, strict=True)
        ]
        return Documents(exact, bad)

    def _query(self, values: pa.Array) -> list[pa.Array]:
        """Return which documents are no JSON, in which ones numbers may be printed otherwise, and the leaves."""
        import duckdb

        def statement(leaves: str) -> str:
            # S608: literals are quoted by `quoted`.
            inner = f"SELECT {leaves} AS leaves FROM batch"  # noqa: S608
            return f"SELECT leaves IS NULL, {self._picked} FROM ({inner})"  # noqa: S608

        try:
            unreadable, *leaves = query(statement(self._found), values)
        except duckdb.InvalidInputException:
            # One document that is no JSON fails them all; looking first costs a second parse of each.
            checked = f"CASE WHEN json_valid(item) THEN {self._found} END"
            unreadable, *leaves = query(statement(checked), values)
        altered = _altered(values, leaves, self._doubts)
        doubts = pc.or_(_lenient(values), _deep(values, altered))
        return [pc.or_(unreadable, refused(values, doubts)), altered, *leaves]

    def _finish(
        self, values: pa.Array, altered: pa.Array, bad: pa.Array, leaf: pa.Array, source: JsonSource
    ) -> pa.Array:
        """Return a leaf as it was written, without what was found in documents that are none."""
        leaf = _nulled(leaf, pc.or_(bad, pc.fill_null(pc.equal(leaf, "null"), fill_value=False)))
        match source:
            case Rest():
                return self._rest(values, altered, leaf)
            case FieldPath() if not _NO_NAMES.isdisjoint(source.steps):
                return _read_again(values, leaf, pc.is_valid(leaf), lambda node: json_text.find(node, source.steps))
            case FieldPath():
                return _as_written(values, altered, leaf, source)
            case _:
                assert_never(source)

    def _rest(self, values: pa.Array, altered: pa.Array, leaf: pa.Array) -> pa.Array:
        """Return the documents without the fields that are mapped whole."""
        names = frozenset(name for name in self._mapped if isinstance(name, str))
        again = pc.and_(altered, pc.is_valid(leaf))
        easy = _nulled(leaf, again)
        if names and easy.null_count < len(easy):
            patch = quoted(json.dumps(dict.fromkeys(names)))
            statement = (
                f"SELECT CASE WHEN item IS NOT NULL THEN json_merge_patch(item, {patch})::VARCHAR END FROM batch"  # noqa: S608
            )
            (easy,) = query(statement, easy)
        return _read_again(values, easy, again, lambda node: json_text.without(node, names))


def refused(values: pa.Array, lenient: pa.Array) -> pa.Array:
    """Return which of the documents that DuckDB may have been lenient with are no JSON."""
    lenient = pc.fill_null(lenient, fill_value=False)
    if not pc.any(lenient).as_py():
        return lenient
    verdicts = [not json_text.is_json(document) for document in values.filter(lenient).to_pylist()]
    return pc.replace_with_mask(lenient, lenient, pa.array(verdicts, pa.bool_()))


def invalid_json(values: pa.Array) -> pa.Array:
    """Return which texts are no JSON at all; false for null."""
    (valid,) = query("SELECT json_valid(item) FROM batch", values)
    return pc.fill_null(pc.or_(pc.invert(valid), refused(values, _matches(values, _LENIENT))), fill_value=False)


def _spelled(source: JsonSource) -> str:
    """Return the path as DuckDB spells it, up to a name that it has no spelling for."""
    path = "$"
    for step in source.steps if isinstance(source, FieldPath) else ():
        if step in _NO_NAMES:
            break
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            escaped = step.replace("\\", "\\\\").replace('"', '\\"')
            path += f'."{escaped}"'
    return path


def _matches(values: pa.Array, pattern: str) -> pa.Array:
    # By Arrow: half as dear as DuckDB's regexp_matches, and as dear as finding the leaves.
    return pc.fill_null(pc.match_substring_regex(values, pattern), fill_value=False)


def _all_begin(values: pa.Array, opening: str) -> bool:
    """Tell whether every text begins so: a regular expression costs twenty times as much."""
    return bool(pc.all(pc.starts_with(values, opening), min_count=0).as_py())


def _lenient(values: pa.Array) -> pa.Array:
    """Return in which documents DuckDB may have been lenient, where they are objects or arrays."""
    text = _as_one(values)
    if any(pc.any(_matches(text, pattern)).as_py() for pattern in _LENIENT_IN_OBJECTS):
        return _matches(values, _LENIENT)
    return pa.repeat(pa.scalar(False), len(values))  # noqa: FBT003 - a value, not a choice


def _as_one(values: pa.Array) -> pa.Array:
    """Return all texts as one, without a copy."""
    text = bytes_of(values)
    ends = pa.array([0, len(text)], pa.int32())
    return pa.StringArray.from_buffers(1, ends.buffers()[1], pa.py_buffer(text))


@dataclass(frozen=True, slots=True)
class _Doubts:
    """Which leaves may be another number than was written, as far as that counts."""

    near: Sequence[float] | None
    """Spelling counts near these; None: everywhere."""

    def of(self, leaf: pa.Array) -> pa.Array:
        if self.near is None:
            return _matches(leaf, _MAY_DIFFER)
        small = _matches(leaf, _MAY_BE_TOO_SMALL)
        if not self.near:
            return small
        return pc.or_(small, pc.and_(are_near(doubles_of(leaf), self.near), _matches(leaf, _MAY_DIFFER)))


def _altered(values: pa.Array, leaves: Sequence[pa.Array], doubts: Sequence[_Doubts]) -> pa.Array:
    """Return which documents have numbers that may be printed otherwise, among those whose leaves may hold them."""
    which = pa.repeat(pa.scalar(False), len(values))  # noqa: FBT003 - a value, not a choice
    for leaf, doubt in zip(leaves, doubts, strict=True):
        if not _all_begin(leaf, '"'):
            which = pc.or_(which, doubt.of(leaf))
    if not pc.any(which).as_py():
        return which
    return pc.replace_with_mask(which, which, _matches(values.filter(which), ALTERED))


def _deep(values: pa.Array, which: pa.Array) -> pa.Array:
    """Return which documents may be nested too deeply to be read again; such a document counts as no JSON."""
    large = pc.and_(which, pc.fill_null(pc.greater_equal(pc.binary_length(values), _DEEP), fill_value=False))
    if not pc.any(large).as_py():
        return large
    brackets = pc.count_substring_regex(values.filter(large), r"[\[{]")
    return pc.replace_with_mask(large, large, pc.greater_equal(brackets, _DEEP // 2))


def _nulled(values: pa.Array, where: pa.Array) -> pa.Array:
    return pc.if_else(where, pa.scalar(None, values.type), values)


def _as_written(values: pa.Array, altered: pa.Array, leaf: pa.Array, path: FieldPath) -> pa.Array:
    if not pc.any(altered).as_py():
        return leaf
    doubtful = pc.and_(altered, _matches(leaf, _MAY_DIFFER))
    name = path.steps[-1]
    if pc.any(doubtful).as_py() and isinstance(name, str) and json.dumps(name, ensure_ascii=False) == f'"{name}"':
        documents = values.filter(doubtful)
        numbers = _only_number(documents, name)
        leaf = pc.replace_with_mask(leaf, doubtful, pc.coalesce(numbers, leaf.filter(doubtful)))
        doubtful = pc.replace_with_mask(doubtful, doubtful, pc.is_null(numbers))
    return _read_again(values, leaf, doubtful, lambda node: json_text.find(node, path.steps))


def _only_number(documents: pa.Array, name: str) -> pa.Array:
    """Return the number that follows a field's name, where that name is there only once: then it is the leaf's."""
    key = f'"{name}"'
    found = pc.struct_field(pc.extract_regex(documents, rf"\Q{key}\E{_NUMBER}"), 0)
    several = pc.not_equal(pc.count_substring(documents, key), 1)
    return _nulled(found, pc.or_(several, pc.match_substring_regex(documents, _ESCAPED_NAME)))


def _read_again(values: pa.Array, leaf: pa.Array, which: pa.Array, find: Callable[[Any], str | None]) -> pa.Array:
    """Replace some leaves by what a reader of single documents finds: a loop, about 10 µs for each of them."""
    if not pc.any(which).as_py():
        return leaf
    again = [_found(document, find) for document in values.filter(which).to_pylist()]
    return pc.replace_with_mask(leaf, which, pa.array(again, pa.string()))


def _found(document: str, find: Callable[[Any], str | None]) -> str | None:
    try:
        return find(json_text.read(document))
    except ValueError:
        # Too deep for this reader. What was printed may be another number: rather nothing than that.
        return None
