"""Functions of source expressions: the tables of docs/mapping.md, line by line, and what is refused."""

from __future__ import annotations

import gzip
import inspect
import re
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from kit.airflow_home import ROOT
from kit.page_tables import rows_below

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection, created_columns
from airflow_provider_kafka_odps.core.mapping.expressions import parse_expression
from airflow_provider_kafka_odps.core.mapping.formats import Format, RecordFormat
from airflow_provider_kafka_odps.core.mapping.functions import packed
from airflow_provider_kafka_odps.core.mapping.functions.catalogue import FUNCTIONS
from airflow_provider_kafka_odps.core.mapping.projection import Projected
from airflow_provider_kafka_odps.core.options import Conversions
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.decoding.batch import BATCH_SCHEMA
from airflow_provider_kafka_odps.exceptions import InvalidExpression, InvalidMapping

PAGE = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8").split("## Functions\n")[1].split("\n## ")[0]


LISTED = rows_below(PAGE, "| function | gives | does |")
EXAMPLES = rows_below(PAGE, "| expression | value | type | in the table |")


def projected(source: str, kind: str, *records: dict[str, Any], record_format: RecordFormat | None = None) -> Projected:
    """Project records to a table of one column."""
    columns = [
        pa.array([record.get(field.name, 0 if field.name in ("partition", "offset") else None) for record in records])
        .cast(pa.int64() if field.name == "timestamp" else field.type)
        .cast(field.type)
        for field in BATCH_SCHEMA
    ]
    projection = compile_projection({"c": source}, TableSchema(columns_of({"c": kind})), record_format)
    return projection.apply("orders", pa.RecordBatch.from_arrays(columns, schema=BATCH_SCHEMA))


