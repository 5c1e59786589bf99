"""The law of the mapping through the tunnel: what the official client reads is what a slow converter says."""

import json
import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
from core.mapping.test_mapping_law import RECORDS, Scene, assert_same, batch_of_records
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit.reference_converter import JsonText, printed, row_of
from odps import ODPS
from odps.config import option_context

from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat
from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.hooks.odps import OdpsHook

ARROW = Scene(
    {
        "n": "__offset__",
        "k": "__key__",
        "s": "a",
        "e": "e",
        "o": "o",
        "day": "day",
        "ts": "at",
        "ar": "n",
        "h": "__headers__",
    },
    {
        "n": "bigint",
        "k": "binary",
        "s": "string",
        "e": "decimal(10,2)",
        "o": "boolean",
        "day": "date",
        "ts": "timestamp",
        "ar": "array<string>",
        "h": "string",
    },
    RecordFormat(),
)
RECORD = Scene(
    {"n": "__offset__", "j": "a", "d": "f", "l": "e", "at": "at", "m": "n", "rest": "*", "t": "__timestamp__"},
    {
        "n": "bigint",
        "j": "json",
        "d": "double",
        "l": "decimal",
        "at": "datetime",
        "m": "map<string,double>",
        "rest": "string",
        "t": "bigint",
    },
    RecordFormat(),
)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(st.lists(RECORDS, min_size=5, max_size=25))
def test_what_is_read_back_is_what_a_slow_converter_says(
    odps_hook: OdpsHook, plain_odps: ODPS, records: list[dict[str, Any]]
) -> None:
    """Through Arrow blocks and through record blocks: the same rows, and no rejected record among them."""
    for offset, record in enumerate(records):
        record["offset"] = offset
    for scene in (ARROW, RECORD):
        expected = [row_of(record, scene.columns, scene.types, scene.record_format) for record in records]
        found = _loaded(odps_hook, plain_odps, scene, records)
        assert [row["n"] for row in found] == [n for n, row in enumerate(expected) if isinstance(row, dict)]
        for row in found:
            wanted = expected[row["n"]]
            assert isinstance(wanted, dict)
            for name, kind in scene.types.items():
                _hold(row[name], wanted[name], kind)


def _loaded(hook: OdpsHook, odps: ODPS, scene: Scene, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    table = TableName(f"l_{uuid.uuid4().hex[:12]}")
    hook.create_table(table, TableSchema(columns_of(scene.types)))
    upload = hook.open_upload(table)
    upload.write_block(0, [scene.projection.apply("orders", batch_of_records(records)).columns])
    upload.commit(1)
    with option_context() as options:
        options.local_timezone = False
        with odps.get_table(table.name).open_reader() as reader:
            rows = [dict(zip(scene.types, record.values, strict=True)) for record in reader]
    return sorted(rows, key=lambda row: row["n"])


def _hold(value: Any, expected: Any, kind: str) -> None:
    match expected, kind:
        case None, _:
            assert value is None
        case JsonText(), "json":
            assert value == json.loads(printed(expected.tree))
        case int(), "datetime" | "timestamp":
            moment = pd.Timestamp(value).tz_localize(None)
            assert moment == pd.Timestamp(expected, unit="ms" if kind == "datetime" else "ns")
        case Decimal(), _:
            assert Decimal(value) == expected
        case list(), _ if kind.startswith("map"):
            assert dict(value) == dict(expected)
        case date(), _:
            assert value == expected
        case _:
            assert_same(value, expected)
