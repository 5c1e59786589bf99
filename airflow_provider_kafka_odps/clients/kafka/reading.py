"""How far one window has been read, by which consumer ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.clients.kafka.consumer import POLL_MS
from airflow_provider_kafka_odps.core.accounting.gaps import GapKind, PassedOver
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.losses import losses, refusal
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import Cancelled, NoProgress, TopicReplaced

if TYPE_CHECKING:
    import pyarrow as pa
    from kafka import KafkaConsumer, TopicPartition

    from airflow_provider_kafka_odps.clients.kafka.seam import BatchConsumer
    from airflow_provider_kafka_odps.core.clock import Clock
    from airflow_provider_kafka_odps.core.window.facts import TopicFacts
    from airflow_provider_kafka_odps.decoding.decoder import BatchDecoder


class Reading:
    """How far the window has been read."""

    def __init__(
        self,
        window: Window,
        decoder: BatchDecoder,
        poll_timeout: float,
        clock: Clock,
        check: Callable[[], None],
        passed_over: Callable[[PassedOver], None],
        waiting: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self.window = window
        self.ahead = {offsets.partition: offsets for offsets in window.ranges if offsets.span}
        """What is not finished yet, by partition."""
        self.positions = {number: offsets.start for number, offsets in self.ahead.items()}
        """The next offset to read of each partition that is not finished."""
        self._decoder, self._poll_timeout, self._clock = decoder, poll_timeout, clock
        self._check, self._passed_over, self._waiting = check, passed_over, waiting
        self._tried_at: dict[int, int] | None = None

    def try_again(self) -> bool:
        """Return whether to read from these positions once more: not a third time."""
        again = self._tried_at != self.positions
        self._tried_at = dict(self.positions)
        return again

    def read_remaining(self, batch_consumer: BatchConsumer) -> Iterator[pa.RecordBatch]:
        """Yield what is ahead of the positions, by a consumer that has nothing assigned."""
        consumer = batch_consumer.consumer
        # Of what was read before.
        batch_consumer.take_passed_over()
        self._assign(consumer)
        for number, position in self.positions.items():
            consumer.seek(self._place(number), position)
        quiet_since = self._clock.monotonic()
        while self.ahead:
            self.check()
            with self._waiting():
                polled = batch_consumer.poll(POLL_MS)
            for place, spans in batch_consumer.take_passed_over().items():
                for span in spans:
                    kind = GapKind(span.kind.value)
                    passed = OffsetRange(place.topic, place.partition, span.base_offset, span.next_offset)
                    self._passed_over(PassedOver(passed, kind))
            for place, batches in polled.items():
                # The client may still hold batches of a partition that is finished.
                if offsets := self._left(place.partition):
                    for decoded in self._decoder.decode(batches, offsets):
                        yield decoded
                        self.check()
            if self._advance(consumer) or polled:
                quiet_since = self._clock.monotonic()
            elif self._clock.monotonic() - quiet_since > self._poll_timeout:
                raise NoProgress(
                    f"the broker sent no records for {self._poll_timeout:g} s; still to be read: {self.progress()}. "
                    "Nothing was lost: the window is incomplete, so it is not loaded"
                )

    def check_log(self, facts: TopicFacts, on_data_loss: OnDataLoss) -> bool:
        """Return whether anything ahead is not in the log; go on without it, reported as missing, or raise."""
        left = [offsets for number in sorted(self.ahead) if (offsets := self._left(number))]
        found = list(losses(left, facts))
        if found and on_data_loss is OnDataLoss.FAIL:
            raise refusal(found)
        for loss in found:
            self._go_on_without(loss.lost)
        return bool(found)

    def of_the_plan(self, facts: TopicFacts) -> TopicFacts:
        """Return the facts if they are of the topic that the window was planned on; raise TopicReplaced otherwise."""
        if facts.topic_id != self.window.topic_id:
            raise TopicReplaced(
                f"{self.window.topic}: the window was planned on the topic with the id {self.window.topic_id}, but the "
                f"topic of this name now has {facts.topic_id}: it was deleted and created again, so these offsets mean "
                f"other records; still to be read was: {self.progress()}"
            )
        return facts

    def _go_on_without(self, lost: OffsetRange) -> None:
        number, end = lost.partition, self.ahead[lost.partition].end
        self._passed_over(PassedOver(lost, GapKind.MISSING))
        if lost.end < end:
            self.positions[number] = lost.end
        elif self.positions[number] < lost.start:
            self.ahead[number] = OffsetRange(lost.topic, number, self.positions[number], lost.start)
        else:
            del self.ahead[number], self.positions[number]

    def progress(self) -> str:
        """Return what is still to be read, such as ``orders[3]@[180, 250)``."""
        return ", ".join(str(offsets) for number in sorted(self.ahead) if (offsets := self._left(number)))

    def _left(self, number: int) -> OffsetRange | None:
        offsets = self.ahead.get(number)
        return offsets and OffsetRange(offsets.topic, number, self.positions[number], offsets.end)

    def _advance(self, consumer: KafkaConsumer) -> bool:
        """Take over the consumer's positions, let go of finished partitions, and return whether anything moved."""
        before = dict(self.positions)
        for number, offsets in list(self.ahead.items()):
            # Without waiting: the next poll drives whatever the client has to ask first.
            position = consumer.position(self._place(number), timeout_ms=0)
            if position is not None:
                self.positions[number] = position
            if self.positions[number] >= offsets.end:
                del self.ahead[number], self.positions[number]
        if len(self.positions) < len(before):
            # Not paused: what was fetched in advance of a paused partition stays in memory.
            self._assign(consumer)
        return self.positions != before

    def _assign(self, consumer: KafkaConsumer) -> None:
        consumer.assign([self._place(number) for number in self.positions])

    def _place(self, number: int) -> TopicPartition:
        from kafka import TopicPartition

        return TopicPartition(self.window.topic, number)

    def check(self) -> None:
        """Raise what ends the read, a Cancelled with what is still to be read."""
        try:
            self._check()
        except Cancelled as error:
            raise Cancelled(f"{error}; still to be read: {self.progress()}") from error
