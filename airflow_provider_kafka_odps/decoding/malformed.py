"""How the parts of the decoder say which record is malformed, before the whole of it says where that one is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Malformed(Exception):
    """A record whose bytes contradict each other; the decoder turns it into CorruptBatch."""

    def __init__(self, record: int, problem: str) -> None:
        """Take the record's index among those that are decoded together, and what is wrong with it."""
        super().__init__(problem)
        self.record, self.problem = record, problem


def refuse(bad: NDArray[np.bool_], problem: str) -> None:
    """Raise Malformed for the first record that is ``bad``, if any is."""
    if bad.any():
        raise Malformed(int(bad.argmax()), problem)
