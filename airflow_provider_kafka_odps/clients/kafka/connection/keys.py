"""librdkafka's keys that are not translated: those without effect on a window, and those that are not supported."""

from __future__ import annotations

from collections.abc import Mapping

# How records are fetched, where a consumer starts and what it commits is decided by the window, never by a connection;
# a connection may be shared with tasks that produce, or that join groups.
WITHOUT_EFFECT = frozenset(
    {
        "acks",
        "allow.auto.create.topics",
        "api.version.request",
        "api.version.request.timeout.ms",
        "api.version.fallback.ms",
        "auto.commit.interval.ms",
        "auto.offset.reset",
        "batch.num.messages",
        "batch.size",
        "broker.address.family",
        "broker.address.ttl",
        "broker.version.fallback",
        "check.crcs",
        "compression.codec",
        "compression.level",
        "compression.type",
        "debug",
        "delivery.timeout.ms",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "enable.metrics.push",
        "enable.partition.eof",
        "error_cb",
        "group.instance.id",
        "group.protocol",
        "heartbeat.interval.ms",
        "isolation.level",
        "linger.ms",
        "log_cb",
        "log_level",
        "max.in.flight",
        "max.in.flight.requests.per.connection",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "message.copy.max.bytes",
        "message.max.bytes",
        "message.send.max.retries",
        "message.timeout.ms",
        "on_delivery",
        "partition.assignment.strategy",
        "partitioner",
        "receive.message.max.bytes",
        "request.required.acks",
        "request.timeout.ms",
        "retries",
        "retry.backoff.max.ms",
        "session.timeout.ms",
        "socket.keepalive.enable",
        "socket.max.fails",
        "socket.nagle.disable",
        "statistics.interval.ms",
        "stats_cb",
        "throttle_cb",
    }
)
WITHOUT_EFFECT_PREFIXES = ("fetch.", "queued.", "queue.", "log.", "topic.metadata.", "sticky.", "metadata.recovery.")
_PKCS12 = "use PEM instead: openssl pkcs12 -in FILE -out client.pem, then ssl.certificate.location and ssl.key.location"
_TICKETS = (
    "the ticket cache of the worker is used; fill it with kinit, or set the environment variable "
    "KRB5_CLIENT_KTNAME to a keytab"
)
_CRYPTOGRAPHY = "Python's TLS library has no such setting; ssl.cipher.suites limits the ciphers of TLS 1.2"
NOT_TRANSLATED: Mapping[str, str] = {
    "ssl.keystore.location": _PKCS12,
    "ssl.keystore.password": _PKCS12,
    "sasl.kerberos.principal": _TICKETS,
    "sasl.kerberos.keytab": _TICKETS,
    "sasl.kerberos.kinit.cmd": _TICKETS,
    "sasl.kerberos.min.time.before.relogin": _TICKETS,
    "ssl.curves.list": _CRYPTOGRAPHY,
    "ssl.sigalgs.list": _CRYPTOGRAPHY,
    "enable.sasl.oauthbearer.unsecure.jwt": "unsigned tokens prove nothing; use oidc or oauth_cb",
}
"""Keys that change how safe a connection is, and are not supported → what to do instead."""
