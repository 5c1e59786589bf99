"""Starting workers, receiving what they report, and seeing to it that none is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Self

from airflow_provider_kafka_odps.core.load.shares import Share, ShareFailed, ShareProgress, ShareResult
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.exceptions import WorkerFailed
from airflow_provider_kafka_odps.transfers.workers.process import ShareTask

_WORKER = "from airflow_provider_kafka_odps.transfers.workers.process import main; main()"


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """What is known of all workers before a window is."""

    task_of: Callable[[str, Share, frozenset[str], TopicFacts], ShareTask]
    """Upload id, share, columns to decode and what the topic is like → task of one worker."""

    def start(self, upload_id: str, shares: Sequence[Share], wanted: frozenset[str], facts: TopicFacts) -> RunningPool:
        """Start a worker for each share; they write blocks of an upload that is open."""
        return RunningPool([self.task_of(upload_id, share, wanted, facts) for share in shares])


class RunningPool:
    """Workers that run, as a context: when it is left, they do not run any more."""

    def __init__(self, tasks: Sequence[ShareTask]) -> None:
        self._lock = threading.Lock()
        self._reports: list[ShareProgress] = []
        self._failure: Exception | None = None
        self._results: dict[int, ShareResult] = {}
        self._workers: list[_Worker] = []
        self._ending = False
        self._tasks = tasks

    def __enter__(self) -> Self:
        try:
            for task in self._tasks:
                worker = _Worker(task)
                self._workers.append(worker)
                threading.Thread(target=self._receive, args=(worker,), name="worker", daemon=True).start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._ending = True
        for worker in self._workers:
            worker.end()

    def check(self) -> None:
        """Raise the error of the first worker that has failed, if any."""
        with self._lock:
            if self._failure is not None:
                raise self._failure

    def reports(self) -> Sequence[ShareProgress]:
        """Return, once, what the workers have reported by now."""
        with self._lock:
            reports, self._reports = self._reports, []
        return reports

    def results(self) -> Sequence[ShareResult] | None:
        """Return what each has loaded, in the order of their shares; None while one still loads."""
        with self._lock:
            if len(self._results) < len(self._tasks):
                return None
            return [self._results[number] for number in sorted(self._results)]

    def _receive(self, worker: _Worker) -> None:
        """Take what one worker reports, until it is done or dead."""
        while True:
            received = worker.receive()
            with self._lock:
                match received:
                    case ShareProgress():
                        self._reports.append(received)
                        continue
                    case ShareResult():
                        self._results[worker.share.number] = received
                    case ShareFailed(error) if not self._ending:
                        self._failure = self._failure or error
                return


class _Worker:
    """One process, and the pipes to it and from it."""

    def __init__(self, task: ShareTask) -> None:
        self.share = task.share
        reading, writing = os.pipe()
        self._inbox = Connection(reading, writable=False)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this same Python, with a text of our own
                [sys.executable, "-c", _WORKER, str(writing)],
                stdin=subprocess.PIPE,
                pass_fds=[writing],
                env=_environment(os.environ),
            )
        except BaseException:
            self._inbox.close()
            raise
        finally:
            os.close(writing)
        assert self._process.stdin is not None, "asked for"
        # A copy that closes itself: the pipe stays open, because its end is the worker's. One that has ended before it
        # took its task has said why, or has a status: `receive` tells.
        with Connection(os.dup(self._process.stdin.fileno()), readable=False) as outbox, suppress(BrokenPipeError):
            outbox.send(task)

    def receive(self) -> ShareProgress | ShareResult | ShareFailed:
        """Return the next that it reports; that it has ended, if it has reported nothing."""
        try:
            received: ShareProgress | ShareResult | ShareFailed = self._inbox.recv()
        except Exception:  # noqa: BLE001 - EOFError and OSError are the worker's end; anything else ends it here
            self._process.kill()
            ended = self._process.wait()
            how = f"was killed by signal {-ended}" if ended < 0 else f"has ended with {ended}"
            ranges = ", ".join(map(str, self.share.window.ranges))
            return ShareFailed(
                WorkerFailed(
                    f"worker {self.share.number} of {self.share.of} (process {self._process.pid}) {how} before its "
                    f"share was loaded: {ranges}. Nothing was committed. Signal 9 often means that there was no memory "
                    "left: every worker may take max_memory"
                )
            )
        return received

    def end(self) -> None:
        """See to it that the process runs no more; it writes nothing after this."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None, "asked for"
        self._process.stdin.close()


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment, in which a worker finds the same packages, and none in its folder."""
    return {**own, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}
