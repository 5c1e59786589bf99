from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from kafka import KafkaConsumer

from airflow_provider_kafka_odps.clients.kafka.connection.login import CallbackTokens, OidcTokens, Tls
from airflow_provider_kafka_odps.clients.kafka.connection.settings import (
    _TRANSLATED,
    KafkaSettings,
    Part,
    parse_kafka_settings,
)
from airflow_provider_kafka_odps.exceptions import InvalidConnection

LOGIN = {
    "bootstrap.servers": "a:9093",
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": "loader",
    "sasl.password": "s3cret",
}
TOKENS = {
    "bootstrap.servers": "a:9093",
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "OAUTHBEARER",
    "sasl.oauthbearer.method": "oidc",
    "sasl.oauthbearer.client.id": "loads",
    "sasl.oauthbearer.client.secret": "s3cret",
    "sasl.oauthbearer.token.endpoint.url": "https://login.example/token",
}
PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"


def _parsed(extra: dict[str, Any], **connection: Any) -> KafkaSettings:
    return parse_kafka_settings("kafka_default", extra, **connection, callbacks={"ours.token"})


def test_librdkafka_keys_become_the_clients() -> None:
    """A connection with a login over TLS is translated key by key, whatever JSON type its values have."""
    extra = LOGIN | {
        "bootstrap.servers": " a:9093, b:9093 ,",
        "security.protocol": "sasl_ssl",
        "client.id": "loads",
        "client.rack": "zone-1",
        "ssl.ca.location": "/ca.pem",
        "ssl.endpoint.identification.algorithm": "none",
        "enable.ssl.certificate.verification": "true",
        "socket.timeout.ms": "1500",
        "metadata.max.age.ms": 60_000,
    }
    settings = _parsed(extra)
    assert settings.bootstrap_servers == ("a:9093", "b:9093")
    assert settings.client == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "loader",
        "sasl_plain_password": "s3cret",
        "client_id": "loads",
        "client_rack": "zone-1",
        "request_timeout_ms": 1_500,
        "metadata_max_age_ms": 60_000,
    }
    assert settings.tls == Tls(ca_location="/ca.pem", check_hostname=False)
    assert settings.login == "SCRAM-SHA-512 as 'loader'"


def test_every_translation_is_a_setting_of_the_client() -> None:
    """No key is translated to a name that kafka-python, or our own part of the settings, does not have."""
    for part, name, _ in _TRANSLATED.values():
        match part:
            case Part.CLIENT:
                assert name in KafkaConsumer.DEFAULT_CONFIG
            case Part.TLS:
                assert name in {field.name for field in fields(Tls)}


def test_secrets_are_not_printed() -> None:
    """Neither the value nor any client setting appears in the settings' text."""
    pems = {"ssl.key.pem": f"{PEM} s3cret", "ssl.certificate.pem": PEM, "ssl.key.password": "s3cret"}
    for extra in (LOGIN | pems, TOKENS):
        assert "s3cret" not in f"{_parsed(extra)!r} {_parsed(extra)} {_parsed(extra).login}"


def test_the_group_is_kept_and_what_has_no_effect_is_told() -> None:
    """The group is known but never a client setting; keys about fetching and committing are listed as ignored."""
    ignored = {
        "enable.auto.commit": True,
        "auto.offset.reset": "earliest",
        "fetch.min.bytes": 1,
        "queued.min.messages": 9,
    }
    settings = _parsed({"bootstrap.servers": "a:1", "group.id": "loads", **ignored})
    assert (settings.group_id, dict(settings.client), settings.ignored) == ("loads", {}, tuple(ignored))


