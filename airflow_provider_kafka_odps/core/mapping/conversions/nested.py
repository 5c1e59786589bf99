"""JSON arrays and objects become ARRAY, MAP and STRUCT, element by element and in columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.arrow import edges, masked, replaced
from airflow_provider_kafka_odps.core.mapping.arrow_sql import query
from airflow_provider_kafka_odps.core.mapping.conversions.text import text_conversion
from airflow_provider_kafka_odps.core.mapping.expressions import FieldPath
from airflow_provider_kafka_odps.core.mapping.sources import json_text
from airflow_provider_kafka_odps.core.mapping.sources.json_paths import ALTERED, JsonReader
from airflow_provider_kafka_odps.core.mapping.strict import Conversion, Converted, Unconvertible, merged
from airflow_provider_kafka_odps.core.table.types import OdpsType

Inner: TypeAlias = Callable[[OdpsType], Conversion | None]


def nested_conversion(target: OdpsType, inner: Inner) -> Conversion | None:
    """Return how JSON text becomes a column of a nested type; ``inner`` finds how its elements do."""
    kinds = [kind for _, kind in target.fields]
    keys = [text_conversion(kinds[0])] if target.name == "map" else []
    found = [*keys, *map(inner, kinds[len(keys) :])]
    parts = [conversion for conversion in found if conversion is not None]
    if len(parts) < len(found):
        return None
    match target.name:
        case "array":
            return _ListOf(target.arrow, parts[0])
        case "map":
            return _MapOf(target.arrow, parts[0], parts[1])
        case _:
            names = [name for name, _ in target.fields]
            reader = JsonReader([FieldPath((name,)) for name in names])
            return _StructOf(target.arrow, reader, tuple(names), tuple(parts))


@dataclass(frozen=True, slots=True)
class _ListOf:
    """An array of JSON becomes an ARRAY: its elements become a column of their own first."""

    arrow: pa.DataType
    element: Conversion

    def apply(self, values: pa.Array) -> Converted:
        """Convert JSON arrays."""
        elements = _without_null(_elements(values, "json_extract(item, '$[*]')", json_text.elements))
        inner, problems = self.element.apply(elements.flatten())
        array = pa.ListArray.from_arrays(edges(elements), inner, type=self.arrow, mask=pc.is_null(values))
        return _without(array, _rows(elements, problems, "element"))


@dataclass(frozen=True, slots=True)
class _MapOf:
    """A JSON object becomes a MAP: its names and its values become columns of their own first."""

    arrow: pa.DataType
    key: Conversion
    item: Conversion

    def apply(self, values: pa.Array) -> Converted:
        """Convert JSON objects; one that has a name twice does not fit."""
        names = _elements(values, "json_keys(item)", lambda node: [name for name, _ in node])
        items = _without_null(
            _elements(
                values, "json_extract(item, '$.*')", lambda node: json_text.elements([inner for _, inner in node])
            )
        )
        keys, key_problems = self.key.apply(names.flatten())
        inner, item_problems = self.item.apply(items.flatten())
        problems = merged(_rows(names, key_problems, "key"), _rows(items, item_problems, "value"), _twice(names, keys))
        if problems:
            # A key that is NULL would make its map impossible, so such rows are converted as NULL.
            return self.apply(_masked(values, problems))[0], problems
        array = pa.MapArray.from_arrays(edges(names), keys, inner, type=self.arrow)
        return masked(array, values.is_null().to_numpy(zero_copy_only=False)), []


@dataclass(frozen=True, slots=True)
class _StructOf:
    """A JSON object becomes a STRUCT, by the names of its fields; it may have other ones."""

    arrow: pa.DataType
    reader: JsonReader
    names: tuple[str, ...]
    parts: tuple[Conversion, ...]

    def apply(self, values: pa.Array) -> Converted:
        """Convert JSON objects; a field that is missing is NULL."""
        fields, found = [], []
        for name, leaves, part in zip(self.names, self.reader.extract(values).leaves, self.parts, strict=True):
            field, problems = part.apply(leaves)
            fields.append(field)
            found.append([Unconvertible(problem.row, f"field {name}: {problem.reason}") for problem in problems])
        array = pa.StructArray.from_arrays(fields, fields=list(self.arrow), mask=pc.is_null(values))
        return _without(array, merged(*found))


def _elements(values: pa.Array, found: str, read: Callable[[Any], object]) -> pa.ListArray:
    """Return lists of JSON texts; those whose numbers DuckDB would print otherwise are read one by one."""
    altered = pc.fill_null(pc.match_substring_regex(values, ALTERED), fill_value=False)
    (lists,) = query(f"SELECT CAST({found} AS VARCHAR[]) FROM batch", values)  # noqa: S608 - written above
    if not pc.any(altered).as_py():
        return lists
    again = [read(json_text.read(document)) for document in values.filter(altered).to_pylist()]
    return replaced(lists, altered, pa.array(again, lists.type))


def _without_null(lists: pa.ListArray) -> pa.ListArray:
    """Return lists whose JSON nulls are NULL."""
    flat = lists.flatten()
    flat = pc.if_else(pc.fill_null(pc.equal(flat, "null"), fill_value=False), pa.scalar(None, pa.string()), flat)
    return pa.ListArray.from_arrays(edges(lists), flat, mask=pc.is_null(lists))


def _rows(lists: pa.ListArray, problems: list[Unconvertible], what: str) -> list[Unconvertible]:
    """Return the problems of elements as problems of the rows that they are in."""
    if not problems:
        return []
    starts = edges(lists).to_numpy()
    rows = np.searchsorted(starts, [problem.row for problem in problems], side="right") - 1
    return [
        Unconvertible(int(row), f"{what} {problem.row - starts[row]}: {problem.reason}")
        for row, problem in zip(rows, problems, strict=True)
    ]


def _twice(names: pa.ListArray, keys: pa.Array) -> list[Unconvertible]:
    """Return the rows that have one key more than once."""
    parents = pc.list_parent_indices(names)
    counted = pa.table({"row": parents, "key": keys}).group_by(["row", "key"]).aggregate([([], "count_all")])
    double = counted.filter(pc.greater(counted["count_all"], 1))
    return [
        Unconvertible(row["row"], f"key {row['key']!r} is there {row['count_all']} times") for row in double.to_pylist()
    ]


def _without(array: pa.Array, problems: list[Unconvertible]) -> Converted:
    """Return a column without the values of rows that do not fit."""
    problems = merged(problems)
    return _masked(array, problems) if problems else array, problems


def _masked(array: pa.Array, problems: list[Unconvertible]) -> pa.Array:
    gone = np.zeros(len(array), bool)
    gone[[problem.row for problem in problems]] = True
    return masked(array, gone)
