"""How long statements are shown as running: not at all, or for some polls and seconds, to try how clients wait."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock

from airflow_provider_kafka_odps.local.settings import Pace


@dataclass(frozen=True, slots=True)
class _Shown:
    polls: int
    until: int


class Pacing:
    """Which statements are still shown as running; times in milliseconds since the epoch."""

    def __init__(self, pace: Pace) -> None:
        """Apply this pace to new statements."""
        self.pace = pace
        self._lock = Lock()
        self._shown: dict[str, _Shown] = {}

    def start(self, instance_id: str, now: int) -> None:
        """Take the pace that holds now for a new statement."""
        pace = self.pace
        if pace != Pace():
            with self._lock:
                self._shown[instance_id] = _Shown(pace.polls, now + round(pace.seconds * 1000))

    def end(self, instance_id: str) -> None:
        """Show the statement as it is from now on."""
        with self._lock:
            self._shown.pop(instance_id, None)

    def runs(self, instance_id: str, now: int, *, polled: bool) -> bool:
        """Return whether the statement is to be shown as running; `polled` when this is a request for its status."""
        with self._lock:
            shown = self._shown.get(instance_id)
            if shown is None:
                return False
            if shown.polls <= 0 and shown.until <= now:
                del self._shown[instance_id]
                return False
            self._shown[instance_id] = replace(shown, polls=shown.polls - polled)
            return True
