"""Where record batches are unpacked: one block of memory, used again and again, with a bound."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import cramjam
import lz4.frame  # type: ignore[import-untyped]
import numpy as np

from airflow_provider_kafka_odps.decoding.batch import CODEC
from airflow_provider_kafka_odps.decoding.raw import HEADER, Headers, RawBatches
from airflow_provider_kafka_odps.decoding.varints import Ints
from airflow_provider_kafka_odps.exceptions import CorruptBatch

_LARGEST_LIMIT = 1 << 30
"""Below the 2 GiB that 32-bit offsets of an Arrow binary array reach, with the rest of the group."""
_SLACK = 16
"""A number may be read from any position of a record: up to ten bytes beyond its end, then its end is checked."""
_SMALL = 1 << 16
"""Bytes below which a frame costs less to unpack than cramjam takes to begin."""
_LZ4_RATIO = 256
"""How many times its size a frame of lz4 may unpack to, and somewhat more."""
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES = 16
_BLOCK_LENGTH = struct.Struct(">i")
# MemoryError: a frame of lz4 says how much it holds, and its library believes it.
_DAMAGE = (cramjam.DecompressionError, MemoryError, ValueError, RuntimeError, struct.error)


class Workspace:
    """Memory for the batches that are decoded together; only what was ever written costs real memory."""

    def __init__(self, group_bytes: int, group_records: int, unpack_limit: int) -> None:
        """Take the bytes or records with which a group is full, and the bytes that a single batch may unpack to."""
        if not 0 < unpack_limit <= _LARGEST_LIMIT - group_bytes:
            raise ValueError(
                f"unpack_limit={unpack_limit} bytes; from 1 to {_LARGEST_LIMIT - group_bytes} are possible"
            )
        self.unpack_limit, self._group_bytes, self._group_records = unpack_limit, group_bytes, group_records
        self.octets = np.empty(group_bytes + unpack_limit + _SLACK, np.uint8)
        self.view = self.octets.data
        self.clear()

    def clear(self) -> None:
        """Forget the batches; their memory is used again."""
        self.records = 0
        """How many records the batches have, by their headers."""
        self._ends = [0]
        self._headers: list[Headers] = []

    @property
    def used(self) -> int:
        """Return how many bytes the batches take."""
        return self._ends[-1]

    @property
    def full(self) -> bool:
        """Return whether the next batch belongs to the next group."""
        return self.used >= self._group_bytes or self.records >= self._group_records

    @property
    def edges(self) -> Ints:
        """Return where the unpacked records of each batch begin, and where the last ones end."""
        return np.array(self._ends, np.int64)

    @property
    def headers(self) -> Headers:
        """Return the header of each batch."""
        return np.concatenate(self._headers)

    @property
    def counts(self) -> Ints:
        """Return how many records each batch has, by its header."""
        # 64 bits: a made-up count must not overflow in what is calculated with it.
        return self.headers["records"].astype(np.int64)

    def add(self, batches: RawBatches, first: int, where: str) -> int:
        """Unpack batches behind the others, from number ``first`` on, until the group is full; return the next one's.

        Raises CorruptBatch if one does not unpack, or unpacks to more than the limit.
        """
        octets, number = batches.octets, first
        attributes, counts = batches.headers["attributes"], batches.headers["records"]
        each = (numbers[first:].tolist() for numbers in (batches.starts, batches.ends, attributes & CODEC, counts))
        try:
            for start, end, codec, records in zip(*each, strict=True):
                packed, here = octets[start + HEADER.itemsize : end], self._ends[-1]
                self._ends.append(here + self._unpack(codec, packed, here))
                self.records += records
                number += 1
                if self.full:
                    break
        except _DAMAGE as error:
            raise self._refusal(error, len(packed), where, batches.base_offsets[number]) from error
        self._headers.append(batches.headers[first:number])
        return number

    def unpacked(self, codec: int, packed: memoryview, where: str, offset: int) -> memoryview:
        """Return the unpacked bytes, written behind the batches: they are there until something else is unpacked.

        Raises CorruptBatch as ``add`` does, which names ``where`` and ``offset``.
        """
        try:
            return self.view[self.used : self.used + self._unpack(codec, packed, self.used)]
        except _DAMAGE as error:
            raise self._refusal(error, len(packed), where, offset) from error

    def _unpack(self, codec: int, packed: memoryview, at: int) -> int:
        """Write the unpacked bytes at a position and return how many there are."""
        if codec not in _CODECS:
            raise ValueError(f"there is no compression with the number {codec}")
        return _CODECS[codec](packed, self.view[at : at + self.unpack_limit])

    def _refusal(self, error: Exception, size: int, where: str, offset: int) -> CorruptBatch:
        return CorruptBatch(
            f"{where} offset {offset}: {size} compressed bytes do not unpack into {self.unpack_limit}, "
            f"the limit for one batch: {str(error) or type(error).__name__}. Either they are damaged, or meant to "
            "fill the memory, or max_memory is too small for this topic"
        )


def _copy(packed: bytes | memoryview, room: memoryview) -> int:
    size = len(packed)
    if size > len(room):
        raise ValueError(f"{size} bytes")
    room[:size] = packed
    return size


def _snappy(packed: memoryview, room: memoryview) -> int:
    """Unpack a raw block, or the framing that Java producers write: a header, then blocks with their lengths."""
    if packed[: len(_XERIAL)] != _XERIAL:
        return _snappy_block(packed, room)
    written, position = 0, _XERIAL_HEADER_BYTES
    while position < len(packed):
        (length,) = _BLOCK_LENGTH.unpack_from(packed, position)
        position += _BLOCK_LENGTH.size
        if not 0 <= length <= len(packed) - position:
            raise ValueError(f"a snappy block of {length} bytes where {len(packed) - position} are left")
        written += _snappy_block(packed[position : position + length], room[written:])
        position += length
    return written


def _snappy_block(packed: memoryview, room: memoryview) -> int:
    return int(cramjam.snappy.decompress_raw_into(packed, room))


def _lz4(packed: memoryview, room: memoryview) -> int:
    if len(packed) < _SMALL and len(packed) * _LZ4_RATIO <= len(room):
        return _copy(lz4.frame.decompress(packed), room)
    return int(cramjam.lz4.decompress_into(packed, room))


def _by(module: Any) -> Callable[[memoryview, memoryview], int]:
    return lambda packed, room: int(module.decompress_into(packed, room))


_CODECS: dict[int, Callable[[memoryview, memoryview], int]] = {
    0: _copy,
    1: _by(cramjam.gzip),
    2: _snappy,
    3: _lz4,
    4: _by(cramjam.zstd),
}
