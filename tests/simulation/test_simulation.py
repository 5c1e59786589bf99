"""The core against simulated store, sessions, log and clock, in every order of events and with every fault."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from random import SystemRandom

import pytest
from simulation.histories import CounterExample, all_of, at_random, cases, first_counter_example, play, replay, shrunk
from simulation.stage import Stage
from simulation.steps import Case, Faults, Misfit, Move, Place, Way
from simulation.world import SimulatedWorld, _Store

from airflow_provider_kafka_odps.core.options import Mode, OnRerun

HISTORIES = int(os.environ.get("HISTORIES") or 100_000)
SEED = int(os.environ.get("SEED") or SystemRandom().randrange(10**9))
FAULTS = int(os.environ.get("FAULTS") or 2)
_CHUNK = 2_500
REPLACED = Case(Mode.APPEND, OnRerun.REPLACE, with_rows=True, ways=(Way.CLEAR, Way.RETRY))


@pytest.mark.parametrize("case", cases(2, [Misfit.NEVER, Misfit.AT_FIRST]), ids=str)
def test_two_attempts_and_two_faults(case: Case) -> None:
    """Every history of two attempts with up to two faults keeps the promise; FAULTS=3 plays those of three."""
    for stage in all_of(case, FAULTS):
        if found := play(stage):
            pytest.fail(f"{shrunk(found)}")


@pytest.mark.timeout(900)
def test_three_attempts_at_random() -> None:
    """HISTORIES random histories from number SEED on keep the promise: crashes, zombies, clears, late answers."""
    starts = range(SEED, SEED + HISTORIES, _CHUNK)
    sizes = [min(_CHUNK, SEED + HISTORIES - start) for start in starts]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(first_counter_example, starts, sizes):
            if found:
                pool.shutdown(cancel_futures=True)
                pytest.fail(f"make simulate SEED={found[0]} HISTORIES=1 shows it again\n{found[1]}")


def test_whatever_may_happen_does() -> None:
    """A few hundred random histories have every move in them, and every way in which an attempt can end well or not."""
    moves: set[Move] = set()
    ended: set[str] = set()
    for number in range(1_500):
        stage = at_random(number)
        assert play(stage) is None
        moves |= {move for some in stage.faults.values() for move in some}
        ended |= {type(actor.ended).__name__ for actor in stage.actors}
    assert moves == set(Move)
    assert ended >= {
        *["Receipt", "Crash", "Superseded", "Unreachable", "CommitPending", "CommitUnknown"],
        *["UploadFailed", "Cancelled", "AlreadyLoaded", "OffsetsExpired", "TopicReplaced", "StatementFailed"],
    }


@pytest.mark.parametrize("move", [Move.NEXT, Move.FLING, Move.LATE])
def test_a_removal_that_starts_late_removes_nothing_that_was_loaded_since(move: Move) -> None:
    """A superseded or dead attempt's removal that starts after the next one has loaded is the one that has ended."""
    faults = {Place(1, "end", 1): (Move.CRASH,), Place(2, "start removal", 1): (move,)}
    assert replay(REPLACED, faults) is None


def test_a_removal_that_fails_is_started_again_by_the_user() -> None:
    """The name of a statement that failed is not used again: a user who clears the task gets another one."""
    case = Case(Mode.APPEND, OnRerun.REPLACE, with_rows=True, ways=(Way.CLEAR, Way.CLEAR))
    faults = {Place(1, "end", 1): (Move.CRASH,), Place(2, "await removal", 1): (Move.STATEMENTS_FAIL,)}
    stage = _played(case, faults)
    assert [type(actor.ended).__name__ for actor in stage.actors] == ["Crash", "StatementFailed", "Receipt"]
    assert [*stage.world.statements] == ["remove-u1-0", "remove-u1-1"]


def test_each_load_is_removed_by_a_statement_of_its_own() -> None:
    """A user who has the rows replaced twice gets two removals: the first one's name is not used again."""
    stage = _played(Case(Mode.APPEND, OnRerun.REPLACE, with_rows=True, ways=(Way.CLEAR, Way.CLEAR)), {})
    assert [*stage.world.statements] == ["remove-u1-0", "remove-u2-0"]


def test_an_empty_load_is_of_the_clear_that_loaded_it() -> None:
    """A retry of a cleared attempt that recorded an empty load is no rerun of it by a user."""
    case = Case(Mode.APPEND, OnRerun.FAIL, with_rows=True, ways=(Way.CLEAR, Way.RETRY), records=0)
    faults = {Place(1, "save committed", 1): (Move.CRASH,), Place(2, "end", 1): (Move.CRASH,)}
    stage = _played(case, faults)
    assert [type(actor.ended).__name__ for actor in stage.actors] == ["Crash", "Crash", "Receipt"]


def test_a_broken_promise_is_found_and_told_in_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the fence rows are doubled: the shortest history is printed with all that is needed to play it again."""
    refusing = _Store._save

    def save(store: _Store, entry: dict[str, object]) -> None:
        store.is_current = lambda: True
        refusing(store, entry)

    monkeypatch.setattr(_Store, "_save", save)
    found = next(_found(Case(Mode.APPEND, OnRerun.KEEP, with_rows=True, ways=(Way.RETRY,))))
    assert sum(map(len, found.faults.values())) <= 2
    assert 'attempt 1, before "' in str(found)
    assert "it stands still, and the next attempt starts" in str(found)
    again = replay(found.case, found.faults)
    assert again is not None
    assert (again.problem, again.trace) == (found.problem, found.trace)


def _found(case: Case) -> Iterator[CounterExample]:
    for stage in all_of(case, 2):
        if found := play(stage):
            yield shrunk(found)


def _played(case: Case, faults: Faults) -> Stage:
    from simulation.stage import scripted

    stage = Stage(case, scripted(faults), SimulatedWorld())
    assert play(stage) is None
    return stage
