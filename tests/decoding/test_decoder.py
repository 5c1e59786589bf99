from __future__ import annotations

import struct
from binascii import crc32

import cramjam
import pytest
from kit.decoders import batch_decoder
from kit.kafka_log import EVERYTHING, Record, batch, by_the_client, in_columns, message_set, sealed, through_the_seam

from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.decoding.batch import ALL_COLUMNS, BATCH_SCHEMA
from airflow_provider_kafka_odps.decoding.decoder import GROUP_RECORDS
from airflow_provider_kafka_odps.decoding.raw import FORMAT_2, RawBatches
from airflow_provider_kafka_odps.exceptions import CorruptBatch


def _raw(octets: bytes) -> RawBatches:
    return RawBatches.parse(octets, "orders[3]")


def _body(section: bytes, count: int, attributes: int = 0, last_delta: int = 9) -> bytes:
    """Return a batch with exactly these bytes as its records."""
    return sealed(struct.pack(">hiqqqhii", attributes, last_delta, 1_000, 1_000, -1, -1, -1, count) + section)


def _varint(value: int) -> bytes:
    raw, octets = (value << 1) ^ (value >> 63), b""
    while raw > 0x7F:
        octets, raw = octets + bytes([raw & 0x7F | 0x80]), raw >> 7
    return octets + bytes([raw])


def _record(*fields: int | bytes) -> bytes:
    body = b"\0" + b"".join(field if isinstance(field, bytes) else _varint(field) for field in fields)
    return _varint(len(body)) + body


def test_batches_have_the_schema() -> None:
    """What comes out is of BATCH_SCHEMA, with one partition, in offset order, whatever went in."""
    log = batch(10, [Record(0, headers=[("a", None)]), Record(4)]) + message_set(1, 20, [Record(0)])
    raw, _, _ = through_the_seam(log)
    decoded = list(batch_decoder().decode(raw, EVERYTHING))
    assert [one.schema for one in decoded] == [BATCH_SCHEMA, BATCH_SCHEMA]
    assert [one.column("offset").to_pylist() for one in decoded] == [[10, 14], [20]]
    assert {number for one in decoded for number in one.column("partition").to_pylist()} == {3}
    assert [one.column("leader_epoch").to_pylist() for one in decoded] == [[7, 7], [None]]


@pytest.mark.parametrize("magic", [0, 1, 2])
@pytest.mark.parametrize("codec", ["none", "gzip"])
def test_a_record_without_a_timestamp_has_none_in_any_column(magic: int, codec: str) -> None:
    """Format 0 has none, and the others may have -1: that is no instant, and no number either."""
    records = [Record(0, -1), Record(1, -1)]
    log = batch(10, records, codec=codec) if magic == FORMAT_2 else message_set(magic, 10, records, codec)
    raw, _, _ = through_the_seam(log)
    (decoded,) = batch_decoder().decode(raw, EVERYTHING)
    types = {"number": "bigint", "at": "timestamp", "moment": "datetime"}
    projection = compile_projection(dict.fromkeys(types, "__timestamp__"), TableSchema(columns_of(types)))
    projected = projection.apply("orders", decoded).columns
    assert projected.to_pylist() == [dict.fromkeys(types)] * 2


@pytest.mark.parametrize("wanted", [frozenset(), *(frozenset({name}) for name in sorted(ALL_COLUMNS)), ALL_COLUMNS])
def test_unwanted_columns_are_null(wanted: frozenset[str]) -> None:
    """A column that is not wanted is all null; the others are as if all were wanted; place is always there."""
    records = [Record(0, 5, b"k", b"v", [("h", b"x")]), Record(1, 6, None, b"", [("h", None), ("h", b"")])]
    log = batch(10, records) + message_set(1, 20, [Record(0, 7, b"k", b"v")])
    raw, _, _ = through_the_seam(log)
    for all_of_it, some in zip(
        batch_decoder().decode(raw, EVERYTHING), batch_decoder(wanted).decode(raw, EVERYTHING), strict=True
    ):
        for name in BATCH_SCHEMA.names:
            if name in wanted | {"partition", "offset"}:
                assert some.column(name) == all_of_it.column(name)
            else:
                assert some.column(name).null_count == some.num_rows


