"""The projection: compiled once per table, it turns batches of records into columns of the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.conversions import Convert, Misfit, constant, conversion, convert_strictly
from airflow_provider_kafka_odps.core.expressions import Constant, Expression, JsonPath, Part, parse_expression
from airflow_provider_kafka_odps.core.json_paths import JsonReader
from airflow_provider_kafka_odps.core.schema import Column, TableSchema, columns_of
from airflow_provider_kafka_odps.exceptions import InvalidMapping

DEFAULT_COLUMNS: Mapping[str, str] = {
    "key": "__key__",
    "value": "__value__",
    "partition": "__partition__",
    "offset": "__offset__",
    "timestamp": "__timestamp__",
    "headers": "__headers__",
}
"""The mapping when none is given; ``partition`` and ``offset`` are what proves a load afterwards."""
MAX_FIELD_BYTES = 8 * 1024 * 1024
"""What the service takes as one STRING or BINARY value, unless the project says otherwise."""
_CREATED_TYPES = {Part.PARTITION: "bigint", Part.OFFSET: "bigint", Part.TIMESTAMP: "bigint"}


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that does not fit the table."""

    topic: str
    partition: int
    offset: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] offset {self.offset}, column {self.column}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Projected:
    """One batch after the projection."""

    columns: pa.RecordBatch
    """The rows, in the table's columns, order and types; without the rejected ones."""
    rejects: tuple[Reject, ...]
    not_json: int
    """Values that are no JSON object, where JSON paths are mapped; they are rows with NULL in those columns."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one column of the table is filled."""

    column: Column
    source: Expression
    convert: Convert


class Projection:
    """Batches of records → columns of one table; see ``compile_projection``."""

    def __init__(self, schema: TableSchema, plans: Sequence[_Plan], constants: Mapping[str, pa.Scalar]) -> None:
        self._arrow = schema.arrow
        self._plans = {plan.column.name: plan for plan in plans}
        self._constants = constants
        self._paths = list(dict.fromkeys(plan.source for plan in plans if isinstance(plan.source, JsonPath)))
        self._json = JsonReader(self._paths) if self._paths else None

    @property
    def wanted(self) -> frozenset[str]:
        """The columns of a batch that this projection looks at; the others need not be decoded."""
        parts = {plan.source.value for plan in self._plans.values() if isinstance(plan.source, Part)}
        return frozenset(parts | {"partition", "offset"} | ({"value"} if self._paths else set()))

    def apply(self, topic: str, batch: pa.RecordBatch, max_field_bytes: int = MAX_FIELD_BYTES) -> Projected:
        """Project a batch of one partition's records (docs/reference.md, "Batches")."""
        leaves, not_json = self._leaves(batch)
        misfits: dict[int, tuple[str, str]] = {}
        arrays = [self._array(field, batch, leaves, max_field_bytes, misfits) for field in self._arrow]
        columns = pa.RecordBatch.from_arrays(arrays, schema=self._arrow)
        if not misfits:
            return Projected(columns, (), not_json)
        partition = batch.column("partition")[0].as_py()
        rejects = tuple(
            Reject(topic, partition, batch.column("offset")[row].as_py(), column, reason)
            for row, (column, reason) in sorted(misfits.items())
        )
        keep = pc.invert(pc.is_in(pa.array(range(len(batch))), pa.array(list(misfits))))
        return Projected(columns.filter(keep), rejects, not_json)

    def _leaves(self, batch: pa.RecordBatch) -> tuple[dict[JsonPath, pa.Array], int]:
        if self._json is None:
            return {}, 0
        # A value that is no UTF-8 is no JSON either: its leaves are NULL.
        documents, unreadable = convert_strictly(batch.column("value"), lambda values: values.cast(pa.string()))
        leaves, not_json = self._json.extract(documents)
        return dict(zip(self._paths, leaves, strict=True)), not_json + len(unreadable)

    def _array(
        self,
        field: pa.Field,
        batch: pa.RecordBatch,
        leaves: Mapping[JsonPath, pa.Array],
        max_field_bytes: int,
        misfits: dict[int, tuple[str, str]],
    ) -> pa.Array:
        if field.name in self._constants:
            return pa.repeat(self._constants[field.name], len(batch))
        plan = self._plans.get(field.name)
        if plan is None:
            return pa.nulls(len(batch), field.type)
        source = leaves[plan.source] if isinstance(plan.source, JsonPath) else batch.column(str(plan.source))
        values, found = convert_strictly(source, plan.convert)
        for misfit in (*found, *_nulls(values, field, found), *_over_long(values, max_field_bytes)):
            misfits.setdefault(misfit.row, (field.name, misfit.reason))
        return values


