"""Source columns become columns of the table's types, or say which rows do not fit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from core.world import batch_of

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.conversions.rules import conversion
from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.strict import Checked, Unconvertible
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA, HEADERS
from airflow_provider_kafka_odps.exceptions import InvalidMapping

INSTANT = pa.timestamp("ms", "UTC")
TEN = datetime(2026, 11, 22, 10, 0, 0, 123_000, tzinfo=UTC)
MILLIS = 1_795_341_600_123


def converted(kind: SourceKind, target: str, values: Sequence[Any], arrow: pa.DataType) -> list[Any]:
    """Convert between two neighbours that are sliced away; rejects are shown as `...`."""
    convert = conversion(kind, OdpsType.parse(target))
    assert convert is not None
    around = pa.array([values[0], *values, values[-1]], arrow).slice(1, len(values))
    array, problems = convert.apply(around)
    array.validate(full=True)
    assert array.type == OdpsType.parse(target).arrow
    rows = [problem.row for problem in problems]
    assert rows == sorted(set(rows))
    assert all(problem.reason for problem in problems)
    return [... if row in rows else value for row, value in enumerate(array.to_pylist())]


REJECT = ...
D = Decimal


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "", ""),
        ("varchar(3)", "中文é", "中文é"),
        ("varchar(3)", "abcd", REJECT),
        ("char(2)", "ab", "ab"),
        ("char(2)", "abc", REJECT),
        # Whole numbers, as they are written and no other way.
        ("bigint", "-9223372036854775808", -(2**63)),
        ("bigint", "9223372036854775807", 2**63 - 1),
        *[("bigint", text, REJECT) for text in ["9223372036854775808", "1.0", "+1", " 1", "1 ", "", "1e3", "1_0", "x"]],
        *[("bigint", text, REJECT) for text in ["0x10", "0XFF", "-0x1", "true", "٣"]],
        ("int", "2147483647", 2**31 - 1),
        ("int", "2147483648", REJECT),
        ("smallint", "-32768", -(2**15)),
        ("smallint", "32768", REJECT),
        ("tinyint", "127", 127),
        ("tinyint", "128", REJECT),
        ("tinyint", "0xFF", REJECT),
        # Floating point: finite, within range.
        ("double", "1.5", 1.5),
        ("double", "-1e308", -1e308),
        *[
            ("double", text, REJECT)
            for text in ["1e400", "-1e400", "NaN", "Infinity", "-inf", "", " 1", "1,5", "0x1p3"]
        ],
        # As JSON writes them: a plus, or a point at an end, is no part of it, whatever stands beside it.
        *[
            (kind, text, REJECT)
            for kind in ["float", "double", "decimal(10,2)"]
            for text in ["+5", "+5.0", "+5e0", "5.", "-5.", ".5", "-.5", "5.e1"]
        ],
        ("float", "1.5", 1.5),
        ("float", "1e39", REJECT),
        # Decimals: neither rounded, nor cut, nor wrapped around.
        ("decimal(10,2)", "1.10", D("1.10")),
        ("decimal(10,2)", "1.100", D("1.10")),
        ("decimal(10,2)", "-99999999.99", D("-99999999.99")),
        ("decimal(10,2)", "1e2", D("100.00")),
        *[("decimal(10,2)", text, D("0.00")) for text in ["0E40", "-0.00e400"]],
        *[("decimal(10,2)", text, REJECT) for text in ["1.101", "100000000", "1e8", "1e400", "NaN", "", " 1", "1_0"]],
        ("decimal(38,0)", "9" * 38, D("9" * 38)),
        ("decimal(38,0)", "-" + "9" * 38, D("-" + "9" * 38)),
        ("decimal(38,0)", "18446744073709551616", D(2**64)),
        *[("decimal(38,0)", str(number), REJECT) for number in [10**38, 2**127, -(2**127), 2**128 + 1, 2**128 * 10]],
        ("decimal(38,38)", "0." + "1" * 38, D("0." + "1" * 38)),
        ("decimal(38,38)", "1" * 38, REJECT),
        ("decimal", "0.000000000000000001", D("1e-18")),
        ("decimal", "9" * 36, D("9" * 36)),
        *[("decimal", text, REJECT) for text in ["9" * 37, "1e-19", str(2**256 + 1)]],
        ("boolean", "true", True),
        ("boolean", "false", False),
        *[("boolean", text, REJECT) for text in ["True", "1", "0", "yes", ""]],
    ],
)
def test_text_fits_or_is_rejected(kind: str, text: str, value: Any) -> None:
    """The text of a JSON leaf becomes exactly the value that it says, or is rejected; NULL stays NULL."""
    for values in ([text], [None, text], [text, None, text]):
        expected = [None if each is None else value for each in values]
        assert converted(SourceKind.TEXT, kind, values, pa.string()) == expected


@pytest.mark.parametrize(
    "kind", ["string", "bigint", "float", "double", "decimal(10,2)", "decimal", "boolean", "char(1)"]
)
def test_columns_of_nulls_and_of_nothing_fit(kind: str) -> None:
    """A column without a value, or without a row, becomes one of the table's type."""
    target = OdpsType.parse(kind)
    for source in (SourceKind.TEXT, SourceKind.JSON):
        convert = conversion(source, target)
        assert convert is not None
        for rows in (0, 1, 3):
            assert convert.apply(pa.nulls(rows, pa.string())) == (pa.nulls(rows, target.arrow), [])


