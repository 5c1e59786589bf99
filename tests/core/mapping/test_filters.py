"""Filters: which records a condition keeps, by the table of docs/mapping.md and by an oracle; and what is refused."""

from __future__ import annotations

import json
import math
import operator
import struct
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import product
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kit.airflow_home import ROOT
from kit.page_tables import rows_below

from airflow_provider_kafka_odps.core.mapping.calls import Call
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.mapping.expressions import FieldPath, Piped
from airflow_provider_kafka_odps.core.mapping.filters.condition import Compared, IsNull
from airflow_provider_kafka_odps.core.mapping.filters.wanted import Wanted
from airflow_provider_kafka_odps.core.mapping.filters.where import parse_where
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.functions.catalogue import FUNCTIONS
from airflow_provider_kafka_odps.core.mapping.projection import Projected
from airflow_provider_kafka_odps.core.options import Conversions, OnBadJson, OnUnclear
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import InvalidInput, InvalidMapping

PAGE = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8").split("## Filters\n")[1].split("\n## ")[0]
LINES = [[cell.strip("`") for cell in row] for row in rows_below(PAGE, "| condition | value | the record is |")]
COLUMNS = {"o": "__offset__", "a": "a"}
OFFSET = {"o": "__offset__"}
SCHEMA = TableSchema(columns_of({"o": "bigint", "a": "string"}))


def filtered(
    where: str,
    values: Sequence[bytes | None],
    on_unclear: OnUnclear = OnUnclear.REJECT,
    record_format: RecordFormat | None = None,
    headers: list[dict[str, Any]] | None = None,
    mapping: Mapping[str, str] = COLUMNS,
    schema: TableSchema = SCHEMA,
) -> Projected:
    """Project records with these values and offsets from 0, of which a condition is asked."""
    rows = len(values)
    made: dict[str, Any] = {
        "value": values,
        "offset": list(range(rows)),
        "partition": [0] * rows,
        "timestamp": [1_795_341_600_000 + row for row in range(rows)],
        "headers": [headers or []] * rows,
    }
    columns = [
        pa.array(made.get(name, [None] * rows), pa.int64() if name == "timestamp" else kind).cast(kind)
        for name, kind in ((field.name, field.type) for field in BATCH_SCHEMA)
    ]
    projection = compile_projection(mapping, schema, record_format, Wanted(where, on_unclear))
    return projection.apply("orders", pa.RecordBatch.from_arrays(columns, schema=BATCH_SCHEMA))


def loaded(found: Projected) -> list[int]:
    """Return the offsets of the rows."""
    offsets: list[int] = found.columns.column("o").to_pylist()
    return offsets


@pytest.mark.parametrize(("where", "written", "becomes"), LINES)
def test_each_line_of_the_page_is_so(where: str, written: str, becomes: str) -> None:
    """Loaded, left out, or a reject; left out in place of a reject where the user says so."""
    headers = [{"key": "test", "value": b"1"}]
    record = [written.encode()]
    found = filtered(where, record, headers=headers)
    outcome = {"loaded": (1, 0, 0), "left out": (0, 0, 1), "a reject": (0, 1, 0)}[becomes]
    assert (found.columns.num_rows, len(found.rejects), found.filtered) == outcome
    lenient = filtered(where, record, OnUnclear.LEAVE_OUT, headers=headers)
    assert (lenient.columns.num_rows, lenient.filtered) == ((1, 0) if becomes == "loaded" else (0, 1))


def test_rows_and_rejects_keep_their_offsets() -> None:
    """Whatever is left out between them, and whichever way they become rejects."""
    values = [
        b'{"t": "x", "n": 1, "a": "k0"}',
        b'{"t": "y", "n": "one", "a": "k1"}',
        b'{"t": "x", "n": "one", "a": "k2"}',
        None,
        b'{"t": "x", "n": 5, "a": "k4"}',
        b'{"t": "x", "n": 0, "a": "k5"}',
        b"no JSON",
    ]
    found = filtered("t = 'x' AND n >= 1", values)
    assert loaded(found) == [0, 4]
    assert found.columns.column("a").to_pylist() == ["k0", "k4"]
    assert [(each.offset, each.row, each.column) for each in found.rejects] == [(2, 2, "where")]
    assert "is no number" in found.rejects[0].reason or "wants a number" in found.rejects[0].reason
    assert found.filtered == 4


