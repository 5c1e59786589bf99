"""Printing to a reader who may have gone, such as `head`: that is no error, and the rest is not printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """End the block without an error where the reader of standard output has gone."""
    try:
        try:
            yield
        finally:
            if not sys.stdout.closed:
                sys.stdout.flush()
    except BrokenPipeError:
        # What is closed, Python does not try to flush again when it ends.
        with suppress(BrokenPipeError):
            sys.stdout.close()


def print_line(text: str) -> None:
    """Print at once, or nothing if the reader has gone; what the command does goes on, and so does its exit code."""
    if not sys.stdout.closed:
        with readers_may_leave():
            print(text)  # noqa: T201 - a command prints
