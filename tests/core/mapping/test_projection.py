"""Batches of records become columns of the table, held against a slow converter of single records."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from core.world import batch_of
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.mapping.compiler import (
    DEFAULT_COLUMNS,
    compile_projection,
    created_columns,
    read_expressions,
)
from airflow_provider_kafka_odps.core.mapping.filters.wanted import Wanted
from airflow_provider_kafka_odps.core.mapping.projection import Projected, Projection
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema, columns_of
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import InvalidMapping

EVERYTHING = TableSchema(
    (
        Column("k", OdpsType("string"), nullable=False),
        *columns_of({"p": "int", "o": "bigint", "t": "bigint", "h": "string", "raw": "binary", "c": "varchar(3)"}),
        *columns_of({"n": "bigint", "d": "double", "s": "varchar(4)", "b": "boolean", "unmapped": "date"}),
    )
)
MAPPING = {
    "k": "__key__",
    "p": "__partition__",
    "o": "__offset__",
    "t": "__timestamp__",
    "h": "__headers__",
    "raw": "__value__",
    "c": "'abc'",
    "n": "n",
    "d": "x.d",
    "s": "x.s",
    "b": "b",
}


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, BATCH_SCHEMA)


def _field(document: Any, *names: str) -> Any:
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _reference(record: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str | None, bool]:
    """Return the row of one record or the column that rejects it, and whether its value is an object."""
    try:
        document = json.loads(record["value"].decode()) if record["value"] is not None else None
    except ValueError:
        document = ""
    whole, number, text, flag = (_field(document, *path) for path in (["n"], ["x", "d"], ["x", "s"], ["b"]))
    rejected = {
        "k": record["key"] is None or _text(record["key"]) is None,
        "h": any(pair["value"] is not None and _text(pair["value"]) is None for pair in record["headers"]),
        "n": whole is not None and not (type(whole) is int and -(2**63) <= whole < 2**63),
        "d": number is not None and (isinstance(number, bool) or not isinstance(number, int | float)),
        "s": text is not None and len(text if isinstance(text, str) else json.dumps(text)) > 4,
        "b": flag is not None and not isinstance(flag, bool),
    }
    reason = next((column for column, bad in rejected.items() if bad), None)
    no_object = record["value"] is not None and not isinstance(document, dict)
    if reason is not None:
        return None, reason, no_object
    return (
        {
            "k": _text(record["key"]),
            "p": 7,
            "o": record["offset"],
            "t": record["timestamp"],
            "h": [
                (pair["key"], None if pair["value"] is None else pair["value"].decode()) for pair in record["headers"]
            ],
            "raw": record["value"],
            "c": "abc",
            "n": whole,
            "d": None if number is None else float(number),
            "s": text if text is None or isinstance(text, str) else json.dumps(text),
            "b": flag,
            "unmapped": None,
        },
        None,
        no_object,
    )


def _text(octets: bytes) -> str | None:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return None


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.integers(-9, 9),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda number: number + 0.5),
    st.text("abé", max_size=6),
)
_OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "n": st.integers(-(2**63), 2**63 - 1) | _SCALARS,
        "x": st.fixed_dictionaries({}, optional={"d": st.floats(-9, 9), "s": st.text("abé", max_size=5)}) | _SCALARS,
        "b": st.booleans() | _SCALARS,
    },
)
_VALUES = st.one_of(
    st.none(),
    _OBJECTS.map(lambda document: json.dumps(document, ensure_ascii=False).encode()),
    st.sampled_from([b"", b"123", b"[]", b"null", b"\xff\xfe", b'{"n": 1', b'"x"', b'{"n": "\xff"}']),
)
_RECORDS = st.fixed_dictionaries(
    {
        "partition": st.just(7),
        "timestamp": st.none() | st.integers(0, 2**41),
        "key": st.one_of(st.just(b"key"), st.none(), st.binary(max_size=4)),
        "value": _VALUES,
        "headers": st.lists(
            st.fixed_dictionaries(
                {
                    "key": st.sampled_from(["a", "b", ""]),
                    "value": st.one_of(st.none(), st.just(b"v"), st.binary(max_size=3)),
                }
            ),
            max_size=2,
        ),
    }
)
_PROJECTION = compile_projection(MAPPING, EVERYTHING)


@given(st.lists(_RECORDS, min_size=1, max_size=12), st.integers(0, 2))
def test_the_projection_is_what_a_slow_converter_says(records: list[dict[str, Any]], cut: int) -> None:
    """Whatever the records, and wherever the batch was cut: the same rows, rejects with the same column, and counts."""
    for offset, record in enumerate(records):
        record["offset"] = offset * 3
    wanted = records[cut:]
    projected = _PROJECTION.apply("t", _batch(records).slice(cut))
    expected = [_reference(record) for record in wanted]
    assert [_row(row) for row in projected.columns.to_pylist()] == [row for row, _, _ in expected if row]
    assert [(reject.offset, reject.column) for reject in projected.rejects] == [
        (record["offset"], column) for record, (_, column, _) in zip(wanted, expected, strict=True) if column
    ]
    assert projected.not_json == sum(no_object for _, _, no_object in expected)
    rows = [row for row, _, _ in expected if row]
    nulls = {name: sum(row[name] is None for row in rows) for name in MAPPING}
    assert projected.nulls == {name: count for name, count in nulls.items() if count}
    assert projected.empty_rows == nulls["raw"]
    assert projected.columns.schema == EVERYTHING.arrow
    projected.columns.validate(full=True)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "h": [(pair["key"], pair["value"]) for pair in json.loads(row["h"])]}


def _apply(projection: Projection, values: list[bytes | None], limit: int = 100) -> Projected:
    return projection.apply("orders", batch_of(3, dict(enumerate(values))), limit)


def test_a_batch_without_rows_becomes_columns_without_rows() -> None:
    """Nothing in, nothing out, in the table's types."""
    projected = _PROJECTION.apply("t", _batch([]))
    assert (projected.columns.num_rows, projected.columns.schema) == (0, EVERYTHING.arrow)
    assert (projected.rejects, projected.not_json) == ((), 0)