def test_a_reject_behind_the_filter_names_its_own_record() -> None:
    """The row of a reject is that of the batch that was read, so that key and value are the record's."""
    values = [b'{"t": 0, "a": 1}', b'{"t": 1, "a": "x"}', b'{"t": 0, "a": "y"}', b'{"t": 1, "a": 2}']
    schema = TableSchema(columns_of({"a": "bigint"}))
    found = filtered("t = 1", values, mapping={"a": "a"}, schema=schema)
    assert [(each.row, each.offset, each.column) for each in found.rejects] == [(1, 1, "a")]
    assert found.columns.column("a").to_pylist() == [2]
    assert found.filtered == 2


def test_bad_json_under_a_path_that_the_filter_needs() -> None:
    """It has no such field, so it is left out; on_bad_json says otherwise, as it does without a filter."""
    for on_bad_json, outcome in [(OnBadJson.NULL, (0, 0, 1)), (OnBadJson.REJECT, (0, 1, 0))]:
        found = filtered("t = 'x'", [b"no JSON"], record_format=RecordFormat(on_bad_json=on_bad_json))
        assert (found.columns.num_rows, len(found.rejects), found.filtered) == outcome
    kept = filtered("t IS NULL", [b"no JSON", b'{"t": 1}'])
    assert loaded(kept) == [0]
    assert kept.not_json == 1


def test_an_empty_text_is_null_where_the_user_wants_that() -> None:
    """In conditions as in columns: before functions, behind them, and without any."""
    values, record_format = [b'{"a": ""}', b'{"a": " "}', b'{"a": "7"}'], RecordFormat(empty_as_null=True)
    for where, rows in [("a IS NULL", [0]), ("a | trim IS NULL", [0, 1]), ("a | trim | number > 5", [2])]:
        assert loaded(filtered(where, values, OnUnclear.LEAVE_OUT, record_format)) == rows
    assert [each.row for each in filtered("a | number > 5", values, record_format=record_format).rejects] == [1]


def test_what_only_the_filter_looks_at_stays_in_the_rest() -> None:
    """A condition takes nothing out of `*`: only columns do."""
    schema = TableSchema(columns_of({"a": "string", "rest": "string"}))
    values = [b'{"t": "x", "a": 1, "b": 1.10}', b'{"t": "y", "a": 2}']
    found = filtered("t = 'x' AND a = 1", values, mapping={"a": "a", "rest": "*"}, schema=schema)
    assert found.columns.to_pylist() == [{"a": "1", "rest": '{"t":"x","b":1.10}'}]


def test_what_is_left_out_does_not_count_as_no_json() -> None:
    """So that a load of the few JSON values of a topic is worth something."""
    found = filtered("t = 'x'", [b"no JSON", b'{"t": "x"}', b"neither"])
    assert (found.not_json, found.filtered, loaded(found)) == (0, 2, [1])


def test_what_could_not_be_read_is_of_its_own_record() -> None:
    """A value that is bad is a reject at its own place, and none where the filter leaves its record out."""
    values = [b'{"a": 0}', b"\xff", b'{"a": "?"}', b"\xfe", b'{"a": 3}', b'{"a": 1}', b"\xfd"]
    record_format = RecordFormat(on_bad_json=OnBadJson.REJECT)
    schema = TableSchema(columns_of({"o": "bigint", "a": "bigint"}))
    found = filtered("__offset__ IN (3, 4, 2, 6)", values, record_format=record_format, schema=schema)
    assert [(each.row, each.offset) for each in found.rejects] == [(2, 2), (3, 3), (6, 6)]
    assert (loaded(found), found.filtered, found.not_json) == ([4], 3, 2)
    both = filtered(
        "__offset__ > 1 AND a > -1", [b'{"a": "?"}', *values[1:]], record_format=record_format, schema=schema
    )
    assert [(each.row, each.column) for each in both.rejects] == [(2, "where"), (3, "where"), (6, "where")]
    other = filtered("__offset__ = 6 OR a > 0", values, schema=schema, mapping={"o": "__offset__", "a": "a | number"})
    assert [(each.row, each.column) for each in other.rejects] == [(2, "where")]


