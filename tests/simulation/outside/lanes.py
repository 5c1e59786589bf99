"""The lanes of one process, in memory: each comes an effect further in its turn, and the order of turns may change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

from greenlet import GreenletExit, getcurrent, greenlet

from airflow_provider_kafka_odps.core.load.lanes import share_load
from airflow_provider_kafka_odps.core.load.lanes.lanes import Lanes, Work

T = TypeVar("T")
LANE = "lane: "
"""What the names of a lane's effects begin with."""


class LaneSlow(Exception):
    """The lane has come no further: another one goes first."""


@contextmanager
def simulated_lanes() -> Iterator[None]:
    """Let lanes take turns instead of being threads."""
    with patch.multiple(share_load, Lanes=TurnByTurn):
        yield


class LaneProcess(greenlet):  # type: ignore[misc]  # it has no types
    """A thread of control that stops before each of its effects."""

    def ask(self, effect: Callable[[], T]) -> T:
        """Stop, and go on with what came of the effect."""
        assert self.parent is not None, "it was started by a process"
        answer: T = self.parent.switch(effect)
        return answer


class TurnByTurn(Lanes[T]):
    """Does what lanes do, one effect after the other."""

    def run(
        self,
        items: Sequence[T],
        enter: Callable[[], AbstractContextManager[Work[T]]],
        glance: Callable[[], object],
        first: int | None = None,
        pays: Callable[[], bool] = lambda: True,
    ) -> None:
        if not self._most:
            super().run(items, enter, glance, first, pays)
            return
        left = iter(items)
        lanes = [_Lane(left, enter) for _ in range(min(self._most, len(items)))]
        try:
            while any(lane.wants is not None for lane in lanes):
                for lane in lanes:
                    glance()
                    self.check()
                    lane.go_on()
        finally:
            self._ending = True
            for lane in lanes:
                lane.end()


class _Lane:
    def __init__(self, left: Iterator[Any], enter: Callable[[], AbstractContextManager[Work[Any]]]) -> None:
        def run() -> None:
            with enter() as work:
                for item in left:
                    work(item)

        self._process = LaneProcess(run, getcurrent())
        self.wants: Callable[[], Any] | None = self._process.switch()

    def go_on(self) -> None:
        """Let its next effect happen, if nothing else does; raise what the lane raises."""
        if self.wants is None:
            return
        try:
            answer = self.wants()
        except LaneSlow:
            return
        except Exception as error:  # noqa: BLE001 - whatever comes of an effect is the lane's
            self.wants = self._process.throw(error)
        else:
            self.wants = self._process.switch(answer)

    def end(self) -> None:
        """See to it that it does nothing any more."""
        self.wants = None
        if not self._process.dead:
            self._process.throw(GreenletExit)
