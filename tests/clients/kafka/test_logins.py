"""Every documented way to log in to Kafka, on a real broker, and every way it can fail."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ACLOperation, NewTopic, ResourceType
from kit.certificates import Authority
from kit.documented import documented
from kit.kafka_topics import producer, rows_of, send
from kit.secure_broker import SECRET, SecureBroker, allow, secure_broker, unsigned_token

from airflow_provider_kafka_odps.clients.kafka.groups.planning_lock import group_of
from airflow_provider_kafka_odps.commands.checking.connections import kafka_steps
from airflow_provider_kafka_odps.core.window.facts import Questions
from airflow_provider_kafka_odps.exceptions import BrokerRefused, InvalidConnection, Unreachable
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook

TOPIC = ResourceType.TOPIC
GROUP = ResourceType.GROUP
WAYS = documented("Kafka")
TESTED = {
    "No login",
    "User and password (PLAIN)",
    "SCRAM-SHA-256",
    "SCRAM-SHA-512",
    "Tokens of an identity provider (OIDC)",
    "Tokens of a function",
    "Client certificate",
    "Client certificate, given inline",
}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """Return a broker with logins of every kind and an access list."""
    with secure_broker(tmp_path_factory.mktemp("secure")) as broker:
        yield broker


@pytest.fixture(scope="module")
def root(secure: SecureBroker) -> Iterator[KafkaAdminClient]:
    """Return its administrator."""
    client = KafkaAdminClient(bootstrap_servers=secure.plain)
    yield client
    client.close()


@pytest.fixture
def topic(secure: SecureBroker, root: KafkaAdminClient) -> str:
    """Return a topic with three records, which nobody but the administrator may see."""
    name = f"secret-{uuid.uuid4().hex[:12]}"
    root.create_topics([NewTopic(name, 1, 1)])
    send(producer(secure.plain), name, [b"a", b"b", b"c"])
    return name


class Connect:
    """Makes hooks on connections to the secure broker."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, secure: SecureBroker, home: Path) -> None:
        self._monkeypatch, self._secure = monkeypatch, secure
        self._files = {"certificate": home / "client.pem", "key": home / "key.pem"}
        self._files["certificate"].write_text(secure.client.certificate)
        self._files["key"].write_text(secure.client.key)

    def to(self, connection: dict[str, Any], **extra: Any) -> KafkaHook:
        """Return a hook; ``extra`` wins over the connection's."""
        short = {"socket.connection.setup.timeout.ms": 10_000}
        whole = connection | {"extra": connection.get("extra", {}) | short | extra}
        self._monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(whole))
        return KafkaHook()

    def documented(self, way: str, **extra: Any) -> KafkaHook:
        """Return a hook on an example of the documentation, with addresses, files and secrets of the test."""
        example = json.loads(json.dumps(WAYS[way]))
        own = example.setdefault("extra", {})
        if "password" in example:
            example["password"] = SECRET
        for key in own:
            own[key] = self._ours(key, own[key], own)
        if example.get("host"):
            example["host"], _, example["port"] = self._secure.plain.rpartition(":")
            example["port"] = int(example["port"])
        return self.to(example, **extra)

    def _ours(self, key: str, value: str, own: dict[str, str]) -> str:
        secure = self._secure
        match key:
            case "bootstrap.servers":
                return secure.mtls if own["security.protocol"] == "SSL" else secure.sasl
            case "sasl.password" | "sasl.oauthbearer.client.secret" | "ssl.key.password":
                return SECRET
            case "sasl.oauthbearer.token.endpoint.url":
                return secure.tokens
            case "oauth_cb":
                return f"{__name__}.{a_token.__name__}"
            case "ssl.ca.location":
                return str(secure.ca)
            case "ssl.certificate.location" | "ssl.key.location":
                return str(self._files[key.split(".")[1]])
            case "ssl.ca.pem":
                return secure.ca_pem
            case "ssl.certificate.pem":
                return secure.client.certificate
            case "ssl.key.pem":
                return secure.client.key
        return value


def a_token(argument: str) -> tuple[str, float]:
    """Give a token as a function of a deployment would."""
    assert argument == "scope=kafka"
    return unsigned_token("loader"), time.time() + 300


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, secure: SecureBroker, tmp_path: Path) -> Connect:
    """Return what makes hooks."""
    monkeypatch.setenv("AIRFLOW__APACHE_KAFKA__CALLBACK_ALLOWLIST", f"a.b, {__name__}.{a_token.__name__}")
    return Connect(monkeypatch, secure, tmp_path)


def values_read(hook: KafkaHook, topic: str) -> list[Any]:
    """Plan and read all of a topic."""
    window = hook.plan(topic, "earliest", "latest")
    return rows_of(hook.read(window, poll_timeout=10))