def test_rejects_of_both_kinds_come_in_their_order() -> None:
    """Those of the filter among those of the columns."""
    values = [b'{"t": 1, "a": "x"}', b'{"t": "?", "a": 1}', b'{"t": 1, "a": "y"}', b'{"t": 1, "a": 2}']
    found = filtered("t = 1", values, schema=TableSchema(columns_of({"o": "bigint", "a": "bigint"})))
    assert [(each.offset, each.row, each.column) for each in found.rejects] == [
        (0, 0, "a"),
        (1, 1, "where"),
        (2, 2, "a"),
    ]


def test_a_number_is_asked_about_as_it_is_written() -> None:
    """Also where a column takes its value alone."""
    schema = TableSchema(columns_of({"o": "bigint", "a": "double"}))
    values = [b'{"a": 1.50}', b'{"a": 1.5}', b'{"a": 15e-1}']
    assert loaded(filtered("a | trim = '1.50'", values, schema=schema)) == [0]
    assert loaded(filtered("a = 1.5", values, schema=schema)) == [0, 1, 2]


def test_a_pattern_is_one_of_whole_texts() -> None:
    """Of several lines, too."""
    values = [json.dumps({"a": text}).encode() for text in ("ab\ncd", "ab", "xab", "ab\n")]
    assert loaded(filtered("a LIKE 'a%d'", values)) == [0]
    assert loaded(filtered("a LIKE 'ab'", values)) == [1]
    assert loaded(filtered("a LIKE 'ab_'", values)) == [3]


