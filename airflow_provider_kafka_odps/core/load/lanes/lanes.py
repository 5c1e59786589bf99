"""Lanes: threads of which each takes the next block until none is left; the first failure stops all of them."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Generic, TypeAlias, TypeVar

from airflow_provider_kafka_odps.core.clock import GLANCE_SECONDS, Clock
from airflow_provider_kafka_odps.exceptions import InvalidInput

T = TypeVar("T")


_GRACE = 4.0
"""Seconds that a lane may take to end after a failure; Airflow kills a task five seconds after it asked it to stop."""


class _Stopped(Exception):
    """Another lane has failed."""


Work: TypeAlias = Callable[[T], None]


class Lanes(Generic[T]):
    """Does the same with each of some items, several at a time.

    With 0 lanes there is no thread: the items are worked on one after the other, where ``run`` is called.
    """

    def __init__(self, lanes: int, check: Callable[[], None], stop: Callable[[], None]) -> None:
        """Take how many items are worked on at once, and what raises if the load is to stop.

        ``stop`` is called once after an error: it tells lanes that wait for the outside.
        """
        if lanes < 0:
            raise InvalidInput(f"concurrency={lanes}: 0 or more blocks can be written at a time")
        self._most, self._check, self._stop = lanes, check, stop
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._ending = False
        self._running = self._left = 0

    @property
    def running(self) -> int:
        """How many lanes run."""
        return self._running

    def run(
        self,
        items: Sequence[T],
        enter: Callable[[], AbstractContextManager[Work[T]]],
        glance: Callable[[], object],
        first: int | None = None,
        pays: Callable[[], bool] = lambda: True,
    ) -> None:
        """Work on all items, in their order; return when the last one is done.

        Each lane enters what gives it its work. ``first`` of them begin, None: all; as long as there is something left,
        and ``pays`` says so, as many more join them. ``glance`` is called several times a second, in this
        thread. Raises the first error of any lane, of ``glance`` and of ``check``; then no lane runs any more, unless
        one is in a call that nothing can break off: such a thread ends at that call's own deadline.
        """
        if not self._most:
            with enter() as work:
                for item in items:
                    self.check()
                    work(item)
            return
        left, self._left = iter(items), len(items)
        try:
            self._start(min(self._most if first is None else first, self._most), left, enter)
            while self._wait_a_moment():
                glance()
                self._check()
                if self._running < self._most and self._left and pays():
                    self._start(min(self._running, self._most - self._running), left, enter)
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            self._end()
        if self._failure is not None:
            raise self._failure

    def check(self) -> None:
        """Raise where the load is to stop, or another lane has failed; for whatever a lane does that takes long."""
        if self._ending:
            raise _Stopped
        self._check()

    def sleep_until(self, instant: float, clock: Clock) -> None:
        """Wait, in a lane, for an instant of ``clock.monotonic()``."""
        while (left := instant - clock.monotonic()) > 0:
            self.check()
            clock.sleep(min(left, GLANCE_SECONDS))

    def _start(self, lanes: int, items: Iterator[T], enter: Callable[[], AbstractContextManager[Work[T]]]) -> None:
        def run() -> None:
            try:
                with enter() as work:
                    while not self._ending and (taken := self._next(items)):
                        work(taken.pop())
            except BaseException as error:  # noqa: BLE001 - raised by `run`, in the thread that waits
                self._fail(error)
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

        for _ in range(min(lanes, self._left)):
            # A daemon: Python would wait at its end for a call that nothing can break off.
            context = contextvars.copy_context()
            lane = threading.Thread(target=context.run, args=(run,), name="load-lane", daemon=True)
            with self._changed:
                # It counts once it runs: a system may have no thread left.
                lane.start()
                self._running += 1

    def _next(self, items: Iterator[T]) -> list[T]:
        with self._changed:
            taken = [item for _, item in zip(range(1), items, strict=False)]
            self._left -= len(taken)
            return taken

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            if not self._ending and not isinstance(error, _Stopped):
                self._failure = error
            self._ending = True
            self._changed.notify_all()

    def _wait_a_moment(self) -> bool:
        """Wait until something has changed, or for a glance; return whether lanes run, and none has failed."""
        with self._changed:
            if self._running and not self._ending:
                more = self._running < self._most and self._left
                self._changed.wait(GLANCE_SECONDS / 4 if more else GLANCE_SECONDS)
            return bool(self._running) and not self._ending

    def _end(self) -> None:
        if self._failure is not None:
            self._stop()
        with self._changed:
            self._changed.wait_for(lambda: not self._running, _GRACE)
