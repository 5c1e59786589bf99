"""The filter of a load: compiled once, it says of each record whether it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from airflow_provider_kafka_odps.core.mapping.expressions import Expression, FieldPath, Part, Piped, Source
from airflow_provider_kafka_odps.core.mapping.filters.comparing import Comparing, comparing
from airflow_provider_kafka_odps.core.mapping.filters.condition import (
    Both,
    Condition,
    Either,
    Leaf,
    Negation,
    leaves,
)
from airflow_provider_kafka_odps.core.mapping.filters.refused.ranges import empty_ranges
from airflow_provider_kafka_odps.core.mapping.filters.verdicts import Verdicts
from airflow_provider_kafka_odps.core.mapping.filters.where import read_where
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat, SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.catalogue import piped
from airflow_provider_kafka_odps.core.mapping.functions.missing import without_empty
from airflow_provider_kafka_odps.core.mapping.sources.records import kind_of
from airflow_provider_kafka_odps.core.mapping.strict import Chained, Converted
from airflow_provider_kafka_odps.exceptions import InvalidInput, InvalidMapping


@dataclass(frozen=True, slots=True)
class Sorted:
    """The records of one batch, sorted by the filter."""

    kept: npt.NDArray[np.bool_]
    """Those that are loaded."""
    unclear: Mapping[int, str]
    """Row → why it cannot be told; such a row is not kept."""


class Filter:
    """A condition and how each of its comparisons is decided."""

    def __init__(self, condition: Condition, record_format: RecordFormat) -> None:
        """Compile it; raises InvalidMapping with all comparisons that make no sense."""
        self._condition = condition
        found = {leaf: _compiled(leaf, record_format) for leaf in leaves(condition)}
        self._leaves = {leaf: each for leaf, each in found.items() if not isinstance(each, InvalidMapping)}
        sizes = {leaf: each.size for leaf, each in self._leaves.items() if each.size is not None}
        problems = [str(each) for each in found.values() if isinstance(each, InvalidMapping)]
        problems += [f"{_told(source)}: nothing is {said}" for source, said in empty_ranges(condition, sizes)]
        if problems:
            raise InvalidMapping(f"where: {'; '.join(dict.fromkeys(problems))}")

    @property
    def sources(self) -> Sequence[Source]:
        """What it looks at of a record."""
        return [_source(leaf.source) for leaf in self._leaves]

    @property
    def by_value(self) -> Mapping[Source, Sequence[float]]:
        """The sources of which it counts what number they are, and how it is written near the given ones only."""
        found: dict[Source, list[float]] = {}
        spelled = set()
        for leaf, comparison in self._leaves.items():
            if comparison.near is None or isinstance(leaf.source, Piped):
                spelled.add(_source(leaf.source))
            else:
                found.setdefault(_source(leaf.source), []).extend(comparison.near)
        return {source: near for source, near in found.items() if source not in spelled}

    def sort(self, columns: Mapping[Source, Converted]) -> Sorted:
        """Sort the records whose sources these are."""
        verdicts = self._verdicts(self._condition, columns)
        return Sorted(verdicts.true, verdicts.unclear)

    def _verdicts(self, condition: Condition, columns: Mapping[Source, Converted]) -> Verdicts:
        match condition:
            case Negation(inner):
                return self._verdicts(inner, columns).negated()
            case Both(left, right):
                return self._verdicts(left, columns).both(self._verdicts(right, columns))
            case Either(left, right):
                return self._verdicts(left, columns).either(self._verdicts(right, columns))
            case _:
                return self._leaves[condition].apply(columns[_source(condition.source)])


def compile_filter(text: str | None, record_format: RecordFormat) -> Filter | None:
    """Return the filter that a user has written; None for none.

    Raises InvalidInput for what is no condition, and InvalidMapping for comparisons that make no sense.
    """
    condition = read_where(text)
    if condition is None:
        return None
    try:
        return Filter(condition, record_format)
    except InvalidInput as problem:
        raise InvalidMapping(f"{problem} (where={text!r})") from None


def _compiled(leaf: Leaf, record_format: RecordFormat) -> Comparing | InvalidMapping:
    source = leaf.source
    try:
        if not isinstance(source, Piped):
            return _comparing(leaf, kind_of(source, record_format), record_format)
        given = piped(source, record_format)
        behind = _comparing(leaf, given.kind, record_format)
        return replace(behind, reading=Chained(given.conversion, behind.reading))
    except InvalidMapping as problem:
        return InvalidMapping(f"{_told(source)}: {problem}")


def _comparing(leaf: Leaf, kind: SourceKind, record_format: RecordFormat) -> Comparing:
    compiled = comparing(leaf, kind, record_format.leniency)
    return replace(compiled, reading=without_empty(kind, compiled.reading, record_format))


def _source(expression: Expression) -> Source:
    return expression.source if isinstance(expression, Piped) else expression


def _told(expression: Expression) -> str:
    if isinstance(expression, Piped):
        return " | ".join([_told(expression.source), *map(str, expression.calls)])
    if isinstance(expression, Part):
        return f"__{expression}__"
    if isinstance(expression, FieldPath) and expression.root is Part.KEY:
        return f"{expression} of __key__"
    return str(expression)
