"""The demo as a person runs it: it prints what it promises, and leaves no process behind, also on Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]


@contextmanager
def demo() -> Iterator[subprocess.Popen[str]]:
    """Start the demo in a session of its own; whatever is left of it afterwards is killed."""
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT / "example_dags")]))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    with subprocess.Popen(
        [sys.executable, "-m", "demo"],
        env=environment | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            for process in offspring(running.pid):
                process.kill()
            running.kill()


def offspring(session: int) -> list[psutil.Process]:
    """Return what runs of the demo's, but for itself: its children, and what else is in their sessions."""
    if not psutil.pid_exists(session):
        return []
    return psutil.Process(session).children(recursive=True)


def test_it_prints_what_it_promises() -> None:
    """The window, the receipt, the tutorial's rows before and after the rerun, and the hour's rows."""
    with demo() as running:
        said, _ = running.communicate(timeout=240)

    assert running.returncode == 0, said
    assert len(re.findall(r"\| NULL +\| 123 +\| 0 +\| \d{13} +\| 0 +\| 123 +\| NULL +\| NULL +\|", said)) == 2, said
    assert len(re.findall(r"\| abc +\| 1 +\| \d{13} +\| 0 +\| 123 +\| NULL", said)) == 2, said
    assert said.count("| e002       | buy   |") == 2, said
    assert "testkafka[2]  [0, 3)" in said
    assert '"rows": 6' in said
    assert "same window, same rows" in said
    assert re.search(r"\| \d{8} \| \d{2}   \| e013 ", said), said


@pytest.mark.parametrize("dag", ["tutorial", "hourly"])
def test_ctrl_c_leaves_nothing_behind(dag: str) -> None:
    """Interrupted while the broker and the endpoint run, it stops both and says so, also in a DAG with retries."""
    with demo() as running:
        assert running.stdout is not None
        for line in running.stdout:
            if f"running the DAG {dag}" in line:
                break
        started = offspring(running.pid)
        running.send_signal(signal.SIGINT)
        said = running.stdout.read()
        assert running.wait(60) == 130, said

    assert started, "a broker and an endpoint were running"
    gone, alive = psutil.wait_procs(started, timeout=20)
    assert not alive, f"{alive} still run after {gone} ended"
