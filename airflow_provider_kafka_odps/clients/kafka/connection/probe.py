"""How far one gets with a Kafka server without logging in: to its address, its port, its certificate, its voice."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.kafka.connection.settings import KafkaSettings


# An ApiVersions request, version 0, of the client "probe": every broker answers it before any login.
_HELLO = b"\x00\x00\x00\x0f\x00\x12\x00\x00\x00\x00\x00\x01\x00\x05probe"


_HEAD, _ECHO = 8, b"\x00\x00\x00\x01"


class Step(StrEnum):
    """The steps to a broker, in their order."""

    RESOLVE = auto()
    CONNECT = auto()
    TLS = "TLS"
    ANSWER = auto()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Where the way to one server ends."""

    server: str
    step: Step
    problem: str

    def __str__(self) -> str:
        """Return it as a clause of a sentence."""
        return f"{self.server}, step {self.step}: {self.problem}"


def probe(server: str, context: ssl.SSLContext | None, seconds: float) -> Obstacle | None:
    """Go as far as a server lets anybody go; return where that ends, or None where it answers as Kafka does.

    ``server`` is ``host:port``; ``context`` is None where the connection is not encrypted.
    """
    deadline = time.monotonic() + seconds
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return Obstacle(server, Step.RESOLVE, f"the name is not known here ({error})")
    try:
        plain = _connected(found, deadline)
    except OSError as error:
        return Obstacle(server, Step.CONNECT, f"nobody takes the call within {seconds:.0f} s ({error})")
    with closing(plain):
        return _tls(server, plain, host, context, deadline)


def certificate_obstacles(settings: KafkaSettings, context: ssl.SSLContext | None, seconds: float) -> list[Obstacle]:
    """Return why no server can be trusted or trusts us; nothing where one can, or where that is not known."""
    found = []
    for server in settings.bootstrap_servers if context else ():
        obstacle = probe(server, context, seconds)
        if obstacle is None or obstacle.step is not Step.TLS:
            return []
        found.append(obstacle)
    return found


def _connected(addresses: Iterable[tuple[int, int, int, str, tuple[object, ...]]], deadline: float) -> socket.socket:
    last: OSError = OSError("no address")
    for family, kind, protocol, _, address in addresses:
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(_left(deadline))
            plain.connect(address)
        except OSError as error:
            plain.close()
            last = error
        else:
            return plain
    raise last


def _tls(
    server: str, plain: socket.socket, host: str, context: ssl.SSLContext | None, deadline: float
) -> Obstacle | None:
    if context is None:
        return _answer(server, plain, deadline, encrypted=False)
    try:
        plain.settimeout(_left(deadline))
        wrapped = context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        return Obstacle(server, Step.TLS, _of_certificate(error, host))
    except OSError as error:
        return Obstacle(server, Step.TLS, f"no handshake ({error}); does this port speak TLS?")
    with closing(wrapped):
        return _answer(server, wrapped, deadline, encrypted=True)


def _of_certificate(error: ssl.SSLCertVerificationError, host: str) -> str:
    words = error.verify_message or str(error)
    if "revoked" in words:
        return f"the broker's certificate was taken back ({words}): it must be replaced on the broker"
    if "CRL" in words:
        return f"ssl.crl.location has no list that the broker's authority has signed and that is valid now ({words})"
    if "expired" in words:
        return f"the broker's certificate is out of date ({words}): it must be renewed on the broker"
    if "ostname mismatch" in words or "IP address mismatch" in words:
        return (
            f"the broker's certificate is not for the name {host!r} ({words}): use the name that is in the certificate"
        )
    return (
        f"the authority of the broker's certificate is not trusted ({words}): give it as ssl.ca.location or ssl.ca.pem"
    )


def _answer(server: str, peer: socket.socket, deadline: float, *, encrypted: bool) -> Obstacle | None:
    try:
        peer.settimeout(_left(deadline))
        peer.sendall(_HELLO)
        if _voice(peer) == _ECHO:
            return None
    except ssl.SSLError as error:
        # With TLS 1.3 the broker's verdict on our certificate comes after the handshake.
        reason = f"the broker refuses the client certificate, or misses one ({error.reason}): look at ssl.certificate.…"
        return Obstacle(server, Step.TLS, reason)
    except OSError as error:
        return Obstacle(server, Step.ANSWER, f"connected, but no answer ({error or type(error).__name__})")
    hint = "" if encrypted else "; does this port speak TLS? Then security.protocol is SSL or SASL_SSL"
    return Obstacle(server, Step.ANSWER, f"what answers is not Kafka, or it hung up{hint}")


def _voice(peer: socket.socket) -> bytes:
    """Return where an answer of Kafka repeats the number of the question."""
    received = b""
    while len(received) < _HEAD and (more := peer.recv(_HEAD - len(received))):
        received += more
    return received[4:]


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.1)