def test_a_column_that_does_not_exist_is_refused() -> None:
    """A name that is no column is said at once, with the names that are."""
    with pytest.raises(ValueError, match=r"no columns \['checksum'\].*'partition', 'offset'"):
        batch_decoder(frozenset({"checksum", "key"}))


@pytest.mark.parametrize(
    ("start", "end", "seen"),
    [(0, 100, [10, 11, 14, 20, 21]), (11, 21, [11, 14, 20]), (12, 14, []), (14, 15, [14]), (15, 20, []), (22, 30, [])],
)
def test_window_edges_cut_inside_batches(start: int, end: int, seen: list[int]) -> None:
    """Of the batches at the edges only the records inside the window come out, and never an empty batch."""
    raw = [_raw(batch(10, [Record(0), Record(1), Record(4)])), _raw(batch(20, [Record(0), Record(1)]))]
    decoded = list(batch_decoder().decode(raw, OffsetRange("orders", 3, start, end)))
    assert [offset for one in decoded for offset in one.column("offset").to_pylist()] == seen
    assert all(one.num_rows for one in decoded)


def test_small_batches_are_decoded_together() -> None:
    """A thousand small batches make one Arrow batch, and many records make several."""
    small = [_raw(batch(5 * index, [Record(delta) for delta in range(5)])) for index in range(1_000)]
    assert [one.num_rows for one in batch_decoder().decode(small, EVERYTHING)] == [5_000]
    large = [_raw(batch(index * 10_000, [Record(delta) for delta in range(10_000)])) for index in range(4)]
    counts = [one.num_rows for one in batch_decoder().decode(large, EVERYTHING)]
    assert counts == [30_000, 10_000]
    assert counts[0] >= GROUP_RECORDS


def test_columns_outlive_the_next_group() -> None:
    """Batches that were returned stay as they are while later ones are decoded in the same memory."""
    decoder = batch_decoder()
    first = next(decoder.decode([_raw(batch(0, [Record(0, value=b"first", headers=[("h", b"1")])]))], EVERYTHING))
    list(decoder.decode([_raw(batch(1, [Record(0, value=b"xxxxx", headers=[("y", b"2")])]))], EVERYTHING))
    assert first.column("value").to_pylist() == [b"first"]
    assert first.column("headers").to_pylist() == [[{"key": "h", "value": b"1"}]]


def test_an_abandoned_group_does_not_leak_into_the_next() -> None:
    """Leaving the generator early, or failing in it, leaves nothing behind for the next call."""
    decoder = batch_decoder()
    large = [_raw(batch(index * 20_000, [Record(delta) for delta in range(20_000)])) for index in range(3)]
    next(decoder.decode(large, EVERYTHING))
    with pytest.raises(CorruptBatch):
        list(decoder.decode([_raw(batch(0, [Record(0)])), _raw(_body(b"\0" * 7, 1))], EVERYTHING))
    (only,) = decoder.decode([_raw(batch(7, [Record(0)]))], EVERYTHING)
    assert only.column("offset").to_pylist() == [7]


@pytest.mark.parametrize("headers", [1, 31, 32, 33, 500])
def test_any_number_of_headers_is_read(headers: int) -> None:
    """Records with a few headers and with very many give the same as the client."""
    many = [(f"name-{index % 7}", None if index % 3 == 0 else b"x" * (index % 200)) for index in range(headers)]
    log = batch(0, [Record(0), Record(1, headers=many), Record(2, headers=many[:2]), Record(3, headers=many)])
    raw, _, _ = through_the_seam(log)
    assert in_columns(raw) == by_the_client(log)[0]


def test_a_bomb_is_refused() -> None:
    """A batch that unpacks to more than the limit raises before it fills the memory."""
    bomb = _raw(batch(12, [Record(0, value=b"\0" * 3_000_000)], codec="zstd"))
    with pytest.raises(CorruptBatch, match=r"orders\[3\] offset 12: \d+ compressed bytes do not unpack into 1000000"):
        list(batch_decoder(unpack_limit=1_000_000).decode([bomb], EVERYTHING))


_SOUND = _record(0, 0, 1, b"k", 1, b"v", 0)

