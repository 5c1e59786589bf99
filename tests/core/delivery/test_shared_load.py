"""A load that several processes share: one of them fails, or has fewer blocks than another."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from unittest.mock import patch

import pytest
from core.world import World, attempt_at, uncounted
from twins.kafka_reader import Source
from twins.maxcompute import OLD_ROW, Upload

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.ports import Workers
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.load import shares
from airflow_provider_kafka_odps.core.load.lanes.share_load import ShareLoad
from airflow_provider_kafka_odps.core.load.lanes.stages import Stages
from airflow_provider_kafka_odps.core.load.shares import RunningWorkers, Share, ShareProgress, ShareResult
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.exceptions import WorkerFailed

MODES = pytest.mark.parametrize("mode", Mode)


class Failing:
    """A worker that fails before it has loaded anything, and so never reports a result."""

    asked = 0

    @contextmanager
    def start(
        self, upload_id: str, others: Sequence[Share], wanted: frozenset[str], facts: TopicFacts
    ) -> Generator[Failing]:
        """Start it."""
        assert others, (upload_id, wanted, facts)
        yield self

    def check(self) -> None:
        """Raise as soon as it has failed."""
        if self.asked:
            raise WorkerFailed("worker 1 has died")

    def reports(self) -> Sequence[ShareProgress]:
        """Return nothing."""
        return ()

    def results(self) -> None:
        """Return None, a few times."""
        self.asked += 1
        assert self.asked < 10, "whoever waits for results looks whether they are still to come"


@dataclass
class AtOnce:
    """A worker that loads its share at once, in this process."""

    world: World
    attempt: Attempt
    starting: float = 0.0
    """Seconds until it begins to load."""
    result: ShareResult | None = None

    def start(
        self, upload_id: str, others: Sequence[Share], wanted: frozenset[str], facts: TopicFacts
    ) -> AbstractContextManager[RunningWorkers]:
        """Load the share."""
        self.world.clock.sleep(self.starting)
        source, load = Source(self.world.cluster, batch_records=1), self.attempt.load
        stages = Stages(
            open_reader=lambda: source.open_reader(wanted, facts),
            projection=load.projection,
            take_rejects=lambda *_: None,
            resources=load.resources,
            clock=self.world.clock,
            stop=lambda: None,
            **uncounted(),
        )
        self.result = ShareLoad(others[0], stages).run(Upload(self.world, upload_id, opened=True), self)
        return nullcontext(self)

    def check(self) -> None:
        """Find nothing."""

    def advance(self, rows: int, size: int, passed: int) -> None:
        """Tell nobody."""

    def others_done(self) -> bool:
        """Wait for nobody."""
        return True

    def reports(self) -> Sequence[ShareProgress]:
        """Return nothing."""
        return ()

    def results(self) -> Sequence[ShareResult]:
        """Return what was loaded."""
        assert self.result is not None
        return [self.result]


def shared(attempt: Attempt, workers: Workers) -> Attempt:
    """Return an attempt whose window is shared out to two."""
    load = replace(attempt.load, resources=replace(attempt.load.resources, workers=2))
    return replace(attempt, load=load, ports=replace(attempt.ports, workers=workers))


@MODES
def test_a_worker_that_has_failed_is_not_waited_for(mode: Mode) -> None:
    """Its error ends the load, and nothing becomes visible."""
    world = World()
    attempt = shared(attempt_at(world, mode), Failing())
    with patch.multiple(shares, LEAST_SPAN=2), pytest.raises(WorkerFailed, match="worker 1 has died"):
        transfer(attempt)
    assert world.table == [OLD_ROW]


@MODES
def test_two_processes_write_the_blocks_that_one_would(mode: Mode) -> None:
    """Which offsets are in which block does not depend on how many write them."""
    blocks = []
    for workers in (1, 2):
        world = World()
        attempt = attempt_at(world, mode)
        with patch.multiple(shares, LEAST_SPAN=2):
            receipt = transfer(shared(attempt, AtOnce(world, attempt)) if workers > 1 else attempt)
        assert (receipt.rows, receipt.workers, receipt.blocks) == (4, workers, 4)
        assert sorted(world.table) == sorted(world.records() + [OLD_ROW] * (mode is Mode.APPEND))
        blocks.append(world.sessions["u1"].blocks)
    assert blocks[0] == blocks[1]


def test_the_start_of_a_worker_counts_with_the_time_that_the_load_took() -> None:
    """The pace is that of the load: a worker that begins three seconds later loads nothing in them."""
    world = World()
    attempt = attempt_at(world, Mode.APPEND)
    with patch.multiple(shares, LEAST_SPAN=2):
        receipt = transfer(shared(attempt, AtOnce(world, attempt, starting=3.0)))
    assert receipt.speed is not None
    assert (receipt.speed.lanes, receipt.speed.elapsed) == (2, 3.0)
    assert receipt.speed.pace == round(receipt.bytes / 3.0)
