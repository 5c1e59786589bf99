from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest
from conftest import MakeTopic
from demo.broker import Broker
from kafka import KafkaAdminClient, TopicPartition
from kafka.structs import OffsetAndMetadata
from kit.clusters import cluster_at
from kit.kafka_topics import producer, send

from airflow_provider_kafka_odps.clients.kafka.admin import open_admin
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, Questions
from airflow_provider_kafka_odps.exceptions import InvalidConnection, UnknownTopic, Unreachable
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook

FIRST = 1_700_000_000_000
"""The timestamp of the first record; the others follow by a second each."""


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., KafkaHook]:
    """Return a function that makes a hook on a connection with this extra."""

    def hook(**extra: object) -> KafkaHook:
        monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": extra}))
        return KafkaHook()

    return hook


@pytest.fixture
def hook(broker: Broker, connect: Callable[..., KafkaHook]) -> KafkaHook:
    """Return a hook on the real broker, with a group of its own."""
    return connect(**{"bootstrap.servers": broker.bootstrap_servers, "group.id": f"group-{uuid.uuid4().hex[:12]}"})


@pytest.fixture
def orders(broker: Broker, make_topic: MakeTopic) -> str:
    """Return a topic with 10 records a second apart in partition 0, the last two in an open transaction; 1 is empty."""
    topic = make_topic(2)
    to = producer(broker.bootstrap_servers)
    for second in range(8):
        send(to, topic, [b"v"], timestamp=FIRST + 1_000 * second)
    undecided = producer(broker.bootstrap_servers, transactional_id=str(uuid.uuid4()))
    undecided.init_transactions(30)
    undecided.begin_transaction()
    for second in (8, 9):
        send(undecided, topic, [b"open"], timestamp=FIRST + 1_000 * second)
    return topic


def test_the_facts_are_the_brokers(hook: KafkaHook, orders: str, admin: KafkaAdminClient) -> None:
    """A survey gives where each log starts, ends and is decided, and the ids of topic and cluster."""
    admin.delete_records({TopicPartition(orders, 0): 3})
    facts = hook.survey(orders)
    assert facts.partitions == {0: PartitionFacts(0, low=3, high=10, stable=8), 1: PartitionFacts(1, 0, 0, 0)}
    (description,) = admin.describe_topics([orders])
    assert facts.topic_id == hook.topic_id(orders) == str(description["topic_id"])
    assert facts.cluster_id == admin.describe_cluster()["cluster_id"]


def test_records_that_arrive_between_the_questions_change_no_order(broker: Broker, make_topic: MakeTopic) -> None:
    """Of two instants the earlier one is reached first, and what nobody has begun is no open transaction."""
    topic, to = make_topic(1), producer(broker.bootstrap_servers)
    with open_admin(cluster_at(broker.bootstrap_servers)) as admin:
        ask = admin.client.list_partition_offsets

        def asked(*question: object, **how: object) -> object:
            answer = ask(*question, **how)
            send(to, topic, [b"v"], timestamp=FIRST + 5_000)
            return answer

        admin.client.list_partition_offsets = asked
        facts = admin.survey(topic, Questions(frozenset({FIRST, FIRST + 1_000, FIRST + 9_000})))
    found = facts.partitions[0]
    assert found.at == {FIRST: 0, FIRST + 1_000: 0, FIRST + 9_000: None}
    assert found.low <= found.high == found.stable


def test_committed_offsets_are_those_of_the_group(hook: KafkaHook, orders: str, admin: KafkaAdminClient) -> None:
    """A partition for which the group has committed has that offset, another one has none."""
    assert hook.group_id is not None
    asked = Questions(group=hook.group_id)
    assert [each.committed for each in hook.survey(orders, asked).partitions.values()] == [None, None]
    admin.alter_group_offsets(hook.group_id, {TopicPartition(orders, 0): OffsetAndMetadata(5, "", -1)})
    assert [each.committed for each in hook.survey(orders, asked).partitions.values()] == [5, None]
    assert [each.committed for each in hook.survey(orders).partitions.values()] == [None, None]


def test_instants_are_resolved_to_offsets(hook: KafkaHook, orders: str) -> None:
    """An instant is the first offset at or after it, in an open transaction too; none yet is None."""
    instants = {FIRST - 1: 0, FIRST: 0, FIRST + 1: 1, FIRST + 7_000: 7, FIRST + 9_000: 9, FIRST + 9_001: None}
    facts = hook.survey(orders, Questions(instants=frozenset(instants)))
    assert facts.partitions[0].at == instants
    found = {t: FIRST + 1_000 * offset for t, offset in instants.items() if offset is not None}
    assert (facts.partitions[0].stamps, facts.partitions[1].stamps) == (found, {})
    assert facts.partitions[1].at == dict.fromkeys(instants)


