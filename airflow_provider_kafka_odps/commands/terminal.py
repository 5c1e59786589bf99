"""What a command prints: for a person in colours, into a pipe as plain text, for a script as one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from airflow_provider_kafka_odps.standard_output import print_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


GOOD, BAD, CAUTION, FAINT, HEADING = "green", "bold red", "yellow", "dim", "bold"
"""Colours: what is as it should be, what is not, what may not be, what matters less, and names of things."""
_UNBROKEN = 100_000
"""Columns of a line that nobody sees the end of: what reads from a pipe breaks lines itself."""

Part: TypeAlias = "str | tuple[str, str]"
"""A text, or a text and its colour."""
Advance: TypeAlias = Callable[[int], None]
"""Called with how much more is done."""
Shown: TypeAlias = Callable[[str, int], AbstractContextManager[Advance]]
"""Shows how far something has come, as ``Terminal.progress`` does: what is done, and how much there is of it."""


class Terminal:
    """Where one command prints; it may be a terminal, a pipe, or a script that wants JSON."""

    def __init__(self, *, as_json: bool) -> None:
        """Print nothing but ``document`` if a script reads it; to what is standard output now."""
        self.as_json = as_json
        # Also where logs are sent aside, which is done by another standard output.
        self._out = sys.stdout

    def say(self, *parts: Part) -> None:
        """Print a line for a person."""
        if self.as_json:
            return
        from rich.text import Text

        line = Text()
        for part in parts:
            text, style = (part, "") if isinstance(part, str) else part
            line.append(printable(text), style)
        self._print(line, soft_wrap=True)

    def table(self, names: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> None:
        """Print rows of texts and numbers below their names; ``right`` are the columns that are lined up there."""
        if self.as_json:
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=HEADING)
        for name in names:
            table.add_column(name, justify="right" if name in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(str(each))) for each in row))
        self._print(table)

    def document(self, document: Mapping[str, Any]) -> None:
        """Print the answer for a script."""
        if self.as_json:
            self._print_line(json.dumps(document, ensure_ascii=False, indent=2))

    def complain(self, error: Exception) -> None:
        """Say what went wrong: to a person on standard error, to a script there and in its document."""
        from rich.text import Text

        name, text = type(error).__name__, _without_secrets(str(error))
        self.document({"error": {"name": name, "message": text}})
        console = _console(sys.stderr)
        console.print(Text.assemble((f"{name}: ", BAD), printable(text)), soft_wrap=True, highlight=False)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Advance]:
        """Show how much of a number is done while the block runs; nothing where a pipe is on either side."""
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        streams = (self._out, sys.stderr)
        seen = not self.as_json and all(not each.closed and each.isatty() for each in streams)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=_console(sys.stderr), transient=True, disable=not seen) as shown:
            task = shown.add_task(what, total=total)
            yield lambda more: shown.advance(task, more)

    def _print(self, what: RenderableType, *, soft_wrap: bool = False) -> None:
        if self._out.closed:
            # Its reader has gone, and the exit code is still wanted.
            return
        console = _console(self._out)
        with console.capture() as printed:
            console.print(what, soft_wrap=soft_wrap, highlight=False)
        self._print_line("\n".join(line.rstrip() for line in printed.get().removesuffix("\n").split("\n")))

    def _print_line(self, text: str) -> None:
        with redirect_stdout(self._out):
            print_line(text)


def _console(stream: TextIO) -> Console:
    """Return what knows the colours of a stream: none in a pipe, in NO_COLOR, and where the terminal has none."""
    from rich.console import Console

    return Console(file=stream, width=None if stream.isatty() else _UNBROKEN)


def _without_secrets(text: str) -> str:
    """Hide what the hooks have told Airflow to hide; without Airflow, no connection was read."""
    if "airflow.sdk" not in sys.modules:
        return text
    from airflow_provider_kafka_odps.hooks.masking import masked

    return masked(text)


def printable(text: str) -> str:
    r"""Return a text without what a terminal would obey: names and values come from topics, tables and servers.

    >>> printable("a\x1b[2Jb\rc\nd")
    'a\\x1b[2Jb\\rc\nd'
    """
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode() for each in text
    )


@contextmanager
def logs_aside() -> Iterator[None]:
    """Send what Airflow and the hooks log in the block, imports included, to standard error."""
    with redirect_stdout(sys.stderr):
        yield
