"""After the commit the table is looked at and the group is told; a task that is asked to stop waits for nobody."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from demo.broker import Broker
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kit.task_run import Send, TaskRun
from kit.unbroken import fails
from pytest_mock import MockerFixture

from airflow_provider_kafka_odps.clients.clock import SystemClock
from airflow_provider_kafka_odps.clients.kafka.errors import retried
from airflow_provider_kafka_odps.core.cancellation import Cancellation
from airflow_provider_kafka_odps.exceptions import (
    BrokerRefused,
    Cancelled,
    InvalidConnection,
    InvalidInput,
    LoadTimedOut,
    UploadFailed,
)
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import Delay, EndpointControl, Operation, RunningEndpoint
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

ALL = {"start": "earliest", "end": "latest", "create_table": True}


@pytest.fixture
def topic(make_topic: Callable[..., str], send: Send) -> str:
    """Return a topic of two partitions with three records."""
    name = make_topic(partitions=2)
    for partition, value in ((0, b"a"), (0, b"b"), (1, b"c")):
        send(name, value, partition)
    return name


@pytest.fixture
def control(endpoint: RunningEndpoint) -> Iterator[EndpointControl]:
    """Return the endpoint's control without any fault, and forget all of them afterwards."""
    # A history under the scheduler, played before on the same endpoint, has had faults of its own.
    endpoint.control.clear()
    yield endpoint.control
    endpoint.control.clear()


