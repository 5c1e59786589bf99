"""How far one gets with a Kafka server without a login: name, port, certificate, first answer."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.clock import Clock

_Address: TypeAlias = tuple[int, int, int, str, tuple[object, ...]]
_Left: TypeAlias = Callable[[], float]
"""Returns the seconds that the next call may take."""
# An ApiVersions request, version 0, of the client "probe": every broker answers it before any login.
_API_VERSIONS = b"\x00\x00\x00\x0f\x00\x12\x00\x00\x00\x00\x00\x01\x00\x05probe"
_ANSWER_HEAD_BYTES = 8
_CORRELATION_ID = b"\x00\x00\x00\x01"
_LEAST_SECONDS = 0.1
"""No time at all would be refused as a timeout."""


class Step(StrEnum):
    """The steps to a broker, in their order."""

    RESOLVE = auto()
    CONNECT = auto()
    TLS = "TLS"
    ANSWER = auto()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """At which step a server cannot be reached, and why."""

    server: str
    step: Step
    problem: str

    def __str__(self) -> str:
        """Return it as a clause of a sentence."""
        return f"{self.server}, step {self.step}: {self.problem}"


def probe(server: str, context: ssl.SSLContext | None, seconds: float, clock: Clock) -> Obstacle | None:
    """Go as far as a server lets anybody go; return what stops it, or None where it answers as Kafka does.

    ``server`` is ``host:port``; ``context`` is None where the connection is not encrypted.
    """
    ends = clock.monotonic() + seconds

    def left() -> float:
        return max(ends - clock.monotonic(), _LEAST_SECONDS)

    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return Obstacle(server, Step.RESOLVE, f"the host name cannot be resolved on this worker ({error})")
    try:
        plain = _connected(found, left)
    except OSError as error:
        return Obstacle(server, Step.CONNECT, _why_not_connected(error, seconds))
    with closing(plain):
        return _tls(server, plain, host, context, left)


def certificate_obstacles(
    servers: Sequence[str], context: ssl.SSLContext | None, seconds: float, clock: Clock
) -> list[Obstacle]:
    """Return why no server can be trusted or trusts us; nothing where one can, or where that is not known."""
    found = []
    for server in servers if context else ():
        obstacle = probe(server, context, seconds, clock)
        if obstacle is None or obstacle.step is not Step.TLS:
            return []
        found.append(obstacle)
    return found


def _connected(addresses: Iterable[_Address], left: _Left) -> socket.socket:
    last: OSError = OSError("no address")
    for family, kind, protocol, _, address in addresses:
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(left())
            plain.connect(address)
        except OSError as error:
            plain.close()
            last = error
        else:
            return plain
    raise last


def _why_not_connected(error: OSError, seconds: float) -> str:
    match error:
        case ConnectionRefusedError():
            return f"connection refused, nothing listens on this port ({error})"
        case TimeoutError():
            return f"timed out after {seconds:.0f} s: a firewall, or the wrong address"
    return f"cannot connect ({error})"


def _tls(server: str, plain: socket.socket, host: str, context: ssl.SSLContext | None, left: _Left) -> Obstacle | None:
    if context is None:
        return _first_answer(server, plain, left, encrypted=False)
    try:
        plain.settimeout(left())
        wrapped = context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        return Obstacle(server, Step.TLS, _why_not_trusted(error, host))
    except OSError as error:
        return Obstacle(server, Step.TLS, f"the TLS handshake failed ({error}); does this port speak TLS?")
    with closing(wrapped):
        return _first_answer(server, wrapped, left, encrypted=True)


def _why_not_trusted(error: ssl.SSLCertVerificationError, host: str) -> str:
    words = error.verify_message or str(error)
    if "revoked" in words:
        return f"the broker's certificate is revoked ({words}): replace it on the broker"
    if "CRL" in words:
        return (
            f"ssl.crl.location has no valid revocation list of the authority that signed the broker's certificate "
            f"({words})"
        )
    if "expired" in words:
        return f"the broker's certificate has expired ({words}): renew it on the broker"
    if "ostname mismatch" in words or "IP address mismatch" in words:
        return f"the broker's certificate is not for the name {host!r} ({words}): connect by a name in the certificate"
    return (
        f"the authority of the broker's certificate is not trusted ({words}): give it as ssl.ca.location or ssl.ca.pem"
    )


def _first_answer(server: str, peer: socket.socket, left: _Left, *, encrypted: bool) -> Obstacle | None:
    try:
        peer.settimeout(left())
        peer.sendall(_API_VERSIONS)
        if _correlation_id(peer) == _CORRELATION_ID:
            return None
    except ssl.SSLError as error:
        # With TLS 1.3 the broker's verdict on our certificate comes after the handshake.
        reason = (
            f"the broker rejected the client certificate, or requires one ({error.reason}): check ssl.certificate.…"
        )
        return Obstacle(server, Step.TLS, reason)
    except OSError as error:
        return Obstacle(server, Step.ANSWER, f"connected, but no answer ({str(error) or type(error).__name__})")
    hint = "" if encrypted else "; does this port speak TLS? Then security.protocol is SSL or SASL_SSL"
    return Obstacle(server, Step.ANSWER, f"the server is not Kafka, or it closed the connection{hint}")


def _correlation_id(peer: socket.socket) -> bytes:
    """Return where an answer of Kafka repeats the number of the request."""
    received = b""
    while len(received) < _ANSWER_HEAD_BYTES and (more := peer.recv(_ANSWER_HEAD_BYTES - len(received))):
        received += more
    return received[4:]
