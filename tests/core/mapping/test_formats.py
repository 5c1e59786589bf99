"""How keys, values and missing things are read: formats, encodings, null rules, and lists of columns."""

import struct
from typing import Any

import pytest
from core.world import batch_of

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection, created_columns, named_columns
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.projection import Projected
from airflow_provider_kafka_odps.core.options import OnBadJson
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema, columns_of
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import InvalidInput, InvalidMapping, RecordsRejected


def project(source: str, kind: str, values: list[bytes | None], **record_format: Any) -> Projected:
    """Project one column of values."""
    projection = compile_projection({"c": source}, TableSchema(columns_of({"c": kind})), RecordFormat(**record_format))
    return projection.apply("orders", batch_of(3, dict(enumerate(values))))


def column(found: Projected) -> list[Any]:
    """Return the values that are rows."""
    return [row["c"] for row in found.columns.to_pylist()]


@pytest.mark.parametrize(
    ("form", "shape", "number"),
    [
        (Format.SHORT, ">h", -2),
        (Format.INTEGER, ">i", -(2**31)),
        (Format.LONG, ">q", 2**63 - 1),
        (Format.FLOAT, ">f", 0.5),
        (Format.DOUBLE, ">d", -0.1),
    ],
)
def test_numbers_are_read_as_kafka_writes_them(form: Format, shape: str, number: float) -> None:
    """Big-endian numbers of the right length are read; of any other length they are rejects that say so."""
    kind = "double" if isinstance(number, float) else "bigint"
    found = project("__value__", kind, [struct.pack(shape, number), None, b"", b"123"], value=form)
    assert column(found) == [number, None]
    size = struct.calcsize(shape)
    assert [reject.reason for reject in found.rejects] == [f"{n} bytes, but a {form} has {size}" for n in (0, 3)]


@pytest.mark.parametrize(
    ("form", "delimiter", "text", "fields"),
    [
        (Format.CSV, ",", 'a,"b,""c",d', ["a", 'b,"c', "d"]),
        (Format.CSV, "\t", "a\tb", ["a", "b", None]),
        (Format.CSV, ",", "", ["", None, None]),
        (Format.CSV, ",", "a,b\r\n", ["a", "b", None]),
        (Format.DELIMITED, ",", 'a,"b,c', ["a", '"b', "c"]),
        (Format.DELIMITED, "||", "a||b|c", ["a", "b|c", None]),
    ],
)
def test_fields_are_found_by_their_number(form: Format, delimiter: str, text: str, fields: list[str | None]) -> None:
    """A text is cut at its delimiters, with quotes where the format has them; a missing field is NULL."""
    for number, field in enumerate(fields):
        assert column(project(f"[{number}]", "string", [text.encode()], value=form, delimiter=delimiter)) == [field]


def test_what_is_no_csv_is_rejected_alone() -> None:
    """A quote that stays open, and a second line, reject their record and no other."""
    found = project("[0]", "string", [b"a", b'"a', b"a\nb", b'"x"'], value=Format.CSV)
    assert column(found) == ["a", "x"]
    assert [(reject.offset, "is no CSV" in reject.reason) for reject in found.rejects] == [(1, True), (2, True)]


def test_text_is_decoded_strictly() -> None:
    """Text of another encoding is what it says; bytes that are none of it are rejects."""
    found = project(
        "__value__", "string", ["中文".encode("gb18030"), b"\xff\xff", None], value=Format.STRING, encoding="gb18030"
    )
    assert column(found) == ["中文", None]
    assert "is not gb18030" in found.rejects[0].reason


@pytest.mark.parametrize(
    ("rule", "rows", "rejects"), [(OnBadJson.NULL, [1, None, None, None, 2], 0), (OnBadJson.REJECT, [1, None, 2], 2)]
)
def test_what_is_no_object_follows_the_rule(rule: OnBadJson, rows: list[Any], rejects: int) -> None:
    """A value that is no JSON object is NULL or a reject, and counted either way; a tombstone is neither."""
    found = project("a", "bigint", [b'{"a": 1}', b"123", None, b"abc", b'{"a": 2}'], on_bad_json=rule)
    assert (column(found), len(found.rejects), found.not_json) == (rows, rejects, 2)
    assert {reject.reason for reject in found.rejects} <= {"the value is no JSON object"}


