"""The projection: compiled once per table, it turns batches of records into columns of the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.expressions import FieldPath, Header, Part, Rest, Source
from airflow_provider_kafka_odps.core.mapping.filters.sorting import Sorting
from airflow_provider_kafka_odps.core.mapping.filters.wanted import Wanted
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat
from airflow_provider_kafka_odps.core.mapping.reject import Reject, rejects_of
from airflow_provider_kafka_odps.core.mapping.sources.records import Sources
from airflow_provider_kafka_odps.core.mapping.sources.samples import Sample
from airflow_provider_kafka_odps.core.mapping.sources.taken import DocumentCounts, Taken
from airflow_provider_kafka_odps.core.mapping.strict import Conversion, Converted, Unconvertible, merged
from airflow_provider_kafka_odps.core.options import Conversions
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema
from airflow_provider_kafka_odps.exceptions import RecordsRejected

MAX_FIELD_BYTES = 8 * 1024 * 1024
"""What the service takes as one STRING or BINARY value, unless the project says otherwise."""


# Of a JSON number they take the value, exactly; how it is written is nothing to them.
_BY_VALUE = frozenset({"tinyint", "smallint", "int", "bigint", "double", "boolean"})


# Leniently whole numbers are also taken from what has a point or an exponent: of these the double may be another one.
_BY_VALUE_LENIENTLY = frozenset({"double", "boolean"})


@dataclass(frozen=True, slots=True)
class Projected:
    """One batch after the projection."""

    columns: pa.RecordBatch
    """The rows, in the table's columns, order and types; without the rejected ones."""
    rejects: tuple[Reject, ...]
    """In the order of their offsets."""
    documents: tuple[DocumentCounts, ...]
    """Keys and values that are read as JSON, and those of them that are no JSON."""
    found: tuple[str, ...]
    """Columns whose path or header is in some record, whether or not it fits."""
    nulls: Mapping[str, int]
    """Column → rows that have NULL in it, of those that are filled from records, where there are any."""
    empty_rows: int
    """Rows with NULL in every column that is filled from a value or a header; 0 if there is no such column."""
    filtered: int = 0
    """Records that the filter leaves out."""

    @property
    def not_json(self) -> int:
        """Keys and values that are no JSON object, where paths lead into them, or no JSON, where they should be."""
        return sum(each.bad for each in self.documents)


@dataclass(frozen=True, slots=True)
class Plan:
    """How one column of the table is filled."""

    column: Column
    source: Source
    conversion: Conversion
    has_functions: bool = False
    """Whether the conversion begins with functions, to which it matters how a number is written."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a projection is compiled from: all that decides which row a record becomes."""

    columns: Mapping[str, str]
    """Source expressions by column name, as the user wrote them."""
    schema: TableSchema
    record_format: RecordFormat
    wanted: Wanted
    levels: tuple[str, ...] = ()
    """Those of the columns that say in which partition a row belongs."""


