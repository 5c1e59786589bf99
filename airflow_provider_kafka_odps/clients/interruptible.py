"""Waiting for an answer of the outside while somebody may ask to stop."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

from airflow_provider_kafka_odps.core.clock import GLANCE_SECONDS

Answer = TypeVar("Answer")
_Questions: TypeAlias = SimpleQueue[Callable[[], None] | None]


def interruptible(question: Callable[[], Answer], check: Callable[[], None]) -> Answer:
    """Return the answer to ``question``, which is asked by another thread, and raise what it raises.

    ``check`` is called several times a second, and ends the wait by raising. The question then goes on until its own
    deadline, and nobody waits for it: clients of the outside cannot be stopped, and Airflow kills a task that is not
    gone five seconds after it was asked to stop.
    """
    check()
    answers: list[Answer] = []
    errors: list[BaseException] = []
    answered = threading.Event()
    context = contextvars.copy_context()

    def ask() -> None:
        try:
            answers.append(context.run(question))
        except BaseException as error:  # noqa: BLE001 - raised below, by the thread that waits
            errors.append(error)
        finally:
            answered.set()

    asker = _asker()
    asker.questions.put(ask)
    try:
        while not answered.wait(GLANCE_SECONDS):
            check()
    except BaseException:
        # Whoever asks next does not wait behind this question, and the thread ends after it.
        _askers.asker = None
        asker.questions.put(None)
        raise
    if errors:
        raise errors[0]
    return answers[0]


class _Asker:
    """A thread that asks one question after the other: clients keep a connection per thread."""

    def __init__(self) -> None:
        self.questions: _Questions = SimpleQueue()
        self.process = os.getpid()
        # A daemon: Python waits for other threads before it ends.
        threading.Thread(target=_ask_all, args=(self.questions,), name="asker", daemon=True).start()

    def __del__(self) -> None:
        """Let the thread end after its last question: the thread that it asked for has ended, or waits no more."""
        self.questions.put(None)


def _ask_all(questions: _Questions) -> None:
    while question := questions.get():
        question()


_askers: Any = threading.local()


def _asker() -> _Asker:
    asker: _Asker | None = getattr(_askers, "asker", None)
    # A fork has the value and not the thread.
    if asker is None or asker.process != os.getpid():
        asker = _askers.asker = _Asker()
    return asker
