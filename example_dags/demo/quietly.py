"""Run a command whose many lines go to a file, and say in one line how far it is; standard library only."""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

_GLANCE = 0.3
_TAIL = 15
_COLLECTED = re.compile(rb"^ *Collecting ", re.MULTILINE)
_UNPACKING = b"Installing collected packages"


def main() -> int:
    """Run what is asked for; return its exit code."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("log", type=Path, help="the file of the command's own lines")
    reader.add_argument("what", help="what is done, as a sentence")
    reader.add_argument("command", nargs="+")
    asked = reader.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    asked.log.parent.mkdir(parents=True, exist_ok=True)
    print(f"{asked.what}.", flush=True)
    line = Line(f"(pip's own lines: {asked.log})")
    try:
        code = _run(asked.command, asked.log, line.show)
    except KeyboardInterrupt:
        line.end("interrupted; the next `make` takes it up again")
        return 130
    if code == 0:
        line.end("done")
        return 0
    line.end(f"failed with exit code {code}")
    print(f"The end of {asked.log}:", *_end_of(asked.log), sep="\n  ", file=sys.stderr, flush=True)
    return code


class Line:
    """One line that is written again and again; where nobody watches, it is written once, at the end."""

    def __init__(self, where: str) -> None:
        self._where, self._began = where, time.monotonic()
        self._watched = sys.stdout.isatty()

    def show(self, state: str) -> None:
        """Write how far it is."""
        if self._watched:
            self._write(state, end="")

    def end(self, state: str) -> None:
        """Write how it has ended."""
        self._write(state, end="\n")

    def _write(self, state: str, end: str) -> None:
        text = f"{state} after {time.monotonic() - self._began:.0f} s {self._where}"
        if self._watched:
            # A line that the terminal breaks is not written over.
            width = shutil.get_terminal_size().columns - 1
            text = f"\r{text[:width]:<{width}}"
        print(text, end=end, flush=True)


def _run(command: list[str], log: Path, show: Callable[[str], None]) -> int:
    with log.open("wb") as lines, subprocess.Popen(command, stdout=lines, stderr=subprocess.STDOUT) as running:
        try:
            while running.poll() is None:
                show(_progress(log.read_bytes()))
                time.sleep(_GLANCE)
        except KeyboardInterrupt:
            # It may have been asked by the terminal already; twice does no harm.
            running.terminate()
            raise
    return running.returncode


def _progress(lines: bytes) -> str:
    found = len(_COLLECTED.findall(lines))
    return f"{'unpacking' if _UNPACKING in lines else 'found'} {found} packages"


def _end_of(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-_TAIL:]


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
