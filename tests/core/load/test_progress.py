"""How far a load is said to be, by a hand clock."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from core.world import World, attempt_at, cluster_of, resources
from twins.clock import HandClock

from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.load.lanes.load_hooks import LoadHooks, Others
from airflow_provider_kafka_odps.core.load.load_rejects import CountedRejects, LoadRejects
from airflow_provider_kafka_odps.core.load.pacing.progress import LoadProgress, Progress
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.load.shares import ShareProgress, ShareResult
from airflow_provider_kafka_odps.core.options import Mode

MB = 1_000_000


def test_progress_is_told_once_in_ten_seconds() -> None:
    """Lines come at most every ten seconds, and say rows, megabytes, speed, share and what is left."""
    said: list[str] = []
    progress = Progress(1_000, said.append, now=0.0)
    for second in range(1, 26):
        progress.add(rows=10, size=MB, passed=20 * second, now=float(second))
    assert said == [
        "100 rows, 10 MB, 10 rows/s, 20 % of the window, about 40 s left",
        "200 rows, 20 MB, 10 rows/s, 40 % of the window, about 30 s left",
    ]


def test_progress_with_nothing_passed_guesses_nothing() -> None:
    """Where no offset was passed, no time is promised; long times are told in minutes."""
    said: list[str] = []
    Progress(1_000, said.append, now=0.0).add(rows=0, size=0, passed=0, now=10.0)
    Progress(1_000, said.append, now=0.0).add(rows=5, size=MB, passed=100, now=10.0)
    assert said == [
        "0 rows, 0 B, 0 rows/s, 0 % of the window",
        "5 rows, 1 MB, 0.5 rows/s, 10 % of the window, about 1 min 30 s left",
    ]


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (640, "640 B"),
        (12_345, "12 kB"),
        (500_000, "0.5 MB"),
        (67_108_864, "67 MB"),
        (1_200_000_000, "1.2 GB"),
    ],
)
def test_bytes_are_told_in_a_unit_that_fits(size: int, said: str) -> None:
    """Half a megabyte is not 0 MB."""
    lines: list[str] = []
    Progress(1_000, lines.append, now=0.0).add(rows=0, size=size, passed=1, now=10.0)
    assert lines[0].startswith(f"0 rows, {said}, ")


def test_the_last_offset_is_not_the_end() -> None:
    """Its block is still to be written, so nobody reads 100 %, nor that nothing is left."""
    lines: list[str] = []
    Progress(1_000, lines.append, now=0.0).add(rows=9, size=9, passed=1_000, now=10.0)
    assert lines[0].endswith("99 % of the window, the last blocks are being written")


@pytest.mark.parametrize("concurrency", [0, 2])
def test_what_waits_for_its_turn_counts_as_left(concurrency: int) -> None:
    """Report 15: a window that is projected long before its bytes may go is not said to be done."""
    world = World(cluster=cluster_of([b"x" * 1_000] * 50))
    transfer(attempt_at(world, Mode.APPEND, limits=resources(concurrency, max_bytes_per_second=1_000)))
    told = [re.search(r"(\d+) % of the window, about (\d+) s left", line) for line in world.said]
    shares = [(int(found[1]), int(found[2])) for found in told if found]
    assert len(shares) >= 3
    for share, left in shares:
        assert left == pytest.approx(world.clock.seconds * (100 - share) / 100, rel=0.25, abs=3)


@pytest.mark.parametrize("concurrency", [0, 2])
def test_what_a_line_says_is_shown_to_those_who_look_on(concurrency: int) -> None:
    """Beside each line, and never without one: how far the load is, per partition, in JSON."""
    world = World(cluster=cluster_of([b"x" * 1_000] * 50, [b"x" * 1_000] * 50))
    receipt = transfer(attempt_at(world, Mode.APPEND, limits=resources(concurrency, max_bytes_per_second=1_000)))
    lines = [line for line in world.said if "% of the window" in line]
    assert len(lines) >= 3
    if concurrency == 0:
        assert len(world.shown) == len(lines)
    else:
        # By a hand clock the lanes are faster than who looks after them, who shows the last line of several.
        assert world.shown
    for shown in world.shown:
        assert json.loads(json.dumps(shown)) == shown
        assert [line for line in lines if line.startswith(f"{shown['rows']} rows, ")]
        assert (shown["version"], shown["span"], set(shown["partitions"])) == (1, 100, {"0", "1"})
        assert (shown["upload_id"], shown["try_number"]) == (receipt.upload_id, 1)
        assert shown["passed"] == sum(shown["partitions"].values())
        assert shown["at"].endswith("Z")
    passed = [shown["passed"] for shown in world.shown]
    assert passed == sorted(passed)
    assert 0 < passed[0] <= 100


@dataclass
class Workers:
    """Others, whose reports are given."""

    waiting: list[ShareProgress] = field(default_factory=list)

    def check(self) -> None:
        """Find nothing."""

    def reports(self) -> Sequence[ShareProgress]:
        """Return them once."""
        waiting, self.waiting = self.waiting, []
        return waiting

    def results(self) -> Sequence[ShareResult] | None:
        """Return nothing: they go on."""
        return None


def hooks_of(clock: HandClock, show: Callable[[LoadProgress], None], others: Others, workers: Workers) -> LoadHooks:
    """Return what looks at a load of a thousand offsets."""
    silent: list[str] = []
    return LoadHooks(
        lambda: None,
        workers,
        LoadRejects(Tolerance(None), CountedRejects()),
        Refusals(silent.append),
        Progress(1_000, silent.append, clock.monotonic()),
        others,
        clock,
        show,
    )


def test_what_others_have_passed_is_counted_by_partition() -> None:
    """Workers report what they have passed since the last time; of a second try of a block, less than before."""
    clock, shown, others, workers = HandClock(), list[LoadProgress](), Others(workers=2), Workers()
    hooks = hooks_of(clock, shown.append, others, workers)
    workers.waiting = [ShareProgress(rows=5, bytes=9, passed=5, partitions={3: 5}), ShareProgress(partitions={4: 7})]
    clock.sleep(10)
    hooks.advance(rows=1, size=1, passed=1)
    workers.waiting = [ShareProgress(passed=-5, partitions={3: -5})]
    clock.sleep(10)
    assert not hooks.others_done()
    assert others.partitions == Counter({4: 7, 3: 0})
    assert [(each.seconds, each.rows) for each in shown] == [(10.0, 5), (20.0, 6)]


def test_a_lane_does_not_wait_for_what_is_shown() -> None:
    """Whoever shows it may take its time: it is called where the load is looked after, and not where it is done."""
    clock, shown = HandClock(), list[tuple[int, LoadProgress]]()
    hooks = hooks_of(clock, lambda reached: shown.append((threading.get_ident(), reached)), Others(), Workers())
    clock.sleep(10)
    lane = threading.Thread(target=hooks.advance, args=(1, 1, 1))
    lane.start()
    lane.join()
    assert shown == []
    hooks.others_done()
    assert [thread for thread, _ in shown] == [threading.get_ident()]
    hooks.others_done()
    assert len(shown) == 1, "once"
