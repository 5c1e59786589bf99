"""Threads on which statements run, and what ends these: a client's wish, a deadline, the end of the endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock, Thread

from airflow_provider_kafka_odps.local.errors import SqlError
from airflow_provider_kafka_odps.local.sql.stopping import Stopping

_MOST_AT_ONCE = 4


_PAUSE = 0.1
"""Seconds between two looks at what runs: so much longer than its deadline a statement may take to notice it."""


@dataclass(slots=True)
class _Work:
    stopping: Stopping
    future: Future[None]
    deadline: float | None = None


class Workers:
    """Runs statements, four at a time, each for `seconds` at most."""

    def __init__(self, seconds: float) -> None:
        """Start no thread yet."""
        self._seconds = seconds
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, "sql")
        self._running: dict[str, _Work] = {}
        self._watcher: Thread | None = None

    def start(self, name: str, run: Callable[[Stopping], None]) -> Future[None]:
        """Run this as soon as a thread is free; `run` raises nothing."""
        stopping = Stopping()
        with self._lock:
            future = self._threads.submit(self._run, name, run, stopping)
            self._running[name] = _Work(stopping, future)
            if self._watcher is None:
                self._watcher = Thread(target=self._watch, name="deadlines", daemon=True)
                self._watcher.start()
        return future

    def _run(self, name: str, run: Callable[[Stopping], None], stopping: Stopping) -> None:
        with self._lock:
            self._running[name].deadline = time.monotonic() + self._seconds
        try:
            run(stopping)
        finally:
            with self._lock:
                del self._running[name]

    def withdraw(self, name: str) -> bool:
        """Forget a statement that waits for a thread, and return whether there was one."""
        with self._lock:
            work = self._running.get(name)
            if work is None or not work.future.cancel():
                return False
            del self._running[name]
            return True

    def stop(self, name: str, reason: SqlError) -> None:
        """Have a statement that runs, if it does, end with this reason."""
        with self._lock:
            work = self._running.get(name)
        if work is not None:
            work.stopping.stop(reason)

    def _watch(self) -> None:
        while True:
            with self._lock:
                if not self._running:
                    self._watcher = None
                    return
                works = list(self._running.values())
            now = time.monotonic()
            for work in works:
                if work.deadline is not None and now > work.deadline:
                    work.stopping.stop(self._too_slow())
                work.stopping.repeat()
            time.sleep(_PAUSE)

    def _too_slow(self) -> SqlError:
        return SqlError(
            "ODPS-0123144", f"[0,0] the statement ran for more than {self._seconds:g} s: --statement-timeout"
        )

    def close(self, reason: SqlError, patience: float) -> bool:
        """Take no more statements, end those that run, wait so many seconds, and return whether all have ended."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            works = list(self._running.values())
        for work in works:
            work.stopping.stop(reason)
        return not wait([work.future for work in works], patience).not_done
