"""How fast a load may go."""

from __future__ import annotations

_CREDIT_SECONDS = 1.0


class Throttle:
    """A bucket of bytes that fills at a steady rate; time is an argument.

    What was not used while nothing came is kept for a second, so that a load which waits for its broker now and then
    still has its rate, and none has bursts.
    """

    def __init__(self, bytes_per_second: float, now: float) -> None:
        """Take the rate, and the present in seconds of a clock that only goes forward."""
        self._rate = bytes_per_second
        self._paid_until = now

    def take(self, size: int, now: float) -> float:
        """Take out ``size`` bytes; return the instant before which no more may be taken.

        >>> throttle = Throttle(100, now=0.0)
        >>> throttle.take(50, now=0.0), throttle.take(200, now=0.5)
        (0.5, 2.5)
        """
        self._paid_until = max(self._paid_until, now - _CREDIT_SECONDS) + size / self._rate
        return self._paid_until
