"""The second process of a load, in memory: it comes a step further whenever the first one looks at what it has told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from unittest.mock import patch

from core.world import uncounted
from greenlet import GreenletExit, getcurrent, greenlet
from simulation.outside.tables import SimulatedUpload
from simulation.outside.topic import source_of
from simulation.outside.world import SimulatedWorld

from airflow_provider_kafka_odps.core.load import shares
from airflow_provider_kafka_odps.core.load.lanes.share_load import ShareLoad
from airflow_provider_kafka_odps.core.load.lanes.stages import Stages
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.load.shares import Share, ShareProgress, ShareResult
from airflow_provider_kafka_odps.core.mapping.projection import Projection
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError, WorkerFailed

WORKER = "worker: "
"""What the names of a worker's effects begin with."""


class WorkerDied(Exception):
    """The worker's process is gone in the middle of what it did."""


class WorkerSlow(Exception):
    """The worker has come no further since somebody looked last."""


@contextmanager
def small_shares() -> Iterator[None]:
    """Let a window of a few offsets be worth a second process."""
    with patch.multiple(shares, LEAST_SPAN=2):
        yield


@dataclass(frozen=True, slots=True)
class Pool:
    """Processes that could load shares of a window."""

    world: SimulatedWorld
    projection: Projection
    on_data_loss: OnDataLoss
    resources: Resources

    def start(self, upload_id: str, shares: Sequence[Share], wanted: frozenset[str], facts: TopicFacts) -> Running:
        return Running([_Worker(self, upload_id, share, wanted, facts) for share in shares])


class Running:
    """Workers that run as long as the context lasts."""

    def __init__(self, workers: Sequence[_Worker]) -> None:
        self._workers = workers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.end()

    def check(self) -> None:
        for worker in self._workers:
            if worker.failure is not None:
                raise worker.failure

    def reports(self) -> Sequence[ShareProgress]:
        for worker in self._workers:
            worker.go_on()
        return ()

    def results(self) -> Sequence[ShareResult] | None:
        found = [worker.result for worker in self._workers]
        return None if None in found else [each for each in found if each is not None]


class _Unwatched:
    """Nobody asks a worker to stop: it is ended."""

    def check(self) -> None:
        """Go on."""

    def advance(self, rows: int, size: int, passed: int) -> None:
        """Tell nobody."""

    def others_done(self) -> bool:
        """Wait for nobody."""
        return True


class _Worker:
    """One process: a thread of control that stops before each of its effects."""

    def __init__(self, pool: Pool, upload_id: str, share: Share, wanted: frozenset[str], facts: TopicFacts) -> None:
        self._pool, self._upload_id, self._share = pool, upload_id, share
        self._wanted, self._facts = wanted, facts
        self.result: ShareResult | None = None
        self.failure: Exception | None = None
        self._process = greenlet(self._run, getcurrent())
        self._wants: tuple[str, Callable[[], Any]] | None = self._process.switch()

    def go_on(self) -> None:
        """Let its next effect happen, if nothing else does."""
        if self._wants is None:
            return
        name, apply = self._wants
        try:
            answer = self._pool.world.effect(f"{WORKER}{name}", apply)
        except WorkerSlow:
            return
        except WorkerDied:
            self.failure = WorkerFailed(f"worker {self._share.number} of {self._share.of} was killed by signal 9")
            self.end()
        except KafkaOdpsError as error:
            self._wants = self._process.throw(error)
        else:
            self._wants = self._process.switch(answer)

    def end(self) -> None:
        """See to it that it does nothing any more."""
        self._wants = None
        if not self._process.dead:
            self._process.throw(GreenletExit)

    def _run(self) -> None:
        pool, wanted, facts = self._pool, self._wanted, self._facts
        source = source_of(pool.world.topic, pool.on_data_loss, self._ask)
        stages = Stages(
            open_reader=lambda: source.open_reader(wanted, facts),
            projection=pool.projection,
            take_rejects=lambda *_: None,
            resources=pool.resources,
            clock=pool.world.clock,
            stop=lambda: None,
            **uncounted(),
        )
        try:
            upload = SimulatedUpload(pool.world, self._upload_id, opened=True, conduct=self._ask)
            self.result = ShareLoad(self._share, stages).run(upload, _Unwatched())
        except KafkaOdpsError as error:
            self.failure = error

    def _ask(self, name: str, apply: Callable[[], Any]) -> Any:
        """Stop before an effect; go on with what came of it."""
        parent = self._process.parent
        assert parent is not None, "it was started by a process"
        return parent.switch((name, apply))