@pytest.mark.parametrize(
    ("columns", "empty"),
    [
        ({"a": "a", "b": "b.c"}, [2, 3, 4, 5]),
        ({"a": "a", "b": "b.c", "h": "__headers__.h"}, [3, 4, 5]),
        ({"a": "a", "b": "'x'", "h": "__headers__"}, [1, 2, 3, 4, 5]),
        ({"a": "a", "b": "__key__"}, [1, 2, 3, 4, 5]),
        ({"b": "*"}, [4, 5]),
        ({"b": "__value__"}, [5]),
        ({"b": "__key__.id"}, []),
        ({"a": "__offset__", "b": "__key__"}, []),
    ],
    ids=str,
)
def test_rows_without_anything_of_value_and_headers_are_counted(columns: dict[str, str], empty: list[int]) -> None:
    """Key, constants and all headers make a row no better; where nothing else is mapped, no row is empty."""
    header = [{"key": "h", "value": b"x"}]
    rows: list[dict[str, Any]] = [
        {"value": b'{"a": 1}', "headers": []},
        {"value": b'{"b": {"c": 1}}', "headers": []},
        {"value": b'{"b": {}}', "headers": header},
        {"value": b'{"b": 1}', "headers": []},
        {"value": b"[]", "headers": []},
        {"value": None, "headers": []},
    ]
    batch = _batch([{"partition": 3, "offset": number, "key": b"k", **row} for number, row in enumerate(rows)])
    schema = TableSchema(columns_of({"a": "bigint", "b": "string", "h": "string"}))
    assert compile_projection(columns, schema).apply("orders", batch).empty_rows == len(empty)


def test_values_of_the_documented_kind_are_only_looked_at_where_needed() -> None:
    """A projection says which parts of a record it reads; partition and offset are always among them."""
    assert compile_projection({"o": "__offset__"}, TableSchema(columns_of({"o": "bigint"}))).wanted == {
        "partition",
        "offset",
    }
    assert _PROJECTION.wanted == {"key", "value", "partition", "offset", "timestamp", "headers"}


def test_null_is_rejected_where_the_table_takes_none() -> None:
    """A missing value in a NOT NULL column rejects its record, with coordinates, and no other."""
    schema = TableSchema((Column("id", OdpsType("bigint"), nullable=False),))
    projected = _apply(compile_projection({"id": "id"}, schema), [b'{"id": 1}', b"{}", b'{"id": "x"}', None, b"5"])
    assert projected.columns.to_pylist() == [{"id": 1}]
    assert [(reject.offset, reject.reason) for reject in projected.rejects if "NULL" in reject.reason] == [
        (offset, "NULL in a column that is NOT NULL") for offset in (1, 3, 4)
    ]
    assert str(projected.rejects[1]).startswith(
        "orders[3] offset 2, column id: the text '\"x\"' stands where bigint wants a number"
    )


def test_fields_that_the_service_does_not_take_are_rejected() -> None:
    """A value of more bytes than a field may have is a reject; bytes count, not characters."""
    projection = compile_projection({"v": "__value__"}, TableSchema(columns_of({"v": "string"})))
    projected = _apply(projection, [b"x" * 10, "é".encode() * 5, b"x" * 11, "é".encode() * 6, None], limit=10)
    assert projected.columns.num_rows == 3
    assert [str(reject) for reject in projected.rejects] == [
        "orders[3] offset 2, column v: 11 bytes, more than the 10 that a field may have",
        "orders[3] offset 3, column v: 12 bytes, more than the 10 that a field may have",
    ]


