"""Asking again, within a deadline, as time and chance are given."""

import pytest
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import Outcome, Retrier, RetryPolicy
from airflow_provider_kafka_odps.exceptions import InvalidInput, Unreachable


class Service:
    """Fails the given number of times, then answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.left: list[float] = []

    def __call__(self, left: float) -> str:
        """Answer, or fail."""
        self.left.append(left)
        if len(self.left) <= self.failures:
            raise ConnectionResetError("reset by peer")
        return "answer"


def ask(
    service: Service, verdict: Outcome, clock: HandClock, *, repeatable: bool = False, tries: int | None = None
) -> str:
    """Ask with no jitter."""
    retrier = Retrier(RetryPolicy(total=10, first_pause=1, longest_pause=4, tries=tries), clock, jitter=lambda: 1.0)
    return retrier.ask("http://127.0.0.1:1", service, lambda _: verdict, repeatable=repeatable)


def test_refused_requests_are_repeated_with_growing_pauses() -> None:
    """Pauses double up to the longest, and every try is told what is left of the deadline."""
    clock, service = HandClock(), Service(3)
    assert ask(service, Outcome.REFUSED, clock) == "answer"
    assert clock.slept == [1, 2, 4]
    assert service.left == [10, 9, 7, 3]


def test_whoever_is_asked_for_less_hears_of_it_each_time() -> None:
    """It is tried again as what was refused otherwise is, and each error that says so is handed on."""
    clock, heard = HandClock(), list[Exception]()
    retrier = Retrier(RetryPolicy(total=10, first_pause=1), clock, jitter=lambda: 1.0, on_throttled=heard.append)
    for verdict, times in ((Outcome.REFUSED, 0), (Outcome.THROTTLED, 2)):
        answer = retrier.ask("http://127.0.0.1:1", Service(2), lambda _, found=verdict: found, repeatable=False)  # type: ignore[misc]
        assert (answer, len(heard)) == ("answer", times)


def test_the_deadline_ends_it_and_is_named() -> None:
    """A service that stays away costs the deadline and no more; the error says who, how often, how long, and what."""
    clock = HandClock()
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1 .*tried 4 times in 7\.0 s, .*reset by peer"):
        ask(Service(99), Outcome.REFUSED, clock)
    assert clock.seconds == 7


@pytest.mark.parametrize(("repeatable", "asked"), [(True, 4), (False, 1)])
def test_an_uncertain_request_is_repeated_only_where_that_is_harmless(repeatable: bool, asked: int) -> None:
    """A request that may have taken effect is not sent twice unless the caller says that it may be."""
    service = Service(99)
    with pytest.raises(Unreachable, match="tried once" if asked == 1 else "tried 4 times"):
        ask(service, Outcome.UNCERTAIN, HandClock(), repeatable=repeatable)
    assert len(service.left) == asked


def test_a_hopeless_request_is_not_repeated() -> None:
    """What a retry does not fix is reported at once."""
    service = Service(99)
    with pytest.raises(Unreachable):
        ask(service, Outcome.HOPELESS, HandClock(), repeatable=True)
    assert len(service.left) == 1


def test_an_answer_passes_through() -> None:
    """An error that is the service's answer is neither repeated nor wrapped."""
    service = Service(99)
    with pytest.raises(ConnectionResetError):
        ask(service, Outcome.ANSWERED, HandClock(), repeatable=True)
    assert len(service.left) == 1


def test_once_means_once() -> None:
    """A retrier for one try gives up after it, whatever the error."""
    service = Service(99)
    retrier = Retrier(RetryPolicy(), HandClock()).once()
    with pytest.raises(Unreachable, match="tried once"):
        retrier.ask("http://127.0.0.1:1", service, lambda _: Outcome.REFUSED, repeatable=True)
    assert len(service.left) == 1


def test_impossible_deadlines_are_refused() -> None:
    """A deadline of nothing is refused, showing the value."""
    with pytest.raises(InvalidInput, match=r"total=0"):
        RetryPolicy(total=0)
