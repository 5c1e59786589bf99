"""Whole loads by a login that has the documented rights and no others, on a broker with an access list."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.admin import ACLOperation, NewTopic, ResourceType
from kit.kafka_topics import producer, send
from kit.secure_broker import SECRET, SecureBroker, allow, deny
from kit.task_run import MemoryStore, TaskRun
from kit.unbroken import fails, unbroken

from airflow_provider_kafka_odps.clients.kafka.groups.planning_lock import group_of
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint

TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP
Right = tuple[ACLOperation, ResourceType, str]
_SOON = 30


@pytest.fixture(autouse=True)
def connections(secure: SecureBroker, endpoint: RunningEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the loader's login and the endpoint the default connections."""
    kafka = {
        "bootstrap.servers": secure.sasl,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "loader",
        "sasl.password": SECRET,
        "ssl.ca.location": str(secure.ca),
        "group.id": "the-loaders",
    }
    odps = {
        "access_key_id": endpoint.access_id,
        "access_key_secret": endpoint.access_key,
        "project": endpoint.project,
        "endpoint": endpoint.endpoint,
    }
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": kafka}))
    monkeypatch.setenv("AIRFLOW_CONN_MAXCOMPUTE_DEFAULT", json.dumps({"conn_type": "maxcompute", "extra": odps}))


@pytest.fixture
def topic(secure: SecureBroker, root: KafkaAdminClient) -> str:
    """Return a topic with three plain records, two of a committed transaction and one of an aborted one."""
    name = f"least-{uuid.uuid4().hex[:12]}"
    root.create_topics([NewTopic(name, 1, 1)])
    send(producer(secure.plain), name, [b"a", b"b", b"c"])
    transactions = Producer({"bootstrap.servers": secure.plain, "transactional.id": name})
    transactions.init_transactions(_SOON)
    for values, end in (([b"d", b"e"], "commit_transaction"), ([b"undone"], "abort_transaction")):
        transactions.begin_transaction()
        for value in values:
            transactions.produce(name, value, partition=0)
        transactions.flush(_SOON)
        getattr(transactions, end)(_SOON)
    return name


@pytest.fixture
def grant(root: KafkaAdminClient) -> Iterable[Callable[[Right], None]]:
    """Return a function that grants one right, which is taken away again after the test."""
    granted: list[Right] = []

    def give(right: Right) -> None:
        granted.append(right)
        allow(root, [right])

    yield give
    deny(root, granted)


def values(table: str) -> list[Any]:
    """Return the values in a table, in order."""
    found: list[Any] = OdpsHook().run_sql(f"SELECT `value` FROM {table} ORDER BY `offset`")["value"].to_pylist()
    return found


def load(topic: str, **more: Any) -> dict[str, Any]:
    """Load a topic into a table of its own, in one attempt of a task of its own."""
    whole = {"start": "earliest", "end": "latest", "create_table": True, "poll_timeout": 10}
    return TaskRun().attempt(topic=topic, table=topic.replace("-", "_"), **{**whole, **more})


COMMITTED = ["a", "b", "c", "d", "e"]


def test_read_on_the_topic_is_enough_to_load(
    topic: str, grant: Callable[[Right], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Append and overwrite, committed transactions only; the log says what is not checked without DescribeConfigs."""
    grant((ACLOperation.READ, TOPIC, topic))
    receipt = load(topic)
    assert (receipt["rows"], values(topic.replace("-", "_"))) == (5, COMMITTED)
    # Where its log ends by the leaders' own count is told to whom may read it.
    assert receipt["window"]["epochs"]
    hook, said = KafkaHook(), []
    monkeypatch.setattr(hook.log, "warning", lambda text, *parts: said.append(text % parts))
    assert hook.cleanup_policy(topic) is None
    assert [words.partition(" lacks ")[2] for words in said] == [
        f"DescribeConfigs on topic {topic}: whether the topic is compacted is not checked"
    ]
    assert load(topic, mode="overwrite")["rows"] == 5
    assert values(topic.replace("-", "_")) == COMMITTED


def test_what_the_operator_misses_is_named(topic: str, grant: Callable[[Right], None]) -> None:
    """Each right that a load needs and lacks is in its error, with the resource and who needs it; nothing is loaded."""
    for right, words in (
        ((ACLOperation.DESCRIBE, TOPIC, topic), f"Describe on Topic '{topic}'"),
        ((ACLOperation.READ, TOPIC, topic), f"Read on Topic '{topic}'"),
    ):
        with fails(words) as refused:
            load(topic)
        assert "SCRAM-SHA-512 as 'loader'" in unbroken(refused.value)
        assert SECRET not in str(refused.value)
        grant(right)
    assert load(topic)["rows"] == 5


def test_what_the_group_needs_is_named(
    topic: str, secure: SecureBroker, root: KafkaAdminClient, grant: Callable[[Right], None]
) -> None:
    """Describe to begin at the group's offsets, Read to commit the window's ends; neither for anything else."""
    group = f"group-{uuid.uuid4().hex[:12]}"
    grant((ACLOperation.READ, TOPIC, topic))
    with closing(KafkaConsumer(bootstrap_servers=secure.plain, group_id=group, enable_auto_commit=False)) as member:
        member.assign([TopicPartition(topic, 0)])
        member.commit({TopicPartition(topic, 0): OffsetAndMetadata(2, "", -1)})
    with fails(f"Describe on Group '{group}'"):
        load(topic, start="committed", group_id=group)
    grant((ACLOperation.DESCRIBE, GROUP, group))
    assert load(topic, start="committed", group_id=group)["rows"] == 3
    assert values(topic.replace("-", "_")) == COMMITTED[2:]

    with fails(f"Read on Group '{group}'"):
        load(topic, group_id=group, commit_to_group=True, mode="overwrite")
    grant((ACLOperation.READ, GROUP, group))
    receipt = load(topic, group_id=group, commit_to_group=True, mode="overwrite")
    ((committed,),) = (
        found.values() for found in root.list_group_offsets({group: [TopicPartition(topic, 0)]}).values()
    )
    assert committed.offset == receipt["window"]["partitions"]["0"][1]


def test_who_may_join_the_planning_group_takes_turns(
    topic: str, grant: Callable[[Right], None], root: KafkaAdminClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without Read on the group the window is planned all the same, and the log says so; with it there is a note."""
    grant((ACLOperation.READ, TOPIC, topic))
    group = group_of(topic, f"maxcompute://maxcompute_default/{topic.replace('-', '_')}")
    store = MemoryStore()

    def load_hour(hour: int) -> str:
        interval = (datetime(2020, 1, 1, hour, tzinfo=UTC), datetime(2020, 1, 1, hour + 1, tzinfo=UTC))
        TaskRun(interval=interval, asset_store=store).attempt(
            topic=topic, table=topic.replace("-", "_"), create_table=True
        )
        return capsys.readouterr().out

    said = load_hour(1)
    assert "windows of this table are planned without a lock" in said
    assert f"needs Read on Group '{group}'" in said
    grant((ACLOperation.READ, GROUP, group))
    assert "without a lock" not in load_hour(2)
    ((noted,),) = (found.values() for found in root.list_group_offsets({group: None}).values())
    assert "2020-01-01T03:00:00Z" in noted.metadata
    assert len([key for key in store.entries if key.startswith("cut:")]) == 4
