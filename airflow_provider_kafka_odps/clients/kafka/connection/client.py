"""Building the Kafka clients: certificates, tokens, and nothing left open when it fails."""

from __future__ import annotations

import logging
import os
import ssl
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_kafka_odps.exceptions import InvalidConnection

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.kafka.connection.login import Tls
    from airflow_provider_kafka_odps.clients.kafka.connection.settings import KafkaSettings
    from airflow_provider_kafka_odps.core.clock import Clock

Client = TypeVar("Client")
_FIRST_ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka cluster, as this process reaches it."""

    settings: KafkaSettings
    clock: Clock
    """For deadlines and pauses; with a StoppableClock, a pause can be broken off."""
    on_secret: Callable[[Iterable[str | None]], None]
    """Gets each token as soon as there is one, so that logs can hide it."""

    def waiting(self, seconds: float) -> Cluster:
        """Return the cluster for clients that wait so long for the first broker, unless the connection says how long.

        Never less than the client itself waits: on a busy machine the first answer takes its time.
        """
        millis = round(max(seconds, _FIRST_ANSWER_SECONDS) * 1000)
        client = {"bootstrap_timeout_ms": millis, **self.settings.client}
        return replace(self, settings=replace(self.settings, client=client))

    def __str__(self) -> str:
        """Return how messages begin: the connection and its servers."""
        return f"connection {self.settings.conn_id!r}, Kafka at {', '.join(self.settings.bootstrap_servers)}"


def client_arguments(cluster: Cluster) -> dict[str, Any]:
    """Return the keyword arguments of a client for this cluster.

    Raises InvalidConnection where a certificate, a key or a token function cannot be loaded.
    """
    settings = cluster.settings
    arguments = dict(settings.client)
    if settings.tls is not None:
        arguments["ssl_context"] = tls_context(settings, settings.tls)
    if settings.tokens is not None:
        from airflow_provider_kafka_odps.clients.kafka.connection.tokens import token_provider

        arguments["sasl_oauth_token_provider"] = token_provider(settings.conn_id, settings.tokens, cluster.on_secret)
    if arguments.get("sasl_mechanism") == "GSSAPI":
        _check_kerberos(settings.conn_id)
    return arguments


def build(make: Callable[..., Client], kafka_client: Callable[..., Any], **arguments: Any) -> Client:
    """Make a client of kafka-python; if that fails, close what it had begun: its thread and its sockets.

    ``make`` is called with ``arguments``, ``kafka_client`` among them.
    """
    _quieten()
    begun: list[Any] = []

    def network(**configs: Any) -> Any:
        begun.append(kafka_client(**configs))
        return begun[-1]

    try:
        return make(kafka_client=network, **arguments)
    except BaseException:
        for client in begun:
            with suppress(Exception):
                client.close()
            # The admin client drives it in a thread of its own, which would try to connect for ever.
            with suppress(Exception):
                client._manager._net.stop()  # noqa: SLF001 - the constructor that failed gives no other way
        raise


def _quieten() -> None:
    """Keep the client's own lines out of logs, unless somebody has set a level: in good loads there are alarming ones.

    What it knows of a failure is in our errors.
    """
    logger = logging.getLogger("kafka")
    if logger.level == logging.NOTSET:
        # Never louder than all loggers are.
        logger.setLevel(max(logging.CRITICAL, logger.getEffectiveLevel()))


def tls_context(settings: KafkaSettings, tls: Tls) -> ssl.SSLContext:
    """Return what TLS is spoken with; certificates are always verified.

    Raises InvalidConnection, naming the key of the connection that cannot be loaded.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = tls.check_hostname
    with _loading(settings.conn_id, f"ssl.ca.{'pem' if tls.ca_pem else 'location'}", tls.ca_location):
        _trust(context, tls)
    if tls.certificate_location or tls.certificate_pem:
        with _loading(settings.conn_id, "ssl.certificate.…, ssl.key.… or ssl.key.password", tls.certificate_location):
            _identify(context, tls)
    if tls.crl_location:
        with _loading(settings.conn_id, "ssl.crl.location", tls.crl_location):
            context.load_verify_locations(tls.crl_location)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if tls.ciphers:
        with _loading(settings.conn_id, "ssl.cipher.suites", tls.ciphers):
            context.set_ciphers(tls.ciphers)
    return context


def _trust(context: ssl.SSLContext, tls: Tls) -> None:
    match tls.ca_location:
        case None if tls.ca_pem:
            context.load_verify_locations(cadata=tls.ca_pem)
        case None | "probe":
            context.load_default_certs()
        case path if Path(path).is_dir():
            context.load_verify_locations(capath=path)
        case path:
            context.load_verify_locations(cafile=path)


def _identify(context: ssl.SSLContext, tls: Tls) -> None:
    with (
        _file(tls.certificate_pem, tls.certificate_location) as certificate,
        _file(tls.key_pem, tls.key_location) as key,
    ):
        # Without a password, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, key, password=tls.key_password or "")


@contextmanager
def _file(text: str | None, path: str | None) -> Iterator[str]:
    """Give a path: Python's TLS loads certificates from files only, and this one is ours alone and gone at once."""
    if text is None:
        yield path or ""
        return
    number, name = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(number, "w") as file:
            file.write(text)
        yield name
    finally:
        Path(name).unlink()


@contextmanager
def _loading(conn_id: str, key: str, value: str | None) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError) as error:
        what = f"{key} ({value})" if value else key
        raise InvalidConnection(conn_id, f"{what} cannot be loaded: {error}") from error


def _check_kerberos(conn_id: str) -> None:
    try:
        import gssapi  # type: ignore[import-not-found]  # noqa: F401 - only whether it is there
    except (ImportError, OSError) as error:
        raise InvalidConnection(
            conn_id, "sasl.mechanism=GSSAPI needs the package gssapi and the Kerberos library: pip install gssapi"
        ) from error
