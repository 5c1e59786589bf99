"""Record batches of message format 2 as they came over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from airflow_provider_kafka_odps.decoding.varints import Ints
from airflow_provider_kafka_odps.exceptions import CorruptBatch

HEADER = np.dtype(
    [
        ("base_offset", ">i8"),
        ("length", ">i4"),
        ("leader_epoch", ">i4"),
        ("magic", "i1"),
        ("crc", ">u4"),
        ("attributes", ">i2"),
        ("last_offset_delta", ">i4"),
        ("base_timestamp", ">i8"),
        ("max_timestamp", ">i8"),
        ("producer_id", ">i8"),
        ("producer_epoch", ">i2"),
        ("base_sequence", ">i4"),
        ("records", ">i4"),
    ]
)
"""What a record batch of format 2 begins with. Source: https://kafka.apache.org/documentation/#recordbatch"""
LENGTH_ENDS_AT = 12
"""Where in a header the length ends: it counts the bytes from here on."""
CRC_ENDS_AT = 21
"""Where in a header the CRC ends: it is of the bytes from here on."""
Headers: TypeAlias = NDArray[Any]
"""Headers of type ``HEADER``."""
FORMAT_2 = 2


class RawBatches:
    """Record batches of message format 2, one behind the other and still encoded; their CRC is the client's business.

    Their headers are read at once: of batches with few records, an object for each would cost more than its records.
    """

    def __init__(self, octets: memoryview, starts: Ints, ends: Ints, headers: Headers) -> None:
        """Take the bytes, where in them each batch begins and ends, and what was read."""
        self.octets, self.starts, self.ends, self.headers = octets, starts, ends, headers

    @classmethod
    def read(cls, octets: memoryview, starts: Sequence[int]) -> RawBatches:
        """Read the headers of the batches that begin at ``starts``, as they are; each ends where the next one begins.

        Each has at least as many bytes as a header.
        """
        edges = np.array([*starts, len(octets)])
        # A header may begin at any byte: those that do are copied, all at once.
        everywhere = np.ndarray(len(octets) - HEADER.itemsize + 1, HEADER, octets, strides=(1,))
        return cls(octets, edges[:-1], edges[1:], everywhere[edges[:-1]])

    @classmethod
    def parse(cls, octets: bytes | bytearray | memoryview, where: str) -> RawBatches:
        """Read one batch; ``where`` is for messages, such as ``orders[3]``.

        Raises CorruptBatch where it is too short, and as ``check`` does.
        """
        if len(octets) < HEADER.itemsize:
            raise CorruptBatch(
                f"{where}: a record batch of {len(octets)} bytes; its header alone has {HEADER.itemsize}"
            )
        batch = cls.read(memoryview(octets), (0,))
        batch.check(where)
        return batch

    def check(self, where: str) -> None:
        """Raise CorruptBatch where the numbers of a header contradict each other."""
        said, sizes = self.headers, self.ends - self.starts - LENGTH_ENDS_AT
        # A last offset below 0 is one that overflowed.
        wrong = (said["magic"] != FORMAT_2) | (said["length"] != sizes) | (self.last_offsets < 0)
        for name in ("base_offset", "last_offset_delta", "records"):
            wrong |= said[name] < 0
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            one = said[first]
            raise CorruptBatch(
                f"{where}: the record batch at offset {one['base_offset']} has an impossible header: format "
                f"{one['magic']}, length {one['length']} of {sizes[first]} bytes, last offset delta "
                f"{one['last_offset_delta']}, {one['records']} records"
            )

    def __len__(self) -> int:
        """Return how many batches there are."""
        return len(self.headers)

    @property
    def base_offsets(self) -> Ints:
        """Return the offset at which each batch begins."""
        offsets: Ints = self.headers["base_offset"].astype(np.int64)
        return offsets

    @property
    def last_offsets(self) -> Ints:
        """Return the last offset that each batch ever had."""
        offsets: Ints = self.base_offsets + self.headers["last_offset_delta"]
        return offsets

    def within(self, start: int, end: int) -> RawBatches:
        """Return the batches that may hold a record with an offset in ``[start, end)``."""
        # An empty batch is what compaction leaves of one.
        inside = (self.last_offsets >= start) & (self.base_offsets < end) & (self.headers["records"] > 0)
        if inside.all():
            return self
        return RawBatches(self.octets, self.starts[inside], self.ends[inside], self.headers[inside])
