"""How long to wait before a question is asked again."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_kafka_odps.exceptions import InvalidInput

_MOST_DOUBLINGS = 64
"""More of them change nothing, and thousands of tries would be more than a float can hold."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from try to try, in seconds.

    >>> [Backoff(first=1, longest=30).pause(tries) for tries in range(1, 8)]
    [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    """

    first: float
    longest: float

    def __post_init__(self) -> None:
        """Refuse pauses that are none."""
        if min(self.first, self.longest) <= 0:
            raise InvalidInput(f"pauses are positive seconds, not {self}")

    def pause(self, tries: int, jitter: float = 1.0) -> float:
        """Return the seconds to wait after so many tries.

        ``jitter`` is from 0, half of the pause, to 1, all of it: clients that failed together do not return together.
        """
        whole = min(self.longest, self.first * 2.0 ** min(tries - 1, _MOST_DOUBLINGS))
        return whole * (0.5 + jitter / 2)
