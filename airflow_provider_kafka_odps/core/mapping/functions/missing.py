"""What stands in the place of NULL, and NULL in the place of something."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat, SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.function import Change, function
from airflow_provider_kafka_odps.core.mapping.strict import Conversion, Converted
from airflow_provider_kafka_odps.exceptions import InvalidInput

_WITH_CONSTANTS = frozenset({SourceKind.TEXT, SourceKind.BYTES, SourceKind.JSON, SourceKind.NUMBER})


@function(takes=_WITH_CONSTANTS)
def default(value: str | int, *, kind: SourceKind) -> Change:
    """Put ``value`` where there is NULL: a missing field, a JSON null, a tombstone."""
    constant = _constant(value, kind)
    return lambda values: pc.fill_null(values, pa.scalar(constant, values.type))


@function(takes=_WITH_CONSTANTS)
def null_if(value: str | int, *, kind: SourceKind) -> Change:
    """Put NULL where there is exactly ``value``."""
    constant = _constant(value, kind)

    def nulled(values: pa.Array) -> pa.Array:
        same = pc.fill_null(pc.equal(values, pa.scalar(constant, values.type)), fill_value=False)
        return pc.if_else(same, pa.scalar(None, values.type), values)

    return nulled


def _constant(value: str | int, kind: SourceKind) -> str | bytes:
    match kind:
        case SourceKind.JSON:
            return json.dumps(value, ensure_ascii=False)
        case SourceKind.BYTES:
            return str(value).encode()
        case SourceKind.NUMBER if isinstance(value, str):
            raise InvalidInput(f"value={value!r}: it stands behind number, so a number is wanted, without quotes")
        case _:
            return str(value)


_EMPTY: Mapping[SourceKind, str | bytes] = {SourceKind.BYTES: b"", SourceKind.TEXT: "", SourceKind.JSON: '""'}


def without_empty(kind: SourceKind, convert: Conversion, record_format: RecordFormat) -> Conversion:
    """Return the conversion of values of which empty texts are NULL, if the user wants that."""
    return _EmptyAsNull(_EMPTY[kind], convert) if record_format.empty_as_null and kind in _EMPTY else convert


@dataclass(frozen=True, slots=True)
class _EmptyAsNull:
    """A conversion that takes an empty text for NULL."""

    empty: str | bytes
    then: Conversion

    def apply(self, values: pa.Array) -> Converted:
        empty = pc.fill_null(pc.equal(values, pa.scalar(self.empty, values.type)), fill_value=False)
        return self.then.apply(pc.if_else(empty, pa.scalar(None, values.type), values))
