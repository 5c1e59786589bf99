from __future__ import annotations

import inspect
import re
import struct
from types import SimpleNamespace

import pytest
from kafka import KafkaConsumer
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.legacy_records import LegacyRecordBatch
from kit.kafka_log import (
    COMMITTED,
    HERE,
    Record,
    batch,
    by_the_client,
    in_columns,
    marker,
    message_set,
    through_the_seam,
)

from airflow_provider_kafka_odps.clients.kafka.seam import BatchConsumer
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.decoding.batch import BatchKind, BatchSpan

_BROKEN = "kafka-python changed where decoding/seam.py reaches into it: "


def test_the_client_has_the_seam() -> None:
    """What the seam relies on in kafka-python is there; a release that moved it fails here, not in a load."""
    source = inspect.getsource(Fetcher._parse_fetched_data)
    assert "self.PartitionRecords(fetch_offset, tp, records," in source, _BROKEN + "the reader of a response"
    assert list(inspect.signature(Fetcher.PartitionRecords).parameters)[:3] == ["fetch_offset", "tp", "records"], (
        _BROKEN
    )
    loop = inspect.getsource(Fetcher.PartitionRecords._unpack_records)
    assert set(re.findall(r"\brecords\.(\w+)", loop)) == {"next_batch"}, _BROKEN + "what it asks of a response"
    assert "for record in batch:" in loop, _BROKEN + "the loop over records"
    assert set(re.findall(r"\bbatch\.(\w+)", loop)) == {
        "base_offset",
        "has_producer_id",
        "is_control_batch",
        "last_offset",
        "leader_epoch",
        "magic",
        "next_offset",
        "producer_id",
        "validate_crc",
    }, _BROKEN + "what it asks of a batch"
    assert bytes(MemoryRecords(b"response")._buffer) == b"response", _BROKEN + "where a response is"
    of_a_record = set(re.findall(r"\brecord\.(\w+)", loop))
    stand_in = through_the_seam(batch(0, [Record(0)]))[0]
    assert of_a_record == {
        "checksum",
        "headers",
        "key",
        "offset",
        "size_in_bytes",
        "timestamp",
        "timestamp_type",
        "validate_crc",
        "value",
    }, _BROKEN + "what it asks of a record"
    assert len(stand_in) == 1, _BROKEN + "one stand-in per batch"
    assert "_fetcher" in inspect.getsource(KafkaConsumer.__init__), _BROKEN + "where a consumer keeps its fetcher"
    (new,) = MemoryRecords(batch(0, [Record(0)]))
    (old,) = MemoryRecords(message_set(1, 0, [Record(0)]))
    assert isinstance(new, DefaultRecordBatch), _BROKEN + "batches of format 2"
    assert isinstance(old, LegacyRecordBatch), _BROKEN + "batches of format 1"
    for client_batch in (new, old):
        assert bytes(client_batch._buffer) in {batch(0, [Record(0)]), message_set(1, 0, [Record(0)])}, (
            _BROKEN + "_buffer"
        )


@pytest.mark.parametrize("fetcher", [None, SimpleNamespace()])
def test_a_client_without_the_seam_is_refused(fetcher: object) -> None:
    """Another client than the one that this was built for is named as the reason, not an AttributeError."""
    with pytest.raises(RuntimeError, match=r"no Fetcher\.PartitionRecords; install one from 3\.0\.12 on"):
        BatchConsumer(SimpleNamespace(_fetcher=fetcher))


def test_deserializers_are_refused() -> None:
    """A consumer with deserializers would hand batches to them; it is refused."""
    config = {"key_deserializer": None, "value_deserializer": str}
    fetcher = SimpleNamespace(PartitionRecords=Fetcher.PartitionRecords, config=config)
    with pytest.raises(ValueError, match="has deserializers"):
        BatchConsumer(SimpleNamespace(_fetcher=fetcher))


def test_positions_move_as_before() -> None:
    """A response with three batches gives all of them, and the position that the client comes to."""
    log = b"".join(batch(10 * index, [Record(delta) for delta in range(10)]) for index in range(3))
    raw, next_offset, _ = through_the_seam(log)
    assert [(*one.base_offsets, *one.last_offsets) for one in raw] == [(0, 10, 20, 9, 19, 29)]
    assert next_offset == by_the_client(log)[1] == 30