def test_nothing_and_all() -> None:
    """A batch of which nothing is kept has no row, and one of which all is kept is as without a filter."""
    values = [b'{"a": "x"}'] * 3
    assert filtered("a = 'y'", values).columns.num_rows == 0
    assert filtered("a = 'x'", values).columns.equals(filtered("", values).columns)
    assert filtered("a = 'x'", []).columns.num_rows == 0


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("type", "type is no condition"),
        ("type", "type is no condition; where it is true or false, write type = TRUE"),
        ("a = 5 AND a.b | bool", r"is no condition; where it is true or false, write a\.b \| bool = TRUE"),
        ("a = 5 OR TRUE", "TRUE is no condition: a source is compared with it, as in flag = TRUE"),
        ("flag IS TRUE", "flag IS TRUE is no condition; write flag = TRUE"),
        ("flag IS NOT FALSE", "flag IS FALSE is no condition; write flag = FALSE"),
        ("[0] = 'x'", r"is no source; write __value__\[0\]"),
        ("[0] | trim = 'x'", r"is no source; write __value__\[0\]"),
        ("lower(type) = 'x'", r"lower\(type\) is no source; functions stand behind their source: type \| lower"),
        ("'x' = substr(trim(a.b), 0, 3)", r"behind their source: a\.b \| trim \| substr\(0, 3\)"),
        ("upper(type) LIKE 'X%'", r"functions stand behind their source: type \| upper"),
        ("`type` = 'x'", 'a field is quoted by double quotes, not by backticks: write "type"'),
        ("a = 'x`y`' AND `b c` = 1", 'not by backticks: write "b c"'),
        ("a = '`b`' OR", "Required keyword"),
        ("a BETWEEN 5 AND 1", "a: nothing is >= 5 and <= 1"),
        ("NOT a BETWEEN 5 AND 1", "a: nothing is >= 5 and <= 1"),
        ("b = 1 OR a > 5 AND (b = 2 AND 5 >= a)", "a: nothing is > 5 and <= 5"),
        ("a >= 5 AND a < 5", "a: nothing is >= 5 and < 5"),
        ("a = 1 AND a = 2", "a: nothing is = 2 and = 1"),
        ("a | trim BETWEEN 'b' AND 'a'", r"a \| trim: nothing is >= 'b' and <= 'a'"),
        ("a = TRUE AND a = FALSE", "a: nothing is = TRUE and = FALSE"),
        ("a BETWEEN 1 AND 'x'", "the constants of one BETWEEN are of several kinds"),
        ("__timestamp__ BETWEEN '2026-11-22T01:00:00+08:00' AND '2026-11-21T16:59:59Z'", "__timestamp__: nothing is"),
        ("a | epoch_ns BETWEEN '2026-11-22T01:00:00.000000002Z' AND '2026-11-22T01:00:00.000000001Z'", "nothing is"),
        ("a | local_time('yyyy') | date BETWEEN '2026-11-22' AND '2026-11-21'", "date: nothing is"),
        ("a = b", "b is no constant: a text in single quotes, a number, TRUE or FALSE is wanted"),
        ("a = 'x' OR", "Required keyword"),
        ("$.a = 'x'", r"\$\.a is no source: paths begin with a field, and not with \$"),
        ("$['a'] = 'x'", r"\$ is no source: paths begin with a field"),
        ("a = NULL", "IS NULL, or IS NOT NULL, is meant"),
        ("a = 1; b = 2", "one condition is wanted"),
        ("a = 1; DROP TABLE t", "Invalid expression"),
        ("a IN (SELECT 1)", r"has more to it \(query\) than is taken"),
        ("a + 1 = 2", "is no source"),
        ("1 = 1", "is no source"),
        ("'x' = 'x'", "is no source"),
        ("a LIKE 5", "is no condition"),
        ("a..b = 1", "where="),
        ("__nope__ = 1", "no such part of a record"),
        ("x" * 10_001, "10001 characters; up to 10000"),
        ("(" * 3000 + "a = 1" + ")" * 3000, "nested too deeply"),
        ("a = 1e309", r"the constant 1E\+309 is beyond a DOUBLE, which goes from 4.9e-324 to 1.8e308"),
        ("a IN (0, 1e-400)", "the constant 1E-400 is beyond a DOUBLE"),
        ("a | trimm = 'x'", r"there is no function 'trimm': do you mean trim\?"),
        ("a | mask = 'x'", "0 arguments, but it is mask"),
        ("a | trim = 5", r"it is text, and never one of the numbers that it is compared with; write \| number"),
        ("__offset__ = 'x'", "it is integer of 64 bits, and never one of the texts"),
        ("__timestamp__ > 5", "it is instant, and never one of the numbers"),
        ("__timestamp__ > '2026-11-22'", "is not an instant such as '2026-11-22T10:00:00.123Z'"),
        (
            "__timestamp__ > '2026-11-22 00:00:00'",
            r"its offset is missing; write '2026-11-22 00:00:00\+08:00', or .* as in timezone='Asia/Shanghai'",
        ),
        ("__value__ = TRUE", r"never one of the TRUE and FALSE that it is compared with; write \| bool"),
        ("__headers__ = 'x'", "it is headers, and never one of the texts"),
        ("a = 5e", "5e is no number"),
        ("a = 1e99999999999999999999", "is no number"),
        ("a | mask(1e999999) = 'x'", "a function takes texts and whole numbers"),
        ("a | mask(1000000000000000000) = 'x'", "a function takes texts and whole numbers"),
        ("a BETWEEN SYMMETRIC 2 AND 1", r"has more to it \(symmetric\) than is taken|SYMMETRIC is no constant"),
        ("a.b(+) = 1", "the name of a field is wanted behind its point"),
        ("a.b(5) = 1", "the name of a field is wanted behind its point"),
        ("a.* = 1", "the name of a field is wanted behind its point"),
        ("* IS NULL", "is no source"),
        ("a[1, 2] = 1", "one index is wanted in its brackets"),
        ("a IN (1, 'x')", "the constants of one IN are of several kinds"),
        ("a | trim = 5 AND b | trim = 6", r"a \| trim: .*; b \| trim: "),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_record(where: str, message: str) -> None:
    """The message shows the condition, and what is taken."""
    with pytest.raises((InvalidInput, InvalidMapping), match=message):
        filtered(where, [])


