"""CRC-32C as the tunnel uses it."""

from __future__ import annotations

import google_crc32c


def crc32c(piece: bytes) -> int:
    """Return the checksum of `piece`, unsigned 32 bits."""
    return int(google_crc32c.value(piece))


def extend(crc: int, piece: bytes) -> int:
    """Return the checksum of everything so far and `piece`."""
    return int(google_crc32c.extend(crc, piece))
