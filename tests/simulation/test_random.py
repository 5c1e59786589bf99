"""Random histories of one load and of several runs keep the promise."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from random import Random, SystemRandom

import pytest
from simulation.counting import PLAYED
from simulation.play.histories import Make, at_random, first_counter_example
from simulation.play.steps import Move
from simulation.scenes import draw, scene_of

HISTORIES = int(os.environ.get("HISTORIES") or 5_000)
SEED = int(os.environ.get("SEED") or SystemRandom().randrange(10**9))
_CHUNK = 1_000


def drawn(random: Random) -> Make:
    """Return what makes the scene of a case that is drawn."""
    return partial(scene_of, draw(random))


@pytest.mark.timeout(0)
def test_random_histories(record_property: Callable[[str, object], None]) -> None:
    """HISTORIES random histories from number SEED on keep the promise: crashes, zombies, clears, late answers."""
    starts = range(SEED, SEED + HISTORIES, _CHUNK)
    sizes = [min(_CHUNK, SEED + HISTORIES - start) for start in starts]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(partial(first_counter_example, drawn), starts, sizes):
            if found:
                pool.shutdown(cancel_futures=True)
                pytest.fail(f"make simulate SEED={found[0]} HISTORIES=1 shows it again\n{found[1]}")
    record_property(PLAYED, HISTORIES)


def test_whatever_may_happen_does(record_property: Callable[[str, object], None]) -> None:
    """A few thousand histories have every move in them, and every way in which an attempt can end well or not."""
    moves: set[Move] = set()
    ended: set[str] = set()
    histories = 6_000
    # A removal that fails is drawn once in two thousand histories: these have some.
    for number in range(100_000, 100_000 + histories):
        random = Random(number)
        stage, found = at_random(drawn(random), random)
        assert found is None, str(found)
        moves |= {move for some in stage.faults.values() for move in some}
        ended |= {type(actor.ended).__name__ for actor in stage.actors}
    record_property(PLAYED, histories)
    assert moves == set(Move)
    assert ended >= {
        *["Receipt", "Crash", "Superseded", "Unreachable", "CommitPending", "CommitUnknown", "NotReconciled"],
        *["UploadFailed", "Cancelled", "AlreadyLoaded", "OffsetsExpired", "TopicReplaced", "StatementFailed"],
        *["UnexplainedGap", "LogTooShort", "WorkerFailed"],
        *["IntervalTaken", "PredecessorPending"],
    }
