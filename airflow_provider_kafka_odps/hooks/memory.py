"""How the operating system gives memory to a process that loads."""

from __future__ import annotations

import ctypes
import sys

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
