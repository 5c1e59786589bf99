"""Starts attempts in processes of their own, quickly, and tells how they ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from delivery.attempts import Orders

_GLANCE = 0.01


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended: by a signal, with a receipt, or with an error."""

    killed: bool = False
    stopped: bool = False
    receipt: dict[str, Any] | None = None
    error: str | None = None
    """The name of its class; of the one behind it, where Airflow is told not to try again."""
    retry_helps: bool = True
    text: str = ""


class Nursery:
    """Asks the process that forks attempts; several threads may."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process, self._lock = process, threading.Lock()

    def start(self, orders: Orders) -> int:
        """Start an attempt and return its process id."""
        pid: int = self.ask({"start": asdict(orders)})
        return pid

    def wait(self, pid: int, orders: Orders) -> Ended:
        """Wait until an attempt has ended or is stopped."""
        while (status := self.ask({"look": pid})) is None:
            time.sleep(_GLANCE)
        folder = Path(orders.folder)
        if os.WIFSTOPPED(status):
            return Ended(stopped=True)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL, log_of(orders)
            return Ended(killed=True)
        assert os.WEXITSTATUS(status) == 0, log_of(orders)
        said = json.loads((folder / f"ended-{orders.number}").read_text())
        if "receipt" in said:
            return Ended(receipt=said["receipt"])
        final = said["error"] == "AirflowFailException"
        return Ended(error=said["cause"] if final else said["error"], retry_helps=not final, text=said["text"])

    def ask(self, question: object = None) -> Any:
        """Write a line, if there is something to ask, and read one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            if question is not None:
                self._process.stdin.write(f"{json.dumps(question)}\n")
                self._process.stdin.flush()
            line = self._process.stdout.readline()
        assert line, "the process that starts the attempts has ended"
        return json.loads(line)


def log_of(orders: Orders) -> str:
    """Return what an attempt wrote."""
    return Path(orders.folder, f"log-{orders.number}").read_text()


@contextmanager
def nursery(environment: Mapping[str, str]) -> Iterator[Nursery]:
    """Start the process that forks attempts; it ends, with all of its children, when the block does."""
    root = Path(__file__).parents[1]
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(root), str(root.parent / "example_dags")]))
    with subprocess.Popen(
        [sys.executable, "-m", "delivery.attempts"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Without the last one each request searches the whole environment for proxies.
        env={**os.environ, **environment, "PYTHONPATH": path, "no_proxy": "127.0.0.1"},
    ) as process:
        try:
            asking = Nursery(process)
            assert asking.ask() == "ready"
            yield asking
        finally:
            # The end of its input makes it leave, after it has ended its children.
            process.communicate(timeout=30)
