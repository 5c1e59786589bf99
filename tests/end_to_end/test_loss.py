"""Every offset of a window is a row, a reject, or a gap that is accounted for; loss is named."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from airflow.sdk.exceptions import AirflowFailException
from conftest import MakeTopic
from demo.broker import Broker
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource
from kit.kafka_topics import producer, send
from kit.task_run import TaskRun
from kit.unbroken import fails, unbroken
from pytest_mock import MockerFixture

from airflow_provider_kafka_odps.core.accounting.gaps import GapKind, PassedOver
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

ALL = {"start": "earliest", "end": "latest", "create_table": True}


def table_of(topic: str) -> str:
    """Return a table name that belongs to one topic."""
    return topic.replace("-", "_")


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition, and fail the test where it does not come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come about"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def transactions(broker: Broker, make_topic: MakeTopic) -> str:
    """Return a topic of 9 offsets: 2 committed, marker, 2 aborted, marker, 1 plain, 1 committed, marker."""
    topic = make_topic()
    to = producer(broker.bootstrap_servers, transactional_id=str(uuid.uuid4()))
    to.init_transactions(30)
    for values, end in (([b"a", b"b"], to.commit_transaction), ([b"x", b"y"], to.abort_transaction)):
        to.begin_transaction()
        send(to, topic, values)
        end(30)
    send(producer(broker.bootstrap_servers), topic, [b"c"])
    to.begin_transaction()
    send(to, topic, [b"d"])
    to.commit_transaction(30)
    return topic


@pytest.mark.parametrize(
    ("isolation_level", "counts"),
    [
        ("read_committed", {"rows": 4, "rejects": 0, "gaps": 5, "control": 3, "aborted": 2}),
        ("read_uncommitted", {"rows": 6, "rejects": 0, "gaps": 3, "control": 3}),
    ],
)
def test_transactions_are_accounted_for(
    transactions: str, task_run: TaskRun, isolation_level: str, counts: dict[str, int]
) -> None:
    """Markers and aborted records have counts of their own in the receipt."""
    table = f"{table_of(transactions)}_{isolation_level}"
    receipt = task_run.attempt(topic=transactions, table=table, isolation_level=isolation_level, **ALL)
    assert receipt["partitions"] == {"0": counts}
    assert receipt["gaps"] == counts["gaps"]


def test_windows_that_begin_and_end_anywhere_are_accounted_for(transactions: str) -> None:
    """Also in the middle of aborted batches and between markers, what is in the window is counted, and no more."""
    table = table_of(transactions) + "_windows"
    parameters = {"topic": transactions, "table": table, "create_table": True}
    receipts = [TaskRun().attempt(start=start, end=end, **parameters) for start, end in pairwise((0, 1, 3, 4, 6, 8, 9))]
    assert [receipt["partitions"]["0"] for receipt in receipts] == [
        {"rows": 1, "rejects": 0, "gaps": 0},
        {"rows": 1, "rejects": 0, "gaps": 1, "control": 1},
        {"rows": 0, "rejects": 0, "gaps": 1, "aborted": 1},
        {"rows": 0, "rejects": 0, "gaps": 2, "control": 1, "aborted": 1},
        {"rows": 2, "rejects": 0, "gaps": 0},
        {"rows": 0, "rejects": 0, "gaps": 1, "control": 1},
    ]


@pytest.fixture(scope="module")
def compacted(broker: Broker, make_topic: MakeTopic) -> str:
    """Return a topic of 30 offsets, of which compaction has removed those of old values."""
    configs = {"cleanup.policy": "compact", "segment.ms": "1000", "min.cleanable.dirty.ratio": "0.0001"}
    topic = make_topic(configs=configs)
    to = producer(broker.bootstrap_servers)
    first = int(time.time() * 1000) - 10 * 3_600_000
    for hour in range(5):
        for key in ("one", "two", f"once {hour}") * 2:
            to.produce(topic, b"v", key, partition=0, timestamp=first + hour * 3_600_000)
        assert to.flush(30) == 0
    place = TopicPartition(topic, 0)
    with closing(
        KafkaConsumer(bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest", group_id=None)
    ) as consumer:
        consumer.assign([place])

        def is_compacted() -> bool:
            consumer.seek_to_beginning()
            records = 0
            while consumer.position(place) < 30:
                records += len(consumer.poll(timeout_ms=1_000).get(place, []))
            return records < 20

        wait_until(is_compacted, seconds=90)
    return topic


def test_compaction_is_accounted_for_only_where_the_topic_allows_it(
    compacted: str, task_run: TaskRun, admin: KafkaAdminClient, mocker: MockerFixture
) -> None:
    """A compacted topic's gaps are its policy's; the same gaps in a topic that is not compacted are loss."""
    parameters = {**ALL, "topic": compacted, "table": table_of(compacted)}
    receipt = task_run.attempt(**parameters)
    counts = receipt["partitions"]["0"]
    assert counts["compacted"] == counts["gaps"] == 30 - counts["rows"] > 10

    mocker.patch.object(KafkaHook, "cleanup_policy", return_value=None)
    with fails(r"UnexplainedGap.*not for this login to know", AirflowFailException):
        TaskRun().attempt(**parameters)

    mocker.stopall()
    admin.alter_configs([ConfigResource("topic", compacted, {"cleanup.policy": "delete", "retention.ms": "-1"})])
    wait_until(lambda: KafkaHook().cleanup_policy(compacted) == "delete")
    other = TaskRun()
    with fails(
        rf"UnexplainedGap: {compacted}\[0\]@\[0, \d+\): {counts['gaps']} offsets without a", AirflowFailException
    ):
        other.attempt(**{**parameters, "table": "nothing_of_it"})
    assert OdpsHook().run_sql("SELECT COUNT(*) AS n FROM nothing_of_it")["n"].to_pylist() == [0]


@pytest.fixture
def five(broker: Broker, make_topic: MakeTopic) -> str:
    """Return a topic of two partitions with five records each."""
    topic = make_topic(2)
    for partition in range(2):
        send(producer(broker.bootstrap_servers), topic, [b"v"] * 5, partition=partition)
    return topic


def test_what_has_expired_is_skipped_only_if_that_is_asked_for(
    five: str, task_run: TaskRun, admin: KafkaAdminClient
) -> None:
    """Offsets below the log start fail the plan; skipped, they are in the window and recorded as missing."""
    admin.delete_records({TopicPartition(five, 0): 3, TopicPartition(five, 1): 5})
    parameters = {**ALL, "topic": five, "table": table_of(five), "start": 0}
    with fails(r"OffsetsExpired: .*3 offsets were deleted.*on_data_loss='skip'", AirflowFailException):
        task_run.attempt(**parameters)

    receipt = task_run.attempt(on_data_loss="skip", **parameters)
    assert receipt["window"]["partitions"] == {"0": [0, 5], "1": [0, 5]}
    assert receipt["partitions"] == {
        "0": {"rows": 2, "rejects": 0, "gaps": 0, "missing": 3},
        "1": {"rows": 0, "rejects": 0, "gaps": 0, "missing": 5},
    }
    assert receipt["missing"] == [f"{five}[0]@[0, 3)", f"{five}[1]@[0, 5)"]


def test_a_range_of_time_that_has_expired_in_part(
    broker: Broker, make_topic: MakeTopic, task_run: TaskRun, admin: KafkaAdminClient, capfd: pytest.CaptureFixture[str]
) -> None:
    """Report B02: a time before all that is left is refused; skipped, the receipt and the log say what may be lost."""
    topic, hour = make_topic(configs={"retention.ms": "-1"}), 3_600_000
    first = int(time.time() * 1000) - 26 * hour
    for hours in (0, 1, 6, 16):
        send(producer(broker.bootstrap_servers), topic, [b"v"], timestamp=first + hours * hour)

    def at(hours: float) -> str:
        return datetime.fromtimestamp((first + hours * hour) / 1000, UTC).isoformat()

    admin.delete_records({TopicPartition(topic, 0): 2})
    parameters = {"topic": topic, "table": table_of(topic), "create_table": True}
    with fails(rf"OffsetsExpired: .*may be missing: {topic}\[0\]@\[\?, 2\), first record left", AirflowFailException):
        task_run.attempt(**parameters, start=at(-1), end=at(11), mode="overwrite")
    skipping = TaskRun().attempt(**parameters, start=at(-1), end=at(11), on_data_loss="skip")
    assert (skipping["window"]["partitions"], skipping["rows"], skipping["missing"]) == ({"0": [2, 3]}, 1, [])
    assert skipping["possibly_missing"] == skipping["window"]["possibly_missing"] == [f"{topic}[0]@[?, 2)"]
    assert f"{topic}[0]@[?, 2) may be lost" in "".join(capfd.readouterr())
    # The first record left is older than the hour: what has expired is not of it.
    whole = TaskRun().attempt(**parameters, start=at(11), end=at(17))
    assert (whole["window"]["partitions"], whole["possibly_missing"]) == ({"0": [3, 4]}, [])


def test_what_expires_while_it_is_read_is_skipped(five: str, admin: KafkaAdminClient) -> None:
    """A log start that passes the reader costs the offsets between, and nothing else."""
    hook = KafkaHook()
    window = hook.plan(five, "earliest", "latest")
    missing: list[PassedOver] = []
    looks = iter(range(100))

    def expire_at_first() -> None:
        if next(looks) == 0:
            admin.delete_records({TopicPartition(five, 1): 2})

    batches = list(hook.read(window, check=expire_at_first, passed_over=missing.append, on_data_loss=OnDataLoss.SKIP))
    assert sorted(offset for batch in batches for offset in batch.column("offset").to_pylist()) == sorted(
        [*range(5), *range(2, 5)]
    )
    assert missing == [PassedOver(OffsetRange(window.topic, 1, 0, 2), GapKind.MISSING)]


def test_a_log_that_is_shorter_than_the_window(five: str, task_run: TaskRun) -> None:
    """A recorded window that reaches beyond the log is loaded without what is not there, if that is asked for."""
    parameters = {**ALL, "topic": five, "table": table_of(five), "on_data_loss": "skip"}
    task_run.attempt(**parameters)
    ((key, written),) = task_run.store.entries.items()
    entry = {**json.loads(written), "phase": "planned"}
    entry["window"]["partitions"] = {"0": [0, 9], "1": [7, 9], "6": [0, 3], "7": [4, 4]}
    task_run.store.entries[key] = json.dumps(entry)

    with pytest.raises(AirflowFailException) as refused:
        task_run.attempt(**{**parameters, "on_data_loss": "fail", "poll_timeout": 600})
    for named in (
        f"{five}[0]: the window ends at 9 but the log ends at 5; 4 offsets of it, [5, 9), are not there",
        f"{five}[1]: the window ends at 9 but the log ends at 5; 2 offsets of it, [7, 9), are not there",
        f"{five}[6]: the topic has 2 partitions and this is none of them; 3 offsets of the window",
    ):
        assert named in unbroken(refused.value)

    receipt = task_run.attempt(**parameters, reconcile=False)
    assert receipt["missing"] == [f"{five}[0]@[5, 9)", f"{five}[1]@[7, 9)", f"{five}[6]@[0, 3)"]
    assert (receipt["rows"], receipt["gaps"]) == (5, 0)


def test_what_loss_leads_to_is_checked_when_the_dag_is_parsed() -> None:
    """A choice that there is not fails with those that there are."""
    with pytest.raises(InvalidInput, match="on_data_loss='ignore' is not one of 'fail', 'skip'"):
        KafkaToMaxComputeOperator(task_id="load", topic="t", table="t", on_data_loss="ignore")
