"""How fast a load goes: no faster than it may, and in the log while it runs."""

from __future__ import annotations

from collections.abc import Callable

_CREDIT_SECONDS = 1.0


_LINE_SECONDS = 10.0


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


class Progress:
    """Says how far a load is, at most once in ten seconds; time is an argument."""

    def __init__(self, span: int, log: Callable[[str], None], now: float) -> None:
        """Take how many offsets there are to pass, the task's log, and the present."""
        self._span, self._log = span, log
        self._began = self._told = now
        self._rows = self._bytes = 0

    def add(self, rows: int, size: int, passed: int, now: float) -> None:
        """Count rows and their bytes, once all but ``span - passed`` offsets were passed, and say so if it is time.

        There is never 100 %: when the last offset was passed, its block is still to be written.
        """
        self._rows += rows
        self._bytes += size
        if now - self._told < _LINE_SECONDS:
            return
        self._told = now
        spent = now - self._began
        self._log(
            f"{self._rows} rows, {_amount(self._bytes)}, {_short(self._rows / spent)} rows/s, "
            f"{min(99, 100 * passed // self._span)} % of the window{self._left(passed, spent)}"
        )

    def _left(self, passed: int, spent: float) -> str:
        if not passed:
            return ""
        if passed >= self._span:
            return ", the last blocks are being written"
        return f", about {_duration(spent * (self._span - passed) / passed)} left"


def _amount(size: int) -> str:
    """Return bytes in the unit that fits: 640 B, 12 kB, 0.5 MB, 67 MB, 1.2 GB."""
    for least, unit, name in ((10**9, 10**9, "GB"), (10**5, 10**6, "MB"), (10**3, 10**3, "kB")):
        if size >= least:
            return f"{_short(size / unit)} {name}"
    return f"{size} B"


def _short(number: float) -> str:
    """Return a number with a decimal where it is small."""
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"  # noqa: PLR2004 - two digits are enough


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
