"""What the client's errors mean here, and how often a question is asked again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_kafka_odps.core.backoff import Backoff
from airflow_provider_kafka_odps.exceptions import BrokerRefused, KafkaOdpsError, Unreachable

if TYPE_CHECKING:
    from kafka.errors import KafkaError

    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
    from airflow_provider_kafka_odps.core.clock import Clock

Answer = TypeVar("Answer")
_RETRY_SECONDS = 30.0
_BETWEEN_TRIES = Backoff(first=0.05, longest=1.0)


def may_pass(error: KafkaError) -> bool:
    """Tell whether the same question may have another answer in a moment: ``tests/clients/kafka/test_errors.py``.

    The client's own ``retriable`` leaves out by what a client or a broker says that it does not know yet who is who in
    the cluster, such as a leader with the id -1 after a pause.
    """
    from kafka import errors

    not_known_yet = (
        errors.BrokerIdNotRegisteredError,
        errors.BrokerNotAvailableError,
        errors.NewLeaderElectedError,
        errors.StaleBrokerEpochError,
        errors.StaleControllerEpochError,
        errors.UnknownBrokerIdError,
        errors.UnknownControllerIdError,
    )
    return bool(error.retriable) or isinstance(error, not_known_yet)


def retried(question: Callable[[], Answer], clock: Clock, seconds: float = _RETRY_SECONDS) -> Answer:
    """Ask until the broker answers: just after a start or a leader change, it answers that it is not ready.

    Raises the last error after ``seconds``, and at once one that a retry does not fix.
    """
    from kafka.errors import KafkaError

    deadline = clock.monotonic() + seconds
    for tries in count(1):
        try:
            return question()
        except KafkaError as error:
            pause = _BETWEEN_TRIES.pause(tries)
            if not may_pass(error) or clock.monotonic() + pause > deadline:
                raise
        clock.sleep(pause)
    raise AssertionError("counting does not end")


@contextmanager
def needing(right: str) -> Generator[None]:
    """Note on a refusal which right was missing, such as ``Describe on Topic 'orders'``: Kafka does not say."""
    from kafka.errors import AuthorizationError

    try:
        yield
    except AuthorizationError as error:
        if not getattr(error, "__notes__", ()):
            error.add_note(right)
        raise


def translated(error: KafkaError, cluster: Cluster, seconds: float, failures: Sequence[str] = ()) -> KafkaOdpsError:
    """Return our error for one of the client's, which came after so many seconds.

    ``failures`` are servers that could not be connected to, each with the reason.
    """
    from kafka.errors import AuthorizationError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError

    login = cluster.settings.login
    if may_pass(error):
        return Unreachable(
            f"{cluster}: no answer within {seconds:.0f} s ({'; '.join([str(error), *failures])}). "
            "Is the address right, and can this worker connect to it?"
        )
    match error:
        case SaslAuthenticationFailedError() | UnsupportedSaslMechanismError():
            return BrokerRefused(f"{cluster}, step authenticate: the login by {login} failed: {error}")
        case AuthorizationError():
            needed = ", ".join(getattr(error, "__notes__", ())) or "a right that it does not have"
            return BrokerRefused(
                f"{cluster}, step authorise: the login by {login} needs {needed} ({error}). The broker's administrator "
                "grants it with kafka-acls --add; the page Connections of the docs lists all rights that are needed"
            )
    return BrokerRefused(f"{cluster}: the broker refused: {error}")