def test_columns_are_found_whatever_their_case_and_order() -> None:
    """The table's names, order and types are used; the mapping's order and case are not."""
    schema = TableSchema(columns_of({"Alpha": "string", "beta": "bigint"}))
    projected = _apply(compile_projection({"BETA": "__offset__", "alpha": "'x'"}, schema), [b"", b""])
    assert projected.columns.to_pylist() == [{"Alpha": "x", "beta": 0}, {"Alpha": "x", "beta": 1}]


_TABLE = TableSchema(
    (Column("id", OdpsType("bigint"), nullable=False), *columns_of({"v": "string"})), columns_of({"ds": "string"})
)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"id": "__offset__", "x": "a"}, "the table has no column 'x'"),
        ({"v": "a"}, "column id is NOT NULL and nothing is mapped to it"),
        ({"id": "__key__"}, "column id: __key__ cannot become bigint without being altered"),
        ({"id": "'x'"}, "column id: the constant 'x' is no value of bigint"),
        ({"id": "a", "v": "a", "V": "b"}, "column v is mapped 2 times"),
        ({"id": "a", "ds": "a"}, "'ds' is a partition column: its value comes from the parameters partition and"),
    ],
    ids=str,
)
def test_a_mapping_that_does_not_fit_is_refused(columns: dict[str, str], problem: str) -> None:
    """Each problem of mapping and table is named, with what the table has."""
    with pytest.raises(InvalidMapping) as refused:
        compile_projection(columns, _TABLE)
    assert problem in str(refused.value)
    assert str(refused.value).endswith("The table has: id bigint, v string")


def test_all_problems_are_told_at_once() -> None:
    """Who made three mistakes does not run three times."""
    with pytest.raises(
        InvalidMapping, match=r"no column 'x'; column id is NOT NULL.*; column v: the constant"
    ) as refused:
        compile_projection({"x": "a", "v": "'a'"}, TableSchema((_TABLE.columns[0], *columns_of({"v": "bigint"}))))
    assert "not fit the table" in str(refused.value)
    with pytest.raises(InvalidMapping, match=r"^where: __offset__: it is .*; columns do not fit .* no column 'x'"):
        compile_projection({"id": "a", "x": "a"}, _TABLE, wanted=Wanted("__offset__ = 'x'"))


def test_all_that_cannot_be_read_is_told_at_once() -> None:
    """Each expression with the name of its column, or its place in a list, and the condition beside them."""
    columns = {"id": "a..b", "v": "x |", "w": "b"}
    with pytest.raises(InvalidMapping) as refused:
        compile_projection(columns, _TABLE, wanted=Wanted("type ="))
    lines = [line for line in str(refused.value).splitlines() if not line.startswith("  ")]
    assert lines[0].startswith("id: column expression 'a..b', position 2: a field's name is wanted here")
    assert lines[1] == "v: column expression 'x |', position 3: the name of a function is wanted here, such as trim"
    assert len(lines) == 3
    assert lines[-1].startswith("where='type =': ")
    with pytest.raises(InvalidMapping, match=r"^id: .*\n.*\n.*\nv: "):
        created_columns(columns)
    with pytest.raises(InvalidMapping, match=r"^columns\[1\]: column expression 'a..b', position 2"):
        read_expressions(["a", "a..b"])


def test_a_type_that_cannot_be_written_is_refused_where_it_is_mapped() -> None:
    """A column whose values nobody can write stays NULL, and takes no source."""
    schema = TableSchema(columns_of({"id": "bigint", "i": "interval_day_time", "j": "json"}))
    row = _apply(compile_projection({"id": "__offset__", "j": "*"}, schema), [b'{"a": 1}']).columns.to_pylist()
    assert row == [{"id": 0, "i": None, "j": '{"a":1}'}]
    for source in ("a", "'1'", "__key__"):
        with pytest.raises(InvalidMapping, match=r"column i: .*interval_day_time"):
            compile_projection({"i": source}, schema)


def test_the_default_mapping_fits_the_table_that_is_created_for_it() -> None:
    """Without a mapping, the six parts of a record have columns of their names."""
    schema = TableSchema(created_columns(DEFAULT_COLUMNS))
    assert [str(column.type) for column in schema.columns] == ["string", "string", *["bigint"] * 3, "string"]
    row = compile_projection(DEFAULT_COLUMNS, schema).apply("t", batch_of(3, {8: b"v"})).columns.to_pylist()
    assert row == [{"key": None, "value": "v", "partition": 3, "offset": 8, "timestamp": None, "headers": "[]"}]
