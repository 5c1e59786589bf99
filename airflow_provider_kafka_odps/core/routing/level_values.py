"""Values that can name a partition; a record whose value cannot is a reject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.expressions import (
    Constant,
    Expression,
    FieldPath,
    Header,
    Part,
    Piped,
    Rest,
)
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat, SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.catalogue import piped
from airflow_provider_kafka_odps.core.mapping.sources.records import kind_of
from airflow_provider_kafka_odps.core.mapping.strict import Conversion, Converted, Unconvertible, shown
from airflow_provider_kafka_odps.core.table.names import is_partition_value
from airflow_provider_kafka_odps.exceptions import InvalidMapping

_TIMES = frozenset({SourceKind.INSTANT, SourceKind.NANOS, SourceKind.LOCAL})


_NAMELESS = "NULL names no partition; behind the expression, | default('unknown') gives it one"


_RULE = (
    "1 to 255 letters, digits, spaces and _:.-$#!@, no space at an end, are the name of a partition; functions such "
    "as replace or format make one"
)


@dataclass(frozen=True, slots=True)
class _Naming:
    """Lets values through that name a partition."""

    def apply(self, values: pa.Array) -> Converted:
        """Return the values, those that name no partition as problems."""
        problems = [
            Unconvertible(row, _NAMELESS)
            for row in (pc.indices_nonzero(pc.is_null(values)).to_pylist() if values.null_count else ())
        ]
        if not pa.types.is_string(values.type):
            # A whole number always does.
            return values, problems
        # Of a whole batch there are few different ones.
        encoded = values.dictionary_encode()
        odd = [at for at, each in enumerate(encoded.dictionary.to_pylist()) if not is_partition_value(each)]
        if not odd:
            return values, problems
        bad = pc.fill_null(pc.is_in(encoded.indices, pa.array(odd, encoded.indices.type)), fill_value=False)
        rows = pc.indices_nonzero(bad).to_pylist()
        seen = values.filter(bad).to_pylist()
        problems += [Unconvertible(row, f"{shown(value)}: {_RULE}") for row, value in zip(rows, seen, strict=True)]
        return pc.if_else(bad, pa.scalar(None, values.type), values), sorted(problems, key=lambda each: each.row)


def namings(levels: Sequence[str]) -> Mapping[str, Conversion]:
    """Return what the values of levels go through before they are stored: level → conversion."""
    return dict.fromkeys(levels, _Naming())


def check_sources(sources: Mapping[str, Expression], record_format: RecordFormat) -> None:
    """Raise InvalidMapping for levels whose source cannot name a partition, with all of them."""
    problems = [f"{level}: {why}" for level, source in sources.items() if (why := _unfit(source, record_format))]
    if problems:
        raise InvalidMapping("partition_by: " + "; ".join(problems))


def _unfit(source: Expression, record_format: RecordFormat) -> str:
    """Say why what a source gives can name no partition; empty: it may."""
    match source:
        case Piped():
            kind, of = piped(source, record_format).kind, source.source
        case Rest() | Part.HEADERS:
            return f"{'all headers' if source is Part.HEADERS else 'a whole object'} cannot name a partition"
        case Part() | Constant() | Header() | FieldPath():
            kind, of = kind_of(source, record_format), source
        case _:
            assert_never(source)
    if kind in _TIMES:
        spelled = f"__{of}__" if isinstance(of, Part) else of
        return (
            f"a time is in a partition by what a pattern and a zone make of it: {spelled} | … "
            "| format('yyyyMMdd', 'Asia/Shanghai')"
        )
    if kind in (SourceKind.FLOAT, SourceKind.DOUBLE):
        return "a number with a fraction cannot name a partition"
    return ""
