"""A Kafka hook in the shape that a load asks for."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_kafka_odps.clients.interruptible import interruptible

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
    from airflow_provider_kafka_odps.core.history.planning_lock import PlanningLock
    from airflow_provider_kafka_odps.core.load.evidence import Evidence
    from airflow_provider_kafka_odps.core.load.lanes.stages import Read
    from airflow_provider_kafka_odps.core.load.resources import Resources
    from airflow_provider_kafka_odps.core.options import OnDataLoss
    from airflow_provider_kafka_odps.core.window.facts import Identity, Questions, TopicFacts
    from airflow_provider_kafka_odps.core.window.window import Window
    from airflow_provider_kafka_odps.hooks.kafka import KafkaHook


Answer = TypeVar("Answer")


@contextmanager
def open_reader(
    cluster: Cluster,
    resources: Resources,
    *,
    wanted: frozenset[str],
    poll_timeout: float,
    check: Callable[[], None],
    on_data_loss: OnDataLoss,
    facts: TopicFacts | None,
) -> Iterator[Read]:
    """Give what one lane reads with, in the task's process or in a worker: one consumer for all of its windows."""
    from airflow_provider_kafka_odps.clients.kafka.reader import WindowReader

    with WindowReader(
        cluster,
        wanted=wanted,
        poll_timeout=poll_timeout,
        check=check,
        on_data_loss=on_data_loss,
        fetch_bytes=resources.fetch_bytes,
        unpack_limit=resources.unpack_limit,
        facts=facts,
    ) as reader:
        yield lambda window, evidence: reader.read(window, evidence.pass_over, evidence.waiting)


@dataclass(frozen=True, slots=True)
class TopicSource:
    """A Kafka hook as the source of a transfer."""

    hook: KafkaHook
    poll_timeout: float
    """Seconds without any progress before the read fails."""
    on_data_loss: OnDataLoss
    resources: Resources
    check: Callable[[], None]
    """Raises where the task is to stop."""

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        """Ask the broker once for all that a plan needs."""
        return self._watched(lambda: self.hook.survey(topic, questions))

    def look(self, topic: str) -> TopicFacts:
        """Return where the topic's logs begin and end now."""
        from airflow_provider_kafka_odps.core.window.facts import Questions

        return self.survey(topic, Questions())

    def epochs(self, window: Window) -> Mapping[int, int]:
        """Return the leader epoch of each range's last offset, by partition, as far as the broker tells."""
        return self._watched(lambda: self.hook.epochs(window))

    def identity(self, topic: str, epochs: Mapping[int, int]) -> Identity:
        """Return the topic's UUID as it is now, and where these leader epochs of its partitions end."""
        return self._watched(lambda: self.hook.identity(topic, epochs))

    def read(self, window: Window, wanted: frozenset[str], evidence: Evidence) -> Generator[pa.RecordBatch]:
        """Yield every record of the window; end only when all of it was read."""
        with self.open_reader(wanted, None) as read:
            yield from read(window, evidence)

    def open_reader(self, wanted: frozenset[str], facts: TopicFacts | None) -> AbstractContextManager[Read]:
        """Give what reads windows of the topic, one after the other, by one consumer."""
        return open_reader(
            self.hook.cluster,
            self.resources,
            wanted=wanted,
            poll_timeout=self.poll_timeout,
            check=self.check,
            on_data_loss=self.on_data_loss,
            facts=facts,
        )

    def cleanup_policy(self, topic: str) -> str | None:
        """Return the topic's ``cleanup.policy``; None if this login may not know it."""
        return self._watched(lambda: self.hook.cleanup_policy(topic))

    def commit_ends(self, window: Window) -> None:
        """Commit the window's ends to the connection's group; harmless to repeat."""
        committed = self._watched(lambda: self.hook.commit_ends(window))
        self.hook.log.info("committed to group %r: %s", self.hook.group_id, dict(committed) or "nothing new")

    def planning_lock(self, topic: str, table: str) -> PlanningLock:
        """Return the lock of those who plan windows of the topic for this table, an asset's URI."""
        return self.hook.planning_lock(topic, table, self.check)

    def _watched(self, question: Callable[[], Answer]) -> Answer:
        """Ask, but leave when the task is asked to stop: Kafka's clients wait for half a minute."""
        # The connection is Airflow's to read, in the thread that it has given us.
        assert self.hook.settings
        return interruptible(question, self.check)
