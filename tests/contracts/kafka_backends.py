"""A topic to be filled, disturbed and read: the one in memory, and one on a real broker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from confluent_kafka import Producer
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.admin import NewPartitions, NewTopic
from kafka.errors import CoordinatorNotAvailableError, NoError
from kit.kafka_topics import producer, send
from twins.kafka import Cluster, Fate, Transaction
from twins.kafka_reader import Source as TwinSource

from airflow_provider_kafka_odps.core.delivery.ports import Source
from airflow_provider_kafka_odps.core.load.evidence import Evidence
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.decoding.batch import ALL_COLUMNS
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.transfers.adapters.topic import TopicSource

NOTHING = Questions()
_SOON = 30.0
_FAST_CLEANING = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.0001"}


class TopicPort(Source, Protocol):
    """What a load asks of a topic."""

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        """Ask the broker once for all that a plan needs."""

    def epochs(self, window: Window) -> Mapping[int, int]:
        """Return the leader epoch of each range's last offset, by partition, as far as the broker tells."""


class TopicBackend(Protocol):
    """A topic of somebody, and all that may befall it."""

    topic: str

    def source(self, on_data_loss: OnDataLoss = OnDataLoss.FAIL) -> TopicPort:
        """Return the topic as a load sees it."""

    def send(self, values: Sequence[bytes | None], partition: int = 0, **record: Any) -> None:
        """Write records, as one batch: of this ``key`` and ``timestamp``."""

    def write_in_transaction(self, values: Sequence[bytes | None], fate: Fate, *partitions: int, **record: Any) -> None:
        """Write records to each partition, in one transaction that ends like this."""

    def delete_before(self, offset: int, partition: int = 0) -> None:
        """Let a log start here."""

    def compact(self, left: int) -> None:
        """Have the first partition compacted up to the last record, until so many are left."""

    def add_partitions(self, total: int) -> None:
        """Let the topic have so many partitions."""

    def delete(self) -> None:
        """Delete the topic."""

    def create(self) -> None:
        """Create it again, with one partition."""

    def commit(self, group: str, offset: int, partition: int = 0) -> None:
        """Let a group commit an offset."""

    def commit_ends(self, group: str, window: Window) -> None:
        """Commit a window's ends, as a load does."""


@dataclass
class TwinTopic:
    """The topic in memory."""

    cluster: Cluster
    topic: str

    def source(self, on_data_loss: OnDataLoss = OnDataLoss.FAIL) -> TopicPort:
        """Return the twin of our reader."""
        return TwinSource(self.cluster, on_data_loss=on_data_loss)

    def send(self, values: Sequence[bytes | None], partition: int = 0, **record: Any) -> None:
        """Append them."""
        for value in values:
            self.cluster.topic(self.topic).partitions[partition].append(value, **record)

    def write_in_transaction(self, values: Sequence[bytes | None], fate: Fate, *partitions: int, **record: Any) -> None:
        """Append them, and the markers."""
        transaction, topic = Transaction(), self.cluster.topic(self.topic)
        for number in partitions or (0,):
            self.send(values, number, transaction=transaction, **record)
        if fate is not Fate.OPEN:
            topic.end(transaction, fate)

    def delete_before(self, offset: int, partition: int = 0) -> None:
        """Do it."""
        self.cluster.topic(self.topic).partitions[partition].delete_before(offset)

    def compact(self, left: int) -> None:
        """Do it, whatever is left."""
        del left
        log = self.cluster.topic(self.topic).partitions[0]
        log.compact(log.high - 1)

    def add_partitions(self, total: int) -> None:
        """Do it."""
        topic = self.cluster.topic(self.topic)
        topic.add_partitions(total - len(topic.partitions))

    def delete(self) -> None:
        """Do it."""
        self.cluster.delete(self.topic)

    def create(self) -> None:
        """Do it."""
        self.cluster.create(self.topic)

    def commit(self, group: str, offset: int, partition: int = 0) -> None:
        """Set it, be it forth or back."""
        self.cluster.committed[group, self.topic, partition] = offset

    def commit_ends(self, group: str, window: Window) -> None:
        """Do it."""
        self.cluster.commit_ends(group, window)


