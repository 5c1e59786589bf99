"""The trigger of ``KafkaWindowSensor``: it asks the broker every few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_kafka_odps.clients.clock import StoppableClock, SystemClock
from airflow_provider_kafka_odps.core.cancellation import Cancellation
from airflow_provider_kafka_odps.core.window.goal import as_end, parse_goal
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.clock import Clock


_AGAIN = 600.0
"""Seconds after which a line is written again although nothing has changed;"""


_SOONEST = 60.0
"""and before which none is, although something has: a sensor may ask every few seconds, for days."""


class Seldom:
    """Says when a line of a wait is worth writing."""

    def __init__(self) -> None:
        self._told: tuple[str, float] | None = None

    def due(self, line: str, now: float) -> bool:
        """Tell whether to write a line at a moment of a clock that only goes forward."""
        if self._told is not None:
            text, at = self._told
            if now - at < (_AGAIN if line == text else _SOONEST):
                return False
        self._told = line, now
        return True


class KafkaWindowTrigger(BaseTrigger):
    """Fires once: ``{"end": …}`` when the topic has reached the goal, ``{"error": …}`` when a retry does not help.

    A broker that does not answer is asked again, until the deferral times out.

    :param topic: the topic.
    :param goal: the keyword arguments of ``core.window.goal.parse_goal``, as JSON can carry them.
    :param poll_interval: seconds to wait before the broker is asked again.
    :param kafka_config_id: the Airflow connection of the Kafka cluster.
    """

    def __init__(self, topic: str, goal: Mapping[str, Any], poll_interval: float, kafka_config_id: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow leaves its return type out
        self.topic = topic
        self.goal = dict(goal)
        self.poll_interval = poll_interval
        self.kafka_config_id = kafka_config_id
        self._progress, self._failures = Seldom(), Seldom()
        self._failing = False

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments, by which the triggerer builds it again."""
        arguments = {
            "topic": self.topic,
            "goal": self.goal,
            "poll_interval": self.poll_interval,
            "kafka_config_id": self.kafka_config_id,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until there is an answer; each question runs in a thread, and the triggerer serves other triggers."""
        cancellation = Cancellation()
        clock = StoppableClock(cancellation.check)
        try:
            while True:
                if event := await self._event(clock):
                    yield event
                    return
                await asyncio.sleep(self.poll_interval)
        finally:
            # Nobody can cancel the thread of a question: it leaves at its next pause.
            cancellation.cancel()

    async def _event(self, clock: Clock) -> TriggerEvent | None:
        try:
            end = await asyncio.to_thread(self.ask, clock)
        except KafkaOdpsError as error:
            if not error.retry_helps:
                return TriggerEvent({"error": f"{type(error).__name__}: {error}"})
            self.warn(error, clock)
            return None
        return None if end is None else TriggerEvent({"end": end})

    def ask(self, clock: Clock | None = None) -> str | None:
        """Survey the broker once; return the end as JSON text, None as long as the topic has not reached the goal.

        ``clock`` may end the pauses between tries.
        """
        goal, clock = parse_goal(**self.goal), clock or SystemClock()
        hook = KafkaHook(self.kafka_config_id, clock=clock)
        facts = hook.survey(self.topic, goal.questions(hook.group_id))
        ends = goal.reached(facts, clock.now())
        if self._failing:
            self._failing, self._progress = False, Seldom()
            self.log.info("%s: the broker answers again", self.topic)
        if ends is None:
            if self._progress.due(progress := goal.progress(facts), clock.monotonic()):
                self.log.info("%s: %s", self.topic, progress)
            return None
        return as_end(ends)

    def warn(self, error: KafkaOdpsError, clock: Clock | None = None) -> None:
        """Say, not too often, that the broker was asked in vain and is asked again."""
        self._failing = True
        if self._failures.due(type(error).__name__, (clock or SystemClock()).monotonic()):
            self.log.warning("failed to ask the broker, retrying every %s s: %s", self.poll_interval, error)
