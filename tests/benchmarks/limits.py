"""What the machine itself can do: the floor under every way, measured beside them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import requests
from crc32c import crc32c

_BYTES = 256 << 20
_PIECE = 1 << 20


def limits(sink: str) -> dict[str, float]:
    """Return MB/s of one core's memory copy and CRC-32C, and of a loopback PUT into the sink."""
    room = bytearray(os.urandom(_PIECE)) * (_BYTES // _PIECE)
    return {
        "memory copy": _speed(lambda: bytes(room)),
        "CRC-32C": _speed(lambda: crc32c(room)),
        "loopback PUT": _speed(lambda: _put(sink, memoryview(room))),
    }


def _speed(deed: Callable[[], object]) -> float:
    """Return the best of three, in MB/s: what disturbs it makes it slower only."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        deed()
        best = min(best, time.perf_counter() - started)
    return _BYTES / best / 1e6


def _put(sink: str, room: memoryview) -> None:
    def pieces() -> Iterator[Any]:
        for start in range(0, len(room), _PIECE):
            yield room[start : start + _PIECE]

    requests.put(f"{sink}/nowhere?blockid=0&uploadid=limit", data=pieces(), timeout=60).raise_for_status()
