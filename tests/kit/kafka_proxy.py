"""Stands between clients and brokers: cuts a connection in the middle of an answer, or lets no answer through."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

_HOST = b"127.0.0.1"
_SIZE = struct.Struct(">i")


class KafkaProxy:
    """One listening port per broker; brokers' own ports are replaced in what they say of themselves.

    A broker tells clients where the brokers are, and clients go there: in every answer the address of a broker becomes
    that of its proxy, which is as long. An answer is a frame of Kafka's protocol: four bytes of size, then its body.
    """

    def __init__(self, ports: Mapping[int, int]) -> None:
        """Take the proxy's port for each broker's."""
        self.ports = ports
        self.servers = ",".join(f"127.0.0.1:{port}" for port in ports.values())
        self.cuts = 0
        """How many answers were cut."""
        self.held = threading.Event()
        """Set while an answer is held up."""
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._to_cut: tuple[bytes, int] = b"", 0
        self._to_stall = b""

    def cut(self, marker: bytes, times: int) -> None:
        """Cut connections in the middle of the next ``times`` answers that contain the marker."""
        with self._lock:
            self._to_cut = marker, times

    def stall(self, marker: bytes) -> None:
        """Let nothing through from the next answer on that contains the marker, until ``resume``."""
        with self._lock:
            self._to_stall = marker

    def resume(self) -> None:
        """Let everything through again, also what was held up."""
        with self._lock:
            self._to_stall = b""
        self._flowing.set()
        self.held.clear()

    def answer(self, body: bytes) -> tuple[bytes, bool]:
        """Return what is to be sent of an answer, when it is time, and whether it is all."""
        for port, mine in self.ports.items():
            body = body.replace(_HOST + _SIZE.pack(port), _HOST + _SIZE.pack(mine))
        with self._lock:
            if self._to_stall and self._to_stall in body:
                self._flowing.clear()
                self.held.set()
            marker, times = self._to_cut
            cut = bool(times) and marker in body
            if cut:
                self._to_cut = marker, times - 1
                self.cuts += 1
        self._flowing.wait()
        return (body[: body.index(marker)], False) if cut else (body, True)


@contextmanager
def proxied(*brokers: int) -> Iterator[KafkaProxy]:
    """Stand before the brokers on these ports of 127.0.0.1 until the block is left."""
    with ExitStack() as stack:
        listeners = {port: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for port in brokers}
        proxy = KafkaProxy({port: listener.getsockname()[1] for port, listener in listeners.items()})
        connections = _Connections(proxy)
        stack.callback(connections.close)
        stack.callback(proxy.resume)
        for port, listener in listeners.items():
            connections.start(connections.accept, listener, port)
        yield proxy


class _Connections:
    """The threads of a proxy, and the sockets that end them when they are shut."""

    def __init__(self, proxy: KafkaProxy) -> None:
        self._proxy = proxy
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def start(self, target: object, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def accept(self, listener: socket.socket, port: int) -> None:
        self._sockets.append(listener)
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                try:
                    broker = socket.create_connection(("127.0.0.1", port), timeout=10)
                except OSError:
                    # The broker is dead: so is whoever stands before it.
                    client.close()
                    continue
                broker.settimeout(None)
                self._sockets += [client, broker]
                self.start(self._requests, client, broker)
                self.start(self._answers, broker, client)

    def close(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for each in self._sockets:
            each.close()

    def _requests(self, client: socket.socket, broker: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(65536):
                broker.sendall(piece)
        _shut(client, broker)

    def _answers(self, broker: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while (head := _exactly(broker, _SIZE.size)) and (body := _exactly(broker, *_SIZE.unpack(head))):
                sent, whole = self._proxy.answer(body)
                client.sendall(head + sent)
                if not whole:
                    break
        _shut(client, broker)


def _exactly(source: socket.socket, size: int) -> bytes:
    """Return that many bytes, or none where the connection ends before."""
    read = b""
    while len(read) < size:
        piece = source.recv(size - len(read))
        if not piece:
            return b""
        read += piece
    return read


def _shut(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