def test_the_documented_ways_are_the_tested_ways() -> None:
    """No way to log in is documented that is not tested, and none is tested that is not documented."""
    assert set(WAYS) == TESTED


@pytest.mark.parametrize("way", sorted(TESTED))
def test_each_documented_way_surveys_and_reads(way: str, connect: Connect, root: KafkaAdminClient, topic: str) -> None:
    """A window is planned and read with nothing but Read on the topic, and the test of the connection agrees."""
    allow(root, [(ACLOperation.READ, TOPIC, topic)])
    hook = connect.documented(way)
    assert len(values_read(hook, topic)) == 3
    assert hook.cleanup_policy(topic) == ("delete" if way == "No login" else None)
    works, answer = hook.test_connection(topic)
    assert works, answer
    assert f"topic {topic!r} is there" in answer


@pytest.mark.parametrize(
    ("way", "extra", "parts"),
    [
        ("SCRAM-SHA-512", {"sasl.password": "wrong-secret"}, ("authenticate", "SCRAM-SHA-512 as 'loader'")),
        ("SCRAM-SHA-256", {"sasl.username": "nobody"}, ("authenticate", "SCRAM-SHA-256 as 'nobody'")),
        (
            "Tokens of an identity provider (OIDC)",
            {"sasl.oauthbearer.client.secret": "wrong-secret"},
            ("authenticate", "refused client 'loader': 401"),
        ),
    ],
)
def test_a_wrong_secret_is_a_readable_error(
    way: str, extra: dict[str, str], parts: tuple[str, ...], connect: Connect
) -> None:
    """The error names the connection, the server, the step and the login, and not the secret; so does the test."""
    hook = connect.documented(way, **extra)
    with pytest.raises(BrokerRefused) as refused:
        hook.survey("any")
    works, answer = hook.test_connection()
    assert not works
    for message in (str(refused.value), answer):
        for part in (*parts, "'kafka_default'", hook.settings.bootstrap_servers[0]):
            assert part in message
        assert "wrong-secret" not in message


def stranger() -> str:
    """Return the certificate of an authority that nobody knows."""
    return Authority("a stranger").pem


def test_certificates_that_are_wrong_are_readable_errors(connect: Connect, secure: SecureBroker) -> None:
    """An expired certificate, an unknown authority, another host, a missing client certificate: each has its words."""
    cases = {
        "the broker's certificate has expired": {"bootstrap.servers": secure.expired},
        "is not for the name '127.0.0.1'": {"bootstrap.servers": secure.elsewhere},
        "is not trusted": {"ssl.ca.pem": stranger()},
        "rejected the client certificate, or requires one": {
            "bootstrap.servers": secure.mtls,
            "security.protocol": "SSL",
            "sasl.mechanism": "",
            "sasl.username": "",
            "sasl.password": "",
        },
    }
    for words, extra in cases.items():
        hook = connect.documented("SCRAM-SHA-512", **extra)
        with pytest.raises(BrokerRefused) as refused:
            hook.survey("any")
        works, answer = hook.test_connection()
        assert not works
        for message in (str(refused.value), answer):
            for part in (words, "step TLS", "'kafka_default'", hook.settings.bootstrap_servers[0]):
                assert part in message


def test_names_are_compared_unless_told_otherwise(connect: Connect, secure: SecureBroker) -> None:
    """A certificate for another host is taken only where the connection says so."""
    hook = connect.documented(
        "SCRAM-SHA-512",
        **{"bootstrap.servers": secure.elsewhere, "ssl.endpoint.identification.algorithm": "none"},
    )
    works, answer = hook.test_connection()
    assert works, answer


def test_what_is_missing_is_named(connect: Connect, root: KafkaAdminClient, topic: str) -> None:
    """Of the rights that the documentation lists, each that is missing is named with its resource and who needs it."""
    group = f"group-{uuid.uuid4().hex[:12]}"
    hook = connect.documented("SCRAM-SHA-512", **{"group.id": group})
    steps = (
        (lambda: hook.survey(topic), "Describe on Topic", (ACLOperation.DESCRIBE, TOPIC, topic)),
        (lambda: values_read(hook, topic), "Read on Topic", (ACLOperation.READ, TOPIC, topic)),
        (
            lambda: hook.survey(topic, Questions(group=group)),
            "Describe on Group",
            (ACLOperation.DESCRIBE, GROUP, group),
        ),
        (lambda: hook.commit_ends(hook.plan(topic, 0, 2)), "Read on Group", (ACLOperation.READ, GROUP, group)),
    )
    for ask, right, granted in steps:
        with pytest.raises(BrokerRefused) as refused:
            ask()
        for part in ("step authorise", f"{right} {granted[2]!r}", "SCRAM-SHA-512 as 'loader'", "'kafka_default'"):
            assert part in str(refused.value)
        allow(root, [granted])
        ask()
    assert hook.survey(topic, Questions(group=group)).partitions[0].committed == 2


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"ssl.ca.location": "/no/such.pem"}, "ssl.ca.location (/no/such.pem) cannot be loaded"),
        ({"ssl.key.password": "wrong-secret"}, "ssl.key.password"),
        ({"ssl.key.password": None}, "ssl.key.password"),
        ({"ssl.cipher.suites": "NONE-SUCH"}, "ssl.cipher.suites (NONE-SUCH)"),
    ],
)
def test_what_cannot_be_loaded_is_named(extra: dict[str, Any], words: str, connect: Connect) -> None:
    """A file that is not there, a wrong key password and an unknown cipher are problems of the connection."""
    hook = connect.documented("Client certificate", **extra)
    with pytest.raises(InvalidConnection) as refused:
        hook.survey("any")
    assert words in str(refused.value)
    assert "wrong-secret" not in str(refused.value)
    assert hook.test_connection() == (False, str(refused.value))


