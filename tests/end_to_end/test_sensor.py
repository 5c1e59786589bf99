"""The sensor waits on a real broker, and the operator loads what it waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, TaskDeferred
from airflow.triggers.base import TriggerEvent
from kit.dags import run_dag
from kit.task_run import Send
from kit.unbroken import fails

from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.exceptions import Cancelled
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.sensors.kafka_window import KafkaWindowSensor
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator
from airflow_provider_kafka_odps.triggers.kafka_window import KafkaWindowTrigger


def waiting(topic: str, **how: Any) -> KafkaWindowSensor:
    """Return a sensor that asks without a pause."""
    return KafkaWindowSensor(task_id="wait", topic=topic, poke_interval=0.01, **how)


def execute(sensor: KafkaWindowSensor) -> Any:
    """Execute as Airflow does, without its bookkeeping."""
    return KafkaWindowSensor.execute.__wrapped__(sensor, {})  # type: ignore[attr-defined]


def deferral(sensor: KafkaWindowSensor) -> TaskDeferred:
    """Return what the sensor hands to the triggerer."""
    with pytest.raises(TaskDeferred) as deferred:
        execute(sensor)
    return deferred.value


def first_event(trigger: Any, meanwhile: Callable[[], None] = lambda: None) -> TriggerEvent:
    """Build the trigger as the triggerer does, from what was written down, and return what it fires."""
    classpath, arguments = trigger.serialize()
    assert classpath == f"{KafkaWindowTrigger.__module__}.{KafkaWindowTrigger.__name__}"

    async def fired() -> TriggerEvent:
        events = KafkaWindowTrigger(**arguments).run()
        event = asyncio.ensure_future(anext(events))
        await asyncio.to_thread(meanwhile)
        return await event

    return asyncio.run(fired())


def test_what_is_there_already_is_not_waited_for(make_topic: Callable[..., str], send: Send) -> None:
    """A topic that has what is wanted costs one question and no deferral."""
    topic = make_topic()
    send(topic, b"a")
    assert execute(waiting(topic, until=1)) == '{"0": 1}'


def test_the_trigger_fires_when_the_record_has_come(make_topic: Callable[..., str], send: Send) -> None:
    """The sensor defers, and the trigger says where the window ends as soon as the last record is there."""
    topic = make_topic(partitions=2)
    deferred = deferral(waiting(topic, new_offsets=2, timeout=60))

    def fill(topic: str) -> None:
        for partition in (0, 1):
            send(topic, b"x", partition)

    assert deferred.timeout == timedelta(seconds=60)

    event = first_event(deferred.trigger, lambda: fill(topic))

    sensor = waiting(topic, new_offsets=2)
    assert sensor.finish({}, event.payload) == '{"0": 1, "1": 1}'


def test_a_topic_that_does_not_exist_fails_in_seconds(make_topic: Callable[..., str]) -> None:
    """A misspelled topic is not waited for longer than one that was just made, and is not created."""
    with fails(r"UnknownTopic: .* has no topic 'no-such-topic'", AirflowFailException):
        execute(waiting("no-such-topic", until=1))
    trigger = KafkaWindowTrigger("no-such-topic", {"until": 1}, 0.01, "kafka_default")
    event = first_event(trigger)
    with fails("UnknownTopic", AirflowFailException):
        waiting(make_topic(), until=1).finish({}, event.payload)


def test_a_typing_error_fails_before_anything_is_asked(make_topic: Callable[..., str]) -> None:
    """What cannot be waited for fails in the task, not in the triggerer."""
    with fails("InvalidInput: until='soon': a time with a zone", AirflowFailException):
        execute(waiting(make_topic(), until="soon"))


def test_without_a_triggerer_it_pokes(make_topic: Callable[..., str], send: Send) -> None:
    """`deferrable=False` waits in the worker: it ends when the topic has what is wanted, or with the timeout."""
    topic = make_topic()
    with pytest.raises(AirflowSensorTimeout):
        execute(waiting(topic, until=1, deferrable=False, timeout=0.01))
    send(topic, b"a")
    assert execute(waiting(topic, until=1, deferrable=False)) == '{"0": 1}'


def test_the_operator_loads_what_was_waited_for(
    make_topic: Callable[..., str], send: Send, odps: OdpsHook, airflow_db: object
) -> None:
    """The sensor's XCom is the operator's end: what came later is left to the next window."""
    del airflow_db
    topic = make_topic()
    for value in (b"a", b"b", b"c"):
        send(topic, value)
    with DAG(f"wait-{topic}", schedule=None) as dag:
        wait = waiting(topic, until={"0": 2})
        load = KafkaToMaxComputeOperator(
            task_id="load",
            topic=topic,
            table=topic.replace("-", "_"),
            start="earliest",
            end=wait.output,
            create_table=True,
        )
        templated = KafkaToMaxComputeOperator(
            task_id="templated",
            topic=topic,
            table=topic.replace("-", "_"),
            start="{{ ti.xcom_pull(task_ids='wait') }}",
            end="latest",
        )
        wait >> load >> templated

    assert run_dag(dag).state == "success"

    assert odps.run_sql(f"SELECT `value` FROM {topic.replace('-', '_')}")["value"].to_pylist() == ["a", "b", "c"]


@pytest.mark.timeout(30)
def test_a_trigger_that_is_cancelled_leaves_no_question_behind() -> None:
    """The thread of a question leaves its pause when Airflow cancels the trigger: the triggerer waits for it to end."""
    asked, left = threading.Event(), threading.Event()

    class Patient(KafkaWindowTrigger):
        """Asks a broker that is never ready."""

        def ask(self, clock: Clock | None = None) -> str | None:
            assert clock is not None
            asked.set()
            try:
                clock.sleep(600)
            except Cancelled:
                left.set()
                raise
            return None

    async def cancelled() -> None:
        event = asyncio.ensure_future(anext(Patient("orders", {"until": 1}, 0.01, "kafka_default").run()))
        await asyncio.to_thread(asked.wait)
        event.cancel()
        with pytest.raises(asyncio.CancelledError):
            await event

    asyncio.run(cancelled())
    assert left.wait(10)
