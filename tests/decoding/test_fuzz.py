"""Answers of a broker that were right until something changed them: FUZZ_SECONDS long, beginning with FUZZ_SEED.

An answer becomes records whose columns are whole and whose offsets increase, or it is refused with an error that is
ours or the client's; in bounded time, and in bounded memory.
"""

from __future__ import annotations

import faulthandler
import os
import random
import resource
import struct
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.errors import KafkaError
from kit.decoders import batch_decoder
from kit.kafka_log import COMMITTED, EVERYTHING, PACKERS, Record, batch, marker, message_set, sealed, through_the_seam
from kit.mutation import changed

from airflow_provider_kafka_odps.exceptions import CorruptBatch

SECONDS = float(os.environ.get("FUZZ_SECONDS", "10"))
SEED = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().getrandbits(32))
MEMORY = 256 << 20
"""How much the process may grow by, over all answers together."""
ONE_ANSWER_SECONDS = 100
_HEADER = 61
_LEGACY_HEADER = 18

_RECORDS = [
    Record(0, 1_000, b"key", b"value", [("name", b"header"), ("name", None)]),
    Record(1, 1_001, None, None),
    Record(3, 1_000, b"", b"x" * 300, [("", b"")]),
    Record(4, -1, b"k" * 70, b'{"a": 1}' * 20, [(f"h{number}", b"v") for number in range(40)]),
]
_PLAIN = [record for record in _RECORDS if not record.headers]


def _logs() -> list[bytes]:
    """Return right answers: every format and compression, transactions that were committed or aborted, many batches."""
    modern = [batch(100, _RECORDS, codec=codec, log_append_time=codec == "gzip") for codec in PACKERS]
    old = [
        message_set(magic, 100, _PLAIN, codec)
        for magic in (0, 1)
        for codec in ("none", "gzip", "snappy", "lz4")[: 3 + magic]
    ]
    transaction = batch(0, _RECORDS, producer_id=6) + marker(5, 6, commit=False) + batch(6, _RECORDS, codec="zstd")
    run = b"".join(batch(10 * number, _RECORDS[:2]) for number in range(20))
    return [*modern, *old, transaction, run, old[0] + modern[1]]


LOGS = _logs()
# One for all, as in a load: what a refused answer has left does not show in the next one.
DECODER = batch_decoder(unpack_limit=4 << 20)
_OPTIONS: list[dict[str, Any]] = [
    {},
    {"aborted_transactions": [SimpleNamespace(producer_id=6, first_offset=0)], **COMMITTED},
]


def mutated(dice: random.Random) -> bytes:
    """Return an answer that was changed outside, or inside with lengths and checksums that are right again."""
    log = dice.choice(LOGS)
    match dice.randrange(10):
        case 0 | 1:
            return changed(dice, log, ">")
        case 2 | 3 | 4:
            return _around(dice, dice.choice([_header_changed, _section_changed])(dice, log))
        case _:
            return _around(dice, _records_changed(dice))


def _around(dice: random.Random, octets: bytes) -> bytes:
    """Put right batches before or behind, now and then."""
    return (
        b"".join(dice.choice([b"", b"", dice.choice(LOGS)]) for _ in range(1))
        + octets
        + dice.choice([b"", b"", LOGS[0]])
    )


def _header_changed(dice: random.Random, log: bytes) -> bytes:
    """Change numbers of the first header that its CRC covers or that stand before it."""
    if log[16] < 2:
        return _with_crc_of_old(changed(dice, log, ">"))
    head = changed(dice, log[21:_HEADER], ">")[: _HEADER - 21].ljust(_HEADER - 21, b"\0")
    base = dice.choice([100, 0, -1, (1 << 63) - 1, 1 << 40])
    (length,) = struct.unpack_from(">i", log, 8)
    return sealed(head + log[_HEADER : 12 + length], base)


