"""While packages are installed there is one line, and pip's own lines are in a file that is named on failure."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kit.airflow_home import ROOT

SCRIPT = ROOT / "example_dags" / "demo" / "quietly.py"
INSTALLED = "print('Collecting a\\n  Downloading a-1.whl\\nCollecting b\\nInstalling collected packages: a, b')"
FAILS = "import sys\nprint('\\n'.join(f'line {n}' for n in range(99)))\nsys.exit('ERROR: no matching distribution')"
WAITS = "import time\nprint('Collecting a', flush=True)\ntime.sleep(600)"


def quietly(log: Path, program: str) -> list[str]:
    """Return the command line that runs a program of Python quietly."""
    return [sys.executable, str(SCRIPT), str(log), "Installing the demo", "--", sys.executable, "-c", program]


def test_where_nobody_watches_two_lines_are_written(tmp_path: Path) -> None:
    """As in CI: what begins, and how it has ended; the rest is in the file."""
    log = tmp_path / "build" / "install.log"
    ended = subprocess.run(quietly(log, INSTALLED), check=True, capture_output=True, text=True)
    begin, end = ended.stdout.splitlines()
    assert begin == "Installing the demo."
    assert re.fullmatch(r"done after \d+ s \(pip's own lines: .*install\.log\)", end)
    assert "Downloading a-1.whl" in log.read_text()


def test_on_a_terminal_there_is_one_line(tmp_path: Path) -> None:
    """It is written over and over, never longer than the terminal is wide, and says how far it is."""
    ours, theirs = pty.openpty()
    slow = f"{INSTALLED}\nimport sys, time\nsys.stdout.flush()\ntime.sleep(1)"
    environment = {**os.environ, "COLUMNS": "60"}
    with subprocess.Popen(quietly(tmp_path / "log", slow), stdout=theirs, env=environment) as running:
        os.close(theirs)
        written = b""
        try:
            while piece := os.read(ours, 1000):
                written += piece
        except OSError:
            # Linux says so at the end of a terminal.
            pass
    os.close(ours)
    assert running.returncode == 0
    assert written.count(b"\n") == 2
    lines = written.decode().strip().split("\r")
    assert max(map(len, lines)) < 60
    assert any("unpacking 2 packages" in line for line in lines)
    assert "done" in lines[-1]


def test_what_fails_shows_the_end_of_the_file_and_its_name(tmp_path: Path) -> None:
    """The exit code is pip's; make stops there."""
    log = tmp_path / "install.log"
    ended = subprocess.run(quietly(log, FAILS), check=False, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "failed with exit code 1" in ended.stdout
    shown = ended.stderr.splitlines()
    assert shown[0] == f"The end of {log}:"
    assert (len(shown), shown[-1]) == (16, "  ERROR: no matching distribution")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_running(tmp_path: Path, sent: signal.Signals) -> None:
    """Ctrl-C ends what was started, and says that nothing is lost."""
    log = tmp_path / "install.log"
    with subprocess.Popen(quietly(log, WAITS), stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        while not log.exists() or b"Collecting" not in log.read_bytes():
            assert running.poll() is None
        running.send_signal(sent)
        written, _ = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "interrupted; the next `make` takes it up again" in written
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)
