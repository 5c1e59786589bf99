"""A Kafka connection, parsed once: the official connection type's librdkafka keys become the client's settings."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

from airflow_provider_kafka_odps.clients.kafka.connection import values
from airflow_provider_kafka_odps.clients.kafka.connection.keys import (
    NOT_TRANSLATED,
    WITHOUT_EFFECT,
    WITHOUT_EFFECT_PREFIXES,
)
from airflow_provider_kafka_odps.clients.kafka.connection.login import CallbackTokens, OidcTokens, Tls, tokens_of
from airflow_provider_kafka_odps.exceptions import InvalidConnection


class Part(StrEnum):
    """Which part of the settings a key belongs to."""

    CLIENT = auto()
    TLS = auto()
    TOKENS = auto()
    CHECKED = auto()
    """Looked at, and nothing to set."""


_ENCRYPTED = frozenset({"SSL", "SASL_SSL"})
_SECRET = ("password", "secret", "pem", "oauthbearer.config")


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
    tls: Tls | None = None
    """None: the connection is not encrypted."""
    tokens: OidcTokens | CallbackTokens | None = None
    """Where OAUTHBEARER's tokens come from; None: another way to log in."""

    @property
    def in_the_clear(self) -> bool:
        """Whether a password or token, or what a password can be guessed from, is sent without encryption."""
        return self.tls is None and self.client.get("sasl_mechanism") not in (None, "GSSAPI")

    @property
    def login(self) -> str:
        """Who logs in, as far as the connection shows it, such as ``SCRAM-SHA-512 as 'loader'``."""
        match self.client.get("sasl_mechanism"), self.tokens:
            case None, _:
                shown = self.tls and (self.tls.certificate_location or self.tls.certificate_pem)
                return "the client certificate" if shown else "no login"
            case mechanism, OidcTokens(client_id=name):
                return f"{mechanism} as {name!r}"
            case mechanism, CallbackTokens(path=path):
                return f"{mechanism} by {path}"
            case mechanism, _:
                user = self.client.get("sasl_plain_username")
                return f"{mechanism} as {user!r}" if user else str(mechanism)


def parse_kafka_settings(
    conn_id: str,
    extra: Mapping[str, Any],
    host: str | None = None,
    port: int | None = None,
    login: str | None = None,
    password: str | None = None,
    *,
    callbacks: Collection[str],
) -> KafkaSettings:
    """Translate a connection; ``extra`` has librdkafka's keys.

    ``callbacks`` are the functions that ``oauth_cb`` may name: a connection is not enough to have code run.
    ``host`` and ``port`` stand in for the servers, ``login`` and ``password`` for ``sasl.username`` and
    ``sasl.password``, or for the id and secret of an OIDC client.
    Raises InvalidConnection with every problem of the connection in one message.
    """
    problems: list[str] = []
    parts: dict[Part, dict[str, Any]] = {part: {} for part in Part}
    ignored: list[str] = []
    for key, value in extra.items():
        if key in _TRANSLATED:
            _translate(key, value, parts, problems)
        elif key in WITHOUT_EFFECT or key.startswith(WITHOUT_EFFECT_PREFIXES):
            ignored.append(key)
        elif key not in _READ_ELSEWHERE:
            problems.append(_unknown(key))
    servers = _servers(extra, host, port, problems)
    client = parts[Part.CLIENT]
    _take_login(login, password, parts, problems)
    tokens = (
        tokens_of(parts[Part.TOKENS], callbacks, problems) if client.get("sasl_mechanism") == "OAUTHBEARER" else None
    )
    _check_security(parts, problems)
    _check_times(client, problems)
    tls = Tls(**parts[Part.TLS]) if client.get("security_protocol") in _ENCRYPTED else None
    problems += tls.problems() if tls else []
    if problems:
        raise InvalidConnection(conn_id, *problems)
    group = extra.get("group.id")
    return KafkaSettings(conn_id, servers, client, str(group) if group else None, tuple(ignored), tls, tokens)


