"""JSON within texts: documents that producers have written as a text, packed, or encoded."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.core.mapping.expressions import parse_path
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.function import TEXTUAL, function
from airflow_provider_kafka_odps.core.mapping.sources.json_paths import JsonReader
from airflow_provider_kafka_odps.core.mapping.strict import Conversion, Converted, Unconvertible, shown


@function(takes=TEXTUAL, gives=SourceKind.JSON)
def path(where: str) -> Conversion:
    """Read the text as a JSON object, and follow a path into it; what is not there is NULL."""
    return _Within(JsonReader([parse_path(where)]))


class _Within:
    def __init__(self, reader: JsonReader) -> None:
        self._reader = reader

    def apply(self, values: pa.Array) -> Converted:
        """Return the leaf of each text, which has to be a JSON object."""
        found = self._reader.extract(values)
        rows = pc.indices_nonzero(found.bad).to_pylist()
        texts = values.take(pa.array(rows, pa.int64())).to_pylist()
        problems = [
            Unconvertible(row, f"path: {shown(text)} is no JSON object") for row, text in zip(rows, texts, strict=True)
        ]
        return found.leaves[0], problems