def test_bytes_become_text_or_stay_bytes() -> None:
    """Keys and values are UTF-8 in text columns and untouched in BINARY; nothing is replaced."""
    part = SourceKind.BYTES
    values = [b"abc", None, b"\xff\xfe", b"", "é".encode(), b"a\x00b", b"\xed\xa0\x80"]
    assert converted(part, "string", values, pa.binary()) == ["abc", None, REJECT, "", "é", "a\x00b", REJECT]
    assert converted(part, "varchar(2)", values, pa.binary()) == [REJECT, None, REJECT, "", "é", REJECT, REJECT]
    assert converted(part, "binary", values, pa.binary()) == values


@pytest.mark.parametrize(
    ("source", "kind", "arrow", "value", "expected"),
    [
        (SourceKind.INT64, "bigint", pa.int64(), 2**63 - 1, 2**63 - 1),
        (SourceKind.INT64, "string", pa.int64(), 12, "12"),
        (SourceKind.INT64, "decimal(19,0)", pa.int64(), 2**63 - 1, D(2**63 - 1)),
        (SourceKind.INT64, "decimal", pa.int64(), 2**63 - 1, D(2**63 - 1)),
        (SourceKind.INT32, "int", pa.int32(), 2**31 - 1, 2**31 - 1),
        (SourceKind.INT32, "bigint", pa.int32(), 7, 7),
        (SourceKind.INT32, "decimal(10,0)", pa.int32(), 2**31 - 1, D(2**31 - 1)),
        (SourceKind.INSTANT, "bigint", INSTANT, TEN, MILLIS),
        (SourceKind.INSTANT, "string", INSTANT, TEN, str(MILLIS)),
        (SourceKind.INSTANT, "datetime", INSTANT, TEN, TEN.replace(tzinfo=None)),
        (SourceKind.INSTANT, "bigint", INSTANT, None, None),
    ],
)
def test_numbers_and_instants_keep_their_value(
    source: SourceKind, kind: str, arrow: pa.DataType, value: Any, expected: Any
) -> None:
    """Partition, offset and timestamp fit into every type that holds all of their values."""
    assert converted(source, kind, [value], arrow) == [expected]


