"""Stages that work at the same time, on bounded queues; the first failure stops all of them."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.exceptions import InvalidInput

T = TypeVar("T")


_GLANCE = 0.2
"""Seconds between two looks at whether the task is asked to stop: a flag that a signal sets wakes nobody."""


_GRACE = 4.0
"""Seconds that a stage may take to end after a failure; Airflow kills a task five seconds after it asked it to stop."""


class _Stopped(Exception):
    """Another stage has failed, or nobody wants the rest."""


class Pipeline:
    """Runs the stages of one load, each in a thread of its own; to be used as a context.

    With ``lanes`` 0 there is no thread: every stage runs where it is asked for its next item, one after the other. The
    order in which items go through a stage is the same either way.

    The first error of any stage ends the others, and is what the context raises. On leaving the context no stage runs
    any more, unless one is in a call that nothing can break off: such a thread ends at that call's own deadline.
    """

    def __init__(self, lanes: int, check: Callable[[], None], stop: Callable[[], None]) -> None:
        """Take how many calls ``dispatch`` runs at once, and what raises if the load is to stop.

        ``stop`` is called once after an error: it tells stages that wait for the outside, not for a queue.
        """
        if lanes < 0:
            raise InvalidInput(f"concurrency={lanes}: 0 or more blocks can be written at a time")
        self._lanes, self._check, self._stop = lanes, check, stop
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._ending = False
        self._busy = 0
        self._running: set[threading.Thread] = set()
        self._open: list[Generator[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._wait(lambda: not self._busy)
        except _Stopped:
            pass
        finally:
            self._end(failed=error is not None or self._failure is not None)
        if self._failure is not None and (error is None or isinstance(error, _Stopped)):
            raise self._failure

    def ahead(self, items: Generator[T], size: Callable[[T], int], limit: int) -> Generator[T]:
        """Return the items of a generator that a thread runs ahead by up to ``limit`` bytes, or by one item.

        That thread alone runs the generator, and closes it.
        """
        if not self._lanes:
            self._open.append(items)
            return items
        queue = _Queue(size, limit)
        self._start("ahead", lambda: self._fill(queue, items))
        return self._drain(queue)

    def dispatch(self, call: Callable[[], None]) -> None:
        """Run ``call`` beside up to ``lanes - 1`` others; wait until there is room for it."""
        if not self._lanes:
            call()
            return
        self._wait(lambda: self._busy < self._lanes)
        self._change(lambda: self._count(1))
        self._start("lane", call, lambda: self._count(-1))

    def sleep_until(self, instant: float, clock: Clock) -> None:
        """Wait for an instant of ``clock.monotonic()``, or for the first error."""
        while (left := instant - clock.monotonic()) > 0:
            if self._ending:
                raise _Stopped
            self._check()
            clock.sleep(min(left, _GLANCE))

    def _count(self, calls: int) -> None:
        self._busy += calls

    def _fill(self, queue: _Queue[T], items: Generator[T]) -> None:
        with closing(items):
            for item in items:
                self._wait(partial(queue.has_room_for, item))
                self._change(partial(queue.put, item))
        self._change(queue.end)

    def _drain(self, queue: _Queue[T]) -> Generator[T]:
        while True:
            self._wait(queue.is_ready)
            with self._changed:
                if not queue:
                    return
                # Taken off before it is used: what is used elsewhere is not to be counted, nor kept, here.
                taken = [queue.take()]
                self._changed.notify_all()
            yield taken.pop()

    def _start(self, name: str, stage: Callable[[], None], ended: Callable[[], None] = lambda: None) -> None:
        def run() -> None:
            try:
                stage()
            except BaseException as error:  # noqa: BLE001 - raised by the context, in the thread that waits
                self._fail(error)
            finally:
                self._change(ended)
                self._change(lambda: self._running.discard(thread))

        # A daemon: Python would wait at its end for a call that nothing can break off.
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(run,), name=f"load-{name}", daemon=True)
        self._running.add(thread)
        thread.start()

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            if not self._ending and not isinstance(error, _Stopped):
                self._failure = error
            self._ending = True
            self._changed.notify_all()

    def _change(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool]) -> None:
        """Wait until something is so; raise _Stopped where the load ends before, and what ``check`` raises."""
        while True:
            with self._changed:
                if not self._ending and not ready():
                    self._changed.wait(_GLANCE)
                if self._ending:
                    raise _Stopped
                if ready():
                    return
            self._check()

    def _end(self, *, failed: bool) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if failed:
            self._stop()
        for items in reversed(self._open):
            items.close()
        with self._changed:
            self._changed.wait_for(lambda: not self._running, _GRACE)


class _Queue(Generic[T]):
    """Items between two stages; the pipeline's lock is around every call."""

    def __init__(self, size: Callable[[T], int], limit: int) -> None:
        self._size, self._limit = size, limit
        self._items: deque[T] = deque()
        self._held = 0
        self._ended = False

    def __len__(self) -> int:
        return len(self._items)

    def is_ready(self) -> bool:
        return self._ended or bool(self._items)

    def has_room_for(self, item: T) -> bool:
        return not self._items or self._held + self._size(item) <= self._limit

    def put(self, item: T) -> None:
        self._held += self._size(item)
        self._items.append(item)

    def take(self) -> T:
        item = self._items.popleft()
        self._held -= self._size(item)
        return item

    def end(self) -> None:
        self._ended = True