def record_of(source: str, written: str) -> dict[str, Any]:
    """Put what a line of the page shows into a record."""
    if source.startswith("__timestamp__"):
        return {"timestamp": int(written)}
    octets = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), written.encode())
    return {"value": octets if source.startswith("__value__") else b'{"a": ' + octets + b"}"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_on_the_page(name: str) -> None:
    """The page has it as it is called, what it gives, and its own description; and an example, tried below."""
    (row,) = [row for row in LISTED if row[0].strip("`").partition("(")[0] == name]
    found = FUNCTIONS[name]
    description = " ".join((inspect.getdoc(found.build) or "").replace("``", "`").split())
    assert row == [f"`{found}`", found.gives or "the same kind", description]
    assert any(f"| {name}" in source for source, *_ in EXAMPLES)


def test_the_page_has_no_other_functions() -> None:
    """In their order."""
    assert [row[0].strip("`").partition("(")[0] for row in LISTED] == list(FUNCTIONS)


@pytest.mark.parametrize(("source", "written", "kind", "becomes"), EXAMPLES)
def test_each_line_of_the_page_is_so(source: str, written: str, kind: str, becomes: str) -> None:
    """What is written becomes what the page shows, or its record is a reject."""
    source = source.strip("`")
    found = projected(source, kind, record_of(source, written.strip("`")))
    if becomes == "reject":
        assert [reject.column for reject in found.rejects] == ["c"]
        return
    assert found.rejects == ()
    (value,) = found.columns.column("c").to_pylist()
    assert shown(value, OdpsType.parse(kind)) == (None if becomes == "NULL" else becomes.strip("`"))


OF_RECORDS = [each for each in EXAMPLES if not each[0].startswith(("`'", "`__topic__"))]


@pytest.mark.parametrize(("source", "written", "kind", "becomes"), OF_RECORDS)
def test_null_stays_null_beside_it(source: str, written: str, kind: str, becomes: str) -> None:
    """With NULL before and behind each value, in a batch of nothing but NULL, and in one without rows."""
    source, record = source.strip("`"), record_of(source.strip("`"), written.strip("`"))
    nothing = projected(source, kind, {}, {})
    (null, _) = nothing.columns.column("c").to_pylist()
    assert nothing.rejects == ()
    assert (null is None) is ("default" not in source)
    around = projected(source, kind, {}, record, {}, record, {})
    alone = projected(source, kind, record).columns.column("c").to_pylist()
    assert around.columns.column("c").to_pylist() == [null, *alone, null, *alone, null]
    assert [each.row for each in around.rejects] == ([1, 3] if becomes == "reject" else [])
    assert projected(source, kind).columns.num_rows == 0


def shown(value: Any, kind: OdpsType) -> str | None:
    """Return a value as the page has it."""
    match value:
        case None:
            return None
        case bool():
            return str(value).lower()
        case bytes():
            return value.decode()
        case datetime():
            text = value.isoformat()
            return re.sub(r"(\.[0-9]{3})000$", r"\1", text)
        case Decimal():
            return str(value)
        case _ if kind.name == "timestamp":
            return str(value.isoformat())
        case _:
            return str(value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a | trimm", r"there is no function 'trimm': do you mean trim\? there are trim, lower"),
        ("a | xyzzy", r"there is no function 'xyzzy': there are trim"),
        ("a | mask", r"mask: 0 arguments, but it is mask\(first, \[last\]\)"),
        ("a | mask(1, 2, 3)", r"mask\(1, 2, 3\): 3 arguments, but it is"),
        ("a | mask('1')", r"mask\('1'\): first='1': a whole number is wanted here"),
        ("a | replace(1, 'x')", r"old=1: a text in single quotes is wanted here"),
        ("a | replace('', 'x')", r"what is to be replaced is empty"),
        ("a | replace_regex('(', 'x')", r"missing \)"),
        (r"a | replace_regex('x', '\\1')", r"pattern='x', new="),
        ("a | mask(-1)", r"numbers of characters are wanted, 0 or more"),
        ("a | substr(0, -2)", r"length=-2: a number of characters is wanted"),
        ("a | pad(3, 'ab')", r"padding='ab': one character is wanted"),
        ("a | pad(99999)", r"from 0 to 10000"),
        ("__headers__ | trim", r"trim takes .*text.*, and here it gets headers"),
        ("__timestamp__ | lower", r"and here it gets instant"),
        ("a | gunzip", r"gunzip takes bytes, and here it gets JSON value"),
        ("a | format('yyyy', 'UTC')", r"format takes .* and here it gets JSON value"),
        ("__timestamp__ | format('yyyy')", r"zone='': an instant needs a zone, such as 'Asia/Shanghai'"),
        ("a | local_time('yyyyMMdd') | date('UTC')", r"a local time or a date has none; this is local time"),
        ("__timestamp__ | format('yyyy', 'Mars')", r"zone: there is no time zone 'Mars'"),
        ("a | time('yyyy-MM-dd')", r"one of the two says which instant a text means"),
        ("a | time('yyyyXXX', 'UTC')", r"one of the two says which instant a text means"),
        ("a | time('MM-dd', 'UTC')", r"an instant has a year, yyyy"),
        ("a | time('yyyy-MMM-dd', 'UTC')", r"position 5: MMM is no part of a time here; there are yyyy, MM"),
        ("a | time('yyyy-MM-dd hh', 'UTC')", r"position 11: hh is no part of a time here"),
        ("a | time('yyyyTHH', 'UTC')", r"position 4: T is no part .* quoted: 'T'"),
        ("a | time('yyyyyyyy', 'UTC')", r"position 0: yyyyyyyy is no part"),
        ("a | time('yyyyMMyyyy', 'UTC')", r"yyyy is there twice"),
        ("a | time('yyyy ss.SS SSS', 'UTC')", r"SS is there twice"),
        ("a | time('yyyy XX XXX')", r"XX is there twice"),
        ("a | time('--', 'UTC')", r"it has no part of a time"),
        (r"a | time('yyyy\'T', 'UTC')", r"position 4: the closing ' is missing"),
        ("a | local_time('yyyyXXX')", r"no offset; time\(\) reads offsets"),
        ("a | number | default('x')", r"a number is wanted, without quotes"),
        ("a | bool | number | bool | trim | date", r"date takes .* and here it gets text"),
        ("a | path('b.')", r"path\('b\.'\): .*a field's name is wanted here"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_record(source: str, message: str) -> None:
    """The message names the column, the call, and what is wanted."""
    with pytest.raises(InvalidMapping, match=rf"column c: .*{message}"):
        projected(source, "STRING")


@pytest.mark.parametrize(
    ("source", "position", "problem"),
    [
        ("a |", 3, "the name of a function is wanted"),
        ("a | | trim", 3, "the name of a function is wanted"),
        ("a | mask(3", 10, "a comma or the closing ) is missing"),
        ("a | mask(3 4)", 11, "a comma or the closing ) is missing"),
        ("a | mask(3,)", 11, "a whole number, or a text in single quotes"),
        ("a | mask(3.5)", 9, "a whole number, or a text in single quotes"),
        ("a | mask(x)", 9, "a whole number, or a text in single quotes"),
        ("a | trim lower", 9, "after a function, a | or the end"),
        ("a | replace('x, 'y')", 17, "a comma or the closing ) is missing"),
        ("a | trim('", 10, "the closing ' is missing"),
        ("| trim", 0, "a field's name is wanted"),
    ],
)
def test_what_cannot_be_read_is_shown(source: str, position: int, problem: str) -> None:
    """With its position in the expression."""
    with pytest.raises(InvalidExpression) as raised:
        parse_expression(source)
    assert (raised.value.position, problem in str(raised.value)) == (position, True), str(raised.value)


def test_a_long_chain_is_no_deep_one() -> None:
    """However many functions stand one behind the other."""
    found = projected("a" + " | pad(2, '.') | trim" * 600, "STRING", {"value": b'{"a": "x"}'})
    assert found.columns.column("c").to_pylist() == [".x"]


def test_what_a_function_gives_has_to_fit_the_column() -> None:
    """A boolean is no number, and an instant no date: refused before any record is read."""
    for source, kind in [("a | bool", "BIGINT"), ("a | epoch_ms", "DATE"), ("a | path('b')", "BINARY")]:
        with pytest.raises(InvalidMapping, match=f"cannot become {kind.lower()} without being altered"):
            projected(source, kind)


def test_a_reject_names_the_function() -> None:
    """With the value, and the place at which a text leaves its pattern."""
    (number,) = projected("a | number", "BIGINT", {"value": b'{"a": "1,5"}'}).rejects
    assert number.reason == "number: '1,5' is no number, such as -12.50"
    pattern = "time('yyyy-MM-dd HH:mm:ss', 'Asia/Shanghai')"
    (time,) = projected(f"a | {pattern}", "DATETIME", {"value": b'{"a": "2026-11-22T10:00:00"}'}).rejects
    assert time.reason == "time: '2026-11-22T10:00:00' is not yyyy-MM-dd HH:mm:ss from position 10 on"
    (twice,) = projected(
        "a | time('yyyy-MM-dd HH:mm', 'Europe/Berlin')", "DATETIME", {"value": b'{"a": "2026-10-25 02:30"}'}
    ).rejects
    assert "is no time of that clock, or two" in twice.reason


def test_rows_of_a_batch_stay_in_their_places() -> None:
    """NULL, rejects and values next to each other, in every order."""
    values = ["2026-11-22 18:00:00", None, "garbage", "2026-11-22 18:00:01", "2026-02-30 00:00:00", None, "äöü"]
    records = [{"value": json_of(value), "offset": number} for number, value in enumerate(values)]
    found = projected("a | time('yyyy-MM-dd HH:mm:ss', 'Asia/Shanghai')", "DATETIME", *records)
    assert [reject.offset for reject in found.rejects] == [2, 4, 6]
    assert found.columns.column("c").to_pylist() == [
        datetime(2026, 11, 22, 10, 0, 0),  # noqa: DTZ001 - a DATETIME is an instant without a zone of its own
        None,
        datetime(2026, 11, 22, 10, 0, 1),  # noqa: DTZ001
        None,
    ]


def test_rows_of_several_kinds_keep_their_places() -> None:
    """Texts, numbers, objects and NULL in one column, of which each is read in a way of its own."""
    values = ['{"a": 1}', '{"a": "?"}', "{}", '{"a": {"b": 1}}', '{"a": " 2 "}', '{"a": true}', '{"a": 3}']
    found = projected("a | number", "BIGINT", *({"value": each.encode()} for each in values))
    assert [reject.row for reject in found.rejects] == [1, 3, 5]
    assert found.columns.column("c").to_pylist() == [1, None, 2, 3]


def test_the_first_function_that_fails_says_why() -> None:
    """What a function did not take is nothing to those behind it, and a reject all the same."""
    record = {"value": b'{"a": "x"}'}
    for source in ("a | number | default(0)", "a | number | null_if(0)", "a | number | number", "a | number | bool"):
        (reject,) = projected(source, "STRING", record).rejects
        assert reject.reason == "number: 'x' is no number, such as -12.50"
    (both,) = projected("a | base64 | gunzip", "STRING", {"value": b'{"a": "?"}'}).rejects
    assert both.reason.startswith("base64: ")


def test_gzip_is_whole_or_a_reject() -> None:
    """Of several members all, of too many none, and nothing of bytes that end too early or go on as something else."""
    one, two = gzip.compress(b"ab"), gzip.compress(b"cd")
    fits = {one: "ab", one + two: "abcd", one * 100: "ab" * 100}
    for octets, text in fits.items():
        found = projected("__value__ | gunzip", "STRING", {"value": octets})
        assert (found.columns.column("c").to_pylist(), found.rejects) == ([text], ())
    unfit = {
        one * 101: "gunzip: more than 100 members",
        one[:-1]: "gunzip: 21 bytes of gzip, which end too early",
        one + two[:5]: "gunzip: 27 bytes of gzip, which end too early",
        b"": "gunzip: no bytes are no gzip",
        one + b"no gzip": "is no gzip: Error -3",
    }
    for octets, reason in unfit.items():
        (reject,) = projected("__value__ | gunzip", "STRING", {"value": octets}).rejects
        assert reason in reject.reason


def test_no_more_is_unpacked_than_a_field_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one of several members has the rest: what is beyond is never in memory."""
    monkeypatch.setattr(packed, "_LARGEST", 100)
    asked: list[int] = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self, wbits: int) -> None:
            self._reader = real(wbits)

        def decompress(self, octets: bytes, most: int = 0) -> bytes:
            unpacked = self._reader.decompress(octets, most)
            asked.append(len(unpacked))
            return unpacked

        def __getattr__(self, name: str) -> Any:
            return getattr(self._reader, name)

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    for sizes in ((101,), (100_000,), (60, 41), (60, 100_000)):
        asked.clear()
        octets = b"".join(gzip.compress(b"x" * size) for size in sizes)
        (reject,) = projected("__value__ | gunzip", "STRING", {"value": octets}).rejects
        assert reject.reason == "gunzip: more than the 100 bytes that a field may have"
        assert sum(asked) == 101
    fits = gzip.compress(b"x" * 60) + gzip.compress(b"x" * 40)
    assert projected("__value__ | gunzip", "STRING", {"value": fits}).rejects == ()


def json_of(value: str | None) -> bytes:
    """Return a document with the value."""
    import json

    return json.dumps({"a": value}, ensure_ascii=False).encode()


def test_empty_texts_are_null_before_functions_and_behind() -> None:
    """So that an empty number is NULL and no reject."""
    empty = RecordFormat(empty_as_null=True)
    for source, kind in [("a | number", "BIGINT"), ("a | trim", "STRING"), ("a | default(7)", "BIGINT")]:
        records = [{"value": b'{"a": ""}'}, {"value": b'{"a": " "}'}][: 1 if kind == "BIGINT" else 2]
        found = projected(source, kind, *records, record_format=empty)
        assert set(found.columns.column("c").to_pylist()) == {7 if "default" in source else None}
        assert found.rejects == ()


def test_a_created_table_has_the_types_that_functions_give() -> None:
    """Not BIGINT for an instant, as the record's own timestamp has, but what was asked for."""
    columns = {
        "at": "a | epoch_ms",
        "fine": "a | epoch_us",
        "n": "a | number",
        "b": "a | bool",
        "local": "a | local_time('yyyy')",
        "d": "__timestamp__ | date('UTC')",
        "t": "__offset__ | pad(9, '0')",
        "timestamp": "__timestamp__",
    }
    assert {column.name: str(column.type) for column in created_columns(columns)} == {
        "at": "datetime",
        "fine": "timestamp",
        "n": "decimal(38,18)",
        "b": "boolean",
        "local": "timestamp_ntz",
        "d": "date",
        "t": "string",
        "timestamp": "bigint",
    }


@pytest.mark.parametrize(
    ("pattern", "text", "becomes"),
    [
        ("yyyy-MM-ddXXX", "2026-11-22Z", "2026-11-22T00:00:00"),
        ("yyyy-MM-ddXXX", "2026-11-22ZZ", None),
        ("XX yyyy-MM-dd", "Z 2026-11-22", "2026-11-22T00:00:00"),
        ("XX yyyy-MM-dd", "+0800 2026-11-22", "2026-11-21T16:00:00"),
        (r"yyyy-MM-ddXXX\'Z\'", "2026-11-22+08:00Z", "2026-11-21T16:00:00"),
        (r"yyyy-MM-ddXXX\'Z\'", "2026-11-22ZZ", "2026-11-22T00:00:00"),
        (r"yyyy-MM-ddXXX\'Z\'", "2026-11-22Z", None),
    ],
)
def test_a_z_is_one_offset_where_the_pattern_has_it(pattern: str, text: str, becomes: str | None) -> None:
    """One Z and no more, also in front of something else."""
    found = projected(f"__value__ | time('{pattern}')", "DATETIME", {"value": text.encode()})
    assert [each.isoformat() for each in found.columns.column("c").to_pylist()] == ([becomes] if becomes else [])


def test_the_first_nanoseconds_of_all() -> None:
    """What has no whole millisecond before it is one reject, and no error for all."""
    records = [{"value": str(each).encode()} for each in (-(2**63), 1 - 2**63, -9223372036854000000, 2**63 - 1)]
    for source, kind in (("epoch_ns", "TIMESTAMP"), ("epoch_ns | to_ms", "DATETIME")):
        assert [each.row for each in projected(f"__value__ | {source}", kind, *records).rejects] == [0, 1]


def test_instants_at_the_ends_of_the_calendar() -> None:
    """A clock that cannot show them makes rejects, and no error; what it can show is a time like others."""
    source = "__timestamp__ | format('yyyy-MM-dd HH:mm:ss', 'Asia/Shanghai')"
    for millis in (-(2**63), 2**63 - 1, 253402300799999, -62135596800001):
        assert len(projected(source, "STRING", {"timestamp": millis}).rejects) == 1
    for millis, text in ((253402271999999, "9999-12-31 23:59:59"), (-62135596800000, "0001-01-01 08:05:43")):
        assert projected(source, "STRING", {"timestamp": millis}).columns.column("c").to_pylist() == [text]
    back = "__value__ | time('yyyy-MM-dd HH:mm:ss', 'Asia/Shanghai')"
    assert not projected(back, "DATETIME", {"value": b"9999-12-31 23:59:59"}).rejects
    assert len(projected(back, "DATETIME", {"value": b"0001-01-01 08:05:42"}).rejects) == 1


def test_a_moment_is_written_as_python_writes_it() -> None:
    """Of many instants and zones, also at changes of summer time and of local mean times."""
    from random import Random
    from zoneinfo import ZoneInfo

    random = Random(20261129)
    millis = [random.randrange(-8_000_000_000_000, 8_000_000_000_000) for _ in range(300)]
    millis += [1_792_890_000_000 + 450_000 * step for step in range(30)]
    for zone in ("Europe/Berlin", "Asia/Shanghai", "America/St_Johns", "UTC"):
        source = f"__timestamp__ | format('yyyy-MM-dd HH:mm:ss.SSS', '{zone}')"
        texts = projected(source, "STRING", *({"timestamp": each} for each in millis)).columns.column("c").to_pylist()
        moments = [datetime.fromtimestamp(each / 1000, UTC).astimezone(ZoneInfo(zone)) for each in millis]
        assert [text[:19] for text in texts] == [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in moments]
        records = [{"value": text.encode()} for text in texts]
        back = projected(f"__value__ | time('yyyy-MM-dd HH:mm:ss.SSS', '{zone}')", "BIGINT", *records)
        doubtful = {reject.row for reject in back.rejects}
        assert all(shown_twice(moments[row]) for row in doubtful)
        kept = [each for row, each in enumerate(millis) if row not in doubtful]
        assert back.columns.column("c").to_pylist() == kept


def shown_twice(moment: datetime) -> bool:
    """Tell whether the clock shows this time twice."""
    return moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ('"1200"', "BIGINT"),
        ('" 12.50"', "DECIMAL(10,2)"),
        ('"true"', "BOOLEAN"),
        ("1", "BOOLEAN"),
        ("1795341600123", "DATETIME"),
        ("1795341600", "DATETIME"),
        ('"1795341600"', "DATETIME"),
        ("1795341600123456", "TIMESTAMP"),
        ('"2026-11-22 10:00:00"', "DATETIME"),
        ('"2026-11-22T10:00:00"', "TIMESTAMP"),
        ('"2026-11-22 10:00:00.123"', "DATETIME"),
        ('"20261122100000"', "DATETIME"),
        ('"2026/11/22 18:00"', "DATETIME"),
        ('"2026-11-22"', "TIMESTAMP"),
        ("20261122", "DATETIME"),
        ('"2026-11-22 10:00:00.123456789"', "TIMESTAMP"),
    ],
)
def test_a_reject_says_which_function_would_take_it(written: str, kind: str) -> None:
    """What the message says can be put behind the source, and then the record is loaded."""
    record = {"value": b'{"a": ' + written.encode() + b"}"}
    (reject,) = projected("a", kind, record).rejects
    (function,) = re.findall(r"; '(\| .*)' behind the source reads it$", reject.reason)
    found = projected(f"a {function}", kind, record)
    assert found.rejects == ()
    assert found.columns.column("c").null_count == 0


@pytest.mark.parametrize(
    ("written", "function"),
    [
        ('"2026/11/22 18:00"', "| time('yyyy/MM/dd HH:mm')"),
        ('"2026/11/22 18:00:00"', "| time('yyyy/MM/dd HH:mm:ss')"),
        ('"2026-11-22 18:00"', "| time('yyyy-MM-dd HH:mm')"),
        ('"2026.11.22"', "| time('yyyy.MM.dd')"),
        ('"2026/11/22T18:00:00.5"', r"| time('yyyy/MM/dd\'T\'HH:mm:ss.S')"),
        ('"20261122180000"', "| time('yyyyMMddHHmmss')"),
        ("20261122180000", "| time('yyyyMMddHHmmss')"),
        ('"1795341600"', "| epoch_s"),
        ('"1795341600123"', "| epoch_ms"),
    ],
)
@pytest.mark.parametrize("conversions", Conversions)
def test_a_reject_of_a_load_with_a_zone_says_it_without_one(
    written: str, function: str, conversions: Conversions
) -> None:
    """Whatever the load converts by itself: what is no usual time is put behind the source, and loaded."""
    record = {"value": b'{"a": ' + written.encode() + b"}"}
    record_format = RecordFormat(timezone="Asia/Shanghai", conversions=conversions)
    rejects = projected("a", "DATETIME", record, record_format=record_format).rejects
    if written.isdigit() and conversions is Conversions.LENIENT:
        assert rejects == ()
        return
    assert rejects[0].reason.endswith(f"; '{function}' behind the source reads it")
    found = projected(f"a {function}", "DATETIME", record, record_format=record_format)
    assert (found.rejects, found.columns.column("c").null_count) == ((), 0)


@pytest.mark.parametrize(
    "written",
    ["2026-10-25 02:30:00", "2026/02/30 18:00", "2026-11-22 25:00", "22/11/2026", "2026/11-22", "2026/11/22 1800"],
)
def test_what_is_no_usual_time_has_no_hint(written: str) -> None:
    """Nor has one that a load with a zone reads itself, and that the clock shows twice."""
    record = {"value": b'{"a": "' + written.encode() + b'"}'}
    (reject,) = projected("a", "DATETIME", record, record_format=RecordFormat(timezone="Europe/Berlin")).rejects
    assert "behind the source" not in reject.reason


@pytest.mark.parametrize(
    ("written", "kind"),
    [('"five"', "BIGINT"), ('"x"', "BOOLEAN"), ('"yesterday"', "DATETIME"), ("128", "TINYINT"), ("1.5", "BIGINT")],
)
def test_what_no_function_takes_has_no_hint(written: str, kind: str) -> None:
    """The message ends with the reason."""
    (reject,) = projected("a", kind, {"value": b'{"a": ' + written.encode() + b"}"}).rejects
    assert "behind the source" not in reject.reason


def test_functions_and_filters_of_other_formats() -> None:
    """Of texts in GB18030, of CSV fields, of numbers as Kafka's serializers write them, and of keys."""
    gbk = RecordFormat(value=Format.STRING, encoding="gb18030")
    found = projected("__value__ | substr(0, 2)", "STRING", {"value": "杭州市".encode("gb18030")}, record_format=gbk)
    assert found.columns.column("c").to_pylist() == ["杭州"]
    csv = RecordFormat(value=Format.CSV, delimiter=";", encoding="gb18030")
    source, record = "[1] | replace(',', '.') | number", {"value": "州;1,5".encode("gb18030")}
    found = projected(source, "DOUBLE", record, record_format=csv)
    assert found.columns.column("c").to_pylist() == [1.5]
    long = RecordFormat(key=Format.LONG)
    record = {"key": (1_795_341_600_123).to_bytes(8, "big")}
    found = projected("__key__ | epoch_ms", "DATETIME", record, record_format=long)
    assert [str(each) for each in found.columns.column("c").to_pylist()] == ["2026-11-22 10:00:00.123000"]


def test_bytes_that_may_be_a_text_are_told_how() -> None:
    """The message names the kind of the source, and the function that reads it."""
    with pytest.raises(InvalidMapping, match=r"__key__ cannot become bigint .*'\| number' behind the source"):
        projected("__key__", "BIGINT")
    assert projected("__key__ | number", "BIGINT", {"key": b"7"}).columns.column("c").to_pylist() == [7]
