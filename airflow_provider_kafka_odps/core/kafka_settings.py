"""A Kafka connection, parsed once: the official connection type's librdkafka keys become the client's settings."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kafka_odps.exceptions import InvalidConnection


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How to reach one Kafka cluster."""

    conn_id: str
    bootstrap_servers: tuple[str, ...]
    client: Mapping[str, Any] = field(repr=False)
    """Keyword arguments of the client, secrets among them: never printed."""
    group_id: str | None = None
    """The consumer group whose committed offsets ``"committed"`` means; it is never joined."""
    ignored: tuple[str, ...] = ()
    """Keys of the connection that have no effect here."""


def parse_kafka_settings(
    conn_id: str, extra: Mapping[str, Any], host: str | None = None, port: int | None = None
) -> KafkaSettings:
    """Translate a connection; ``extra`` has librdkafka's keys, ``host`` and ``port`` are a fallback for the servers.

    Raises InvalidConnection with every problem of the connection in one message.
    """
    problems: list[str] = []
    client: dict[str, Any] = {}
    ignored: list[str] = []
    for key, value in extra.items():
        if key in _TRANSLATED:
            name, read = _TRANSLATED[key]
            _translate(key, value, name, read, client, problems)
        elif key in _WITHOUT_EFFECT or key.startswith(_WITHOUT_EFFECT_PREFIXES):
            ignored.append(key)
        elif key not in _READ_ELSEWHERE:
            problems.append(_unknown(key))
    servers = _servers(extra, host, port, problems)
    _check_security(client, problems)
    _check_times(client, problems)
    if problems:
        raise InvalidConnection(conn_id, *problems)
    group = extra.get("group.id")
    return KafkaSettings(conn_id, servers, client, str(group) if group else None, tuple(ignored))


def _text(value: Any) -> str:
    return str(value)


def _positive(value: Any) -> int:
    if isinstance(value, bool) or int(str(value)) <= 0:
        raise ValueError(value)
    return int(str(value))


def _boolean(value: Any) -> bool:
    match str(value).strip().lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
    raise ValueError(value)


def _mechanism(value: Any) -> str:
    known = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
    if (name := str(value).upper()) not in known:
        raise ValueError(f"this release can log in by {', '.join(known)}")
    return name


def _protocol(value: Any) -> str:
    known = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
    if (name := str(value).upper()) not in known:
        raise ValueError(f"accepted: {', '.join(known)}")
    return name


def _checks_host(value: Any) -> bool:
    match str(value).lower():
        case "https":
            return True
        case "none" | "":
            return False
    raise ValueError("accepted: https, none")


def _must_verify(value: Any) -> None:
    if not _boolean(value):
        raise ValueError("certificates are always verified; give the authority's certificate as ssl.ca.location")


_TRANSLATED: Mapping[str, tuple[str | None, Callable[[Any], Any]]] = {
    "client.id": ("client_id", _text),
    "client.rack": ("client_rack", _text),
    "security.protocol": ("security_protocol", _protocol),
    "sasl.mechanism": ("sasl_mechanism", _mechanism),
    "sasl.mechanisms": ("sasl_mechanism", _mechanism),
    "sasl.username": ("sasl_plain_username", _text),
    "sasl.password": ("sasl_plain_password", _text),
    "ssl.ca.location": ("ssl_cafile", _text),
    "ssl.certificate.location": ("ssl_certfile", _text),
    "ssl.key.location": ("ssl_keyfile", _text),
    "ssl.key.password": ("ssl_password", _text),
    "ssl.crl.location": ("ssl_crlfile", _text),
    "ssl.cipher.suites": ("ssl_ciphers", _text),
    "ssl.endpoint.identification.algorithm": ("ssl_check_hostname", _checks_host),
    "enable.ssl.certificate.verification": (None, _must_verify),
    "socket.timeout.ms": ("request_timeout_ms", _positive),
    "socket.connection.setup.timeout.ms": ("bootstrap_timeout_ms", _positive),
    "socket.receive.buffer.bytes": ("receive_buffer_bytes", _positive),
    "socket.send.buffer.bytes": ("send_buffer_bytes", _positive),
    "metadata.max.age.ms": ("metadata_max_age_ms", _positive),
    "connections.max.idle.ms": ("connections_max_idle_ms", _positive),
    "reconnect.backoff.ms": ("reconnect_backoff_ms", _positive),
    "reconnect.backoff.max.ms": ("reconnect_backoff_max_ms", _positive),
    "retry.backoff.ms": ("retry_backoff_ms", _positive),
}
"""librdkafka's key → the client's name (None: nothing to set) and how its value is read."""
_READ_ELSEWHERE = frozenset({"bootstrap.servers", "metadata.broker.list", "group.id"})
# How records are fetched, where a consumer starts and what it commits is decided by the window, never by a connection.
_WITHOUT_EFFECT = frozenset(
    {
        "allow.auto.create.topics",
        "auto.commit.interval.ms",
        "auto.offset.reset",
        "check.crcs",
        "debug",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.partition.eof",
        "group.instance.id",
        "heartbeat.interval.ms",
        "isolation.level",
        "log_level",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "message.max.bytes",
        "partition.assignment.strategy",
        "receive.message.max.bytes",
        "session.timeout.ms",
        "socket.keepalive.enable",
        "socket.nagle.disable",
        "statistics.interval.ms",
        "api.version.request",
        "broker.address.family",
    }
)
_WITHOUT_EFFECT_PREFIXES = ("fetch.", "queued.", "queue.", "log.", "topic.metadata.")