@dataclass
class BrokerTopic:
    """A topic on a real broker, written to by librdkafka and read by us."""

    servers: str
    admin: KafkaAdminClient
    topic: str
    _open: list[Producer] = field(default_factory=list)

    def source(self, on_data_loss: OnDataLoss = OnDataLoss.FAIL) -> TopicPort:
        """Return what the operator makes of the hook."""
        return TopicSource(KafkaHook(), 5.0, on_data_loss, Resources.within(), _go_on)

    def send(self, values: Sequence[bytes | None], partition: int = 0, **record: Any) -> None:
        """Produce them."""
        send(producer(self.servers), self.topic, values, partition=partition, **record)

    def write_in_transaction(self, values: Sequence[bytes | None], fate: Fate, *partitions: int, **record: Any) -> None:
        """Produce them, and wait for the markers, which come behind the answer."""
        numbers = partitions or (0,)
        ends = {number: self._facts(number).high + len(values) for number in numbers}
        writer = producer(self.servers, transactional_id=uuid.uuid4().hex)
        writer.init_transactions(_SOON)
        writer.begin_transaction()
        for number in numbers:
            send(writer, self.topic, values, partition=number, **record)
        match fate:
            case Fate.OPEN:
                self._open.append(writer)
                return
            case Fate.COMMITTED:
                writer.commit_transaction(_SOON)
            case Fate.ABORTED:
                writer.abort_transaction(_SOON)
        wait_until(lambda: all(self._facts(number).high == end + 1 for number, end in ends.items()))

    def delete_before(self, offset: int, partition: int = 0) -> None:
        """Have records deleted."""
        self.admin.delete_records({TopicPartition(self.topic, partition): offset})

    def compact(self, left: int) -> None:
        """Wait for the broker's cleaner."""

        def counted() -> int:
            window = KafkaHook().plan(self.topic, "earliest", "latest")
            return sum(batch.num_rows for batch in self.source().read(window, ALL_COLUMNS, Evidence()))

        wait_until(lambda: counted() == left)

    def add_partitions(self, total: int) -> None:
        """Have them added."""
        self.admin.create_partitions({self.topic: NewPartitions(total)})
        wait_until(lambda: len(self.source().survey(self.topic, NOTHING).partitions) == total)

    def delete(self) -> None:
        """Have it deleted."""
        self.admin.delete_topics([self.topic])
        wait_until(lambda: self.topic not in self.admin.list_topics())

    def create(self) -> None:
        """Have it created."""
        self.admin.create_topics([NewTopic(self.topic, 1, 1)])

    def commit(self, group: str, offset: int, partition: int = 0) -> None:
        """Commit from outside."""
        offsets = {TopicPartition(self.topic, partition): OffsetAndMetadata(offset, "", -1)}

        def is_committed() -> bool:
            try:
                return set(self.admin.alter_group_offsets(group, offsets).values()) == {NoError}
            except CoordinatorNotAvailableError:
                return False

        # The first group of all has its coordinator made, which is not there at once.
        wait_until(is_committed)

    def commit_ends(self, group: str, window: Window) -> None:
        """Commit them by the hook."""
        KafkaHook(group_id=group).commit_ends(window)

    def _facts(self, partition: int) -> PartitionFacts:
        return self.source().survey(self.topic, NOTHING).partitions[partition]


def _go_on() -> None:
    """Nobody asks a test to stop."""


def wait_until(condition: Callable[[], bool], seconds: float = _SOON) -> None:
    """Wait for a condition, and fail the test where it does not come about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come about"
        time.sleep(0.05)


def broker_topic(servers: str, admin: KafkaAdminClient, partitions: int, policy: str) -> BrokerTopic:
    """Create a topic whose name nobody else uses."""
    name = f"contract-{uuid.uuid4().hex[:12]}"
    configs = {"cleanup.policy": policy} | (_FAST_CLEANING if "compact" in policy else {})
    admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
    return BrokerTopic(servers, admin, name)


def twin_topic(partitions: int, policy: str) -> TwinTopic:
    """Create a topic of a cluster of its own."""
    cluster = Cluster()
    cluster.create("orders", partitions, policy)
    return TwinTopic(cluster, "orders")