@pytest.fixture
def group(topic: str, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a group of the topic's own, which the Kafka connection names."""
    extra = {"bootstrap.servers": broker.bootstrap_servers, "group.id": f"lag-of-{topic}"}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": extra}))
    return extra["group.id"]


def parameters(topic: str, **more: Any) -> dict[str, Any]:
    """Return the operator's parameters for loading all of a topic into a table of its own."""
    return {"topic": topic, "table": topic.replace("-", "_"), **ALL, **more}


COLUMNS: dict[str, Any] = {
    "numbers": None,
    "text": {"v": "__value__", "p": "__partition__", "o": "__offset__"},
    "none": {"v": "__value__"},
}


@pytest.mark.parametrize("partition", [None, "ds=it is 10"])
@pytest.mark.parametrize("mode", ["append", "overwrite"])
@pytest.mark.parametrize("columns", COLUMNS)
def test_the_table_shows_the_load(
    topic: str, task_run: TaskRun, odps: OdpsHook, mode: str, columns: str, partition: str | None
) -> None:
    """By offsets of whatever type, or by the number of rows, the table is found to show what was loaded."""
    asked = parameters(topic, mode=mode, columns=COLUMNS[columns], partition=partition)
    if columns == "text":
        parted = " PARTITIONED BY (ds STRING)" if partition else ""
        odps.run_sql(f"CREATE TABLE {asked['table']} (v STRING, p STRING, o VARCHAR(9)){parted}")
    receipt = task_run.attempt(**asked)
    by = "offsets" if columns != "none" else "rows" if mode == "overwrite" else None
    assert (receipt["reconciled"], receipt["commit"], receipt["attempts"]) == (by, "answered", 1)
    assert receipt["offsets"] == {"0": [0, 1], "1": [0, 0]}
    assert task_run.attempt(**asked) == receipt
    assert TaskRun().attempt(**{**asked, "mode": "overwrite", "start": "latest"})["reconciled"] == "rows"


def test_a_table_that_shows_something_else_fails_and_loads_nothing(
    topic: str, task_run: TaskRun, odps: OdpsHook
) -> None:
    """A row that was removed is missed by the retry and by a click on "Clear", until that is accepted."""
    asked = parameters(topic)
    task_run.attempt(**asked)
    rest = f"SELECT * FROM {asked['table']} WHERE NOT (`partition` = 0 AND `offset` = 1)"
    odps.run_sql(f"INSERT OVERWRITE TABLE {asked['table']} {rest}")
    for task_run.clear_number in (0, 1):
        with fails(
            r"NotReconciled: upload \w+ to .* is committed.*\[0\]: 2 rows .* 0 to 1 .*there: 1 with 1 .* 0",
            AirflowFailException,
        ):
            task_run.attempt(**asked)
    assert odps.run_sql(f"SELECT COUNT(*) AS n FROM {asked['table']}")["n"].to_pylist() == [2]
    assert task_run.attempt(**asked, reconcile=False)["reconciled"] is None


def committed(admin: KafkaAdminClient, group: str, topic: str) -> dict[int, int]:
    """Return the group's offsets."""
    places = [TopicPartition(topic, number) for number in range(2)]
    found = retried(lambda: admin.list_group_offsets({group: places})[group], SystemClock())
    return {place.partition: found[place].offset for place in places if place in found and found[place].offset >= 0}


def test_the_group_is_told_of_the_windows_end_and_never_sent_back(
    topic: str, task_run: TaskRun, group: str, admin: KafkaAdminClient, send: Send
) -> None:
    """The ends are committed after the load, again by a retry, and never where the group has come further."""
    task_run.attempt(**parameters(topic))
    assert committed(admin, group, topic) == {}
    # What a retry after the commit does is this, and nothing else.
    task_run.attempt(**parameters(topic, commit_to_group=True))
    assert committed(admin, group, topic) == {0: 2, 1: 1}
    send(topic, b"d", 1)
    later = TaskRun()
    later.attempt(
        **parameters(topic, commit_to_group=True, start="committed", table=f"{topic}_later".replace("-", "_"))
    )
    assert committed(admin, group, topic) == {0: 2, 1: 2}
    task_run.attempt(**parameters(topic, commit_to_group=True))
    assert committed(admin, group, topic) == {0: 2, 1: 2}
    assert later.xcoms["window"]["partitions"] == {"0": [2, 2], "1": [1, 2]}


def test_a_group_that_others_have_joined_is_not_committed_to(
    topic: str, group: str, broker: Broker, admin: KafkaAdminClient
) -> None:
    """The broker's refusal is said with the group, and that the rows are in the table."""
    window = KafkaHook().plan(topic, "earliest", "latest")
    consumer = KafkaConsumer(
        topic, bootstrap_servers=broker.bootstrap_servers, group_id=group, enable_auto_commit=False
    )
    try:
        ends = time.monotonic() + 60
        while not consumer.assignment():
            assert time.monotonic() < ends, "the group is not joined"
            consumer.poll(100)
        with pytest.raises(BrokerRefused, match=rf"group '{group}': partition 0: \w+.*The rows are in the table"):
            KafkaHook().commit_ends(window)
    finally:
        consumer.close()
    assert committed(admin, group, topic) == {}


def test_a_topic_of_the_same_name_tells_the_group_nothing(topic: str, group: str, admin: KafkaAdminClient) -> None:
    """Offsets of a topic that was deleted are not committed for the one that took its place."""
    window = KafkaHook().plan(topic, "earliest", "latest")
    admin.delete_topics([topic])
    ends = time.monotonic() + 60
    while topic in admin.list_topics():
        assert time.monotonic() < ends, "the topic is still there"
    admin.create_topics({topic: {"num_partitions": 2, "replication_factor": 1}})
    assert KafkaHook().commit_ends(window) == {}
    assert committed(admin, group, topic) == {}


def test_a_group_is_needed_before_anything_is_planned(topic: str, task_run: TaskRun) -> None:
    """Without a group in the connection nothing is loaded that could not be committed."""
    with fails(r"'kafka_default'.*commit_to_group=True needs a group\.id", AirflowFailException):
        task_run.attempt(**parameters(topic, commit_to_group=True))
    assert task_run.store.entries == {}
    with pytest.raises(InvalidConnection, match=r"group\.id is missing"):
        KafkaHook().commit_ends(KafkaHook().plan(topic, "earliest", "latest"))


def test_a_block_has_a_deadline(topic: str, task_run: TaskRun, control: EndpointControl) -> None:
    """A block whose answer never comes fails the attempt in time, and a retry loads the window."""
    control.inject(Operation.WRITE_BLOCK, Delay(30), table=parameters(topic)["table"])
    with fails(r"block 0 of upload \w+", UploadFailed):
        task_run.attempt(**parameters(topic, block_timeout=0.5))
    assert task_run.attempt(**parameters(topic))["rows"] == 3


@pytest.mark.parametrize("operation", [Operation.CREATE_UPLOAD, Operation.WRITE_BLOCK])
def test_a_load_has_a_deadline(topic: str, task_run: TaskRun, control: EndpointControl, operation: Operation) -> None:
    """Whatever is waited for, the load ends in time, says how far it came, and a retry loads the window."""
    control.inject(operation, Delay(30), table=parameters(topic)["table"])
    how_far = r"(\d of 3 offsets were read.*; \d of 1 blocks|nothing was read yet)"
    with fails(rf"load_timeout=3 s.*{how_far}", LoadTimedOut):
        task_run.attempt(**parameters(topic, load_timeout=3))
    control.clear()
    assert task_run.attempt(**parameters(topic))["rows"] == 3


@pytest.mark.parametrize("operation", [Operation.CREATE_UPLOAD, Operation.WRITE_BLOCK, Operation.COMMIT_UPLOAD])
def test_a_task_that_is_asked_to_stop_waits_for_no_answer(
    topic: str, control: EndpointControl, operation: Operation, mocker: MockerFixture
) -> None:
    """While the service does not answer, the task leaves; a retry loads the window once, whatever became of that."""
    rule = control.inject(operation, Delay(5), table=parameters(topic)["table"])
    cancellation = Cancellation()
    mocker.patch.object(KafkaToMaxComputeOperator, "cancellation", cancellation)

    def stop() -> None:
        ends = time.monotonic() + 60
        while time.monotonic() < ends and not any(s.fired for s in control.faults() if s.rule.number == rule.number):
            time.sleep(0.01)
        cancellation.cancel()

    stopping = threading.Thread(target=stop)
    stopping.start()
    task_run = TaskRun()
    with pytest.raises(Cancelled):
        task_run.attempt(**parameters(topic))
    # The service was asked and has not answered yet.
    assert not [request for request in control.requests(operation) if rule.number in request.faults]
    stopping.join()
    mocker.stopall()
    control.clear()
    assert task_run.attempt(**parameters(topic))["rows"] == 3
    assert OdpsHook().run_sql(f"SELECT COUNT(*) AS n FROM {parameters(topic)['table']}")["n"].to_pylist() == [3]


@pytest.mark.parametrize("parameter", ["poll_timeout", "block_timeout", "load_timeout", "commit_timeout"])
@pytest.mark.parametrize("asked", [-1, 0, float("nan"), "ten"])
def test_deadlines_are_checked_when_the_dag_is_parsed(parameter: str, asked: Any) -> None:
    """A deadline that is none fails before any task runs."""
    with pytest.raises(InvalidInput, match=rf"^{parameter}={asked!r}: a number of seconds above 0"):
        KafkaToMaxComputeOperator(task_id="load", topic="t", table="t", **{parameter: asked})
