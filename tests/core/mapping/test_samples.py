"""What stands in the records where a path or a header leads to nothing: names, never values."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.sources.samples import LARGEST, NAMES, RECORDS, Sample
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA

SCHEMA = TableSchema(columns_of({"v": "string"}))


def sample_of(
    path: str, *values: object, header: list[str] | None = None, record_format: RecordFormat | None = None
) -> Sample:
    """Return what is found in the place of what a column is filled from; a value is bytes, or what JSON is made of."""
    headers = [{"key": name, "value": b"x"} for name in header or ()]
    rows: list[dict[str, Any]] = [
        {
            "partition": 0,
            "offset": offset,
            "key": b'{"of": "the key"}',
            "value": value if value is None or isinstance(value, bytes) else json.dumps(value).encode(),
            "headers": headers,
        }
        for offset, value in enumerate(values)
    ]
    projection = compile_projection({"v": path}, SCHEMA, record_format)
    return projection.sample(["v"], pa.RecordBatch.from_pylist(rows, BATCH_SCHEMA))["v"]


@pytest.mark.parametrize(
    ("path", "values", "depth", "found", "names"),
    [
        ("idd", [{"id": 1, "at": 2}, {"at": 3}], 0, "an object", ("at", "id")),
        ("a.b", [{"a": {"c": 1}}, {"x": 1}], 1, "an object", ("c",)),
        ("a.b", [{"x": 1}, {"y": 1, "x": 2}], 0, "an object", ("x", "y")),
        ("a.b", [{"a": "text"}], 1, "a text", ()),
        ("a.b", [{"a": 1.50}], 1, "a number", ()),
        ("a.b", [{"a": True}], 1, "true or false", ()),
        ("a.b", [{"a": None}], 1, "null", ()),
        ("a.b", [{"a": [1, 2]}], 1, "a list of length 2", ()),
        ("a[2]", [{"a": [1, 2]}, {"a": [1]}], 1, "a list of length 2", ()),
        ("a[0].b", [{"a": [{"c": 1}]}], 2, "an object", ("c",)),
        ("a.b", [{"a": {"b": None}}], 2, "null", ()),
        ("a.b", [{"a": 1}, {"a": {"c": 1}}], 1, "an object", ("c",)),
        ("a", [None, b"no JSON", b"\xff"], 0, "", ()),
        ("a.b", [b'{"a": {"first": 1}, "a": {"second": 1}}'], 1, "an object", ("first",)),
        ("__key__.id", [b"x"], 0, "an object", ("of",)),
        ("__headers__.trac", [b"x", b"y"], 0, "headers", ("trace", "span")),
    ],
    ids=str,
)
def test_how_far_a_path_leads_is_found(
    path: str, values: list[Any], depth: int, found: str, names: tuple[str, ...]
) -> None:
    """The deepest place that any record has, and the names that are there, those of most records first."""
    assert sample_of(path, *values, header=["trace", "span"]) == Sample(depth, found, names)


def test_a_field_of_that_name_one_level_deeper_is_found() -> None:
    """Envelopes, as change streams have them, are what such a path was written without."""
    sample = sample_of("id", {"before": None, "after": {"id": 1, "other": 2}, "op": "c"})
    assert (sample.names, sample.deeper) == (("before", "after", "op"), ("after",))
    assert sample_of("a.id", {"a": {"b": {"id": 1}}}).deeper == ("b",)


@pytest.mark.parametrize("form", [Format.CSV, Format.DELIMITED])
def test_of_a_text_the_fields_are_counted(form: Format) -> None:
    """They have no names."""
    sample = sample_of("[7]", b"a,b,c", b"a", b"\xff", record_format=RecordFormat(value=form))
    assert sample == Sample(0, "a list of length 3", ())


def test_names_are_bounded() -> None:
    """A hostile record has no say in how much is remembered, or what a terminal does with it."""
    odd = {"a\nb": 1, "\u202e": 1, "\ud800": 1, "x" * 61: 1, "": 1, "good": 1}
    assert sample_of("id", odd).names == ("good",)
    many = {f"n{number}": 1 for number in range(NAMES + 50)}
    assert len(sample_of("id", many, many).names) == NAMES
    huge = {"a": "x" * LARGEST}
    assert sample_of("id", huge, {"b": 1}).names == ("b",)
    half = LARGEST * 2 // 3
    assert sample_of("id", {"a": "x" * half}, {"c": "x" * half}, {"b": 1}).names == ("a", "b")
    late = [{"early": 1}] * RECORDS + [{"late": 1}]
    assert sample_of("id", *late).names == ("early",)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (Sample(0, "an object", ("a",)), Sample(1, "a text", ()), Sample(1, "a text", ())),
        (Sample(1, "null", ()), Sample(0, "an object", ("a",)), Sample(1, "null", ())),
        (
            Sample(0, "an object", ("a", "b")),
            Sample(0, "an object", ("b", "c"), ("d",)),
            Sample(0, "an object", ("a", "b", "c"), ("d",)),
        ),
        (Sample(1, "null", ()), Sample(1, "an object", ("c",)), Sample(1, "an object", ("c",))),
        (Sample(0, "", ()), Sample(0, "an object", ("c",)), Sample(0, "an object", ("c",))),
        (Sample(1, "a list of length 2", ()), Sample(1, "a text", ()), Sample(1, "a list of length 2", ())),
    ],
    ids=str,
)
def test_samples_of_two_places_are_one(one: Sample, other: Sample, both: Sample) -> None:
    """The one that leads deeper counts; of two equal ones, what has names."""
    assert one.plus(other) == both
