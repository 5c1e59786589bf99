"""Zigzag varints, the numbers inside Kafka's records, many at once or one by one; and the error for a bad record."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Octets: TypeAlias = NDArray[np.uint8]
Ints: TypeAlias = NDArray[np.int64]
LONGEST = 10
"""Bytes of the longest 64-bit varint."""
_MORE = 0x80
"""The bit of a byte that says that another one follows."""


class Malformed(Exception):
    """A record whose bytes contradict each other; the decoder turns it into CorruptBatch."""

    def __init__(self, record: int, problem: str) -> None:
        """Take the record's index among those that are decoded together, and what is wrong with it."""
        super().__init__(problem)
        self.record, self.problem = record, problem


def refuse(bad: NDArray[np.bool_], problem: str) -> None:
    """Raise Malformed for the first record that is ``bad``, if any is."""
    if bad.any():
        raise Malformed(int(bad.argmax()), problem)


def read_varints(octets: Octets, at: Ints) -> tuple[Ints, Ints]:
    """Return the signed numbers that begin at the positions ``at``, and the positions after them.

    Every position and the ten bytes from it on have to be inside ``octets``. Raises Malformed for a varint of more than
    ten bytes.
    """
    octet = octets[at]
    raw, more, after = (octet & 0x7F).astype(np.uint64), octet >= _MORE, at + 1
    # Most numbers have one or two bytes: without looking up which of them has how many, that is faster.
    if more.any():
        octet = octets[after]
        raw |= np.where(more, octet & 0x7F, 0).astype(np.uint64) << np.uint64(7)
        after += more
        more &= octet >= _MORE
    longer, shift = np.flatnonzero(more), 14
    while longer.size:
        if shift == 7 * LONGEST:
            raise Malformed(int(longer[0]), f"a number has more than {LONGEST} bytes")
        octet = octets[after[longer]]
        raw[longer] |= (octet & 0x7F).astype(np.uint64) << np.uint64(shift)
        after[longer] += 1
        longer = longer[octet >= _MORE]
        shift += 7
    # Zigzag: the lowest bit is the sign.
    return (raw >> np.uint64(1)).view(np.int64) ^ -(raw & np.uint64(1)).view(np.int64), after


def read_varint(octets: memoryview, at: int) -> tuple[int, int]:
    """Return the signed number that begins at ``at``, and the position after it; as ``read_varints``, for one."""
    raw = shift = 0
    for position in range(at, at + LONGEST):
        octet = octets[position]
        raw |= (octet & 0x7F) << shift
        if octet < _MORE:
            return (raw >> 1) ^ -(raw & 1), position + 1
        shift += 7
    raise Malformed(0, f"a number has more than {LONGEST} bytes")
