"""Variable-length integers and the field numbers of record bodies."""

from __future__ import annotations

from airflow_provider_kafka_odps.local.errors import MalformedError

END_OF_RECORD = 33553408


RECORD_COUNT = 33554430


BODY_CHECKSUM = 33554431


METRICS_CHECKSUM = 33554176


METRICS = 1


VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


_LONGEST = 70


_UNSIGNED64 = (1 << 64) - 1


def read_varint(body: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned varint at `at`: (value below 2^64, where the next byte is).

    Raises IndexError at the end of `body` and MalformedError after ten bytes without an end.
    """
    byte = body[at]
    at += 1
    if byte < 0x80:  # noqa: PLR2004 - the continuation bit
        return byte, at
    value, shift = byte & 0x7F, 7
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value & _UNSIGNED64, at
        shift += 7
        if shift >= _LONGEST:
            raise MalformedError("a varint is longer than ten bytes")


def write_varint(value: int) -> bytes:
    """Return an unsigned integer below 2^64 as a varint."""
    if value < 0x80:  # noqa: PLR2004 - the continuation bit
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:  # noqa: PLR2004 - the continuation bit
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def unzigzag(value: int) -> int:
    """Return the signed integer behind a zigzag varint."""
    return (value >> 1) ^ -(value & 1)


def zigzag(value: int) -> int:
    """Return the unsigned integer that stands for a signed 64-bit one."""
    return (value << 1) ^ (value >> 63) if value >= 0 else ((-value) << 1) - 1


def tag(number: int, wire: int) -> bytes:
    """Return the tag of field `number` with wire type `wire`."""
    return write_varint(number << 3 | wire)
