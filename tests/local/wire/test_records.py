"""Record bodies: golden bytes written from the protocol's description, and laws."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from local.record_bodies import body_of, crc, decode, number

from airflow_provider_kafka_odps.local.errors import MalformedError
from airflow_provider_kafka_odps.local.wire import varint
from airflow_provider_kafka_odps.local.wire.records import RecordDecoder, RecordEncoder, record_schema
from airflow_provider_kafka_odps.local.wire.types import arrow_type, parse_type

MILLIS = 1_700_000_000_123


# Type, field on the wire (tag of column 1 and value), bytes under the checksum, value: from the description alone.
GOLDEN = [
    ("bigint", b"\x08\x03", struct.pack("<q", -2), -2),
    ("bigint", b"\x08\xac\x04", struct.pack("<q", 278), 278),
    ("tinyint", b"\x08\xff\x01", struct.pack("<q", -128), -128),
    ("boolean", b"\x08\x01", b"\x01", True),
    ("double", b"\x09" + struct.pack("<d", 1.5), struct.pack("<d", 1.5), 1.5),
    ("float", b"\x0d" + struct.pack("<f", -0.5), struct.pack("<f", -0.5), -0.5),
    ("string", b"\x0a\x02hi", b"hi", "hi"),
    ("binary", b"\x0a\x02\xff\x00", b"\xff\x00", b"\xff\x00"),
    ("decimal(5,2)", b"\x0a\x041.20", b"1.20", Decimal("1.20")),
    ("decimal(5,2)", b"\x0a\x041E+2", b"1E+2", Decimal("100.00")),
    ("array<bigint>", b"\x0a\x03\x00\x02\x01\x00\x04", struct.pack("<qq", 1, 2), [1, None, 2]),
    (
        "map<string,bigint>",
        b"\x0a\x01\x00\x01a\x01\x00\x06",
        b"a" + struct.pack("<q", 3),
        [("a", 3)],
    ),
    ("struct<x:bigint,y:string>", b"\x0a\x00\x02\x01", struct.pack("<q", 1), {"x": 1, "y": None}),
    ("interval_day_time", b"\x0a\x0a\x0c", struct.pack("<qi", 5, 6), {"sec": 5, "nano": 6}),
    ("interval_year_month", b"\x08\x1a", struct.pack("<q", 13), 13),
]


@pytest.mark.parametrize(("text", "wire", "covered", "value"), GOLDEN)
def test_golden_values_are_read_and_written(text: str, wire: bytes, covered: bytes, value: Any) -> None:
    """Each type's bytes decode to the value, in pieces of any size; encoding the value decodes to it again."""
    body = body_of([(wire, number(1, covered))])
    assert decode([text], body) == [{"c0": value}]
    assert decode([text], body, 1) == [{"c0": value}]
    column = parse_type(text)
    batch = pa.record_batch([pa.array([value], arrow_type(column))], schema=record_schema([("c0", column)]))
    written = b"".join(RecordEncoder([column]).encode(iter([batch])))
    assert decode([text], written) == [{"c0": value}]
    if not text.startswith("decimal"):
        assert written == body


@pytest.mark.parametrize(
    ("text", "value", "raw"),
    [
        ("datetime", b"\x08" + varint.write_varint(2 * MILLIS), MILLIS),
        ("date", b"\x08\x01", -1),
        ("datetime", b"\x08" + varint.write_varint(2 * 62_135_596_800_000 - 1), -62_135_596_800_000),
    ],
)
def test_times_are_counts_since_the_epoch(text: str, value: bytes, raw: int) -> None:
    """DATE counts days and DATETIME milliseconds, before 1970 and in the year 1 too."""
    batches: list[pa.RecordBatch] = []
    decoder = RecordDecoder([("c0", parse_type(text))], batches.append)
    decoder.feed(body_of([(value, number(1, struct.pack("<q", raw)))]))
    decoder.close()
    assert batches[0].column(0).cast(pa.int32() if text == "date" else pa.int64()).to_pylist() == [raw]


def test_timestamps_are_floored_seconds_and_nanoseconds() -> None:
    """A time before 1970 with a fraction comes as negative seconds and positive nanoseconds."""
    wire = b"\x0a\x01\xfe\xa7\xd6\xb9\x07"
    covered = struct.pack("<qi", -1, 999_999_999)
    column = parse_type("timestamp")
    array = pa.array([-1], pa.int64()).cast(pa.timestamp("ns"))
    batch = pa.record_batch([array], schema=record_schema([("c0", column)]))
    assert b"".join(RecordEncoder([column]).encode(iter([batch]))) == body_of([(wire, number(1, covered))])


def test_nulls_are_absent_and_checksums_may_be_sign_extended() -> None:
    """A NULL has no field; PyODPS's compiled writer sign-extends checksums to ten bytes, which is read too."""
    assert decode(["bigint", "string"], body_of([(b"", b"")])) == [{"c0": None, "c1": None}]
    wire, covered = b"\x08\x02", number(1, struct.pack("<q", 1))
    for value in range(1, 200):
        wire, covered = b"\x08" + varint.write_varint(2 * value), number(1, struct.pack("<q", value))
        if crc(covered) >= 1 << 31:
            break
    extended = varint.write_varint(crc(covered) | 0xFFFFFFFF_00000000)
    assert len(extended) == 10
    plain = body_of([(wire, covered)])
    signed = plain.replace(varint.write_varint(crc(covered)), extended, 1)
    assert decode(["bigint"], signed) == decode(["bigint"], plain) == [{"c0": value}]


def test_an_empty_body_is_its_trailer() -> None:
    """No record at all is a count of zero and a checksum of nothing."""
    assert decode(["bigint"], body_of([])) == []
    assert b"".join(RecordEncoder([parse_type("bigint")]).encode(iter([]))) == body_of([])