@pytest.mark.parametrize(
    ("extra", "connection", "servers"),
    [
        ({}, {"host": "a", "port": 9092}, ("a:9092",)),
        ({}, {"host": "a:9092,b:9092"}, ("a:9092", "b:9092")),
        ({"metadata.broker.list": "a:1"}, {}, ("a:1",)),
        ({"bootstrap.servers": "b:2"}, {"host": "a", "port": 1}, ("b:2",)),
        ({"bootstrap.servers": "[::1]:9092"}, {}, ("[::1]:9092",)),
    ],
)
def test_servers_come_from_the_extra_or_the_host(
    extra: dict[str, str], connection: dict[str, Any], servers: tuple[str, ...]
) -> None:
    """The extra wins; the connection's own host and port are the fallback."""
    assert _parsed(extra, **connection).bootstrap_servers == servers


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ({"bootstrap.servers": ""}, "bootstrap.servers is missing"),
        ({"bootstrap.servers": "a,b:x"}, "'b:x' is not host:port"),
        ({"security.protocol": "TLS"}, "security.protocol='TLS': accepted: PLAINTEXT, SSL"),
        (LOGIN | {"sasl.mechanism": "DIGEST-MD5"}, "sasl.mechanism='DIGEST-MD5': accepted: PLAIN"),
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}, "SASL_SSL needs sasl.username"),
        ({"sasl.username": "u"}, "PLAINTEXT does not log in"),
        ({"ssl.ca.location": "/ca.pem"}, "PLAINTEXT does not encrypt"),
        ({"security.protocol": "SSL", "ssl.key.location": "/k.pem"}, "belong together"),
        ({"ssl.endpoint.identification.algorithm": "dns"}, "accepted: https, none"),
        ({"enable.ssl.certificate.verification": False}, "certificates are always verified"),
        (
            {"socket.timeout.ms": "1.5"},
            "socket.timeout.ms='1.5': expected a whole number of milliseconds or bytes above 0",
        ),
        ({"socket.timeout.ms": 0}, "above 0"),
        ({"socket.timeout.ms": True}, "above 0"),
        ({"connections.max.idle.ms": 1_000}, "connections.max.idle.ms=1000 must be above socket.timeout.ms=30000"),
        ({"boostrap.servers": "a:1"}, "did you mean bootstrap.servers"),
        ({"ssl.keystore.location": "/k.jks"}, "openssl pkcs12"),
        ({"sasl.kerberos.keytab": "/k"}, "KRB5_CLIENT_KTNAME"),
        ({"ssl.ca.pem": "/ca.pem"}, "not PEM text"),
        ({"security.protocol": "SSL", "ssl.ca.pem": PEM, "ssl.ca.location": "/ca.pem"}, "both given: keep one"),
        ({"security.protocol": "SSL", "ssl.key.password": "x"}, "without ssl.key.location"),
        (LOGIN | {"sasl.mechanisms": "PLAIN"}, "sasl.mechanisms contradicts another key"),
        (TOKENS | {"sasl.oauthbearer.client.id": ""}, "needs sasl.oauthbearer.client.id"),
        (TOKENS | {"sasl.oauthbearer.method": "default"}, "needs sasl.oauthbearer.method=oidc"),
        (TOKENS | {"oauth_cb": "a.b"}, "contradict each other"),
        (TOKENS | {"oauth_cb": "os.system"}, "oauth_cb='os.system' is not in [apache_kafka] callback_allowlist"),
        (TOKENS | {"sasl.oauthbearer.token.endpoint.url": "http://login.example/token"}, "the client's secret is sent"),
        (TOKENS | {"sasl.oauthbearer.extensions": "cluster"}, "expected key=value"),
        (TOKENS | {"sasl.oauthbearer.grant.type": "urn:jwt"}, "accepted: client_credentials"),
        ({"sasl.oauthbearer.client.id": "x"}, "PLAINTEXT does not log in"),
        ({"client.dns.lookup": "any"}, "accepted: use_all_dns_ips"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(extra: dict[str, Any], problem: str) -> None:
    """Each key that cannot be used is in the message, with the connection's id and where to fix it."""
    with pytest.raises(InvalidConnection) as caught:
        _parsed({"bootstrap.servers": "a:1"} | extra)
    for part in (problem, "'kafka_default'", "AIRFLOW_CONN_KAFKA_DEFAULT"):
        assert part in str(caught.value)


def test_tokens_by_oidc_are_understood() -> None:
    """The client, its secret, the endpoint, the scope and the extensions arrive."""
    more = {"sasl.oauthbearer.scope": "kafka", "sasl.oauthbearer.extensions": "cluster=one, pool=two"}
    assert _parsed(TOKENS | more).tokens == OidcTokens(
        "loads",
        "s3cret",
        "https://login.example/token",
        "kafka",
        (("cluster", "one"), ("pool", "two")),
    )


def test_a_function_that_gives_tokens_is_understood() -> None:
    """The official connection's oauth_cb arrives with the text it is called with."""
    extra = {key: TOKENS[key] for key in ("bootstrap.servers", "security.protocol", "sasl.mechanism")}
    found = _parsed(extra | {"oauth_cb": "ours.token", "sasl.oauthbearer.config": "principal=loads"})
    assert found.tokens == CallbackTokens("ours.token", "principal=loads")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "OAUTHBEARER"])
def test_login_and_password_are_a_natural_place(mechanism: str) -> None:
    """What the extra does not say is taken from the connection's own login and password."""
    secrets = {"sasl.username", "sasl.password", "sasl.oauthbearer.client.id", "sasl.oauthbearer.client.secret"}
    whole = TOKENS if mechanism == "OAUTHBEARER" else LOGIN
    bare = {key: value for key, value in whole.items() if key not in secrets}
    name = "loads" if mechanism == "OAUTHBEARER" else "loader"
    assert _parsed(bare, login=name, password="s3cret") == _parsed(whole)
    with pytest.raises(InvalidConnection, match="contradict each other"):
        _parsed(whole, login="another")


def test_a_login_that_nothing_uses_is_refused() -> None:
    """A login on a connection that does not log in is a mistake that would go unnoticed."""
    with pytest.raises(InvalidConnection, match=r"no sasl\.mechanism that uses it"):
        _parsed({"bootstrap.servers": "a:1"}, login="loader")


def test_all_problems_come_at_once_and_without_secrets() -> None:
    """One message has every problem, and no value that is a password."""
    with pytest.raises(InvalidConnection) as caught:
        _parsed({"security.protocol": "x", "sasl.password": "s3cret", "socket.timeout.ms": "soon", "what.is.this": 1})
    assert len(caught.value.problems) == 4
    assert "s3cret" not in str(caught.value)
