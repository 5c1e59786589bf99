"""Records say their partitions through the mapping; one that cannot is a reject."""

from __future__ import annotations

import json

import pytest
from core.world import batch_of

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection, read_expressions
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.projection import Projected
from airflow_provider_kafka_odps.core.routing.level_values import check_sources, namings
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.exceptions import InvalidMapping

DAY = "t | epoch_ms | format('yyyyMMdd', 'Asia/Shanghai')"


def projected(documents: list[bytes | None], columns: dict[str, str], **levels: str) -> Projected:
    """Return what becomes of values, with these levels of type STRING behind the columns."""
    schema = TableSchema(columns_of({**dict.fromkeys(columns, "string"), **dict.fromkeys(levels, "string")}))
    mapped = {**columns, **levels}
    compiled = compile_projection(mapped, schema, RecordFormat(value=Format.JSON), levels=namings(tuple(levels)))
    return compiled.apply("orders", batch_of(0, dict(enumerate(documents))))


def test_a_time_names_the_day_of_its_zone() -> None:
    """The last millisecond of a day in Shanghai and the first one of the next."""
    found = projected([b'{"t": 1763827199999}', b'{"t": 1763827200000}'], {"v": "x"}, ds=DAY)
    assert found.columns.column("ds").to_pylist() == ["20251122", "20251123"]
    assert not found.rejects


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b'{"t": null}', "NULL names no partition"),
        (b'{"t": "soon"}', "epoch_ms: 'soon' is not a whole number"),
        (b"no JSON", "NULL names no partition"),
        (None, "NULL names no partition"),
    ],
)
def test_a_record_without_a_time_is_a_reject(document: bytes | None, why: str) -> None:
    """With the level in the place of the column; the others are rows."""
    found = projected([b'{"t": 0}', document, b'{"t": 0}'], {"v": "x"}, ds=DAY)
    (reject,) = found.rejects
    assert (reject.column, reject.offset) == ("ds", 1)
    assert why in reject.reason
    assert found.columns.num_rows == 2


@pytest.mark.parametrize("value", ["a/b", "a,b", "a=b", "", "x" * 256, "é", "a'b", " a", "a ", "a\n", "100%"])
def test_a_value_that_the_service_does_not_take_is_a_reject(value: str) -> None:
    """Neither for a statement nor for an address; the reason quotes it and says what is a name."""
    document = json.dumps({"c": value}).encode()
    found = projected([b'{"c": "cn"}', document, b'{"c": "A 1_:.-$#!@"}'], {"v": "x"}, region="c")
    (reject,) = found.rejects
    assert reject.offset == 1
    assert "1 to 255 letters, digits, spaces" in reject.reason
    assert found.columns.column("region").to_pylist() == ["cn", "A 1_:.-$#!@"]


def test_a_stated_value_in_the_place_of_null() -> None:
    """By the function of the mapping."""
    found = projected([b'{"t": null}', b'{"t": 0}'], {"v": "x"}, ds=f"{DAY} | default('unknown')")
    assert found.columns.column("ds").to_pylist() == ["unknown", "19700101"]


def test_a_level_is_no_content() -> None:
    """A row is still empty if only its partition is known, and the rest of the value still has the field."""
    found = projected([b'{"t": 0}', b'{"t": 0, "x": "a"}'], {"v": "x"}, ds=DAY)
    assert found.empty_rows == 1
    whole = projected([b'{"t": 0, "x": "a"}'], {"v": "x", "rest": "*"}, ds="t")
    assert whole.columns.column("rest").to_pylist() == ['{"t":0}']


def test_numbers_name_partitions_of_numbers() -> None:
    """A level of type BIGINT takes what any column of that type takes; NULL is a reject."""
    schema = TableSchema(columns_of({"hh": "bigint"}))
    compiled = compile_projection({"hh": "h"}, schema, RecordFormat(value=Format.JSON), levels=namings(["hh"]))
    found = compiled.apply("orders", batch_of(0, {0: b'{"h": 7}', 1: b"{}", 2: b'{"h": -1}'}))
    assert found.columns.column("hh").to_pylist() == [7, -1]
    assert [each.reason for each in found.rejects] == [
        "NULL names no partition; behind the expression, | default('unknown') gives it one"
    ]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("__timestamp__", r"__timestamp__ \| … \| format\('yyyyMMdd', 'Asia/Shanghai'\)"),
        ("t | epoch_s", "a time is in a partition by what a pattern and a zone make of it"),
        ("__headers__", "all headers cannot name a partition"),
        ("*", "a whole object cannot name a partition"),
    ],
)
def test_sources_that_cannot_name_a_partition(source: str, says: str) -> None:
    """They are refused before anything is read, with the level."""
    with pytest.raises(InvalidMapping, match=f"partition_by: ds: .*{says}"):
        check_sources(read_expressions({"ds": source}), RecordFormat(value=Format.JSON))


@pytest.mark.parametrize(
    "source",
    ["c", "t | epoch_s | date('UTC')", "__timestamp__ | format('HH', 'UTC')", "__key__", "__headers__.region", "'x'"],
)
def test_sources_that_may_name_a_partition(source: str) -> None:
    """Fields, headers, keys, dates, and times in a pattern."""
    check_sources(read_expressions({"ds": source}), RecordFormat(value=Format.JSON))


def test_a_number_with_a_fraction_names_none() -> None:
    """Keys of this type never do."""
    with pytest.raises(InvalidMapping, match="a number with a fraction"):
        check_sources(read_expressions({"ds": "__key__"}), RecordFormat(key=Format.DOUBLE))