def test_a_batch_around_the_position_is_kept() -> None:
    """Of a fetch that starts inside a batch its records are read from there on, and no batch that ends before."""
    log = b"".join(batch(10 * index, [Record(delta) for delta in range(10)]) for index in range(3))
    (run,), _, _ = through_the_seam(log, fetch_offset=15)
    assert run.within(15, 1_000).base_offsets.tolist() == [10, 20]
    assert [row[0] for row in in_columns([run], OffsetRange("orders", 3, 15, 1_000))] == list(range(15, 30))


_TRANSACTIONS = (
    batch(0, [Record(0, value=b"a"), Record(1, value=b"b")], producer_id=5)
    + batch(2, [Record(0, value=b"plain")])
    + batch(3, [Record(0, value=b"undone")], producer_id=6)
    + marker(4, 6, commit=False)
    + marker(5, 5, commit=True)
    + batch(6, [Record(0, value=b"later")], producer_id=6)
    + marker(7, 6, commit=True)
)
_ABORTED = [SimpleNamespace(producer_id=6, first_offset=3)]


@pytest.mark.parametrize("isolation", list(IsolationLevel))
def test_transactions_are_the_clients_business(isolation: IsolationLevel) -> None:
    """Committed, aborted and plain records come as the client would give them, at either isolation level."""
    options = {"isolation_level": isolation, "aborted_transactions": _ABORTED}
    raw, next_offset, _ = through_the_seam(_TRANSACTIONS, **options)
    assert (in_columns(raw), next_offset) == by_the_client(_TRANSACTIONS, **options)


def test_batches_passed_over_are_told() -> None:
    """Offsets without a visible record are accounted for: markers and aborted batches, each once."""
    _, next_offset, consumer = through_the_seam(_TRANSACTIONS, aborted_transactions=_ABORTED, **COMMITTED)
    assert next_offset == 8
    assert consumer.take_passed_over() == {
        HERE: [
            BatchSpan(3, 3, 1, BatchKind.ABORTED),
            BatchSpan(4, 4, 1, BatchKind.CONTROL),
            BatchSpan(5, 5, 1, BatchKind.CONTROL),
            BatchSpan(7, 7, 1, BatchKind.CONTROL),
        ]
    }
    assert consumer.take_passed_over() == {}


def test_a_failed_crc_is_found() -> None:
    """A flipped bit is the client's CorruptRecordError, before anything of the batch is decoded."""
    log = bytearray(batch(0, [Record(0)]))
    log[-1] ^= 1
    with pytest.raises(Exception, match="failed crc check"):
        through_the_seam(bytes(log))


def test_plain_batches_are_met_as_one() -> None:
    """Batches that need no judgement of the client cost it one look and are the same; others are looked at alone."""
    plain = b"".join(batch(10 * index, [Record(delta) for delta in range(10)]) for index in range(50))
    (run,), _, _ = through_the_seam(plain)
    assert run.base_offsets.tolist() == list(range(0, 500, 10))
    mixed = plain + _at(500, _TRANSACTIONS) + _at(508, plain)
    options = {"aborted_transactions": [SimpleNamespace(producer_id=6, first_offset=503)], **COMMITTED}
    raw, next_offset, _ = through_the_seam(mixed, fetch_offset=15, **options)
    seen, expected = by_the_client(mixed, fetch_offset=15, **options)
    assert ([row for row in in_columns(raw) if row[0] >= 15], next_offset) == (seen, expected)


@pytest.mark.parametrize("place", [0, 1, 4])
def test_a_failed_crc_ends_what_is_met_as_one(place: int) -> None:
    """What stands before a damaged batch is delivered, the batch itself is named, and nothing behind it is read."""
    batches = [bytearray(batch(10 * index, [Record(delta) for delta in range(10)])) for index in range(5)]
    batches[place][-1] ^= 1
    log = b"".join(batches)
    fetcher = SimpleNamespace(
        PartitionRecords=Fetcher.PartitionRecords, config={"key_deserializer": None, "value_deserializer": None}
    )
    BatchConsumer(SimpleNamespace(_fetcher=fetcher))
    reader = fetcher.PartitionRecords(0, HERE, MemoryRecords(log))
    if place:
        delivered = [offset for record in reader.take() for offset in record.value.base_offsets]
        assert delivered == list(range(0, 10 * place, 10))
    with pytest.raises(CorruptRecordError, match=rf"at offset {10 * place} failed crc check"):
        reader.take()


def _at(offset: int, log: bytes) -> bytes:
    """Move batches to other offsets: their CRC does not cover where they begin."""
    moved, position = bytearray(log), 0
    while position < len(moved):
        base, length = struct.unpack_from(">qi", moved, position)
        struct.pack_into(">q", moved, position, base + offset)
        position += 12 + length
    return bytes(moved)