@pytest.mark.parametrize(
    ("where", "row"),
    [
        ("__timestamp__ >= '2026-11-22 18:00:00.001'", 1),
        ("__timestamp__ BETWEEN '2026-11-22T18:00:00.001' AND '2026-11-22 18:00:01'", 1),
        ("__timestamp__ IN ('2026-11-22 18:00:00', '2026-11-22T11:00:00Z')", 0),
        ("a | time('yyyy-MM-dd HH:mm:ss') < '2026-11-22 18:00:00'", 0),
        ("a | time('yyyy-MM-dd HH:mm:ss.SSSSSS', 'UTC') IS NULL OR __timestamp__ > '2026-11-22T10:00:00Z'", 1),
        ("b | epoch_us >= '2026-11-22 18:00:00.000001'", 1),
    ],
)
def test_a_constant_without_an_offset_is_a_time_of_the_zone(where: str, row: int) -> None:
    """As a value is: with a blank or a T, to what the kind of instant holds; with an offset it is what it says."""
    values = [
        b'{"a": "2026-11-22 17:59:59", "b": 1795341600000000}',
        b'{"a": "2026-11-22 18:00:00", "b": 1795341600000001}',
    ]
    shanghai = RecordFormat(timezone="Asia/Shanghai")
    assert loaded(filtered(where, values, OnUnclear.LEAVE_OUT, shanghai)) == [row]


@pytest.mark.parametrize(
    ("where", "zone", "message"),
    [
        ("__timestamp__ > '2026-10-25 02:30:00'", "Europe/Berlin", "is no time of that clock, or two, or out of range"),
        ("__timestamp__ > '2026-11-22 00:00:00.1234'", "Asia/Shanghai", "is not an instant such as"),
        ("__timestamp__ > '2026-11-22'", "Asia/Shanghai", "such as '2026-11-22 10:00:00' by the clock of timezone"),
        ("__timestamp__ | date = '2026-11-22 00:00:00'", "Asia/Shanghai", "is not a date such as '2026-11-22'"),
    ],
)
def test_a_constant_that_is_no_time_of_the_zone_is_refused(where: str, zone: str, message: str) -> None:
    """As a value would be a reject."""
    with pytest.raises(InvalidMapping, match=message):
        filtered(where, [], record_format=RecordFormat(timezone=zone))


def test_lenient_constants_are_those_of_lenient_values() -> None:
    """A day is its midnight where values are read so, too; a date is never cut out of a time."""
    lenient = RecordFormat(timezone="Asia/Shanghai", conversions=Conversions.LENIENT)
    assert loaded(filtered("__timestamp__ >= '2026-11-22'", [b"{}"], record_format=lenient)) == [0]
    assert loaded(filtered("__timestamp__ >= '20261123'", [b"{}"], record_format=lenient)) == []
    with pytest.raises(InvalidMapping, match="is not a date"):
        filtered("__timestamp__ | date = '2026-11-22 00:00:00'", [], record_format=lenient)


@pytest.mark.parametrize(
    "where",
    [
        "a >= 5 AND a <= 5",
        "a BETWEEN 1 AND 5",
        "a > 5 OR a < 1",
        "a > 5 AND b < 1",
        "a > 5 AND a | number < 1",
        "a = 5 AND a <> 5",
        "a > 'x' AND a < 5",
        "__timestamp__ BETWEEN '2026-11-22T01:00:00+08:00' AND '2026-11-21T18:00:00Z'",
        "a > 5 AND NOT a > 4",
    ],
)
def test_a_range_in_which_something_is_is_taken(where: str) -> None:
    """Only comparisons of one source that are joined by AND are held against each other."""
    assert filtered(where, [b"{}"]).filtered == 1


@given(
    st.lists(st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), st.integers(0, 2)), min_size=1, max_size=4),
    st.sampled_from(["{}", "'{}'"]),
)
def test_a_range_is_refused_where_nothing_is_in_it(parts: list[tuple[str, int]], constant: str) -> None:
    """Nothing of what lies between the constants, beside them, and on them."""
    where = " AND ".join(f"a {sign} {constant.format(number)}" for sign, number in parts)
    values = [f"{number}{more}" for number in (0, 1, 2) for more in ("", ".5")] + ["-1"]
    written = [f'{{"a": {each}}}' if constant == "{}" else f'{{"a": "{each}"}}' for each in values]
    kept = [_among(float(each), parts) for each in values]
    if any(kept):
        assert loaded(filtered(where, list(map(str.encode, written)))) == [
            row for row, is_in in enumerate(kept) if is_in
        ]
    else:
        with pytest.raises(InvalidMapping, match="nothing is"):
            filtered(where, [])


