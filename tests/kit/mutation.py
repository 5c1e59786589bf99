"""Bytes that were right until something changed them."""

from __future__ import annotations

import random
import struct

WILD = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 30, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]
"""Numbers at which something ends."""


def changed(dice: random.Random, body: bytes, order: str = "<") -> bytes:
    """Return bytes after one to four changes: flipped, removed, doubled, inserted, exchanged, cut, or a wild number."""
    new = bytearray(body)
    for _ in range(dice.randint(1, 4)):
        at, size = dice.randrange(len(new) + 1), dice.choice([1, 2, 4, 8, dice.randint(1, 300)])
        piece = new[at : at + size]
        match dice.randrange(7):
            case 0 if at < len(new):
                new[at] ^= 1 << dice.randrange(8)
            case 1:
                del new[at : at + size]
            case 2:
                new[at:at] = piece
            case 3:
                new[at:at] = dice.randbytes(size)
            case 4:
                new[at : at + size] = dice.randbytes(len(piece))
            case 5:
                octets, wanted = struct.pack(f"{order}Q", dice.choice(WILD)), dice.choice([1, 2, 4, 8])
                wild = octets[:wanted] if order == "<" else octets[-wanted:]
                new[at : at + len(wild)] = wild
            case _:
                del new[dice.randrange(len(new) + 1) if dice.random() < 0.1 else len(new) :]
    return bytes(new)
