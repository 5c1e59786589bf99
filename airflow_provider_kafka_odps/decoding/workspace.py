"""Where record batches are unpacked: one block of memory, used again and again, with a bound."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cramjam
import lz4.frame  # type: ignore[import-untyped]
import numpy as np

from airflow_provider_kafka_odps.core.effort import UNPACK_LIMIT
from airflow_provider_kafka_odps.decoding.batch import RawBatch
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


# Not frozen: one is made per batch, see RawBatch.
@dataclass(slots=True)
class Section:
    """The unpacked records of one batch: the bytes ``start`` to ``end`` of the workspace."""

    batch: RawBatch
    start: int
    end: int


class Workspace:
    """Memory for the batches that are decoded together; only what was ever written costs real memory."""

    def __init__(self, group_bytes: int, unpack_limit: int = UNPACK_LIMIT) -> None:
        """Take the size at which a group is full, and how far a single batch may unpack; both in bytes."""
        if not 0 < unpack_limit <= _LARGEST_LIMIT - group_bytes:
            raise ValueError(
                f"unpack_limit={unpack_limit} bytes; from 1 to {_LARGEST_LIMIT - group_bytes} are possible"
            )
        self.unpack_limit, self._group_bytes = unpack_limit, group_bytes
        self.octets = np.empty(group_bytes + unpack_limit + _SLACK, np.uint8)
        self.view = self.octets.data
        self.sections: list[Section] = []
        self.records = 0
        """How many records the sections have, by their headers."""
        self.used = 0
        """How many bytes the sections take."""

    @property
    def full(self) -> bool:
        """Return whether the next batch belongs to the next group."""
        return self.used >= self._group_bytes

    def add(self, batch: RawBatch, where: str) -> None:
        """Unpack a batch behind the others.

        Raises CorruptBatch if it does not unpack, or unpacks to more than the limit.
        """
        start = self.used
        self.used = end = start + self._unpack(batch.codec, batch.section, where, batch.base_offset)
        self.sections.append(Section(batch, start, end))
        self.records += batch.records

    def unpacked(self, codec: int, packed: memoryview, where: str, offset: int) -> memoryview:
        """Return the unpacked bytes, written behind the sections: they are there until something else is unpacked.

        Raises CorruptBatch as ``add`` does, which names ``where`` and ``offset``.
        """
        return self.view[self.used : self.used + self._unpack(codec, packed, where, offset)]

    def _unpack(self, codec: int, packed: memoryview, where: str, offset: int) -> int:
        """Write the unpacked bytes behind the sections and return how many there are."""
        room = self.view[self.used : self.used + self.unpack_limit]
        try:
            if codec not in _CODECS:
                raise ValueError(f"there is no compression with the number {codec}")  # noqa: TRY301 - told like damage
            return _CODECS[codec](packed, room)
        except (cramjam.DecompressionError, MemoryError, ValueError, RuntimeError, struct.error) as error:
            # MemoryError: a frame of lz4 says how much it holds, and its library believes it.
            raise CorruptBatch(
                f"{where} offset {offset}: {len(packed)} compressed bytes do not unpack into {self.unpack_limit}, "
                f"the limit for one batch: {str(error) or type(error).__name__}. Either they are damaged, or meant to "
                "fill the memory, or max_memory is too small for this topic"
            ) from error

    def clear(self) -> None:
        """Forget the sections; their memory is used again."""
        self.sections, self.records, self.used = [], 0, 0


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
