"""A topic that was made a moment ago, as an administrator's question meets it, by a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from kafka.errors import LeaderNotAvailableError, NoError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError
from kit.clusters import cluster_at
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.kafka.admin import Admin
from airflow_provider_kafka_odps.exceptions import UnknownTopic

UNKNOWN, LATE, FORBIDDEN = UnknownTopicOrPartitionError, LeaderNotAvailableError, TopicAuthorizationFailedError


class Describing:
    """A client whose broker describes any topic with these error codes, one after the other, the last for ever."""

    def __init__(self, errors: Iterable[type[Any]]) -> None:
        self.codes = [error.errno for error in errors]
        self.asked = 0

    def describe_topics(self, topics: list[str]) -> list[Mapping[str, object]]:
        """Answer."""
        code = self.codes[min(self.asked, len(self.codes) - 1)]
        self.asked += 1
        return [{"name": name, "topic_id": f"id-{name}", "error_code": code} for name in topics]


def admin_of(clock: HandClock, *errors: type[Any]) -> tuple[Describing, Admin]:
    """Return a client, and what asks it."""
    client = Describing(errors)
    return client, Admin(client, cluster_at("127.0.0.1:1", clock))


@pytest.mark.parametrize("early", [UNKNOWN, LATE])
def test_a_topic_that_was_just_made_is_waited_for(early: type[Any]) -> None:
    """A broker that has not heard of it, or of its leader, is asked again, and its next answer counts."""
    clock = HandClock()
    _, admin = admin_of(clock, early, early, NoError)
    assert admin.topic_id("orders") == "id-orders"
    assert clock.slept == [0.05, 0.1]


def test_a_topic_that_does_not_exist_is_refused_after_seconds() -> None:
    """A misspelt name costs a few seconds, not the half a minute that a broker without an answer has."""
    clock = HandClock()
    client, admin = admin_of(clock, UNKNOWN)
    with pytest.raises(UnknownTopic, match="has no topic 'oders'"):
        admin.topic_id("oders")
    assert 4 <= clock.seconds <= 5
    assert client.asked > 5


def test_a_topic_whose_leader_never_comes_has_half_a_minute() -> None:
    """It is there, and so it is waited for as for any other answer."""
    clock = HandClock()
    with pytest.raises(LATE):
        admin_of(clock, LATE)[1].topic_id("orders")
    assert 29 <= clock.seconds <= 30


def test_a_topic_that_may_not_be_seen_is_refused_at_once() -> None:
    """A right that is missing is missing in a second, too, and the error says which."""
    clock = HandClock()
    with pytest.raises(FORBIDDEN) as refused:
        admin_of(clock, FORBIDDEN)[1].topic_id("orders")
    assert (clock.slept, refused.value.__notes__) == ([], ["Describe on Topic 'orders'"])
