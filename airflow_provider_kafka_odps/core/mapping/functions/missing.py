"""What stands in the place of NULL, and NULL in the place of something."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.function import Change, function
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