_MALFORMED = {
    "more records than bytes": (_body(_SOUND, 2**31 - 1), "record 0 of 2147483647 .*cannot be in 9 bytes"),
    "fewer records than bytes": (_body(_SOUND * 2, 1), "9 bytes follow the last record"),
    "a record longer than the batch": (_body(b"\x7e" + _SOUND[1:], 1), "does not end inside its batch"),
    "a negative record length": (_body(b"\x11" + _SOUND[1:], 1), "it has a negative length"),
    "a negative length of many bytes": (_body(_varint(-300_000) + b"\0" * 300_000, 1), "it has a negative length"),
    "a length without an end": (_body(b"\xff" * 12, 1), "more than 10 bytes"),
    "a number without an end": (_body(_record(b"\xff" * 12, 0, 0), 1), "more than 10 bytes"),
    "a key longer than its record": (_body(_record(0, 0, 9, b"k", 1, b"v", 0), 1), "does not end inside it"),
    "a value longer than its record": (_body(_record(0, 0, 1, b"k", 2**62, b"v", 0), 1), "does not end inside it"),
    "no room for a number": (_body(_record(0, 0, 3, b"kkk") + b"\0" * 4, 1), "bytes follow"),
    "a record that ends early": (_body(_record(0, 0, 4, b"kkkk"), 1), "ends in the middle of a field"),
    "more headers than bytes": (_body(_record(0, 0, -1, -1, 2**31, b"xx"), 1), "as many headers as it says"),
    "a negative number of headers": (_body(_record(0, 0, -1, -1, -1, b"x"), 1), "as many headers as it says"),
    "a header without a name": (_body(_record(0, 0, -1, -1, 1, -1, -1), 1), "a header has no name"),
    "a header longer than its record": (_body(_record(0, 0, -1, -1, 1, 3, b"a", -1), 1), "does not end inside it"),
    "bytes after the headers": (_body(_record(0, 0, -1, -1, 1, 1, b"a", -1, b"x"), 1), "where its headers do"),
    "a 33rd header that does not end": (
        _body(_record(0, 0, -1, -1, 33, b"\x02a\x01" * 32, 9, b"a", -1), 1),
        "the record at offset 0: a header does not end inside it",
    ),
    "offsets that decrease": (
        _body(_record(0, 3, -1, -1, 0) + _record(0, 3, -1, -1, 0), 2),
        "not above the one before",
    ),
    "an offset before the batch": (_body(_record(0, -1, -1, -1, 0), 1), "outside of its batch"),
    "an offset after the batch": (_body(_record(0, 10, -1, -1, 0), 1), "outside of its batch"),
    "an unknown compression": (_body(_SOUND, 1, attributes=6), "no compression with the number 6"),
    "no gzip": (_body(_SOUND, 1, attributes=1), "do not unpack"),
    "no snappy": (_body(_SOUND, 1, attributes=2), "do not unpack"),
    "a snappy block that is too long": (
        _body(b"\x82SNAPPY\0" + b"\0\0\0\1" * 2 + b"\0\0\0\x09abc", 1, attributes=2),
        "a snappy block of 9 bytes where 3 are left",
    ),
    "a cut snappy frame": (_body(b"\x82SNAPPY\0" + b"\0\0\0\1" * 2 + b"\0\0", 1, attributes=2), "do not unpack"),
    "no lz4": (_body(_SOUND, 1, attributes=3), "do not unpack"),
    "no zstd": (_body(_SOUND, 1, attributes=4), "do not unpack"),
}


def test_a_name_that_is_not_utf8_is_no_name() -> None:
    """Kafka's names of headers are bytes: one that is no text is null, and its record is as sound as the others."""
    octets = _body(
        _record(0, 0, -1, -1, 1, 3, "é".encode() + b"a", -1)
        + _record(0, 4, 1, b"k", -1, 3, 1, b"a", -1, 1, b"\xff", 1, b"v", 1, b"b", -1),
        2,
    )
    (decoded,) = batch_decoder().decode([_raw(octets)], EVERYTHING)
    assert decoded.column("headers").to_pylist() == [
        [{"key": "éa", "value": None}],
        [{"key": "a", "value": None}, {"key": None, "value": b"v"}, {"key": "b", "value": None}],
    ]
    assert decoded.column("key").to_pylist() == [None, b"k"]
    decoded.validate(full=True)


