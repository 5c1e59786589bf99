"""Waiting for an answer while somebody may ask to stop."""

from __future__ import annotations

import contextvars
import threading

import pytest

from airflow_provider_kafka_odps.clients.interruptible import interruptible
from airflow_provider_kafka_odps.exceptions import Cancelled

OF_THE_CALLER = contextvars.ContextVar("OF_THE_CALLER", default="")


def never() -> None:
    """Ask nobody to stop."""


def test_an_answer_comes_back_from_one_other_thread() -> None:
    """One thread's questions are asked by one other, which keeps its connections, in the context of the first."""
    OF_THE_CALLER.set("known")
    first, second = (interruptible(lambda: (OF_THE_CALLER.get(), threading.get_ident()), never) for _ in range(2))
    assert first == second == ("known", second[1])
    assert second[1] != threading.get_ident()


def test_an_error_comes_back_as_it_is() -> None:
    """What the question raises is raised."""
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0, never)
    assert interruptible(lambda: "the next", never) == "the next"


def test_whoever_is_told_to_stop_waits_no_more() -> None:
    """A question that is not answered holds nobody up, nor whoever asks next."""
    asked, answer, heard = threading.Event(), threading.Event(), threading.Event()

    def question() -> None:
        asked.set()
        answer.wait(60)
        heard.set()

    def check() -> None:
        if asked.is_set():
            raise Cancelled("stop")

    try:
        with pytest.raises(Cancelled):
            interruptible(question, check)
        assert interruptible(lambda: "the next", never) == "the next"
        assert not heard.is_set()
    finally:
        answer.set()
    assert heard.wait(60)


def test_nothing_is_asked_when_it_is_over() -> None:
    """Whoever has to stop does not begin."""
    asked: list[int] = []

    def check() -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        interruptible(lambda: asked.append(1), check)
    assert asked == []


def test_the_thread_ends_with_the_one_that_asked() -> None:
    """No thread is left behind for one that has ended."""
    of_asker: list[threading.Thread] = []
    thread = threading.Thread(target=lambda: of_asker.append(interruptible(threading.current_thread, never)))
    thread.start()
    thread.join(60)
    of_asker[0].join(60)
    assert not of_asker[0].is_alive()
