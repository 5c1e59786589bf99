"""What is received in large pieces is what was sent, and the client is built as this needs it."""

from __future__ import annotations

import gc
import inspect
import random
import select
import ssl
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_connection, create_server, socket
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka import KafkaConsumer
from kafka.cluster import ClusterMetadata
from kafka.errors import KafkaError
from kafka.net.manager import KafkaConnectionManager
from kafka.net.transport import KafkaTCPTransport
from kafka.protocol.api_message import ApiMessage
from kafka.protocol.frame import KafkaBytes
from kafka.protocol.parser import KafkaProtocol

from airflow_provider_kafka_odps.clients.kafka.transport import _ROOM, RoomyClient, _Receiving, _spare_copies

_BROKEN = "kafka-python changed where hooks/kafka_transport.py reaches into it: "


def test_the_client_is_built_as_needed() -> None:
    """A release that moved what the transport relies on fails here, and does not read slowly without a word."""
    assert "kafka_client" in KafkaConsumer.DEFAULT_CONFIG, _BROKEN + "whose connections a consumer uses"
    assert "call_soon(self._read_from_sock)" in inspect.getsource(KafkaTCPTransport.resume_reading), _BROKEN
    assert "return transport" in inspect.getsource(KafkaConnectionManager._build_transport), _BROKEN
    received = inspect.getsource(KafkaProtocol.receive_bytes)
    assert "self._process_response(self._rbuffer)" in received, _BROKEN
    assert "bytes_to_read = min(total_bytes - staged_bytes, n - i)" in received, _BROKEN + "what is left of an answer"
    asked = inspect.getsource(ClusterMetadata.metadata_request)
    assert "for topic in self._topics" in asked, _BROKEN + "about which topics it asks"
    assert "memoryview(data.read())" in inspect.getsource(ApiMessage.decode), _BROKEN + "the copies of an answer"


@pytest.mark.parametrize("encrypted", [False, True])
def test_all_that_was_sent_is_received(encrypted: bool, tmp_path: Path) -> None:
    """Answers of all sizes come whole and in order, also where TLS holds them back; large ones not piece by piece."""
    sizes = [0, 10, _ROOM - 4, _ROOM, 3 << 20, _ROOM + 1, _ROOM + 2, 3, 3 << 20]
    answers = [random.Random(size).randbytes(size) for size in sizes]
    received, pieces, errors = list[bytes](), list[int](), list[BaseException | None]()
    parser = KafkaProtocol()
    parser._process_response = bytes

    def data_received(data: memoryview) -> None:
        pieces.append(len(data))
        received.extend(parser.receive_bytes(data))

    protocol = SimpleNamespace(parser=parser, data_received=data_received, connection_lost=errors.append)
    sent = b"".join(len(answer).to_bytes(4, "big") + answer for answer in answers)
    with _sending(sent, _certificate(tmp_path) if encrypted else None) as ours:
        transport = KafkaTCPTransport(_Waiting(), ours)
        transport.set_protocol(protocol)
        transport._read = True
        with pytest.raises(StopIteration):
            _Receiving(transport).run().send(None)
    assert received == answers
    assert sum(pieces) <= 2 * len(sizes) * _ROOM, "large answers went through the room"
    assert [str(error) for error in errors] == ["KafkaConnectionError: socket disconnected"]


@pytest.mark.parametrize("size", [10, 1 << 17])
def test_an_answer_is_decoded_where_it_was_received(size: int) -> None:
    """A large answer is not copied to be read; all else of an answer is read as ever."""
    seen: list[Any] = []
    parser = SimpleNamespace(_process_response=lambda buffer: seen.extend([buffer.read(4), buffer.read()]))
    _spare_copies(parser)
    answer = KafkaBytes(size)
    answer[:] = bytes(range(256))[:10] + bytes(size - 10)
    parser._process_response(answer)
    assert [bytes(part) for part in seen] == [bytes(answer)[:4], bytes(answer)[4:]]
    assert isinstance(seen[1], memoryview) == (size > 10)
    assert answer.tell() == size


def test_an_answer_is_gone_when_nobody_needs_it() -> None:
    """Not when the collector comes by: until then a window of some answers would take a hundred megabytes more."""
    parser = SimpleNamespace(_process_response=lambda buffer: bytes(buffer.read()[:3]))
    _spare_copies(parser)
    answer = KafkaBytes(1 << 17)
    left = weakref.ref(answer)
    gc.disable()
    try:
        assert parser._process_response(answer) == bytes(3)
        del answer
        assert left() is None
    finally:
        gc.enable()


class _Waiting:
    """What a transport asks of the event loop, without one."""

    async def wait_read(self, sock: socket) -> None:
        readable, _, _ = select.select([sock], [], [], 20)
        assert readable, "nothing arrives any more"

    def unregister_event(self, sock: socket, events: int) -> None:
        """Nothing was registered."""

    def cancel(self, task: object) -> None:
        """Nothing was started."""


@contextmanager
def _sending(content: bytes, certificate: Path | None) -> Iterator[socket]:
    """Yield a connection on which all of the content comes at once, then its end."""
    with create_server(("127.0.0.1", 0)) as server:

        def send() -> None:
            with server.accept()[0] as plain:
                if certificate is None:
                    plain.sendall(content)
                    return
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                with context.wrap_socket(plain, server_side=True) as encrypted:
                    encrypted.sendall(content)

        sender = threading.Thread(target=send)
        sender.start()
        with create_connection(server.getsockname()) as plain:
            ours = plain
            if certificate is not None:
                context = ssl.create_default_context(cafile=certificate)
                ours = context.wrap_socket(plain, server_hostname="localhost")
            ours.settimeout(0)
            yield ours
            ours.close()
        sender.join()


def _certificate(folder: Path) -> Path:
    """Write a key and a certificate for it that is valid today."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    written = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(key.private_bytes(*form) + written.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def _server_that_lets_nobody_in() -> Iterator[int]:
    """Yield the port of a server that never finishes a connection: those that it has room for are taken."""
    with ExitStack() as calls, socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        while True:
            call = calls.enter_context(socket())
            call.settimeout(0)
            call.connect_ex(listening.getsockname())
            if not select.select([], [call], [], 0.2)[1]:
                break
        yield listening.getsockname()[1]


@pytest.mark.parametrize("lets_nobody_in", [False, True])
def test_no_socket_is_left_of_a_client_that_is_closed(lets_nobody_in: bool, closed_port: int) -> None:
    """Neither of one that was refused, nor of one that still connects; not when the collector comes by: at once."""
    with _server_that_lets_nobody_in() if lets_nobody_in else nullcontext(closed_port) as port, _no_collection():
        before = set(map(id, _open_sockets()))
        client = RoomyClient(bootstrap_servers=[f"127.0.0.1:{port}"])
        with pytest.raises(KafkaError):
            client.check_version(timeout_ms=300)
        client.close()
        assert [each for each in _open_sockets() if id(each) not in before] == []


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _open_sockets() -> list[socket]:
    # By its type: what only stands for something imports it when it is asked for its class.
    return [each for each in gc.get_objects() if issubclass(type(each), socket) and each.fileno() >= 0]