@pytest.mark.parametrize("case", _MALFORMED)
def test_malformed_records_are_refused(case: str) -> None:
    """Bytes that contradict themselves raise CorruptBatch with topic, partition, place and what is wrong."""
    octets, problem = _MALFORMED[case]
    sound = _raw(batch(1_000, [Record(0), Record(1)]))
    with pytest.raises(CorruptBatch, match=rf"^orders\[3\].*{problem}"):
        list(batch_decoder().decode([_raw(octets), sound], EVERYTHING))


def test_the_place_is_that_of_the_malformed_batch() -> None:
    """Among batches that are decoded together the message names the right one."""
    raw = [_raw(batch(0, [Record(0), Record(1)])), _raw(sealed(_body(_SOUND[:-1] + b"\x03", 1)[21:], 50))]
    with pytest.raises(CorruptBatch, match=r"the record at offset 50: it cannot have as many headers"):
        list(batch_decoder().decode(raw, EVERYTHING))


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (b"\0" * 60, "a record batch of 60 bytes"),
        (sealed(_body(_SOUND, 1)[21:], -5), "at offset -5 has an impossible header"),
        (sealed(_body(_SOUND, 1)[21:], (1 << 63) - 5), f"at offset {(1 << 63) - 5} has an impossible header"),
        (sealed(_body(_SOUND, 1)[21:], magic=3), "format 3"),
        (_body(_SOUND, -1), "-1 records"),
        (_body(_SOUND, 1, last_delta=-1), "last offset delta -1"),
        (_body(_SOUND, 1) + b"\0", "length 58 of 59 bytes"),
    ],
)
def test_impossible_headers_are_refused(octets: bytes, problem: str) -> None:
    """A batch header whose numbers cannot be is refused before anything else is read."""
    with pytest.raises(CorruptBatch, match=rf"^orders\[3\]: .*{problem}"):
        _raw(octets)


def _message(magic: int, attributes: int, body: bytes, offset: int = 5) -> bytes:
    covered = struct.pack(">bb", magic, attributes) + body
    return struct.pack(">qiI", offset, len(covered) + 4, crc32(covered)) + covered


def _packed(messages: bytes) -> bytes:
    packed = bytes(cramjam.snappy.compress_raw(messages))
    return _message(1, 2, struct.pack(">qii", 1_000, -1, len(packed)) + packed)


_WITHIN = struct.pack(">qii", 1_000, -1, -1)
_LOOP = struct.pack(">qiIbb", 0, -12, 0, 1, 0)

_MALFORMED_MESSAGES = {
    "a key longer than the message": (_message(1, 0, struct.pack(">qii", 0, 50, -1)), "a key or value of 50 bytes"),
    "bytes after the value": (_message(1, 0, _WITHIN + b"x"), "1 bytes follow the message"),
    "no value to unpack": (_message(1, 1, _WITHIN), "compressed, but has no value"),
    "a message that never ends": (_packed(_LOOP), "a message of format 1 and -12 bytes"),
    "a wrong CRC inside": (_packed(_message(1, 0, _WITHIN)[:-1] + b"\0"), "the CRC of the message"),
    "compressed twice": (_packed(_message(1, 2, _WITHIN)), "compressed again"),
    "another format inside": (_packed(_message(0, 0, _WITHIN[8:])), "another format"),
    "nothing inside": (_packed(b""), "is empty"),
    "an offset beyond its set": (_packed(_message(1, 0, _WITHIN, offset=6)), "its last message has offset 6"),
    "offsets that decrease inside": (
        _packed(_message(1, 0, _WITHIN, offset=2) + _message(1, 0, _WITHIN, offset=1)),
        "offsets do not increase",
    ),
}


@pytest.mark.parametrize("case", _MALFORMED_MESSAGES)
def test_malformed_messages_are_refused(case: str) -> None:
    """Messages of formats 0 and 1 that contradict themselves raise CorruptBatch; none makes the decoder loop."""
    octets, problem = _MALFORMED_MESSAGES[case]
    raw, _, _ = through_the_seam(octets)
    with pytest.raises(CorruptBatch, match=rf"^orders\[3\].*{problem}"):
        in_columns(raw)
