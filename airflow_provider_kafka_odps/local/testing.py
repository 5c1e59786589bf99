"""For tests and demos: an endpoint in a process of its own, ready when the `with` block starts and gone after it.

The pytest fixtures `maxcompute_endpoint` and `maxcompute_faults` can be imported from here into a conftest.py; the
faults are `Refuse`, `Drop`, `Truncate`, `Delay`, `Slow`, `Expire`, `ForceStatus` and `Corrupt`.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from airflow_provider_kafka_odps.local.control_client import EndpointControl
from airflow_provider_kafka_odps.local.faults import (
    Corrupt,
    Delay,
    Drop,
    Expire,
    ForceStatus,
    Moment,
    Operation,
    Refuse,
    Slow,
    Truncate,
)
from airflow_provider_kafka_odps.local.settings import DEFAULT_ACCESS_ID, DEFAULT_ACCESS_KEY, DEFAULT_PROJECT, IN_MEMORY

__all__ = [
    "Corrupt",
    "Delay",
    "Drop",
    "EndpointControl",
    "EndpointStartError",
    "Expire",
    "ForceStatus",
    "Moment",
    "Operation",
    "Refuse",
    "RunningEndpoint",
    "Slow",
    "Truncate",
    "running_endpoint",
    "stop",
]


_READY = "MaxCompute endpoint ready: "


_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RunningEndpoint:
    """A started endpoint: its URL, what clients sign with, and the id of its process."""

    endpoint: str
    project: str
    access_id: str
    access_key: str
    pid: int

    @property
    def control(self) -> EndpointControl:
        """Faults on demand, and the log of requests."""
        return EndpointControl(self.endpoint)


class EndpointStartError(RuntimeError):
    """The endpoint did not start in time; the message has everything it wrote."""


@contextmanager
def running_endpoint(
    data: str | Path = IN_MEMORY,
    *,
    project: str = DEFAULT_PROJECT,
    access_id: str = DEFAULT_ACCESS_ID,
    access_key: str = DEFAULT_ACCESS_KEY,
    host: str = "127.0.0.1",
    port: int = 0,
    arguments: tuple[str, ...] = (),
    deadline: float = 60.0,
) -> Iterator[RunningEndpoint]:
    """Start an endpoint in its own process, on a free port unless `port` is given, and stop it by its id at the end.

    `data` is a directory, or ":memory:" to keep nothing; `arguments` are further ones of the command line;
    `deadline` is how many seconds it may take to get ready.
    Raises EndpointStartError.
    """
    command = [
        *(sys.executable, "-m", __package__, "--host", host, "--port", str(port), "--data", str(data)),
        *("--project", project, "--access-id", access_id, "--access-key", access_key, *arguments),
        "--until-stdin-closes",
    ]
    with tempfile.TemporaryFile() as errors:
        # The pipe ends with this process, however it ends: even SIGKILL leaves no endpoint behind.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.PIPE)  # noqa: S603 - our own module
        try:
            url = _wait_until_ready(process, errors, deadline)
            yield RunningEndpoint(url, project, access_id, access_key, process.pid)
        finally:
            stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], errors: IO[bytes], deadline: float) -> str:
    assert process.stdout is not None
    ends = time.monotonic() + deadline
    written = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := ends - time.monotonic()) > 0:
            if not selector.select(left):
                continue
            piece = os.read(process.stdout.fileno(), 65536)
            written += piece
            for line in written.decode(errors="replace").splitlines(keepends=True):
                if line.startswith(_READY) and line.endswith("\n"):
                    return line.removeprefix(_READY).split()[0]
            if not piece:
                break
    errors.seek(0)
    seen = (written + errors.read()).decode(errors="replace").strip() or "nothing"
    ended = process.poll() is not None or not piece
    state = f"ended with exit code {process.wait(_STOP_SECONDS)}" if ended else "is not ready"
    raise EndpointStartError(
        f"the MaxCompute endpoint (process {process.pid}) {state} after at most {deadline} s; it wrote: {seen}"
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a process by its id: SIGTERM first, and SIGKILL ten seconds later."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait(_STOP_SECONDS)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


try:
    import pytest
except ModuleNotFoundError:
    # A demo needs an endpoint, but no fixtures.
    pass
else:
    __all__ += ["maxcompute_endpoint", "maxcompute_faults"]

    @pytest.fixture(scope="session")
    def maxcompute_endpoint() -> Iterator[RunningEndpoint]:
        """Yield a running endpoint that keeps its tables in memory, one for all tests."""
        with running_endpoint() as endpoint:
            yield endpoint

    @pytest.fixture
    def maxcompute_faults(maxcompute_endpoint: RunningEndpoint) -> Iterator[EndpointControl]:
        """Yield the control of that endpoint; after the test all faults are forgotten."""
        yield maxcompute_endpoint.control
        maxcompute_endpoint.control.clear()
