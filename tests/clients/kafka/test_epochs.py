"""Leader epochs as the broker tells them: in which one an offset was written, and where each ends."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from conftest import MakeTopic
from demo.broker import Broker
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaAdminClient
from kafka.errors import (
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    NotLeaderForPartitionError,
    TopicAuthorizationFailedError,
)
from kafka.protocol.consumer import OffsetForLeaderEpochResponse
from kit.kafka_topics import producer, send

from airflow_provider_kafka_odps.clients.kafka.epochs import Ends, epoch_ends, epochs_before
from airflow_provider_kafka_odps.core.window.facts import EpochEnd
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook


class Leader:
    """The leader of a partition, as Kafka's own answers: epoch → the offset with which it begins, and the log's end."""

    def __init__(self, begins: Mapping[int, int], high: int) -> None:
        self.begins, self.high = dict(sorted(begins.items())), high
        self.asked = 0

    def end(self, epoch: int) -> EpochEnd | None:
        """Say where an epoch ends."""
        self.asked += 1
        later = [begin for each, begin in self.begins.items() if each > epoch]
        if not later and epoch not in self.begins:
            return None
        known = max((each for each in self.begins if each <= epoch), default=epoch)
        return EpochEnd(known, later[0] if later else self.high)


@st.composite
def leaders(draw: st.DrawFn) -> Leader:
    """Return a leader whose epochs have gaps, and perhaps no record; its log may start behind the first epochs."""
    epochs = sorted(draw(st.sets(st.integers(0, 300), min_size=1, max_size=12)))
    begins = sorted(draw(st.lists(st.integers(0, 60), min_size=len(epochs), max_size=len(epochs), unique=True)))
    return Leader(dict(zip(epochs, begins, strict=True)), draw(st.integers(begins[-1], 70)))


@given(st.lists(leaders(), min_size=1, max_size=4), st.data())
def test_an_offset_is_of_one_epoch(logs: list[Leader], data: st.DataObject) -> None:
    """The epoch is found in which the offset before an end was written, in few rounds, for all partitions at once."""
    ends = {number: data.draw(st.integers(log.high and 1, log.high)) for number, log in enumerate(logs)}
    rounds = 0

    def ask(epochs: Mapping[int, int]) -> Ends:
        nonlocal rounds
        rounds += 1
        return {number: logs[number].end(epoch) for number, epoch in epochs.items()}

    found = epochs_before(ends, {number: max(log.begins) for number, log in enumerate(logs)}, ask)
    for number, log in enumerate(logs):
        epochs = [*log.begins]
        written = bisect_left([*log.begins.values()], ends[number]) - 1
        # Of what was written before the first epoch that is known, none is known.
        assert found[number] == (epochs[written] if written >= 0 else 0)
        assert log.end(found[number]) == EpochEnd(found[number], (log.end(found[number]) or EpochEnd(0, 0)).end)
    assert rounds <= 20


def test_the_newest_epoch_takes_two_questions() -> None:
    """What was written by the leader of now, as in most windows, is found at once, however often there was another."""
    leader = Leader({epoch: epoch * 10 for epoch in range(1000)}, 10_000)
    assert epochs_before({0: 9_995}, {0: 999}, lambda asked: {0: leader.end(asked[0])}) == {0: 999}
    assert leader.asked == 2


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {0: None},
        {0: EpochEnd(7, 99)},
    ],
    ids=["none", "no epoch", "a shorter log"],
)
def test_answers_that_do_not_fit_tell_nothing(answers: Ends) -> None:
    """A broker that keeps no epochs, or whose log ends before the window, gives none to hold it against later."""
    assert epochs_before({0: 100}, {0: 7}, lambda _: answers) == {}


def test_a_broker_that_stops_answering_tells_nothing() -> None:
    """An epoch is recorded only where all that was asked for has been answered."""
    answers: list[Ends] = [{0: EpochEnd(7, 120), 1: EpochEnd(7, 120)}, {0: None, 1: EpochEnd(6, 50)}]
    assert epochs_before({0: 100, 1: 100}, {0: 7, 1: 7}, lambda _: answers.pop(0)) == {1: 7}


class Answering:
    """An admin client of one broker that gives this answer."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self._manager = self
        self.answer = answer

    def run(self, ask: Any, *arguments: Any) -> Any:
        """Run a coroutine that waits for nobody."""
        try:
            ask(*arguments).send(None)
        except StopIteration as returned:
            return returned.value
        raise AssertionError("nobody is waited for")

    async def _async_get_leader_for_partitions(self, places: set[Any]) -> Mapping[int, set[Any]]:
        return {1: places}

    async def send(self, request: Any, node_id: int) -> Any:
        """Answer a request, as it comes out of its bytes."""
        assert node_id == 1
        return self.answer(type(request).decode(request.encode(version=4), version=4))