def _among(number: float, parts: list[tuple[str, int]]) -> bool:
    signs = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
    return all(signs[sign](number, constant) for sign, constant in parts)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_can_stand_in_a_condition(name: str) -> None:
    """With brackets and without, though some are words of SQL."""
    for where, arguments in ((f"a | {name}('x', 1) IS NULL", ("x", 1)), (f"a | {name} = 'x'", ())):
        condition = parse_where(where)
        assert isinstance(condition, Compared | IsNull)
        assert condition.source == Piped(FieldPath(("a",)), (Call(name, arguments, 0),))


@pytest.mark.parametrize("word", ["AND", "OR"])
def test_a_long_condition_is_no_deep_one(word: str) -> None:
    """As many comparisons as there is room for, all of which are looked at."""
    where = f" {word} ".join(["a = 1"] * (9_900 // (len(word) + 7)))
    assert loaded(filtered(f"{where} {word} b = 2", [b'{"a": 1}'])) == ([0] if word == "OR" else [])


def _spelled(parts: tuple[str, str]) -> str:
    """Return a number, or the one next to it, in another spelling."""
    number, behind = parts
    return number + ("." if behind.isdigit() and "." not in number and "e" not in number else "") + behind


_WRITTEN = st.sampled_from(
    ["1", "12345678901234567890123456789012345", "0.000000000000000001", "0.1", "0", "1500", "9007199254740993"]
)
_NUMBERS = st.tuples(st.sampled_from(["", "-"]), _WRITTEN).map("".join)
_DOUBLES = st.floats(allow_nan=False, allow_infinity=False).map(repr)
_SPELLED = st.tuples(_NUMBERS, st.sampled_from(["", "e0", "0", "0000000000000000001"])).map(_spelled)
_SIGNS = {
    "a = {}": Decimal.__eq__,
    "a < {}": Decimal.__lt__,
    "a <= {}": Decimal.__le__,
    "a > {}": Decimal.__gt__,
    "a >= {}": Decimal.__ge__,
    "a <> {}": Decimal.__ne__,
    "a IN (77, {})": Decimal.__eq__,
}


_LONG = "-12345678901234567890123456789012345"


@pytest.mark.parametrize("source", ["a", "a | number", "a | default('0') | number"])
@example(_LONG, [_LONG], "a = {}")
@given(_NUMBERS, st.lists(st.one_of(_SPELLED, _DOUBLES), min_size=1, max_size=5), st.sampled_from(list(_SIGNS)))
def test_numbers_are_compared_exactly(source: str, constant: str, numbers: list[str], condition: str) -> None:
    """Also those that are no doubles, or no decimals of the service: too large, or with more digits."""
    where = condition.format(constant).replace("a ", f"{source} ", 1)
    found = filtered(where, [f'{{"a": {number}, "b": 1.10}}'.encode() for number in numbers], mapping=OFFSET)
    wanted = [row for row, number in enumerate(numbers) if _SIGNS[condition](Decimal(number), Decimal(constant))]
    assert (loaded(found), found.rejects) == (wanted, ())


@pytest.mark.parametrize(
    ("number", "where", "is_loaded"),
    [
        ("1e99999999999999999999", "a > 1e308", True),
        ("-1e99999999999999999999", "a < -1e308", True),
        ("1e-99999999999999999999", "a > 0", True),
        ("1E-99999999999999999999", "a = 0", False),
        ("0e99999999999999999999", "a = 0", True),
        ("1e400", "a > 1e308", True),
        ("1e-400", "a IN (0)", False),
        ("-0", "a = 0", True),
        ("-0.0", "a IN (0)", True),
        ("1.7976931348623158e308", "a = 1.7976931348623157e308", False),
    ],
)
def test_numbers_at_the_ends_of_what_a_double_is(number: str, where: str, is_loaded: bool) -> None:
    """They are compared as they are written, too."""
    found = filtered(where, [f'{{"a": {number}}}'.encode()], mapping=OFFSET)
    assert (bool(loaded(found)), found.rejects) == (is_loaded, ())


def test_a_column_gets_a_number_as_it_is_written_though_the_filter_needs_its_value_only() -> None:
    """The filter's own way of reading does not become the column's."""
    found = filtered("a > 1", [b'{"a": 1.10}', b'{"a": 2e1}'])
    assert found.columns.column("a").to_pylist() == ["1.10", "2e1"]


@pytest.mark.parametrize(("value_type", "letter"), [(Format.DOUBLE, "d"), (Format.FLOAT, "f")])
def test_a_double_is_the_number_that_its_shortest_digits_say(value_type: Format, letter: str) -> None:
    """0.1 of either type is 0.1, though the number that its bits are is another one."""
    values = [struct.pack(f">{letter}", number) for number in (0.1, 0.25, 1e10, math.inf, math.nan)]
    record_format = RecordFormat(value=value_type)
    for where, rows in [
        ("__value__ = 0.1", [0]),
        ("__value__ > 0.1", [1, 2]),
        ("__value__ IN (0.10, 10000000000)", [0, 2]),
    ]:
        found = filtered(where, values[:3], record_format=record_format, mapping=OFFSET)
        assert (loaded(found), found.rejects) == (rows, ()), where
    assert [
        each.row for each in filtered("__value__ > 0", values, record_format=record_format, mapping=OFFSET).rejects
    ] == [4]


_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "a": st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["x", "y", "5"]), st.booleans()),
        "b": st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["x", "y"])),
    },
)
_LEAVES = st.one_of(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["=", "<>", "<", ">="]), st.integers(-2, 2)).map(
        lambda each: f"{each[0]} {each[1]} {each[2]}"
    ),
    st.tuples(st.sampled_from("ab"), st.sampled_from(["=", "<>"]), st.sampled_from("xy")).map(
        lambda each: f"{each[0]} {each[1]} '{each[2]}'"
    ),
    st.sampled_from("ab").map(lambda name: f"{name} IS NULL"),
    st.sampled_from(["a IN (1, 2)", "b IN ('x')", "a = TRUE"]),
)
_CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda each: f"NOT ({each})"),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda each: f"({each[0]}) {each[1]} ({each[2]})"),
    ),
    max_leaves=5,
)


