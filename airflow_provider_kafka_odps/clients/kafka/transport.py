"""kafka-python's connections, receiving in large pieces and with fewer copies of each answer."""

from __future__ import annotations

import ssl
import time
from typing import Any
from weakref import WeakSet

from kafka.errors import (
    Cancelled,
    KafkaConnectionError,
    KafkaProtocolError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.frame import KafkaBytes

_ROOM = 1 << 16
"""Bytes that are received at once, unless they are known to belong to an answer that is larger, whose copies are worth
avoiding; the client itself asks for 4 096, which costs more than decoding does."""
_TURN = 1 << 22
"""Bytes after which others that wait for the event loop have their turn."""
_NOTHING_THERE = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class RoomyClient(KafkaNetClient):  # type: ignore[misc]  # kafka-python has no types
    """What kafka-python takes as ``kafka_client``: its own client, whose transports receive as here.

    It relies on what ``tests/clients/kafka/test_transport.py`` looks for in the client.
    """

    def __init__(self, *topics: str, **configs: Any) -> None:
        """Take the topics that the first question to a broker is to be about; ``configs`` are the client's.

        The client would ask about none, and about a consumer's topic only ``retry_backoff_ms`` later.
        """
        net = _Selector(**configs)
        manager = _Manager(net, **configs)
        manager.cluster._topics.update(topics)  # noqa: SLF001 - the seam: in public it would begin to ask at once
        super().__init__(net=net, manager=manager, **configs)
        self._failures = manager.failures

    @property
    def failures(self) -> list[str]:
        """The servers that the last try has not connected to, each with the reason, which the client only logs."""
        return [f"{server}: {reason}" for server, reason in list(self._failures.items())]


class _Selector(NetworkSelector):  # type: ignore[misc]  # the same
    """The client's event loop, which leaves no socket open: the client forgets those that have not connected."""

    def __init__(self, **configs: Any) -> None:
        self._sockets: WeakSet[Any] = WeakSet()
        super().__init__(**configs)

    def wait_write(self, fileobj: Any, timeout_at: float | None = None) -> Any:
        """Wait, as every new socket does until it is connected."""
        self._sockets.add(fileobj)
        return super().wait_write(fileobj, timeout_at)

    def close(self) -> None:
        """Close whatever is still open, too: Python's collector would do it when it comes by, with a warning."""
        super().close()
        for each in list(self._sockets):
            each.close()


class _Manager(KafkaConnectionManager):  # type: ignore[misc]  # the same
    def __init__(self, net: Any, **configs: Any) -> None:
        self.failures: dict[str, str] = {}
        super().__init__(net, **configs)

    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:
        transport = await super()._build_transport(node, timeout_at=timeout_at)
        transport._read_from_sock = _Receiving(transport).run  # noqa: SLF001 - the seam
        return transport

    async def _connect(self, node: Any, conn: Any, **options: Any) -> None:
        """Connect, and remember why not; the client itself would try a refused login again until its time is over."""
        await super()._connect(node, conn, **options)
        error = conn.init_future.exception
        if isinstance(error, SaslAuthenticationFailedError | UnsupportedSaslMechanismError):
            self._auth_failures[node.node_id] = error
        if error is None:
            self.failures.pop(f"{node.host}:{node.port}", None)
        elif not isinstance(error, Cancelled):
            # What the client gives up by itself is no reason. As text: an error would keep its socket alive.
            self.failures[f"{node.host}:{node.port}"] = str(error)


class _Receiving:
    """The reading half of one transport."""

    def __init__(self, transport: Any) -> None:
        self._transport, self._room = transport, memoryview(bytearray(_ROOM))

    async def run(self) -> None:
        """Hand on what arrives until the transport is paused or closed."""
        transport = self._transport
        _spare_copies(transport.get_protocol().parser)
        while transport.is_reading() and not transport.is_closing():
            await transport._net.wait_read(transport._sock)  # noqa: SLF001
            try:
                self._receive()
            except KafkaProtocolError as error:
                transport.abort(error=error)
            except OSError as error:
                transport.abort(error=KafkaConnectionError(error))

    def _receive(self) -> None:
        transport, taken = self._transport, 0
        # What TLS has already deciphered wakes nobody up, so it is taken now.
        while transport.is_reading() and not transport.is_closing() and (taken < _TURN or self._deciphered()):
            place = self._place()
            try:
                size = transport._sock.recv_into(place)  # noqa: SLF001
            except _NOTHING_THERE:
                return
            if not size and taken:
                # What came before the end is read first: a refused login, whose reason would be lost with it.
                return
            if not size:
                transport.abort(error=KafkaConnectionError("socket disconnected"))
                return
            taken += size
            # By the machine's time: the client compares it with what it asks the machine itself.
            transport.last_read = time.monotonic()
            if place is self._room:
                transport.get_protocol().data_received(place[:size])
            else:
                self._answer().seek(self._answer().tell() + size)

    def _place(self) -> memoryview:
        """Return where to receive: what is left of a large answer goes where its beginning is, and not through a room.

        All but the last octet, which has to be handed on: with it, the client finds the answer complete.
        """
        answer = self._answer()
        if answer is None or len(answer) - answer.tell() <= _ROOM:
            return self._room
        return memoryview(answer)[answer.tell() : -1]

    def _answer(self) -> Any:
        return self._transport.get_protocol().parser._rbuffer  # noqa: SLF001

    def _deciphered(self) -> bool:
        sock = self._transport._sock  # noqa: SLF001
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


class _Answer(KafkaBytes):  # type: ignore[misc]  # the same
    """A received answer that is decoded where it is; the client copies it twice before."""

    def read(self, nbytes: int | None = None) -> bytes | memoryview:
        if nbytes is not None:
            found: bytes = super().read(nbytes)
            return found
        start = self.tell()
        self.seek(len(self))
        return memoryview(self)[start:]


def _spare_copies(parser: Any) -> None:
    """Let a large answer be decoded where it was received."""
    decode = parser._process_response  # noqa: SLF001

    def decode_in_place(received: Any) -> Any:
        if len(received) >= _ROOM:
            # Not a method of its own, which would refer to it: it would stay until Python's collector comes by.
            received.__class__ = _Answer
        return decode(received)

    parser._process_response = decode_in_place  # noqa: SLF001
