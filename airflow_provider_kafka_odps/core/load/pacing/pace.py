"""Whether one more lane pays: not where those that run are kept busy by making rows."""

from __future__ import annotations

from airflow_provider_kafka_odps.core.clock import Clock

_BUSY = 0.3
"""What lanes of a load that the processor limits spend of their time on decoding and projecting; the rest of what they
do, such as serialising and checksums, is counted with waiting for the service."""
_LEAST = 1024 * 1024
"""Bytes of rows of each lane by which it is judged."""
_LONGEST = 1.0
"""Seconds after which it is judged by less: nothing comes, so waiting is all that lanes do."""


class Pace:
    """What the lanes of one process have done since more of them were started."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since, self._made, self._bytes = clock.monotonic(), 0.0, 0

    def pays(self, lanes: int, made: float, size: int) -> bool:
        """Tell whether more lanes than so many pay, by the seconds in which rows were made, and their bytes, so far."""
        spent = self._clock.monotonic() - self._since
        if size - self._bytes < _LEAST * lanes and spent < _LONGEST:
            return False
        busy = (made - self._made) / (spent * lanes) if spent > 0 else 0.0
        self._since, self._made, self._bytes = self._clock.monotonic(), made, size
        return busy < _BUSY