def answering(*partitions: tuple[int, int, int, int]) -> Answering:
    """Return a client: partition, error code, epoch and end of each answer."""
    result = OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult
    found = [
        result.EpochEndOffset(partition=number, error_code=code, leader_epoch=epoch, end_offset=end)
        for number, code, epoch, end in partitions
    ]
    return Answering(lambda _: OffsetForLeaderEpochResponse(topics=[result(topic="orders", partitions=found)]))


def test_answers_are_read() -> None:
    """Epoch and end are those of the broker; -1 is none, and an epoch above the one asked for tells no more than it."""
    client = answering((0, 0, 5, 100), (1, 0, 3, 60), (2, 0, -1, -1), (3, 0, 9, 80))
    found = epoch_ends(client, "orders", {0: 5, 1: 5, 2: 5, 3: 5})
    assert found == {0: EpochEnd(5, 100), 1: EpochEnd(3, 60), 2: None, 3: EpochEnd(5, 80)}


def test_an_error_of_a_partition_is_raised() -> None:
    """One partition without an answer is none for the topic: a leader that has just changed is asked again."""
    with pytest.raises(NotLeaderForPartitionError, match=r"orders\[1\]: where does leader epoch 6 end"):
        epoch_ends(answering((0, 0, 5, 100), (1, 6, -1, -1)), "orders", {0: 5, 1: 6})


def test_without_epochs_nobody_is_asked() -> None:
    """A window that has none, such as one of an earlier release, costs no request."""
    assert epoch_ends(Answering(pytest.fail), "orders", {}) == {}


@pytest.fixture
def hook(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> KafkaHook:
    """Return a hook on the real broker."""
    connection = {"conn_type": "kafka", "extra": {"bootstrap.servers": broker.bootstrap_servers}}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))
    return KafkaHook()


@pytest.mark.parametrize(
    "error", [IncompatibleBrokerVersion, TopicAuthorizationFailedError, ClusterAuthorizationFailedError]
)
def test_a_broker_that_does_not_tell(
    hook: KafkaHook,
    broker: Broker,
    make_topic: MakeTopic,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    """A broker that does not know the question, or tells it to brokers alone, tells no epochs, and the log says so."""
    topic = make_topic(2)
    send(producer(broker.bootstrap_servers), topic, [b"v"] * 3)

    def refuse(*_: object) -> None:
        raise error

    window, said = hook.plan(topic, "earliest", "latest"), []
    monkeypatch.setattr(hook.log, "warning", lambda text, *parts: said.append(text % parts))
    assert hook.epochs(window) == {0: 0}
    assert hook.identity(topic, {0: 0}).epoch_ends == {0: EpochEnd(0, 3)}
    assert said == []
    monkeypatch.setattr("airflow_provider_kafka_odps.clients.kafka.admin.epoch_ends", refuse)
    assert hook.epochs(window) == {}
    assert hook.identity(topic, {0: 0}).epoch_ends == {}
    warned = f"connection 'kafka_default': the broker does not tell where leader epochs end in {topic}[0]: "
    assert [words.startswith(warned) for words in said] == [True, True]


def test_a_leader_that_has_just_changed_is_asked_again(
    hook: KafkaHook, broker: Broker, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is asked while the leader changes says that it is none; the question goes to the next one."""
    topic = make_topic()
    send(producer(broker.bootstrap_servers), topic, [b"v"] * 3)
    errors = [NotLeaderForPartitionError(), NotLeaderForPartitionError()]

    def ask(client: KafkaAdminClient, name: str, epochs: Mapping[int, int]) -> Ends:
        if errors:
            raise errors.pop()
        return epoch_ends(client, name, epochs)

    monkeypatch.setattr("airflow_provider_kafka_odps.clients.kafka.admin.epoch_ends", ask)
    assert hook.identity(topic, {0: 0}).epoch_ends == {0: EpochEnd(0, 3)}
    assert errors == []