_TRANSLATED: Mapping[str, tuple[Part, str, Callable[[Any], Any]]] = {
    "client.id": (Part.CLIENT, "client_id", values.read_text),
    "client.rack": (Part.CLIENT, "client_rack", values.read_text),
    "client.dns.lookup": (Part.CLIENT, "client_dns_lookup", values.read_lookup),
    "security.protocol": (Part.CLIENT, "security_protocol", values.read_protocol),
    "sasl.mechanism": (Part.CLIENT, "sasl_mechanism", values.read_mechanism),
    "sasl.mechanisms": (Part.CLIENT, "sasl_mechanism", values.read_mechanism),
    "sasl.username": (Part.CLIENT, "sasl_plain_username", values.read_text),
    "sasl.password": (Part.CLIENT, "sasl_plain_password", values.read_text),
    "sasl.kerberos.service.name": (Part.CLIENT, "sasl_kerberos_service_name", values.read_text),
    "sasl.oauthbearer.method": (Part.TOKENS, "method", values.read_method),
    "sasl.oauthbearer.client.id": (Part.TOKENS, "client.id", values.read_text),
    "sasl.oauthbearer.client.credentials.client.id": (Part.TOKENS, "client.id", values.read_text),
    "sasl.oauthbearer.client.secret": (Part.TOKENS, "client.secret", values.read_text),
    "sasl.oauthbearer.client.credentials.client.secret": (Part.TOKENS, "client.secret", values.read_text),
    "sasl.oauthbearer.token.endpoint.url": (Part.TOKENS, "token.endpoint.url", values.read_text),
    "sasl.oauthbearer.scope": (Part.TOKENS, "scope", values.read_text),
    "sasl.oauthbearer.extensions": (Part.TOKENS, "extensions", values.read_extensions),
    "sasl.oauthbearer.config": (Part.TOKENS, "config", values.read_text),
    "sasl.oauthbearer.grant.type": (Part.CHECKED, "", values.read_grant),
    "https.ca.location": (Part.TOKENS, "ca", values.read_text),
    "oauth_cb": (Part.TOKENS, "oauth_cb", values.read_text),
    "ssl.ca.location": (Part.TLS, "ca_location", values.read_text),
    "ssl.ca.pem": (Part.TLS, "ca_pem", values.read_pem),
    "ssl.certificate.location": (Part.TLS, "certificate_location", values.read_text),
    "ssl.certificate.pem": (Part.TLS, "certificate_pem", values.read_pem),
    "ssl.key.location": (Part.TLS, "key_location", values.read_text),
    "ssl.key.pem": (Part.TLS, "key_pem", values.read_pem),
    "ssl.key.password": (Part.TLS, "key_password", values.read_text),
    "ssl.crl.location": (Part.TLS, "crl_location", values.read_text),
    "ssl.cipher.suites": (Part.TLS, "ciphers", values.read_text),
    "ssl.endpoint.identification.algorithm": (Part.TLS, "check_hostname", values.read_checks_host),
    "enable.ssl.certificate.verification": (Part.CHECKED, "", values.read_must_verify),
    "socket.timeout.ms": (Part.CLIENT, "request_timeout_ms", values.read_positive),
    "socket.connection.setup.timeout.ms": (Part.CLIENT, "bootstrap_timeout_ms", values.read_positive),
    "socket.receive.buffer.bytes": (Part.CLIENT, "receive_buffer_bytes", values.read_positive),
    "socket.send.buffer.bytes": (Part.CLIENT, "send_buffer_bytes", values.read_positive),
    "metadata.max.age.ms": (Part.CLIENT, "metadata_max_age_ms", values.read_positive),
    "connections.max.idle.ms": (Part.CLIENT, "connections_max_idle_ms", values.read_positive),
    "reconnect.backoff.ms": (Part.CLIENT, "reconnect_backoff_ms", values.read_positive),
    "reconnect.backoff.max.ms": (Part.CLIENT, "reconnect_backoff_max_ms", values.read_positive),
    "retry.backoff.ms": (Part.CLIENT, "retry_backoff_ms", values.read_positive),
}
"""librdkafka's key → the part of the settings and the name in it, and how its value is read."""
_READ_ELSEWHERE = frozenset({"bootstrap.servers", "metadata.broker.list", "group.id"})


