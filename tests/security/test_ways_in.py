"""Certificates, proxies and silent servers: what gets through, and what a person is told of the rest."""

from __future__ import annotations

import json
import ssl
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
from kit.http_proxy import PASSWORD, USER, http_proxy
from kit.secure_broker import SecureBroker
from kit.silent_server import mute_server

from airflow_provider_kafka_odps.clients.kafka import check as kafka_check
from airflow_provider_kafka_odps.clients.kafka.connection.client import _file
from airflow_provider_kafka_odps.clients.maxcompute import check as odps_check
from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import RetryPolicy
from airflow_provider_kafka_odps.exceptions import BrokerRefused, InvalidConnection, Unreachable
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint

OVERALL, SHORT = RetryPolicy(), RetryPolicy(total=2.0, connect=1.0, read=1.0)
ToKafka = Callable[..., KafkaHook]
ToOdps = Callable[..., OdpsHook]


@pytest.fixture
def to_kafka(secure: SecureBroker, monkeypatch: pytest.MonkeyPatch) -> ToKafka:
    """Return a function that makes a hook on the listener that wants no certificate of the client."""

    def make(**extra: Any) -> KafkaHook:
        own = {"bootstrap.servers": secure.oneway, "security.protocol": "SSL", "ssl.ca.location": str(secure.ca)}
        short = {"socket.connection.setup.timeout.ms": 10_000}
        connection = {"conn_type": "kafka", "extra": own | short | extra}
        monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))
        return KafkaHook()

    return make


@pytest.fixture
def to_odps(endpoint: RunningEndpoint, monkeypatch: pytest.MonkeyPatch) -> ToOdps:
    """Return a function that makes a hook on the endpoint."""

    def make(patience: RetryPolicy = OVERALL, **extra: Any) -> OdpsHook:
        own = {
            "access_key_id": endpoint.access_id,
            "access_key_secret": endpoint.access_key,
            "project": endpoint.project,
            "endpoint": endpoint.endpoint,
        }
        connection = {"conn_type": "maxcompute", "extra": own | extra}
        monkeypatch.setenv("AIRFLOW_CONN_MAXCOMPUTE_DEFAULT", json.dumps(connection))
        return OdpsHook(patience=patience)

    return make


def test_tls_without_a_certificate_of_the_client(to_kafka: ToKafka) -> None:
    """Encryption alone is a way in where the broker lets it be one."""
    works, answer = to_kafka().test_connection()
    assert works, answer


def test_a_directory_of_authorities(to_kafka: ToKafka, secure: SecureBroker, tmp_path: Path) -> None:
    """`ssl.ca.location` may be a directory as OpenSSL has them; one without the authority trusts nobody."""
    hook = to_kafka(**{"ssl.ca.location": str(tmp_path)})
    assert "is not trusted" in hook.test_connection()[1]
    tmp_path.joinpath(secure.authority.file_name).write_text(secure.ca_pem)
    works, answer = to_kafka(**{"ssl.ca.location": str(tmp_path)}).test_connection()
    assert works, answer


def test_certificates_that_are_revoked(to_kafka: ToKafka, secure: SecureBroker, tmp_path: Path) -> None:
    """A list without the broker lets it in; one with it, one that has expired and another's do not."""
    from kit.certificates import Authority

    path = tmp_path / "crl.pem"
    cases = {
        None: secure.authority.revoked(),
        "the broker's certificate is revoked": secure.authority.revoked([secure.certificate]),
        "has no valid revocation list of the authority": Authority("a stranger").revoked(),
        "has no valid revocation list": secure.authority.revoked(days=-1),
    }
    for words, text in cases.items():
        path.write_text(text)
        hook = to_kafka(**{"ssl.crl.location": str(path)})
        works, answer = hook.test_connection()
        assert works == (words is None), answer
        if words:
            assert words in answer
            assert "step TLS" in answer
            with pytest.raises(BrokerRefused, match=words):
                hook.survey("any")


