"""A wait of days writes a line when something changes, and now and then that nothing does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from core.examples import facts_of
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, TopicFacts
from airflow_provider_kafka_odps.exceptions import Unreachable
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.sensors.kafka_window import KafkaWindowSensor
from airflow_provider_kafka_odps.triggers.kafka_window import KafkaWindowTrigger, Seldom


def test_a_line_is_due_when_something_changes_or_after_a_while() -> None:
    """At once, then after a minute if it is another one, and after ten minutes if it is the same."""
    seldom = Seldom()
    asked = [(0, "0 of 9"), (10, "1 of 9"), (60, "1 of 9"), (70, "1 of 9"), (659, "1 of 9"), (660, "1 of 9")]
    assert [at for at, line in asked if seldom.due(line, float(at))] == [0, 60, 660]


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> list[TopicFacts | Unreachable]:
    """Have the hook answer with the last of a list, which the test fills."""
    extra = {"bootstrap.servers": "127.0.0.1:9"}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": extra}))
    answers: list[TopicFacts | Unreachable] = []

    def survey(*_: Any) -> TopicFacts:
        if isinstance(answers[-1], Unreachable):
            raise answers[-1]
        return answers[-1]

    monkeypatch.setattr(KafkaHook, "survey", survey)
    return answers


def with_offsets(high: int) -> TopicFacts:
    """Return a topic with so many records in its one partition."""
    return facts_of(PartitionFacts(0, low=0, high=high, stable=high))


def told(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines of the wait that were logged since the last call."""
    found = (
        re.search(r"(orders: \d of|failed to ask|orders: the broker answers).*?(?= +\[|$)", line)
        for line in "".join(capfd.readouterr()).splitlines()
    )
    return [each[0].strip() for each in found if each]


def test_a_trigger_writes_no_line_each_time(
    kafka: list[TopicFacts | Unreachable], capfd: pytest.CaptureFixture[str]
) -> None:
    """An hour of asking every ten seconds is six lines, not 360; records that come are told within a minute."""
    trigger, clock = KafkaWindowTrigger("orders", {"new_offsets": 9}, 10.0, "kafka_default"), HandClock()
    kafka.append(with_offsets(0))
    for _ in range(360):
        assert trigger.ask(clock) is None
        clock.sleep(10)
    assert told(capfd) == ["orders: 0 of 9 new offsets"] * 6
    kafka.append(with_offsets(5))
    for _ in range(7):
        clock.sleep(10)
        trigger.ask(clock)
    assert told(capfd) == ["orders: 5 of 9 new offsets"]


def test_nor_does_a_sensor_that_pokes(kafka: list[TopicFacts | Unreachable], capfd: pytest.CaptureFixture[str]) -> None:
    """Without a triggerer, too; a broker that is away is told once, and what comes after it."""
    sensor = KafkaWindowSensor(task_id="wait", topic="orders", new_offsets=9, deferrable=False)
    kafka.append(Unreachable("no answer within 30 s"))
    assert [sensor.poke({}).is_done for _ in range(5)] == [False] * 5
    kafka.append(with_offsets(3))
    assert [sensor.poke({}).is_done for _ in range(5)] == [False] * 5
    asked_in_vain, back, progress = told(capfd)
    assert asked_in_vain == "failed to ask the broker, retrying every 30.0 s: no answer within 30 s"
    assert back == "orders: the broker answers again"
    assert progress == "orders: 3 of 9 new offsets"