@given(_CONDITIONS, st.lists(_FIELDS, min_size=1, max_size=5))
def test_a_condition_means_what_a_reader_of_one_record_says(where: str, documents: list[dict[str, Any]]) -> None:
    """Record by record, by an oracle that knows nothing of columns."""
    try:
        found = filtered(where, [json.dumps(each).encode() for each in documents])
    except InvalidMapping as refused:
        assert "nothing is" in str(refused)  # noqa: PT017 - most conditions are taken
        return
    wanted = [oracle(where, each) for each in documents]
    assert loaded(found) == [row for row, said in enumerate(wanted) if said == {True}]
    assert [each.row for each in found.rejects] == [row for row, said in enumerate(wanted) if said > {True}]
    assert found.filtered == sum(True not in said for said in wanted)


def oracle(where: str, document: dict[str, Any]) -> set[bool | None]:
    """Return which of True, False and None (NULL) it may be, by walking through the condition's own text."""
    import sqlglot

    said: set[bool | None] = _said(sqlglot.parse_one(where), document)
    return said


def _said(node: Any, document: dict[str, Any]) -> Any:
    from sqlglot import exp

    match node:
        case exp.Paren():
            return _said(node.this, document)
        case exp.Not():
            return {None if said is None else not said for said in _said(node.this, document)}
        case exp.And() | exp.Or():
            decisive = isinstance(node, exp.Or)
            pairs = product(_said(node.left, document), _said(node.right, document))
            return {decisive if decisive in pair else None if None in pair else not decisive for pair in pairs}
        case exp.Is():
            return {document.get(node.this.name) is None}
        case _:
            said = _compared(node, document.get(node.this.name))
            return {True, False, None} if said == "unclear" else {said}


def _compared(node: Any, value: Any) -> Any:
    from sqlglot import exp

    constants = [_constant(each) for each in (node.expressions or [node.expression])]
    if value is None:
        return None
    if type(value) is not type(constants[0]):
        return "unclear"
    match node:
        case exp.LT():
            return value < constants[0]
        case exp.GTE():
            return value >= constants[0]
        case _:
            return (value in constants) is not isinstance(node, exp.NEQ)


def _constant(node: Any) -> Any:
    from sqlglot import exp

    match node:
        case exp.Neg():
            return -int(node.this.this)
        case exp.Boolean():
            return bool(node.this)
        case _:
            return str(node.this) if node.is_string else int(node.this)
