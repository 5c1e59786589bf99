"""Deadlines and pauses of the Kafka side, by a clock that is moved by hand."""

from __future__ import annotations

import socket
import time
from contextlib import nullcontext

import pytest
from core.examples import window_of
from kafka.errors import KafkaError, NotCoordinatorError, TopicAuthorizationFailedError
from kit.asked import AskedBy
from kit.clusters import cluster_at, no_secret
from kit.silent_server import mute_server
from twins.clock import HandClock, HurriedClock

from airflow_provider_kafka_odps.clients.clock import StoppableClock
from airflow_provider_kafka_odps.clients.kafka import check
from airflow_provider_kafka_odps.clients.kafka.connection import client
from airflow_provider_kafka_odps.clients.kafka.connection.probe import Step, probe
from airflow_provider_kafka_odps.clients.kafka.connection.tokens import CachedTokens
from airflow_provider_kafka_odps.clients.kafka.errors import retried
from airflow_provider_kafka_odps.clients.kafka.reader import read_window
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.exceptions import Cancelled, Unreachable


class Broker:
    """Answers after so many errors."""

    def __init__(self, errors: int, error: type[KafkaError] = NotCoordinatorError) -> None:
        self.errors, self.error = errors, error
        self.asked = 0

    def __call__(self) -> str:
        """Answer, or fail."""
        self.asked += 1
        if self.asked <= self.errors:
            raise self.error
        return "answer"


def test_a_broker_that_is_not_ready_is_asked_again() -> None:
    """Pauses double from a twentieth of a second to a second."""
    clock, broker = HandClock(), Broker(errors=7)
    assert retried(broker, clock) == "answer"
    assert clock.slept == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_a_broker_that_is_never_ready_is_given_up_after_half_a_minute() -> None:
    """Its own error is raised, and no pause ends after the deadline."""
    clock = HandClock()
    with pytest.raises(NotCoordinatorError):
        retried(Broker(errors=1_000), clock)
    assert 29 <= clock.seconds <= 30


def test_what_a_retry_does_not_fix_is_raised_at_once() -> None:
    """A right that is missing is missing in a second, too."""
    clock, broker = HandClock(), Broker(errors=1, error=TopicAuthorizationFailedError)
    with pytest.raises(TopicAuthorizationFailedError):
        retried(broker, clock)
    assert (broker.asked, clock.slept) == (1, [])


def test_the_pause_before_a_question_is_asked_again_is_broken_off() -> None:
    """A task that is asked to stop while the broker is not ready leaves within a second."""
    hand = HandClock()
    broker = Broker(errors=1_000)
    with pytest.raises(Cancelled, match="asked to stop"):
        retried(broker, StoppableClock(AskedBy(lambda: hand.seconds >= 5).check, hand))
    assert 5 <= hand.seconds < 6


@pytest.mark.timeout(20)
def test_the_steps_of_a_probe_share_one_deadline() -> None:
    """A server that took long to connect to has no time left for its answer."""
    with mute_server() as silent:
        found = probe(silent, None, 60.0, HurriedClock(step=61.0))
    assert found is not None
    assert (found.step, found.problem) == (Step.ANSWER, "connected, but no answer (timed out)")


def test_why_a_server_cannot_be_connected_to(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens, nobody answers, and what else there is: each has the words that one searches for."""

    def problem(server: str) -> str:
        found = probe(server, None, 5.0, HandClock())
        assert found is not None
        assert found.step is Step.CONNECT
        return found.problem

    assert problem(f"127.0.0.1:{closed_port}").startswith("connection refused")
    for error, words in ((TimeoutError(), "timed out after 5 s"), (OSError("no route to host"), "no route to host")):

        def connect(*_: object, error: OSError = error) -> None:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(socket.socket, "connect", connect)
            assert words in problem("127.0.0.1:1")


@pytest.mark.timeout(20)
def test_the_test_of_a_connection_ends_at_its_deadline() -> None:
    """However long the single steps would still wait, after half a minute in all there is an answer."""
    with mute_server() as silent:
        cluster = cluster_at(silent, clock=HurriedClock(step=12.0))
        with pytest.raises(Unreachable, match=f"'kafka_test', Kafka at {silent}: no answer within 30 s"):
            check.answer(cluster, None)


@pytest.mark.timeout(60)
def test_a_read_waits_for_its_first_broker_as_long_as_for_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers: what ends the read is its own deadline, and not another one of the client's."""
    monkeypatch.setattr(client, "_FIRST_ANSWER_SECONDS", 0.5)
    with mute_server() as silent:
        started = time.monotonic()
        with pytest.raises(Unreachable, match=f"Kafka at {silent}: no answer"):
            list(
                read_window(
                    cluster_at(silent),
                    window_of((0, 5)),
                    wanted=frozenset(),
                    poll_timeout=2.0,
                    check=lambda: None,
                    passed_over=print,
                    on_data_loss=OnDataLoss.FAIL,
                    fetch_bytes=1_000_000,
                    unpack_limit=1_000_000,
                    waiting=nullcontext,
                )
            )
        assert 1.5 < time.monotonic() - started < 20


@pytest.mark.parametrize(("asked", "own", "waited"), [(90.0, None, 90_000), (5.0, None, 30_000), (90.0, 7_000, 7_000)])
def test_the_first_answer_has_the_reads_deadline(asked: float, own: int | None, waited: int) -> None:
    """It is never shorter than the client's own, and what the connection says counts before it."""
    extra: dict[str, object] = {} if own is None else {"socket_connection_setup_timeout_ms": own}
    cluster = cluster_at("127.0.0.1:1", None, no_secret, **extra).waiting(asked)
    assert cluster.settings.client["bootstrap_timeout_ms"] == waited


def test_a_token_is_taken_anew_before_it_expires() -> None:
    """Most of a token's life it is the same for everybody; then a new one is taken, and told before it is used."""
    clock, secrets, fetched = HandClock(), list[str | None](), iter(["first", "second"])
    tokens = CachedTokens(lambda: (next(fetched), 100.0), clock, secrets.extend)
    assert [tokens.token(), tokens.token()] == ["first", "first"]
    clock.sleep(79)
    assert (tokens.token(), secrets) == ("first", ["first"])
    clock.sleep(1)
    assert (tokens.token(), secrets) == ("second", ["first", "second"])