def _translate(
    key: str,
    value: Any,
    name: str | None,
    read: Callable[[Any], Any],
    client: dict[str, Any],
    problems: list[str],
) -> None:
    try:
        setting = read(value)
    except (TypeError, ValueError) as error:
        shown = "(hidden)" if "password" in key else repr(value)
        reason = "a whole number of milliseconds or bytes above 0 is wanted" if read is _positive else str(error)
        problems.append(f"{key}={shown}: {reason}")
        return
    if name is not None:
        client[name] = setting


def _servers(extra: Mapping[str, Any], host: str | None, port: int | None, problems: list[str]) -> tuple[str, ...]:
    given = extra.get("bootstrap.servers") or extra.get("metadata.broker.list") or _host_and_port(host, port)
    servers = tuple(server.strip() for server in str(given or "").split(",") if server.strip())
    if not servers:
        problems.append("bootstrap.servers is missing, such as broker-1:9092,broker-2:9092")
    for server in servers:
        name, colon, number = server.rpartition(":")
        if not (colon and name and number.isdecimal()):
            problems.append(f"bootstrap.servers: {server!r} is not host:port")
    return servers


def _host_and_port(host: str | None, port: int | None) -> str | None:
    return f"{host}:{port}" if host and port else host


def _check_security(client: dict[str, Any], problems: list[str]) -> None:
    protocol = client.get("security_protocol", "PLAINTEXT")
    if protocol.startswith("SASL"):
        missing = {
            "sasl.mechanism": "sasl_mechanism",
            "sasl.username": "sasl_plain_username",
            "sasl.password": "sasl_plain_password",
        }
        problems += [f"security.protocol={protocol} needs {key}" for key, name in missing.items() if name not in client]
    elif "sasl_plain_username" in client or "sasl_mechanism" in client:
        problems.append(
            f"sasl.… is given, but security.protocol={protocol} does not log in; set it to SASL_SSL (or SASL_PLAINTEXT)"
        )
    if protocol in ("PLAINTEXT", "SASL_PLAINTEXT") and any(name.startswith("ssl_") for name in client):
        problems.append(f"ssl.… is given, but security.protocol={protocol} does not encrypt; set it to SSL or SASL_SSL")
    if ("ssl_certfile" in client) != ("ssl_keyfile" in client):
        problems.append("ssl.certificate.location and ssl.key.location belong together; one of them is missing")


def _check_times(client: dict[str, Any], problems: list[str]) -> None:
    request, idle = client.get("request_timeout_ms", 30_000), client.get("connections_max_idle_ms", 540_000)
    if idle <= request:
        problems.append(
            f"connections.max.idle.ms={idle} must be above socket.timeout.ms={request}, or a connection would be "
            "closed while an answer is awaited"
        )


def _unknown(key: str) -> str:
    near = difflib.get_close_matches(key, [*_TRANSLATED, *_READ_ELSEWHERE], n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{key} cannot be translated to this package's Kafka client{hint}; remove it, or use another connection"