def test_instants_beyond_nanoseconds_are_rejected() -> None:
    """A timestamp that a TIMESTAMP column cannot hold does not wrap around."""
    far = pa.array([MILLIS, 253_402_300_799_999], pa.int64()).cast(INSTANT)
    convert = conversion(SourceKind.INSTANT, OdpsType("timestamp"))
    assert convert is not None
    array, problems = convert.apply(far)
    assert array.cast(pa.int64()).to_pylist() == [MILLIS * 1_000_000, None]
    assert [problem.row for problem in problems] == [1]


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        (SourceKind.BYTES, "bigint double boolean datetime decimal(38,0) array<string>"),
        (
            SourceKind.INT64,
            "int smallint tinyint double float decimal(18,0) json decimal(20,2) boolean datetime binary",
        ),
        (SourceKind.INT32, "smallint float decimal(9,0) date"),
        (SourceKind.INSTANT, "int date timestamp_ntz double varchar(30)"),
        (SourceKind.HEADERS, "binary bigint map<string,string> varchar(100)"),
        (SourceKind.TEXT, "binary array<binary> interval_day_time"),
        (SourceKind.JSON, "binary struct<a:binary> map<binary,string>"),
        (SourceKind.DOUBLE, "float bigint decimal(38,18)"),
        (SourceKind.FLOAT, "int decimal(38,18)"),
    ],
)
def test_what_would_alter_values_is_no_conversion(source: SourceKind, kinds: str) -> None:
    """A pair of source and type that cannot hold every value is refused before any record is read."""
    for kind in kinds.split():
        assert conversion(source, OdpsType.parse(kind)) is None, kind


def test_headers_become_json_in_their_order() -> None:
    """Every header stays: in order, names twice, values NULL; values that are no UTF-8 are rejected alone."""
    headers = [
        [{"key": "b", "value": b"1"}, {"key": "a", "value": None}, {"key": "b", "value": b'"\n'}],
        [],
        [{"key": "x", "value": b"\xff"}],
        [{"key": "", "value": b""}],
        None,
    ]
    assert converted(SourceKind.HEADERS, "string", headers, HEADERS) == [
        '[{"key":"b","value":"1"},{"key":"a","value":null},{"key":"b","value":"\\"\\n"}]',
        "[]",
        REJECT,
        '[{"key":"","value":""}]',
        None,
    ]
    assert converted(SourceKind.HEADERS, "string", [[], None, []], HEADERS) == ["[]", None, "[]"]


def test_a_header_that_is_no_text_is_named() -> None:
    """A reject names the header, and says how to keep it or to leave it out."""
    headers = [
        [{"key": "trace", "value": b"1"}],
        [{"key": "trace", "value": b"1"}, {"key": "dlt-offset", "value": b"\0\xc8"}],
        [{"key": "trace", "value": b"1"}, {"key": None, "value": b"\xff"}],
    ]
    convert = conversion(SourceKind.HEADERS, OdpsType("string"))
    assert convert is not None
    array, problems = convert.apply(pa.array(headers, HEADERS))
    assert array.to_pylist() == ['[{"key":"trace","value":"1"}]', None, None]
    assert [(each.row, each.reason) for each in problems] == [
        (
            1,
            (
                "header 'dlt-offset': b'\\x00\\xc8' is not UTF-8 at byte 1; map it to a BINARY column, as "
                "__headers__['dlt-offset'], or only the headers that you need in place of all"
            ),
        ),
        (
            2,
            (
                "header 2 of 2: its name is not UTF-8; map only the headers that you need, such as __headers__.name, "
                "in place of all"
            ),
        ),
    ]


def test_headers_that_cannot_fit_are_never_printed() -> None:
    """Headers that are longer than a field are rejected before they become JSON, and the others stay as they are."""
    headers = [
        [{"key": "a", "value": b"x" * 6}],
        [{"key": "a", "value": b"x" * 5}, {"key": "b", "value": b"yy"}],
        [],
        None,
    ]
    batch = batch_of(0, dict.fromkeys(range(4), b""))
    batch = batch.set_column(
        batch.schema.get_field_index("headers"), BATCH_SCHEMA.field("headers"), pa.array(headers, HEADERS)
    )
    projection = compile_projection({"h": "__headers__"}, TableSchema(columns_of({"h": "string"})))
    projected = projection.apply("t", batch, max_field_bytes=6)
    assert [(each.offset, each.reason) for each in projected.rejects] == [
        (0, "30 bytes, more than the 6 that a field may have"),
        (1, "headers of 7 bytes, more than the 6 that a field may have"),
    ]
    assert projected.columns.to_pylist() == [{"h": "[]"}, {"h": None}]


