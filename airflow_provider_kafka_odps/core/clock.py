"""Time, as an argument."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

# A receipt names what settling found: a DAG that is parsed must not pay for pyarrow.


GLANCE_SECONDS = 0.2
"""Between two looks at whether to stop."""


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> datetime:
        """Return the present instant, with a zone."""

    def monotonic(self) -> float:
        """Return seconds that only go forward."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