def test_the_first_record_that_is_left_is_known(hook: KafkaHook, orders: str, admin: KafkaAdminClient) -> None:
    """Where records were deleted and an instant is asked for, the survey has the time of the first one left."""
    asked = Questions(instants=frozenset({FIRST}))
    assert [each.first for each in hook.survey(orders, asked).partitions.values()] == [None, None]
    admin.delete_records({TopicPartition(orders, 0): 3})
    assert hook.survey(orders).partitions[0].first is None
    found = hook.survey(orders, asked).partitions[0]
    assert (found.low, found.at, found.first) == (3, {FIRST: 3}, FIRST + 3_000)
    admin.delete_records({TopicPartition(orders, 0): 8})
    # An open transaction's records are records.
    assert hook.survey(orders, asked).partitions[0].first == FIRST + 8_000


def test_a_log_without_any_record_left_has_no_first_one(
    broker: Broker, hook: KafkaHook, make_topic: MakeTopic, admin: KafkaAdminClient
) -> None:
    """All records of a partition are deleted: its log starts where it ends, and no record says of when."""
    topic = make_topic(1)
    send(producer(broker.bootstrap_servers), topic, [b"v"] * 3, timestamp=FIRST)
    admin.delete_records({TopicPartition(topic, 0): 3})
    facts = hook.survey(topic, Questions(instants=frozenset({FIRST})))
    assert facts.partitions == {0: PartitionFacts(0, low=3, high=3, stable=3, at={FIRST: None}, first=None)}


def test_an_unknown_topic_is_not_created(hook: KafkaHook, admin: KafkaAdminClient) -> None:
    """Asking about a topic that is not there says so, whatever is asked, and it is still not there."""
    topic = f"missing-{uuid.uuid4().hex[:12]}"
    with pytest.raises(UnknownTopic, match=f"'kafka_default' has no topic '{topic}'"):
        hook.survey(topic, Questions(frozenset({FIRST}), hook.group_id))
    with pytest.raises(UnknownTopic, match=topic):
        hook.topic_id(topic)
    assert topic not in admin.list_topics()


def test_a_silent_address_is_named(closed_port: int, connect: Callable[..., KafkaHook]) -> None:
    """When nobody answers, the error has the connection, the address and how long it was tried."""
    hook = connect(**{"bootstrap.servers": f"127.0.0.1:{closed_port}", "socket.connection.setup.timeout.ms": 500})
    with pytest.raises(
        Unreachable, match=rf"'kafka_default', Kafka at 127\.0\.0\.1:{closed_port}: no answer within [1-9] s"
    ):
        hook.survey("orders")


@pytest.mark.parametrize(
    ("server", "reason"), [("127.0.0.1:{port}", "ECONNREFUSED"), ("no-such-host.invalid:{port}", "DNS")]
)
def test_why_a_server_is_not_connected_to_is_said(
    server: str, reason: str, closed_port: int, connect: Callable[..., KafkaHook]
) -> None:
    """The client writes the reason to its log only; here the error has it, by server."""
    address = server.format(port=closed_port)
    hook = connect(**{"bootstrap.servers": address, "socket.connection.setup.timeout.ms": 500})
    with pytest.raises(
        Unreachable, match=rf"Unable to bootstrap.*; {address}: KafkaConnectionError: .*{reason}.*\)\. Is"
    ):
        hook.survey("orders")


def test_settings_of_the_consumer_do_not_stop_a_survey(broker: Broker, connect: Callable[..., KafkaHook]) -> None:
    """Keys that only one of the client's classes knows can be in the connection."""
    hook = connect(**{"bootstrap.servers": broker.bootstrap_servers, "client.rack": "a", "client.id": "loader"})
    with pytest.raises(UnknownTopic):
        hook.survey(f"missing-{uuid.uuid4().hex[:12]}")


@pytest.mark.parametrize(
    ("protocol", "mechanism", "warned"),
    [("SASL_PLAINTEXT", "PLAIN", 1), ("SASL_PLAINTEXT", "SCRAM-SHA-256", 1), ("SASL_SSL", "PLAIN", 0)],
)
def test_a_login_without_encryption_is_a_warning(
    protocol: str,
    mechanism: str,
    warned: int,
    connect: Callable[..., KafkaHook],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The client says so in its own log only, again and again; a hook says it once, and by whom."""
    login = {"sasl.mechanism": mechanism, "sasl.username": "loader", "sasl.password": "secret-1"}
    hook, said = connect(**{"bootstrap.servers": "b:1", "security.protocol": protocol, **login}), list[str]()
    monkeypatch.setattr(hook.log, "warning", lambda text, *parts: said.append(text % parts))
    assert hook.settings is hook.settings
    assert [f"'kafka_default': the login by {mechanism} as 'loader' is not encrypted" in each for each in said] == (
        [True] * warned
    )


@pytest.mark.usefixtures("airflow_db")
def test_a_missing_connection_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the connection the error has its name, and where to make it."""
    monkeypatch.delenv("AIRFLOW_CONN_KAFKA_DEFAULT", raising=False)
    with pytest.raises(InvalidConnection, match="'kafka_default' cannot be used:\n  - there is no connection"):
        KafkaHook().survey("orders")
