"""The law of decoding: what is decoded in columns equals what the client decodes record by record."""

from __future__ import annotations

import random
import struct
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import KafkaError
from kit.kafka_log import PACKERS, Record, batch, by_the_client, in_columns, message_set, through_the_seam

from airflow_provider_kafka_odps.exceptions import CorruptBatch

_octets = st.binary(max_size=20) | st.sampled_from([63, 64, 200, 8191, 8192, 70_000]).map(lambda size: b"x" * size)
_headers = st.lists(
    st.tuples(st.sampled_from(["", "trace", "größe"]) | st.text(max_size=5), st.none() | st.binary(max_size=9)),
    max_size=3,
)
_timestamps = st.sampled_from([-1, 0, 1_700_000_000_000, 1 << 41]) | st.integers(0, 1 << 62)
_CODECS = st.sampled_from(sorted(PACKERS))


@st.composite
def _records(draw: st.DrawFn, *, headers: bool = True) -> list[Record]:
    """Draw records with gaps between their offsets, as compaction leaves them."""
    deltas = sorted(draw(st.sets(st.integers(0, 300), max_size=6) | st.just({0, 1, 2**31 - 1})))
    return [
        Record(
            delta,
            draw(_timestamps),
            draw(st.none() | _octets),
            draw(st.none() | _octets),
            draw(_headers) if headers else (),
        )
        for delta in deltas
    ]


@st.composite
def _logs(draw: st.DrawFn) -> bytes:
    """Draw some batches, one after the other: formats, codecs and kinds of timestamp as they come."""
    log, offset = b"", draw(st.integers(0, 1 << 40))
    for magic in draw(st.lists(st.sampled_from([0, 1, 2, 2, 2]), min_size=1, max_size=4)):
        records = draw(_records(headers=magic == 2))
        last = records[-1].delta if records else 0
        if magic == 2:
            last = min(last + draw(st.integers(0, 3)), 2**31 - 1)
            # Brokers keep an empty batch without compression, and the client could not unpack it with one.
            codec = draw(_CODECS) if records else "none"
            log += batch(offset, records, codec=codec, log_append_time=draw(st.booleans()), last_delta=last)
        elif records:
            log += message_set(magic, offset, records, draw(st.sampled_from(["none", "gzip", "snappy"])))
        offset += last + 1
    return log


@given(_logs(), st.data())
def test_columns_equal_the_clients_records(log: bytes, data: st.DataObject) -> None:
    """For any log and any position in it, ours equals the client's: records, and the offset to read next."""
    everything, _ = by_the_client(log)
    fetch_offset = data.draw(st.sampled_from([0, *(row[0] for row in everything)]))
    expected, next_offset = by_the_client(log, fetch_offset)
    batches, our_next_offset, _ = through_the_seam(log, fetch_offset)
    seen = [row for row in in_columns(batches) if row[0] >= fetch_offset]
    assert (seen, our_next_offset) == (expected, next_offset)


@given(_logs(), st.integers(0, 2**32), st.integers(1, 5))
def test_mutated_bytes_are_refused_or_read(log: bytes, seed: int, mutations: int) -> None:
    """Whatever bytes come, the decoder returns batches or raises CorruptBatch, and reads nothing out of bounds."""
    dice = random.Random(seed)
    mutated = bytearray(log or b"\0")
    for _ in range(mutations):
        mutated[dice.randrange(len(mutated))] = dice.choice([0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)])
    try:
        batches, _, _ = through_the_seam(bytes(mutated), check_crcs=False)
    except (CorruptBatch, KafkaError, AssertionError, struct.error):
        # The client reads the headers before us, and says in its own ways that they are no headers.
        return
    with suppress(CorruptBatch):
        in_columns(batches)