def compile_projection(columns: Mapping[str, str], schema: TableSchema) -> Projection:
    """Decide, once per table, how every column is filled.

    ``columns`` maps column names (case is ignored) to source expressions.
    Raises InvalidMapping with everything that does not fit, and InvalidExpression, before any record is read.
    """
    sources = {name: parse_expression(text) for name, text in columns.items()}
    known = {column.name.lower(): column for column in schema.columns}
    problems = [_unknown(name, schema) for name in sources if name.lower() not in known]
    mapped = Counter(name.lower() for name in sources)
    # Names differ by case in the mapping only: of two sources one would win in silence.
    problems += [f"column {name} is mapped {times} times" for name, times in mapped.items() if times > 1]
    problems += [
        f"column {column.name} is NOT NULL and nothing is mapped to it"
        for column in schema.columns
        if column.name.lower() not in mapped and not column.nullable
    ]
    plans: list[_Plan] = []
    constants: dict[str, pa.Scalar] = {}
    for name, source in sources.items():
        column = known.get(name.lower())
        if column is None:
            continue
        try:
            _decide(source, columns[name], column, plans, constants)
        except InvalidMapping as problem:
            problems.append(str(problem))
    if problems:
        has = ", ".join(f"{column.name} {column.type}" for column in schema.columns)
        raise InvalidMapping(f"columns do not fit the table: {'; '.join(problems)}. The table has: {has}")
    return Projection(schema, plans, constants)


def created_columns(columns: Mapping[str, str]) -> tuple[Column, ...]:
    """Return the columns of a table that is created for this mapping: BIGINT for numbers, otherwise STRING.

    >>> [f"{column.name} {column.type}" for column in created_columns({"k": "__key__", "o": "__offset__"})]
    ['k string', 'o bigint']
    """
    types = {}
    for name, text in columns.items():
        source = parse_expression(text)
        types[name] = _CREATED_TYPES.get(source, "string") if isinstance(source, Part) else "string"
    return columns_of(types)


def describe_rejects(rejects: Sequence[Reject]) -> str:
    """Return the first ten rejects, a line each."""
    shown = "".join(f"\n  {reject}" for reject in rejects[:10])
    return shown if len(rejects) <= 10 else f"{shown}\n  … and {len(rejects) - 10} more in the same batch"  # noqa: PLR2004 - ten fit a log


def _unknown(name: str, schema: TableSchema) -> str:
    if name.lower() in {column.name.lower() for column in schema.partition_columns}:
        return f"{name!r} is a partition column: its value comes from the parameter partition, not from records"
    return f"the table has no column {name!r}"


def _decide(source: Expression, text: str, column: Column, plans: list[_Plan], constants: dict[str, pa.Scalar]) -> None:
    if isinstance(source, Constant):
        constants[column.name] = constant(source, column)
        return
    convert = conversion(source, column)
    if convert is None:
        raise InvalidMapping(f"column {column.name}: {text} cannot become {column.type} without being altered")
    plans.append(_Plan(column, source, convert))


def _nulls(values: pa.Array, field: pa.Field, found: Sequence[Misfit]) -> list[Misfit]:
    if field.nullable or values.null_count == len(found):
        return []
    return [
        Misfit(row, "NULL in a column that is NOT NULL") for row in pc.indices_nonzero(pc.is_null(values)).to_pylist()
    ]


def _over_long(values: pa.Array, limit: int) -> list[Misfit]:
    if not (pa.types.is_string(values.type) or pa.types.is_binary(values.type)):
        return []
    lengths = pc.binary_length(values)
    if (pc.max(lengths).as_py() or 0) <= limit:
        return []
    rows = pc.indices_nonzero(pc.fill_null(pc.greater(lengths, limit), fill_value=False)).to_pylist()
    return [Misfit(row, f"{lengths[row].as_py()} bytes, more than the {limit} that a field may have") for row in rows]