def test_a_load_can_fail_for_the_first_value_that_is_no_object() -> None:
    """The error has topic, partition and offset, and says by which rule."""
    with pytest.raises(RecordsRejected, match=r"^orders\[3\] offset 1: the value is no JSON object, and on_bad_json="):
        project("a", "bigint", [b"{}", b"[]"], on_bad_json=OnBadJson.FAIL)


@pytest.mark.parametrize(
    ("source", "kind", "values", "rows"),
    [
        ("__value__", "string", [b"", b" "], [None, " "]),
        ("__value__", "binary", [b""], [b""]),
        ("a", "bigint", [b'{"a": ""}', b'{"a": 1}'], [None, 1]),
        ("a", "string", [b'{"a": ""}'], [None]),
        ("''", "string", [b"x"], [None]),
    ],
)
def test_an_empty_text_can_be_null(source: str, kind: str, values: list[bytes], rows: list[Any]) -> None:
    """With empty_as_null a text without characters is NULL; bytes stay bytes."""
    assert column(project(source, kind, list(values), empty_as_null=True)) == rows


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"encoding": "klingon"}, ["encoding='klingon'", "gb18030"]),
        ({"encoding": "base64"}, ["encoding='base64'"]),
        ({"delimiter": ""}, ["field_delimiter=''", "one character or several"]),
        ({"delimiter": "||", "value": Format.CSV}, ["field_delimiter='||'", "'delimited' takes any text"]),
        ({"delimiter": '"', "key": Format.CSV}, ["csv takes one character, and neither a quote"]),
    ],
    ids=str,
)
def test_what_cannot_be_read_with_is_refused(wrong: dict[str, Any], words: list[str]) -> None:
    """An encoding or a delimiter that cannot work is quoted, with what can."""
    with pytest.raises(InvalidInput) as refused:
        RecordFormat(**wrong)
    assert all(word in str(refused.value) for word in words)


@pytest.mark.parametrize(
    ("source", "record_format", "problem"),
    [
        ("a", {"value": Format.LONG}, "value_type='long' has no fields"),
        ("*", {"value": Format.DOUBLE}, "value_type='double' has no fields"),
        ("__key__.id", {"key": Format.CSV}, "with key_type='csv' fields are found by number, such as [0]"),
        ("[0][1]", {"value": Format.DELIMITED}, "with value_type='delimited' fields are found by number"),
        ("*", {"value": Format.CSV}, "fields are found by number"),
        ("*", {}, "* cannot become bigint without being altered"),
        ("''", {"empty_as_null": True}, "NOT NULL, and the constant '' is NULL in it"),
    ],
)
def test_paths_into_nothing_are_refused(source: str, record_format: dict[str, Any], problem: str) -> None:
    """A path into what has no such fields is refused before any record is read."""
    schema = TableSchema((Column("c", OdpsType("bigint"), nullable=False),))
    with pytest.raises(InvalidMapping) as refused:
        compile_projection({"c": source}, schema, RecordFormat(**record_format))
    assert problem in str(refused.value)


def test_a_list_goes_by_position() -> None:
    """A list has one expression for each column of the table; anything else is refused, and so is a missing table."""
    schema = TableSchema(columns_of({"a": "string", "b": "bigint"}))
    assert named_columns(["'x'", "__offset__"], schema) == {"a": "'x'", "b": "__offset__"}
    assert named_columns({"b": "__offset__"}, schema) == {"b": "__offset__"}
    with pytest.raises(InvalidMapping, match="columns has 1 source expressions and the table has 2 columns: a, b"):
        named_columns(["'x'"], schema)
    with pytest.raises(InvalidMapping, match="there is no such table"):
        created_columns(["'x'"])


def test_a_created_table_has_numbers_for_numbers() -> None:
    """What is a number by its format gets a column of numbers."""
    found = created_columns(
        {"k": "__key__", "v": "__value__", "e": "__leader_epoch__", "h": "__headers__.a"},
        RecordFormat(Format.LONG, Format.FLOAT),
    )
    assert [str(each.type) for each in found] == ["bigint", "double", "bigint", "string"]
