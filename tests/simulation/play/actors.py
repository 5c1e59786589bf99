"""Who acts in a history, and what a scene has to say about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from greenlet import greenlet
from simulation.outside.world import SimulatedWorld
from simulation.play.steps import Entrance, Move

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError


@dataclass
class Actor:
    """One attempt: its process, and how it ended."""

    number: int
    run: str
    clear_number: int
    is_current: Callable[[], bool]
    """Whether no later attempt of the run has started."""
    try_number: int = 1
    """Which try of its run this is."""
    process: greenlet = field(init=False)
    cancelled: bool = False
    may_still: frozenset[str] | None = None
    """What an attempt may do that was asked to stop while it reads; None: whatever it wants."""
    marked: bool = False
    """Whether Airflow takes it for ended while it runs on."""
    counts: dict[str, int] = field(default_factory=dict)
    ended: Receipt | BaseException | None = None
    answers: int = 0
    """Stands for all that it has been answered so far."""

    @property
    def to_be_retried(self) -> bool:
        """Whether Airflow makes another attempt by itself."""
        error = self.ended
        retried = isinstance(error, BaseException) and (not isinstance(error, KafkaOdpsError) or error.retry_helps)
        return retried and not self.marked


class Scene(Protocol):
    """What is played: a world, the attempts at changing it, and what has to hold of it."""

    world: SimulatedWorld

    @property
    def case(self) -> object:
        """What kind of runs it is that a history happens to."""

    @property
    def entrances(self) -> Sequence[Entrance]:
        """The attempts that are disturbed."""

    def attempt(self, actor: Actor, is_active: Callable[[str], bool]) -> Attempt:
        """Return what the actor does; ``is_active`` tells whether a run may still load something."""

    def may(self, actor: Actor, effect: str, move: Move, coming: Entrance | None, *, alone: bool) -> bool:
        """Tell whether this is to be played; ``coming`` starts next, ``alone`` says that nobody else stands still."""

    def check_table(self) -> None:
        """Hold what holds in every moment."""

    def check_attempt(self, actor: Actor) -> None:
        """Hold what holds after the newest attempt of a run has ended."""

    def check_end(self, actors: Sequence[Actor]) -> None:
        """Hold what holds when nothing is under way any more."""