class Projection:
    """Batches of records → columns of one table; see ``compile_projection``."""

    def __init__(
        self, origin: Origin, plans: Sequence[Plan], constants: Mapping[str, pa.Scalar], sorting: Sorting | None = None
    ) -> None:
        self._sorting = sorting
        self.origin, schema, record_format = origin, origin.schema, origin.record_format
        self.levels = origin.levels
        """The columns that say in which partition a row belongs."""
        self.record_format = record_format
        """How keys and values are read."""
        self._arrow = schema.arrow
        self._plans = {plan.column.name: plan for plan in plans}
        self._constants = constants
        self.paths = {plan.column.name: plan.source for plan in plans if isinstance(plan.source, FieldPath | Header)}
        """Column → what it is filled from, where that may be missing from records."""
        strict = record_format.conversions is Conversions.STRICT
        types = _BY_VALUE if strict else _BY_VALUE_LENIENTLY
        spelled = {plan.source for plan in plans if plan.has_functions or plan.column.type.name not in types}
        own = [plan for plan in plans if plan.column.name.lower() not in self.levels]
        self._telling = [plan.column.name for plan in own if _tells(plan.source)]
        sources = [plan.source for plan in plans]
        asked = [] if sorting is None else sorting.filter.sources
        by_value: dict[Source, Sequence[float]] = dict.fromkeys(set(sources).difference(spelled, asked), ())
        if sorting is not None:
            near = sorting.filter.by_value
            by_value |= {source: near[source] for source in near if source not in spelled}
        # The level of a partition has not taken a field whole: it is still one of the rest.
        beside = frozenset([*asked, *sources]).difference(plan.source for plan in own)
        self._sources = Sources([*sources, *asked], record_format, by_value, beside)

    @property
    def wanted(self) -> frozenset[str]:
        """The columns of a batch that this projection looks at; the others need not be decoded."""
        return self._sources.wanted | {"partition", "offset"}

    def apply(self, topic: str, batch: pa.RecordBatch, max_field_bytes: int = MAX_FIELD_BYTES) -> Projected:
        """Project a batch of one partition's records (docs/reference.md, "Batches").

        Raises RecordsRejected for what is no JSON, where the load is to fail for it.
        """
        taken = self._sources.take(topic, batch)
        if taken.unusable is not None:
            where = f"{topic}[{batch.column('partition')[0]}] offset {batch.column('offset')[taken.unusable.row]}"
            raise RecordsRejected(f"{where}: {taken.unusable.reason}, and on_bad_json='fail'; nothing was committed")
        if self._sorting is None:
            return self._projected(topic, batch, taken, max_field_bytes)
        kept = self._sorting.sort(taken.columns, len(batch))
        if kept.all:
            return self._projected(topic, batch, taken, max_field_bytes)
        rows = batch.filter(pa.array(kept.rows))
        projected = self._projected(topic, rows, taken.of_rows(kept.rows), max_field_bytes)
        return kept.whole(projected, topic, batch)

    def _projected(self, topic: str, batch: pa.RecordBatch, taken: Taken, max_field_bytes: int) -> Projected:
        problems: dict[int, tuple[str, str]] = {}
        arrays = []
        for field in self._arrow:
            array, found = self._array(field, len(batch), taken.columns, max_field_bytes)
            arrays.append(array)
            for problem in found:
                problems.setdefault(problem.row, (field.name, problem.reason))
        columns = pa.RecordBatch.from_arrays(arrays, schema=self._arrow)
        rejects: tuple[Reject, ...] = ()
        if problems:
            keep = np.ones(len(batch), bool)
            keep[list(problems)] = False
            columns, rejects = columns.filter(pa.array(keep)), rejects_of(topic, batch, problems)
        nulls = {name: count for name in self._plans if (count := columns.column(name).null_count)}
        empty = _empty_rows([columns.column(name) for name in self._telling])
        documents = taken.documents(topic, batch)
        return Projected(columns, rejects, documents, self._found(taken.columns, len(batch)), nulls, empty)

    def sample(self, columns: Iterable[str], batch: pa.RecordBatch) -> dict[str, Sample]:
        """Return what the first records of a batch have in the place of what columns are filled from."""
        sources = {column: self.paths[column] for column in columns}
        samples = self._sources.sample(batch, list(dict.fromkeys(sources.values())))
        return {column: samples[source] for column, source in sources.items()}

    def _found(self, sources: Mapping[Source, Converted], records: int) -> tuple[str, ...]:
        return tuple(column for column, source in self.paths.items() if sources[source][0].null_count < records)

    def _array(
        self, field: pa.Field, rows: int, sources: Mapping[Source, tuple[pa.Array, list[Unconvertible]]], limit: int
    ) -> tuple[pa.Array, list[Unconvertible]]:
        if field.name in self._constants:
            return pa.repeat(self._constants[field.name], rows), []
        plan = self._plans.get(field.name)
        if plan is None:
            return pa.nulls(rows, field.type), []
        source, unreadable = sources[plan.source]
        if pa.types.is_list(source.type):
            source, large = _without_large_headers(source, limit)
            unreadable = merged(unreadable, large)
        values, unfit = plan.conversion.apply(source)
        long = _over_long(source if pa.types.is_nested(field.type) else values, limit)
        problems = [*unreadable, *unfit, *long]
        return values, [*problems, *_nulls(values, field, problems)]


def _tells(source: Source) -> bool:
    """Tell whether a column of this source is NULL where its records hold nothing: all headers are never NULL."""
    match source:
        case FieldPath(root=root):
            return root is Part.VALUE
        case Part.VALUE | Rest() | Header():
            return True
        case _:
            return False


def _empty_rows(columns: Sequence[pa.Array]) -> int:
    if not columns or any(column.null_count == 0 for column in columns):
        return 0
    return int(pc.sum(reduce(pc.and_, (pc.is_null(column) for column in columns))).as_py())


def _nulls(values: pa.Array, field: pa.Field, found: Sequence[Unconvertible]) -> list[Unconvertible]:
    if field.nullable or values.null_count == 0:
        return []
    known = {problem.row for problem in found}
    rows = [row for row in pc.indices_nonzero(pc.is_null(values)).to_pylist() if row not in known]
    return [Unconvertible(row, "NULL in a column that is NOT NULL") for row in rows]


def _without_large_headers(headers: pa.Array, limit: int) -> Converted:
    """Return headers without those whose values alone are longer than a field: as JSON they would be there again."""
    _, values = headers.flatten().flatten()
    sizes = pc.fill_null(pc.binary_length(values), 0).to_numpy(zero_copy_only=False)
    if sizes.sum() <= limit:
        return headers, []
    each = np.bincount(pc.list_parent_indices(headers).to_numpy(), sizes, len(headers)).astype(np.int64)
    large = each > limit
    # Taking leaves the bytes of the others behind; a mask would keep them.
    rest = headers.take(pa.array(np.arange(len(headers)), mask=large))
    return rest, [
        Unconvertible(row, f"headers of {each[row]} bytes, more than the {limit} that a field may have")
        for row in np.flatnonzero(large).tolist()
    ]


def _over_long(values: pa.Array, limit: int) -> list[Unconvertible]:
    if not (pa.types.is_string(values.type) or pa.types.is_binary(values.type)):
        return []
    lengths = pc.binary_length(values)
    if (pc.max(lengths).as_py() or 0) <= limit:
        return []
    rows = pc.indices_nonzero(pc.fill_null(pc.greater(lengths, limit), fill_value=False)).to_pylist()
    return [
        Unconvertible(row, f"{lengths[row].as_py()} bytes, more than the {limit} that a field may have") for row in rows
    ]