GOOD = body_of([(b"\x08\x02\x12\x01x", number(1, struct.pack("<q", 1)) + number(2, b"x"))])


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (GOOD[:-1], "IncompleteBody", "ends inside record 1 or before its trailer"),
        (b"", "IncompleteBody", "ends inside record 0"),
        (GOOD + b"\x00", "MalformedDataStream", "bytes follow the end"),
        (b"\x08\x04" + GOOD[2:], "CorruptedDataStream", "record 0: its checksum is"),
        (GOOD[:-1] + b"\x02", "CorruptedDataStream", "checksum of the body"),
        (b"\x18\x02" + GOOD, "MalformedDataStream", "field 3 with wire type 0 is not in the schema"),
        (b"\x0a\x02" + GOOD, "MalformedDataStream", "field 1 with wire type 2 is not in the schema"),
        (b"\x08" + b"\xff" * 11, "MalformedDataStream", "longer than ten bytes"),
        (b"\x12\xff\xff\xff\xff\x0f", "MaxMessageLengthExceeded", "at most 209715200"),
        (
            body_of([(b"", b"")]).replace(b"\xf0\xff\xff\x7f\x02", b"\xf0\xff\xff\x7f\x04"),
            "CorruptedDataStream",
            "counts 2",
        ),
    ],
)
def test_malformed_records_are_refused(body: bytes, code: str, message: str) -> None:
    """A body that isn't what it says is refused with the service's code, fed whole or byte by byte."""
    for pieces in (0, 1):
        with pytest.raises(MalformedError, match=message) as caught:
            decode(["bigint", "string"], body, pieces)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "wire", "covered"),
    [
        ("tinyint", b"\x08\x80\x02", struct.pack("<q", 128)),
        ("decimal(3,1)", b"\x0a\x041e99", b"1e99"),
        ("decimal(3,1)", b"\x0a\x03abc", b"abc"),
        ("decimal(3,1)", b"\x0a\x03NaN", b"NaN"),
        ("boolean", b"\x08\x02", b"\x02"),
        ("map<bigint,bigint>", b"\x0a\x01\x00\x02\x00", struct.pack("<q", 1)),
        ("timestamp", b"\x0a\x00" + varint.write_varint(4_000_000_000), b""),
        ("timestamp", b"\x0a" + varint.write_varint(1 << 60) + b"\x00", struct.pack("<qi", 1 << 59, 0)),
        ("array<bigint>", b"\x0a\xff\xff\xff\xff\x0f", b""),
    ],
)
def test_values_outside_their_type_are_refused(text: str, wire: bytes, covered: bytes) -> None:
    """A value that its column cannot hold is refused, not cut."""
    with pytest.raises(MalformedError):
        decode([text], body_of([(wire, number(1, covered))]))


SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "tinyint": st.integers(-(2**7), 2**7 - 1),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "string": st.text(max_size=20),
    "json": st.text(max_size=20),
    "varchar(9)": st.text(max_size=9),
    "binary": st.binary(max_size=20),
    "decimal(38,10)": st.decimals(-(10**27), 10**27, places=10),
    "decimal": st.decimals(-(10**30), 10**30, places=18),
    "interval_year_month": st.integers(-(2**31), 2**31),
}


def columns_and_rows() -> st.SearchStrategy[tuple[list[str], list[list[Any]]]]:
    """Draw column types, nested ones too, and rows of them."""

    def nest(text: str) -> st.SearchStrategy[tuple[str, st.SearchStrategy[Any]]]:
        values = st.none() | SIMPLE[text]
        return st.sampled_from(
            [
                (text, values),
                (f"array<{text}>", st.none() | st.lists(values, max_size=3)),
                (f"map<string,{text}>", st.none() | st.lists(st.tuples(st.text(max_size=3), values), max_size=3)),
                (
                    f"struct<x:{text},y:array<{text}>>",
                    st.none() | st.fixed_dictionaries({"x": values, "y": st.none() | st.lists(values, max_size=2)}),
                ),
            ]
        )

    def fill(columns: list[tuple[str, Any]]) -> st.SearchStrategy[tuple[list[str], list[list[Any]]]]:
        rows = st.lists(st.tuples(*(values for _, values in columns)).map(list), max_size=8)
        return rows.map(lambda filled: ([text for text, _ in columns], filled))

    drawn = st.lists(st.sampled_from(sorted(SIMPLE)).flatmap(nest), min_size=1, max_size=5)
    return drawn.flatmap(fill)


@given(drawn=columns_and_rows(), pieces=st.integers(1, 400), cut=st.integers(0, 8))
@settings(max_examples=80, deadline=None)
def test_decoding_undoes_encoding(drawn: tuple[list[str], list[list[Any]]], pieces: int, cut: int) -> None:
    """Any rows of any types come back from the wire, also when they were a slice of a longer batch."""
    texts, rows = drawn
    types = [parse_type(text) for text in texts]
    schema = record_schema([(f"c{at}", column) for at, column in enumerate(types)])
    arrays = [pa.array([row[at] for row in rows], field.type) for at, field in enumerate(schema)]
    batch = pa.record_batch(arrays, schema=schema).slice(min(cut, len(rows)))
    body = b"".join(RecordEncoder(types).encode(iter([batch])))
    assert decode(texts, body, pieces) == batch.to_pylist()


@given(value=st.integers(-(2**63), 2**63 - 1))
def test_zigzag_and_varints_are_undone(value: int) -> None:
    """Any 64-bit integer survives zigzag and varint."""
    written = varint.write_varint(varint.zigzag(value))
    raw, end = varint.read_varint(written, 0)
    assert (varint.unzigzag(raw), end) == (value, len(written))