def test_a_key_file_is_ours_alone_and_gone_at_once() -> None:
    """While TLS loads a key that was given inline, its file has mode 0600; afterwards it is gone, failed or not."""
    with _file("text", None) as name:
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
        assert Path(name).read_text() == "text"
    assert not Path(name).exists()
    with pytest.raises(ssl.SSLError), _file("text", None) as name:
        ssl.create_default_context().load_cert_chain(name)
    assert not Path(name).exists()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
def test_a_kafka_server_that_never_answers(protocol: str, to_kafka: ToKafka, secure: SecureBroker) -> None:
    """The test of the connection ends in time, with the step; so does whatever asks the broker."""
    with mute_server() as silent:
        tls = {"ssl.ca.location": str(secure.ca) if protocol == "SSL" else ""}
        servers = {"bootstrap.servers": silent, "security.protocol": protocol}
        hook = to_kafka(**servers, **tls, **{"socket.connection.setup.timeout.ms": 500})
        works, answer = kafka_check.answer(hook.cluster, None, seconds=1.5)
        assert not works
        assert f"{silent}, step {'TLS' if protocol == 'SSL' else 'answer'}" in answer
        with pytest.raises((Unreachable, BrokerRefused), match=silent):
            hook.survey("any")


@pytest.mark.timeout(60)
def test_an_endpoint_that_never_answers(to_odps: ToOdps, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the connection ends in time, with the address; so does whatever asks the endpoint."""
    monkeypatch.setattr(odps_check, "_STEP", RetryPolicy(total=1.0, connect=0.5, read=0.5, tries=2))
    with mute_server() as silent:
        hook = to_odps(SHORT, endpoint=f"http://{silent}/api")
        works, answer = hook.test_connection()
        assert not works
        assert silent in answer
        with pytest.raises(Unreachable, match=silent):
            hook.run_sql("SELECT 1 AS one")


def test_the_limits_of_a_test_are_those_that_are_promised() -> None:
    """Half a minute, all steps together."""
    assert (kafka_check._SECONDS, odps_check._SECONDS) == (30.0, 30.0)
    assert kafka_check._STEP_SECONDS * 3 < kafka_check._SECONDS
    assert odps_check._STEP.total * 2 < odps_check._SECONDS


def test_everything_goes_through_the_proxy(to_odps: ToOdps, endpoint: RunningEndpoint) -> None:
    """Statements and uploads, with the proxy's password; without it, the error names the endpoint and no password."""
    with http_proxy() as proxy:
        hook = to_odps(proxy=f"http://{USER}:{quote(PASSWORD, safe='')}@{proxy.address}")
        assert hook.run_sql("SELECT 1 AS one").to_pydict() == {"one": [1]}
        works, answer = hook.test_connection()
        assert works, answer
        assert proxy.asked
        assert all(f" {endpoint.endpoint}/" in request for request in proxy.asked)

        wrong = to_odps(proxy=f"http://{USER}:wrong-secret@{proxy.address}")
        with pytest.raises((Unreachable, InvalidConnection)) as refused:
            wrong.run_sql("SELECT 1 AS one")
        assert endpoint.endpoint in str(refused.value)
        assert "the proxy does not accept its user and password (407)" in str(refused.value)
        assert "wrong-secret" not in str(refused.value)


def test_encrypted_endpoints_are_reached_by_connect(to_odps: ToOdps) -> None:
    """The proxy of an https endpoint learns its host and port, and nothing of the request."""
    with http_proxy() as proxy:
        hook = to_odps(
            SHORT,
            endpoint="https://maxcompute.test/api",
            proxy=f"http://{USER}:{quote(PASSWORD, safe='')}@{proxy.address}",
        )
        with pytest.raises(Unreachable) as refused:
            hook.run_sql("SELECT 1 AS one")
        assert set(proxy.asked) == {"CONNECT maxcompute.test:443"}
        assert PASSWORD not in str(refused.value)
        assert quote(PASSWORD, safe="") not in str(refused.value)


def test_the_local_endpoint_listens_on_loopback_only(endpoint: RunningEndpoint) -> None:
    """Nobody on the network reaches it, unless its host is named."""
    listening = [
        one for one in psutil.Process(endpoint.pid).net_connections("inet") if one.status == psutil.CONN_LISTEN
    ]
    assert [one.laddr.ip for one in listening] == ["127.0.0.1"]
