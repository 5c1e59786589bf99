"""The file of rejects: its lines are JSON as Python writes it."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.accounting.rejects import BASE64, REJECT_SCHEMA
from airflow_provider_kafka_odps.transfers.adapters.reject_file import Layout, _write

_TEXTS = st.none() | st.text(st.characters(codec="utf-8"), max_size=20)
_ROWS = st.fixed_dictionaries(
    {
        field.name: st.none() | st.binary(max_size=9).map(lambda octets: octets.hex())
        if field.name in BASE64
        else _TEXTS
        if field.type == pa.string()
        else st.none() | st.integers(-(2**63), 2**63 - 1)
        for field in REJECT_SCHEMA
    }
)


@given(st.lists(st.lists(_ROWS, max_size=4), min_size=1, max_size=3))
def test_lines_are_those_of_json(batches: list[list[dict[str, Any]]]) -> None:
    """Written in pieces, so that none is copied, a line is what ``json.dumps`` makes of the row."""
    file, some = io.BytesIO(), [pa.RecordBatch.from_pylist(rows, REJECT_SCHEMA) for rows in batches]
    _write(file, Layout.JSONL, iter(some), "u1")
    rows = [{**row, "upload_id": "u1"} for batch in some for row in batch.to_pylist()]
    expected = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    assert file.getvalue().decode() == expected