def test_a_function_must_be_allowed(connect: Connect) -> None:
    """Who may edit connections cannot thereby run code of his choice."""
    with pytest.raises(InvalidConnection, match="callback_allowlist"):
        connect.documented("Tokens of a function", oauth_cb="os.system").survey("any")


def test_nothing_is_left_of_a_key_given_inline(
    connect: Connect, root: KafkaAdminClient, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The private key is in no file once the client has it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    allow(root, [(ACLOperation.DESCRIBE, TOPIC, topic)])
    connect.documented("Client certificate, given inline").survey(topic)
    assert list((tmp_path / "own").iterdir()) == []


def test_a_server_that_is_away_is_named_and_leaves_nothing_open(connect: Connect, closed_port: int) -> None:
    """The test of the connection names the step; a failed start leaves no thread that goes on trying."""
    servers = f"127.0.0.1:{closed_port}"
    hook = connect.to(
        {"conn_type": "kafka"}, **{"bootstrap.servers": servers, "socket.connection.setup.timeout.ms": 200}
    )
    works, answer = hook.test_connection()
    assert not works
    assert f"{servers}, step connect" in answer
    before = set(threading.enumerate())
    with pytest.raises(Unreachable, match=servers):
        hook.survey("any")
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name != "asker"]


def test_a_listener_that_wants_tls_is_told_from_one_that_does_not(connect: Connect, secure: SecureBroker) -> None:
    """Speaking plainly to a TLS port, and TLS to a plain one, are told apart."""
    plain = connect.to({"conn_type": "kafka"}, **{"bootstrap.servers": secure.sasl})
    assert "does this port speak TLS?" in plain.test_connection()[1]
    encrypted = connect.documented("SCRAM-SHA-512", **{"bootstrap.servers": secure.plain})
    assert "step TLS" in encrypted.test_connection()[1]


def test_a_name_that_nobody_knows_is_named(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step is resolve."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    hook = connect.to({"conn_type": "kafka"}, **{"bootstrap.servers": "no-such-host:9092"})
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    works, answer = hook.test_connection()
    assert not works
    assert "no-such-host:9092, step resolve" in answer


def test_check_tells_a_missing_right_to_read(connect: Connect, root: KafkaAdminClient, topic: str) -> None:
    """Who may only describe a topic sees its offsets, and which operation is missing for its records."""
    allow(root, [(ACLOperation.DESCRIBE, TOPIC, topic)])
    connect.documented("SCRAM-SHA-256")
    *before, last = kafka_steps("kafka_default", topic)
    assert [step.works for step in before] == [True, True, True]
    assert f"{topic}[0]@[0, 3)" in before[-1].seen
    assert (last.name, last.works) == (f"read {topic}", False)
    assert "Read" in last.seen
    assert SECRET not in str([*before, last])


def test_check_advises_of_rights_that_a_load_can_do_without(
    connect: Connect, root: KafkaAdminClient, topic: str
) -> None:
    """Steps that work, and what the load would be better off with; nothing of it where the rights are there."""
    reads = [(ACLOperation.DESCRIBE, TOPIC, topic), (ACLOperation.READ, TOPIC, topic)]
    allow(root, reads)
    connect.documented("SCRAM-SHA-256")
    *_, settings, planning = kafka_steps("kafka_default", topic)
    assert (settings.works, planning.works) == (True, True)
    assert f"the right DescribeConfigs on topic {topic}" in settings.to_do
    assert "the right Read on groups with the prefix airflow-provider-kafka-odps.planning." in planning.to_do
    group = (ACLOperation.READ, GROUP, group_of(topic, "check"))
    allow(root, [*reads, (ACLOperation.DESCRIBE_CONFIGS, TOPIC, topic), group])
    *_, settings, planning = kafka_steps("kafka_default", topic)
    assert (settings.to_do, planning.to_do) == ("", "")
    assert "take turns" in planning.seen
