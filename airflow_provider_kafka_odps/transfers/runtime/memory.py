"""How a process that loads takes its memory, and how often it looks for what is left over in it."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SET_THP_DISABLE = 41
"""Of ``prctl``; see https://man7.org/linux/man-pages/man2/PR_SET_THP_DISABLE.2const.html."""


def refuse_huge_pages() -> None:
    """Take memory from Linux in pages of 4 KiB from now on, and in nothing larger, in this whole process.

    Buffers come and go here, and a page of 2 MiB of which a few bytes are used counts as a whole: measured with a
    million records of 195 bytes, the process was 30 MB smaller without them, and no slower.
    """
    if sys.platform == "linux":
        # Where the kernel refuses, the load only takes more memory.
        ctypes.CDLL(None).prctl(_SET_THP_DISABLE, 1, 0, 0, 0)


@contextmanager
def lean() -> Iterator[None]:
    """Take small pages, and let Python's collector leave alone what was there before, until the context is left.

    Airflow alone is a million objects; looking through them again and again took a fifth of the time that batches of
    five records do. Whoever has frozen objects before keeps them frozen.
    """
    refuse_huge_pages()
    frozen_before = gc.get_freeze_count()
    gc.freeze()
    try:
        yield
    finally:
        if not frozen_before:
            gc.unfreeze()
