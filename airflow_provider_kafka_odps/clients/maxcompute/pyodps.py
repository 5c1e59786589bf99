"""The one door to PyODPS: it is imported here, in half of the time that it takes by itself."""

from __future__ import annotations

import gc
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quickly() -> Iterator[None]:
    """Import PyODPS as it is, and leave nothing behind, but spare it two things that cost more than the rest of it.

    Three of its classes ask for ``inspect.stack()`` when they are made, and look at the frames alone. For each of some
    thirty frames Python would search all modules for its source: with those of Airflow, half a second. And all that is
    imported stays: to look for garbage in it, again and again as it grows, is a tenth of the time.
    """
    real, ours, collects = inspect.stack, threading.get_ident(), gc.isenabled()

    def stack(context: int = 1) -> list[inspect.FrameInfo]:
        # Other threads get what they ask for.
        return _frames() if threading.get_ident() == ours else real(context)

    inspect.stack = stack
    gc.disable()
    try:
        yield
    finally:
        inspect.stack = real
        if collects:
            gc.enable()


def _frames() -> list[inspect.FrameInfo]:
    """Return the frames of whoever has asked for the stack, without looking at any source."""
    asking = inspect.currentframe()
    frame = asking and asking.f_back and asking.f_back.f_back
    found = []
    while frame is not None:
        code = frame.f_code
        found.append(inspect.FrameInfo(frame, code.co_filename, frame.f_lineno, code.co_name, None, None))
        frame = frame.f_back
    return found


with quickly():
    from odps import ODPS, accounts, errors, types
    from odps.config import options
    from odps.rest import RestClient

__all__ = ["ODPS", "RestClient", "accounts", "errors", "options", "types"]