def _translate(key: str, value: Any, parts: Mapping[Part, dict[str, Any]], problems: list[str]) -> None:
    part, name, read = _TRANSLATED[key]
    if value is None or value == "":
        # An empty field of a form; but an empty algorithm would say: do not look at the name.
        return
    try:
        setting = read(value)
    except (TypeError, ValueError) as error:
        shown = "(hidden)" if any(word in key for word in _SECRET) else repr(value)
        reason = (
            "expected a whole number of milliseconds or bytes above 0" if read is values.read_positive else str(error)
        )
        problems.append(f"{key}={shown}: {reason}")
        return
    if parts[part].setdefault(name, setting) != setting:
        problems.append(f"{key} contradicts another key of the same meaning: keep one")


def _take_login(
    login: str | None, password: str | None, parts: Mapping[Part, dict[str, Any]], problems: list[str]
) -> None:
    """Put the connection's login and password where its way to log in has them."""
    client, tokens = parts[Part.CLIENT], parts[Part.TOKENS]
    match client.get("sasl_mechanism"):
        case "OAUTHBEARER":
            places = ((tokens, "client.id", "login", login), (tokens, "client.secret", "password", password))
        case mechanism if mechanism in values.PASSWORD_MECHANISMS:
            places = (
                (client, "sasl_plain_username", "login", login),
                (client, "sasl_plain_password", "password", password),
            )
        case _:
            if login or password:
                problems.append("the connection has a login or password, but no sasl.mechanism that uses it")
            return
    for part, name, called, given in places:
        if given and part.setdefault(name, given) != given:
            problems.append(f"the connection's {called} and its extra contradict each other: keep one")


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


def _check_security(parts: Mapping[Part, dict[str, Any]], problems: list[str]) -> None:
    client = parts[Part.CLIENT]
    if any(problem.startswith("security.protocol=") for problem in problems):
        # What is wanted is not known, so nothing contradicts it.
        return
    protocol = client.get("security_protocol", "PLAINTEXT")
    if protocol.startswith("SASL"):
        missing = {"sasl.mechanism": "sasl_mechanism"}
        if client.get("sasl_mechanism", "PLAIN") in values.PASSWORD_MECHANISMS:
            missing |= {"sasl.username": "sasl_plain_username", "sasl.password": "sasl_plain_password"}
        problems += [f"security.protocol={protocol} needs {key}" for key, name in missing.items() if name not in client]
    elif parts[Part.TOKENS] or any(name.startswith("sasl_") for name in client):
        problems.append(
            f"sasl.… is given, but security.protocol={protocol} does not log in; set it to SASL_SSL (or SASL_PLAINTEXT)"
        )
    if protocol not in _ENCRYPTED and parts[Part.TLS]:
        problems.append(f"ssl.… is given, but security.protocol={protocol} does not encrypt; set it to SSL or SASL_SSL")


def _check_times(client: dict[str, Any], problems: list[str]) -> None:
    request, idle = client.get("request_timeout_ms", 30_000), client.get("connections_max_idle_ms", 540_000)
    if idle <= request:
        problems.append(
            f"connections.max.idle.ms={idle} must be above socket.timeout.ms={request}, or connections are "
            "closed while they wait for an answer"
        )


def _unknown(key: str) -> str:
    if reason := NOT_TRANSLATED.get(key):
        return f"{key} is not supported by this package's Kafka client: {reason}"
    near = difflib.get_close_matches(key, [*_TRANSLATED, *_READ_ELSEWHERE], n=1, cutoff=0.8)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{key} is not supported by this package's Kafka client{hint}; remove it, or use another connection"
