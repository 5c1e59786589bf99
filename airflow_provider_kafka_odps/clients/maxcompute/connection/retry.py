"""Requests that are tried again, and how long, before an endpoint counts as unreachable."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeVar, assert_never

from airflow_provider_kafka_odps.core.backoff import Backoff
from airflow_provider_kafka_odps.exceptions import InvalidInput, Unreachable

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.clock import Clock

Answer = TypeVar("Answer")


class Outcome(Enum):
    """What an error of one try says about the request."""

    ANSWERED = auto()
    """The service answered, and a retry gets the same answer."""
    REFUSED = auto()
    """It was not accepted (no connection): a retry is always safe."""
    THROTTLED = auto()
    """The same, because too much is asked for at the moment."""
    UNCERTAIN = auto()
    """It was sent, and whether it took effect is not known."""
    HOPELESS = auto()
    """There is no answer, and a retry does not fix that."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Deadlines in seconds: of one question with all of its tries, of connecting, of waiting for bytes."""

    total: float = 60.0
    connect: float = 10.0
    read: float = 60.0
    first_pause: float = 0.2
    longest_pause: float = 10.0
    tries: int | None = None
    """No limit but time where None."""

    def __post_init__(self) -> None:
        """Refuse deadlines that nothing can meet."""
        if min(self.total, self.connect, self.read, self.first_pause, self.longest_pause) <= 0:
            raise InvalidInput(f"deadlines and pauses are positive seconds, not {self}")

    @property
    def backoff(self) -> Backoff:
        """How long the pauses between tries are."""
        return Backoff(self.first_pause, self.longest_pause)


@dataclass(frozen=True, slots=True)
class Retrier:
    """Asks until there is an answer or the policy ends it; time and jitter are arguments."""

    policy: RetryPolicy
    clock: Clock
    jitter: Callable[[], float] = random.random
    check: Callable[[], None] | None = None
    """Called several times a second during a wait for an answer; raises to stop. None: nothing can stop it."""
    on_throttled: Callable[[Exception], None] | None = None
    """Called with each error that says that too much is asked for."""

    def ask(
        self,
        endpoint: str,
        question: Callable[[float], Answer],
        classify: Callable[[Exception], Outcome],
        *,
        repeatable: bool,
        uncounted: Callable[[], float] = lambda: 0.0,
    ) -> Answer:
        """Return the answer to ``question``, which is given the seconds that are left.

        An uncertain try is only repeated where ``repeatable``. Errors that are answers pass through. ``uncounted`` is
        asked for the seconds by now that do not count, in which the service was not waited for.
        Raises Unreachable, naming the endpoint and how long it was tried.
        """
        start = self.clock.monotonic()
        tries = 0
        while True:
            tries += 1
            try:
                return question(start + uncounted() + self.policy.total - self.clock.monotonic())
            except Exception as error:
                match classify(error):
                    case Outcome.ANSWERED:
                        raise
                    case Outcome.REFUSED:
                        again = True
                    case Outcome.THROTTLED:
                        again = True
                        if self.on_throttled is not None:
                            self.on_throttled(error)
                    case Outcome.UNCERTAIN:
                        again = repeatable
                    case Outcome.HOPELESS:
                        again = False
                    case never:
                        assert_never(never)
                pause = self.policy.backoff.pause(tries, self.jitter())
                spent = self.clock.monotonic() - start - uncounted()
                if not again or tries == self.policy.tries or spent + pause >= self.policy.total:
                    raise _unreachable(endpoint, tries, spent, error) from error
            self.clock.sleep(pause)

    def once(self) -> Retrier:
        """Return a retrier that tries once: for a request whose repetition is the caller's decision."""
        return replace(self, policy=replace(self.policy, tries=1))


def _unreachable(endpoint: str, tries: int, spent: float, error: Exception) -> Unreachable:
    times = "once" if tries == 1 else f"{tries} times"
    return Unreachable(
        f"MaxCompute at {endpoint} did not answer: tried {times} in {spent:.1f} s, last error: "
        f"{type(error).__name__}: {error}. Check the endpoint, the network to it, and the project's quota"
    )
