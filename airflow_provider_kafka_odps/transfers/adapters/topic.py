"""The hooks and Airflow's state store, in the shapes that a transfer asks for."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_kafka_odps.clients.interruptible import interruptible
from airflow_provider_kafka_odps.core.load.resources import FETCH_BYTES, UNPACK_LIMIT
from airflow_provider_kafka_odps.exceptions import Cancelled

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver
    from airflow_provider_kafka_odps.core.options import OnDataLoss
    from airflow_provider_kafka_odps.core.window.facts import Questions, TopicFacts
    from airflow_provider_kafka_odps.core.window.window import Window
    from airflow_provider_kafka_odps.hooks.kafka import KafkaHook


Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class TopicSource:
    """A Kafka hook as the source of a transfer."""

    hook: KafkaHook
    poll_timeout: float
    """Seconds without any progress before the read fails."""
    cancelled: Callable[[], bool]
    on_data_loss: OnDataLoss
    fetch_bytes: int = FETCH_BYTES
    unpack_limit: int = UNPACK_LIMIT
    passed_over: list[PassedOver] = field(default_factory=list)
    waits: list[float] = field(default_factory=lambda: [0.0])
    """The seconds that reading has waited for the broker."""

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        """Ask the broker once for all that a plan needs."""
        return self._watched(lambda: self.hook.survey(topic, questions))

    def topic_id(self, topic: str) -> str:
        """Return the topic's UUID as it is now."""
        return self._watched(lambda: self.hook.topic_id(topic))

    def read(self, window: Window, wanted: frozenset[str]) -> Generator[pa.RecordBatch]:
        """Yield every record of the window; end only when all of it was read."""
        return self.hook.read(
            window,
            wanted=wanted,
            poll_timeout=self.poll_timeout,
            cancelled=self.cancelled,
            passed_over=self.passed_over.append,
            on_data_loss=self.on_data_loss,
            fetch_bytes=self.fetch_bytes,
            unpack_limit=self.unpack_limit,
            waited=self._wait,
        )

    def waited(self) -> float:
        """Return how many seconds reading has waited for the broker so far."""
        return self.waits[0]

    def _wait(self, seconds: float) -> None:
        self.waits[0] += seconds

    def take_passed_over(self) -> Sequence[PassedOver]:
        """Return, once, what the read has passed over by now."""
        taken = list(self.passed_over)
        self.passed_over.clear()
        return taken

    def cleanup_policy(self, topic: str) -> str | None:
        """Return the topic's ``cleanup.policy``; None if this login may not know it."""
        return self._watched(lambda: self.hook.cleanup_policy(topic))

    def commit_ends(self, window: Window) -> None:
        """Commit the window's ends to the connection's group; harmless to repeat."""
        committed = self._watched(lambda: self.hook.commit_ends(window))
        self.hook.log.info("committed to group %r: %s", self.hook.group_id, dict(committed) or "nothing new")

    def _watched(self, question: Callable[[], Answer]) -> Answer:
        """Ask, but leave when the task is asked to stop: Kafka's clients wait for half a minute."""
        # The connection is Airflow's to read, in the thread that it has given us.
        assert self.hook.settings
        return interruptible(question, self._check)

    def _check(self) -> None:
        if self.cancelled():
            raise Cancelled("the task was asked to stop while it waited for the broker")
