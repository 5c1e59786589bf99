"""The framing of Arrow bodies: a chunk size, chunks with a checksum each, one checksum of everything."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from airflow_provider_kafka_odps.local.errors import MalformedError
from airflow_provider_kafka_odps.local.wire.checksum import extend

CHUNK = 65536


_LARGEST_CHUNK = 64 << 20


_WORD = struct.Struct(">I")


class FrameDecoder:
    """Takes a framed body in pieces and passes on the bytes inside; holds one chunk and one piece at most."""

    def __init__(self, out: Callable[[bytes], None]) -> None:
        """Pass the payload to `out`."""
        self._out = out
        self._pending = b""
        self._chunk = 0
        self._crc = 0

    def feed(self, piece: bytes) -> None:
        """Check and pass on the chunks that are complete.

        Raises MalformedError.
        """
        body = self._pending + piece if self._pending else piece
        at = 0
        if not self._chunk:
            # Four bytes alone may be an empty block: only a checksum. With a fifth they are the chunk size.
            if len(body) <= _WORD.size:
                self._pending = body
                return
            self._chunk = self._checked_size(_WORD.unpack_from(body)[0])
            at = _WORD.size
        whole = self._chunk + _WORD.size
        # The last chunk is followed by the checksum of everything, so one whole more is never the last one.
        while len(body) - at >= whole:
            self._pass(body[at : at + self._chunk], _WORD.unpack_from(body, at + self._chunk)[0])
            at += whole
        self._pending = body[at:]

    @staticmethod
    def _checked_size(size: int) -> int:
        if not 0 < size <= _LARGEST_CHUNK:
            raise MalformedError(f"the chunk size is {size}; it must be 1 to {_LARGEST_CHUNK}")
        return size

    def _pass(self, chunk: bytes, claimed: int) -> None:
        crc = extend(0, chunk)
        if crc != claimed:
            raise MalformedError(f"the checksum of a chunk is {claimed}, its bytes have {crc}", "CorruptedDataStream")
        self._crc = extend(self._crc, chunk)
        self._out(chunk)

    def close(self) -> None:
        """End the body: check the last, shorter chunk and the checksum of everything.

        Raises MalformedError. An empty body and a lone checksum are empty blocks.
        """
        if not self._pending and not self._chunk:
            return
        if len(self._pending) < _WORD.size:
            raise MalformedError("the body ends inside a chunk", "IncompleteBody")
        last, claimed = self._pending[: -_WORD.size], _WORD.unpack(self._pending[-_WORD.size :])[0]
        crc = extend(self._crc, last)
        if crc != claimed:
            raise MalformedError(f"the checksum of the body is {claimed}, its bytes have {crc}", "CorruptedDataStream")
        if last:
            self._out(last)


def encode_frames(payload: Iterator[bytes]) -> Iterator[bytes]:
    """Yield `payload`, which comes in pieces of any size, in frames."""
    yield _WORD.pack(CHUNK)
    pending, crc = b"", 0
    for piece in payload:
        body = pending + piece if pending else piece
        at = 0
        framed: list[bytes] = []
        while len(body) - at >= CHUNK:
            chunk = body[at : at + CHUNK]
            crc = extend(crc, chunk)
            framed += (chunk, _WORD.pack(extend(0, chunk)))
            at += CHUNK
        pending = body[at:]
        if framed:
            yield b"".join(framed)
    yield pending + _WORD.pack(extend(crc, pending))
