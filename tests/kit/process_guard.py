"""Starts programs and ends them, with all that they started, when its own input ends; run with ``python -m``.

Its arguments are files, each with the arguments of one Python program as JSON: what it writes goes to a file beside.
All of them live in the warden's session, so that nobody is forgotten: Airflow gives each task a process group of its
own. The input ends when the process that holds its other side ends, even by SIGKILL.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_POLITE_SECONDS = 5.0


def main() -> None:
    """Start the programs, and end them when nobody needs them any more."""
    # A terminal's Ctrl-C goes to the group of the one who started us, who then closes our input.
    os.setsid()
    try:
        for path in map(Path, sys.argv[1:]):
            _start(json.loads(path.read_text()), path.with_suffix(".log"))
        sys.stdin.buffer.read()
    finally:
        end_session()


def end_session() -> None:
    """End all other processes of this session: politely first."""
    _signal_all(signal.SIGTERM)
    _wait_until(lambda: not _others(), _POLITE_SECONDS)
    while _others():
        _signal_all(signal.SIGKILL)
        _wait_until(lambda: not _others(), 1.0)


def _start(arguments: list[str], log: Path) -> None:
    with log.open("wb") as written:
        subprocess.Popen([sys.executable, *arguments], stdin=subprocess.DEVNULL, stdout=written, stderr=written)


def _signal_all(number: signal.Signals) -> None:
    for pid in _others():
        try:
            os.kill(pid, number)
            # One that is stopped does not end before it goes on.
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            continue


def _others() -> list[int]:
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and _is_ours(pid)]


def _is_ours(pid: int) -> bool:
    try:
        # The name of the program, in parentheses, may contain anything; then: state, parent, group, session.
        state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(session) == os.getpid() and state != "Z"


def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        time.sleep(0.05)


if __name__ == "__main__":
    main()
