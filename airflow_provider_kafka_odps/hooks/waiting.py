"""Waiting for an answer of the outside while somebody may ask to stop."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

_GLANCE = 0.2
"""Seconds between two looks at whether to stop."""


def watched(question: Callable[[], Answer], check: Callable[[], None]) -> Answer:
    """Return the answer to ``question``, which is asked in a thread of its own, and raise what it raises.

    ``check`` is called several times a second, and ends the wait by raising; the question then goes on unheard until
    its own deadline: clients of the outside cannot be told to stop waiting, and Airflow kills a task that is not gone
    five seconds after it was asked to.
    """
    check()
    answers: list[Answer] = []
    errors: list[BaseException] = []
    answered = threading.Event()

    def ask() -> None:
        try:
            answers.append(question())
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that waits
            errors.append(error)
        finally:
            answered.set()

    # A daemon: Python waits for other threads before it ends.
    threading.Thread(target=contextvars.copy_context().run, args=(ask,), name="waiting", daemon=True).start()
    while not answered.wait(_GLANCE):
        check()
    if errors:
        raise errors[0]
    return answers[0]