def test_a_header_without_a_name_is_nothing_to_the_others() -> None:
    """Where headers are mapped one by one, or not at all, a name that is not UTF-8 rejects nothing."""
    headers = pa.array(
        [[{"key": None, "value": b"x"}, {"key": "trace", "value": b"1"}], [{"key": None, "value": b"y"}]], HEADERS
    )
    batch = batch_of(0, {1: b"a", 2: b"b"})
    batch = batch.set_column(batch.schema.get_field_index("headers"), BATCH_SCHEMA.field("headers"), headers)
    schema = TableSchema(columns_of({"v": "string", "t": "string"}))
    projected = compile_projection({"v": "__value__", "t": "__headers__.trace"}, schema).apply("t", batch)
    assert projected.columns.to_pylist() == [{"v": "a", "t": "1"}, {"v": "b", "t": None}]
    assert not projected.rejects


@pytest.mark.parametrize("bad", [[], [0], [99], [3, 4, 50], list(range(100))], ids=str)
def test_every_problem_is_found_and_nothing_else(bad: list[int]) -> None:
    """However rejects lie among the rows, exactly they are listed, in order, and the others keep their place."""
    texts = ["x" if row in bad else str(row) for row in range(100)]
    convert = conversion(SourceKind.TEXT, OdpsType("bigint"))
    assert convert is not None
    array, problems = convert.apply(pa.array(texts))
    assert [problem.row for problem in problems] == bad
    assert array.to_pylist() == [None if row in bad else row for row in range(100)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [("abc", "string", "abc"), ("5", "bigint", 5), ("true", "boolean", True), ("1.50", "decimal(4,2)", D("1.50"))],
)
def test_constants_are_values_of_their_column(text: str, kind: str, value: Any) -> None:
    """A constant's text becomes a value of the column's type."""
    projection = compile_projection({"c": f"'{text}'"}, TableSchema(columns_of({"c": kind})))
    assert projection.apply("t", batch_of(0, {1: b""})).columns.to_pylist() == [{"c": value}]


@pytest.mark.parametrize(
    ("text", "kind"),
    [("x", "bigint"), ("", "double"), ("abc", "char(2)"), ("1.5", "int"), ("a", "binary"), ("0x1", "tinyint")],
)
def test_constants_that_do_not_fit_are_refused(text: str, kind: str) -> None:
    """A constant that is no value of its column's type is quoted, with column and type."""
    with pytest.raises(InvalidMapping, match="columns do not fit") as refused:
        compile_projection({"c": f"'{text}'"}, TableSchema(columns_of({"c": kind})))
    assert f"column c: the constant {text!r} is no value of {kind}" in str(refused.value)


@pytest.mark.parametrize(("kind", "digits"), [("float", 40), ("double", 400), ("float", 5000), ("double", 5000)])
def test_a_number_beyond_all_is_one_reject(kind: str, digits: int) -> None:
    """However many digits it has, with or without noughts before them."""
    convert = conversion(SourceKind.TEXT, OdpsType(kind))
    assert convert is not None
    numbers, problems = convert.apply(pa.array(["1" * digits, "-" + "9" * digits, "0" * digits + "2"]))
    assert [problem.row for problem in problems] == [0, 1]
    assert numbers.to_pylist() == [None, None, 2.0]


def test_what_is_found_by_halving_keeps_its_place() -> None:
    """Beside what is found at a glance, and where nothing is; the other rows are converted."""
    checked = Checked(lambda values: values.cast(pa.int8()), lambda values: pc.equal(values, 300), str)
    for values, bad in (([1, 300, 2, 400, None, 500, 3], [1, 3, 5]), ([1, 2, 400], [2]), ([300, 1], [0])):
        array, problems = checked.apply(pa.array(values))
        assert problems == [Unconvertible(row, str(values[row])) for row in bad]
        assert array.to_pylist() == [None if row in bad else value for row, value in enumerate(values)]
