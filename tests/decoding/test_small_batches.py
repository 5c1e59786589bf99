"""Very many small batches, as producers that do not linger write them, are decoded all at once."""

from __future__ import annotations

import random
import struct

import pytest
from kit.decoders import batch_decoder
from kit.kafka_log import EVERYTHING, Record, batch, by_the_client, in_columns, sealed

from airflow_provider_kafka_odps.decoding.raw import RawBatches
from airflow_provider_kafka_odps.exceptions import CorruptBatch

_BATCHES = 300


def _log(chosen: random.Random) -> list[bytes]:
    """Return batches of one to four records, with values whose lengths take one to three bytes."""
    return [
        batch(
            10 * number,
            [
                Record(delta, delta, b"k%d" % number, b"v" * chosen.choice((0, 50, 100, 9_000)), [("h", b"x")])
                for delta in range(chosen.randint(1, 4))
            ],
        )
        for number in range(_BATCHES)
    ]


def test_many_small_batches_are_what_the_client_makes_of_them() -> None:
    """Whatever the sizes of batches and records, each record comes out once and in order, as the client has it."""
    seed = random.randrange(1 << 30)
    print("seed", seed)  # noqa: T201 - to play it again
    log = _log(random.Random(seed))
    raw = [RawBatches.parse(octets, "orders[3]") for octets in log]
    expected, _ = by_the_client(b"".join(log))
    assert in_columns(raw) == expected


@pytest.mark.parametrize(
    ("section", "count", "problem"),
    [
        (b"\0" * 7, 1, "follow the last record"),
        (b"\x10" * 7, 1, "it does not end inside its batch"),
        (b"\x01" + b"\0" * 8, 1, "follow the last record"),
        (b"\0" * 8, 1_000_000_000, "records cannot be in"),
        (b"\xff" * 9 + b"\x01", 1, "cannot be in|does not end inside|a number has"),
    ],
)
def test_one_malformed_batch_among_many_is_named(section: bytes, count: int, problem: str) -> None:
    """What is wrong in one of hundreds of batches is told of that batch, as if it were alone."""
    log = _log(random.Random(1))
    broken = sealed(struct.pack(">hiqqqhii", 0, 9, 1_000, 1_000, -1, -1, -1, count) + section, 10 * 170)
    log[170] = broken
    raw = [RawBatches.parse(octets, "orders[3]") for octets in log]
    with pytest.raises(CorruptBatch, match=rf"orders\[3\]: .*1700: .*({problem})"):
        list(batch_decoder().decode(raw, EVERYTHING))
