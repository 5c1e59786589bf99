"""Records are found by guessing where some begin; whatever is in them, what comes out is what the client reads."""

from __future__ import annotations

import random
import struct

import pytest
from kafka.record.default_records import DefaultRecordBatch
from kit.decoders import batch_decoder
from kit.kafka_log import EVERYTHING, Record, batch, by_the_client, in_columns, sealed

from airflow_provider_kafka_odps.decoding.raw import RawBatches
from airflow_provider_kafka_odps.exceptions import CorruptBatch

_RECORDS = 5_000
_HEADER = DefaultRecordBatch.HEADER_STRUCT.size


def _section(records: list[Record]) -> bytes:
    return batch(0, records)[_HEADER:]


def _like_records(chosen: random.Random) -> bytes:
    """Return a value that is itself a row of records: every guess inside of it looks right."""
    return _section([Record(number, 0, b"k", b"v" * chosen.randint(0, 90)) for number in range(chosen.randint(1, 30))])


_VALUES = {
    "text": lambda chosen: b"x" * chosen.randint(150, 250),
    "nothing": lambda _: None,
    "zeros": lambda chosen: bytes(chosen.randint(0, 400)),
    "any octets": lambda chosen: chosen.randbytes(chosen.randint(0, 300)),
    "high octets": lambda chosen: b"\xe6\x97\xa5\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80" * chosen.randint(0, 20),
    "few large ones": lambda chosen: b"y" * chosen.choice([3] * 400 + [100_000]),
    "records within": _like_records,
}


@pytest.mark.parametrize("kind", _VALUES)
def test_what_is_guessed_never_changes_what_is_read(kind: str) -> None:
    """Values that look like the beginnings of records mislead nobody."""
    seed = random.randrange(1 << 30)
    print("seed", seed)  # noqa: T201 - to play it again
    chosen = random.Random(seed)
    log = []
    for first in range(0, _RECORDS, 1_250):
        deltas = sorted(chosen.sample(range(1_250), chosen.randint(1_000, 1_250)))
        log.append(batch(first, [Record(delta, delta, b"k%d" % delta, _VALUES[kind](chosen)) for delta in deltas]))
    expected, _ = by_the_client(b"".join(log))
    assert in_columns([RawBatches.parse(octets, "orders[3]") for octets in log]) == expected


@pytest.mark.parametrize(
    "length", [b"\x01", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\xfe" + b"\xff" * 8 + b"\x01"]
)
def test_an_impossible_length_among_thousands_is_named(length: bytes) -> None:
    """A length that cannot be is refused, though nobody came to it one record after the other."""
    records = [Record(number, 0, b"k", b"v" * 20) for number in range(_RECORDS)]
    before, after = _section(records[:2_500]), _section(records[2_501:])
    head = struct.pack(">hiqqqhii", 0, _RECORDS, 1_000, 1_000, -1, -1, -1, _RECORDS)
    raw = RawBatches.parse(sealed(head + before + length + b"\0" * 40 + after), "orders[3]")
    with pytest.raises(CorruptBatch, match=r"orders\[3\]: record \d+ of 5000"):
        list(batch_decoder().decode([raw], EVERYTHING))


@pytest.mark.parametrize("said", [_RECORDS - 1, _RECORDS + 1])
def test_a_wrong_number_of_records_is_refused(said: int) -> None:
    """A header that promises more or fewer records than follow is not believed."""
    records = [Record(number, 0, b"k", b"v" * 20) for number in range(_RECORDS)]
    head = struct.pack(">hiqqqhii", 0, _RECORDS, 1_000, 1_000, -1, -1, -1, said)
    raw = RawBatches.parse(sealed(head + _section(records)), "orders[3]")
    with pytest.raises(CorruptBatch, match=r"orders\[3\]: "):
        list(batch_decoder().decode([raw], EVERYTHING))