def _section_changed(dice: random.Random, log: bytes) -> bytes:
    """Change the packed records, under a right CRC."""
    if log[16] < 2:
        return _with_crc_of_old(log[:_LEGACY_HEADER] + changed(dice, log[_LEGACY_HEADER:], ">"))
    (length,) = struct.unpack_from(">i", log, 8)
    return sealed(log[21:_HEADER] + changed(dice, log[_HEADER : 12 + length], ">"), 100)


def _records_changed(dice: random.Random) -> bytes:
    """Change the records themselves, then pack and seal them."""
    name = dice.choice(list(PACKERS))
    number, pack = PACKERS[name]
    plain = batch(100, _RECORDS[: dice.randint(1, 4)])
    head = bytearray(plain[21:_HEADER])
    struct.pack_into(">h", head, 0, number)
    return sealed(bytes(head) + bytes(pack(changed(dice, plain[_HEADER:], ">"))), 100)


def _with_crc_of_old(log: bytes) -> bytes:
    """Put the length and the CRC of a message of format 0 or 1 right."""
    from binascii import crc32

    if len(log) < _LEGACY_HEADER:
        return log
    new = bytearray(log)
    struct.pack_into(">iI", new, 8, len(log) - 12, crc32(log[16:]))
    return bytes(new)


def decode(log: bytes, options: dict[str, Any]) -> int:
    """Decode an answer, hold what comes out, and return how many records it had."""
    rows = 0
    try:
        raw, _, _ = through_the_seam(log, **options)
        for decoded in DECODER.decode(raw, EVERYTHING):
            decoded.validate(full=True)
            offsets = decoded.column("offset").to_pylist()
            assert decoded.num_rows == len(offsets) > 0
            assert all(left < right for left, right in zip([-1, *offsets], offsets, strict=False))
            assert set(decoded.column("partition").to_pylist()) == {EVERYTHING.partition}
            rows += decoded.num_rows
    except CorruptBatch as error:
        hold_readable(str(error))
    except KafkaError:
        pass
    return rows


def hold_readable(message: str) -> None:
    """Hold that a message says where, and does not quote without an end."""
    assert "orders[3]" in message, message
    assert len(message) < 1_000, message


def peak() -> int:
    """Return the most memory that this process has ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def shortened(log: bytes, options: dict[str, Any], seconds: float = 20.0) -> bytes:
    """Return a shorter answer that fails too: pieces are left out as long as that helps."""
    ends, size = time.monotonic() + seconds, max(len(log) // 2, 1)
    while time.monotonic() < ends and size:
        for at in range(0, len(log), size):
            shorter = log[:at] + log[at + size :]
            try:
                decode(shorter, options)
            except Exception:  # noqa: BLE001 - whatever it is, it is still there
                log = shorter
                break
        else:
            size //= 2
    return log


@pytest.mark.timeout(SECONDS + 120)
def test_a_changed_answer_is_decoded_or_refused() -> None:
    """No crash, no hang, nothing read beyond an end, no memory without bound; what comes out is whole."""
    assert [decode(log, {}) for log in LOGS] == [len(rows) for rows in map(_sound, LOGS)]
    before, end, seed, records = peak(), time.monotonic() + SECONDS, SEED, 0
    while time.monotonic() < end or seed == SEED:
        dice = random.Random(seed)
        log, options = mutated(dice), dice.choice(_OPTIONS)
        # A loop in compiled code would not hear of pytest's timeout.
        faulthandler.dump_traceback_later(ONE_ANSWER_SECONDS, exit=True, file=sys.__stderr__ or 2)
        try:
            records += decode(log, options)
            assert peak() - before < MEMORY, "the memory grew"
        except BaseException as error:
            error.add_note(f"FUZZ_SEED={seed} repeats it at once; shortened: {shortened(log, options).hex()}")
            raise
        finally:
            faulthandler.cancel_dump_traceback_later()
        seed += 1
    print(f"{seed - SEED} answers, {records} records, FUZZ_SEED={SEED}")  # noqa: T201 - how much was tried is the result


def _sound(log: bytes) -> list[Any]:
    from kit.kafka_log import by_the_client

    return by_the_client(log)[0]
