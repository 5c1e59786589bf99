"""Defaults for a whole load: `timezone` and `conversions`, by the table of docs/mapping.md."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from core.mapping.test_functions import projected, shown
from hypothesis import given
from hypothesis import strategies as st
from kit.airflow_home import ROOT

from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat
from airflow_provider_kafka_odps.core.mapping.projection import Projected
from airflow_provider_kafka_odps.core.options import Conversions
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput

PAGE = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8").split("## Defaults for a whole load\n")[1]
LINES = [
    [html.unescape(cell.strip()) for cell in line.strip("|").split("|")]
    for line in PAGE.split("| value | type | timezone | strict | lenient |\n")[1].split("\n\n")[0].splitlines()[1:]
]


def loaded(written: str, kind: str, record_format: RecordFormat) -> str | None:
    """Return what becomes of a JSON value, as the page shows it."""
    found = projected("a", kind, {"value": b'{"a": ' + written.encode() + b"}"}, record_format=record_format)
    if found.rejects:
        return "reject"
    (value,) = found.columns.column("c").to_pylist()
    if kind.startswith(("ARRAY", "MAP")):
        return json.dumps(dict(value) if kind.startswith("MAP") else value)
    return shown(value, OdpsType.parse(kind)) or "NULL"


@pytest.mark.parametrize(("written", "kind", "zone", "strict", "lenient"), LINES)
def test_each_line_of_the_page_is_so(written: str, kind: str, zone: str, strict: str, lenient: str) -> None:
    """With both ways of converting."""
    timezone = None if zone == "-" else zone.strip("`")
    for conversions, becomes in ((Conversions.STRICT, strict), (Conversions.LENIENT, lenient)):
        record_format = RecordFormat(conversions=conversions, timezone=timezone)
        assert loaded(written.strip("`"), kind, record_format) == becomes.strip("`"), conversions


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.datetimes().map(str),
    st.dates().map(str),
    st.integers(-(2**40), 2**40).map(str),
    st.sampled_from(["true", "0", "2026-11-22T10:00:00Z", "2026-11-22 10:00:00", "20261122", "[1]", " 7 "]),
)
_TYPES = [
    "BIGINT",
    "TINYINT",
    "DOUBLE",
    "DECIMAL(10,2)",
    "BOOLEAN",
    "STRING",
    "DATE",
    "DATETIME",
    "TIMESTAMP",
    "TIMESTAMP_NTZ",
]


@given(st.lists(_VALUES, min_size=1, max_size=6), st.sampled_from(_TYPES), st.sampled_from([None, "Asia/Shanghai"]))
def test_what_is_taken_strictly_is_taken_in_the_same_way(values: list[Any], kind: str, zone: str | None) -> None:
    """Leniency and a zone only add: no value becomes another one, and rows stay in their places."""
    records = [{"value": json.dumps({"a": value}).encode(), "offset": row} for row, value in enumerate(values)]
    strict = by_row(projected("a", kind, *records), len(values))
    lenient = RecordFormat(conversions=Conversions.LENIENT, timezone=zone)
    more = by_row(projected("a", kind, *records, record_format=lenient), len(values))
    assert {row: more[row] for row in strict} == strict


def by_row(found: Projected, rows: int) -> dict[int, Any]:
    """Return the values that were loaded, by the row of their record."""
    rejected = {reject.offset for reject in found.rejects}
    taken = [row for row in range(rows) if row not in rejected]
    return dict(zip(taken, found.columns.column("c").to_pylist(), strict=True))


def test_functions_use_the_zone_of_the_load() -> None:
    """Where they need one and are given none; a zone of their own wins."""
    shanghai = RecordFormat(timezone="Asia/Shanghai")
    record = {"value": b'{"a": "20261122"}', "timestamp": 1795341600123}
    for source, becomes in [
        ("a | time('yyyyMMdd') | format('yyyy-MM-dd HH')", "2026-11-22 00"),
        ("a | time('yyyyMMdd') | format('yyyy-MM-dd HH', 'UTC')", "2026-11-21 16"),
        ("__timestamp__ | format('HH')", "18"),
        ("__timestamp__ | date", "2026-11-22"),
    ]:
        found = projected(source, "STRING", record, record_format=shanghai)
        assert found.columns.column("c").to_pylist() == [becomes], source


@pytest.mark.parametrize("zone", ["GMT+8", "UTC+08:00", "gmt+0800", "Etc/GMT-8"])
def test_an_offset_is_a_zone(zone: str) -> None:
    """In the forms that DataWorks and Java have for one, for the load and for a function."""
    record = {"value": b'{"a": "2026-11-22 18:00:00"}', "timestamp": 1795341600123}
    found = projected("a", "DATETIME", record, record_format=RecordFormat(timezone=zone))
    (value,) = found.columns.column("c").to_pylist()
    assert shown(value, OdpsType.parse("DATETIME")) == "2026-11-22T10:00:00"
    assert projected(f"__timestamp__ | format('HH', '{zone}')", "STRING", record).columns.column("c").to_pylist() == [
        "18"
    ]


def test_a_zone_that_is_none_is_refused() -> None:
    """When the operator is made."""
    with pytest.raises(InvalidInput, match=r"^timezone: there is no time zone 'Mars'; write for example Asia/"):
        RecordFormat(timezone="Mars")
    with pytest.raises(InvalidInput, match=r"^timezone: there is no time zone 'GMT\+99'; write for example Asia/"):
        RecordFormat(timezone="GMT+99")
