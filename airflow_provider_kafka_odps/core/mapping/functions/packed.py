"""Functions of bytes: what producers have packed."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable

import pyarrow as pa

from airflow_provider_kafka_odps.core.mapping.formats import SourceKind
from airflow_provider_kafka_odps.core.mapping.functions.function import TEXTUAL, function
from airflow_provider_kafka_odps.core.mapping.strict import (
    Conversion,
    Converted,
    Prepared,
    TooMuchAtOnce,
    Unconvertible,
    shown,
)

_LARGEST = 8 * 1024 * 1024
"""Bytes that a field of the service has at most: more need not be unpacked to know that they do not fit."""
_AT_ONCE = 8 * 1024 * 1024
"""Bytes that the values of a batch may unpack to: 8 KB of each can hold 8 MB."""
_GZIP = 16 + zlib.MAX_WBITS
_MOST_MEMBERS = 100


class _EachOne:
    """A conversion of one value at a time: about 5 µs each."""

    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        self._change = change

    def apply(self, values: pa.Array) -> Converted:
        """Change every value for which that is possible; raise TooMuchAtOnce for what memory is too small for."""
        changed: list[bytes | None] = []
        problems: list[Unconvertible] = []
        left = _AT_ONCE
        for row, value in enumerate(values.to_pylist()):
            try:
                changed.append(None if value is None else self._change(value))
            except ValueError as error:
                changed.append(None)
                problems.append(Unconvertible(row, str(error)))
            left -= len(changed[-1] or b"")
            if left < 0 and len(values) > 1:
                raise TooMuchAtOnce(row / len(values))
        return pa.array(changed, pa.binary()), problems


@function(takes=frozenset({SourceKind.BYTES}), gives=SourceKind.BYTES)
def gunzip() -> Conversion:
    """Unpack gzip, of one member or of several, at most 100, to at most 8388608 bytes."""
    return _EachOne(_unpacked)


def _unpacked(octets: bytes) -> bytes:
    parts: list[bytes] = []
    size, rest = 0, octets
    while rest:
        if len(parts) == _MOST_MEMBERS:
            # Each takes a copy of all that is behind it.
            raise ValueError(f"gunzip: more than {_MOST_MEMBERS} members")
        reader = zlib.decompressobj(_GZIP)
        try:
            parts.append(reader.decompress(rest, _LARGEST - size + 1))
        except zlib.error as error:
            raise ValueError(f"gunzip: {shown(octets)} is no gzip: {error}") from None
        size += len(parts[-1])
        if size > _LARGEST:
            raise ValueError(f"gunzip: more than the {_LARGEST} bytes that a field may have")
        if not reader.eof:
            raise ValueError(f"gunzip: {len(octets)} bytes of gzip, which end too early")
        rest = reader.unused_data
    if not parts:
        raise ValueError("gunzip: no bytes are no gzip")
    return b"".join(parts)


@function(takes=TEXTUAL, gives=SourceKind.BYTES, name="base64")
def from_base64() -> Conversion:
    """Read bytes that are written in base64 (RFC 4648), with its padding, and with zero in the bits left over."""
    return Prepared(lambda texts: texts.cast(pa.binary()), _EachOne(_decoded))


def _decoded(text: bytes) -> bytes:
    try:
        octets = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"base64: {shown(text.decode())} is no base64: {error}") from None
    # Only a text with padding has bits that are left over.
    if text.endswith(b"=") and base64.b64encode(octets[-(len(octets) % 3) :]) != text[-4:]:
        raise ValueError(
            f"base64: {shown(text.decode())} is no base64: the bits left over in {text[-4:].decode()} are set"
        )
    return octets
