"""How a command ends: by an exit code that a script can rely on, by an error in words, or by Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum

from airflow_provider_kafka_odps.commands.terminal import Terminal
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError

_STANDARD_ERROR = 2
_SHOW_CURSOR = b"\x1b[?25h"
"""A progress bar hides it."""


class Code(IntEnum):
    """The exit codes, the same of every command (docs/command-line.md)."""

    YES = 0
    """All is as it should be."""
    NO = 1
    """Something is not."""
    CANNOT_TELL = 2
    """Nobody can tell: the command is written wrong, or who was asked has not answered."""
    STOPPED = 130
    """Ended by Ctrl-C, as shells have it."""


def ended(terminal: Terminal, run: Callable[[], Code]) -> int:
    """Run a command to its end; our own errors become a message and an exit code, and never a traceback."""
    with _ended_by_ctrl_c():
        try:
            return run()
        except KafkaOdpsError as error:
            terminal.complain(error)
            return Code.CANNOT_TELL


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Have Ctrl-C end this process at once: there is nothing to be finished.

    A KeyboardInterrupt would be lost where it comes in the middle of a destructor, and libraries have many.
    """

    def end(*_: object) -> None:
        shown = _SHOW_CURSOR if sys.stderr.isatty() else b""
        os.write(_STANDARD_ERROR, shown + b"stopped\n")
        os._exit(Code.STOPPED)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
