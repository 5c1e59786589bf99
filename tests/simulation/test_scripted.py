"""Single histories that were found once, or that show what a counter-example looks like."""

from __future__ import annotations

from functools import partial

import pytest
from simulation.outside.stores import Store
from simulation.play.histories import Exhaustive, play, replay, shrunk
from simulation.play.stage import Stage, scripted
from simulation.play.steps import Faults, Move, Place, Way
from simulation.scenes import scene_of
from simulation.single.cases import Case

from airflow_provider_kafka_odps.core.options import Mode, OnDataLoss, OnRerun

REPLACED = Case(Mode.APPEND, OnRerun.REPLACE, (Way.CLEAR, Way.RETRY))


@pytest.mark.parametrize("move", [Move.NEXT, Move.FLING, Move.LATE])
def test_a_removal_that_starts_late_removes_nothing_that_was_loaded_since(move: Move) -> None:
    """A superseded or dead attempt's removal that starts after the next one has loaded is the one that has ended."""
    faults = {Place(1, "end", 1): (Move.CRASH,), Place(2, "start removal", 1): (move,)}
    assert replay(partial(scene_of, REPLACED), faults) is None


def test_a_removal_that_fails_is_started_again_by_the_user() -> None:
    """The name of a statement that failed is not used again: a user who clears the task gets another one."""
    case = Case(Mode.APPEND, OnRerun.REPLACE, (Way.CLEAR, Way.CLEAR))
    faults = {Place(1, "end", 1): (Move.CRASH,), Place(2, "await removal", 1): (Move.STATEMENTS_FAIL,)}
    stage = _played(case, faults)
    assert [type(actor.ended).__name__ for actor in stage.actors] == ["Crash", "StatementFailed", "Receipt"]
    assert [*stage.world.statements] == ["remove-u1-0", "remove-u1-1"]


def test_each_load_is_removed_by_a_statement_of_its_own() -> None:
    """A user who has the rows replaced twice gets two removals: the first one's name is not used again."""
    stage = _played(Case(Mode.APPEND, OnRerun.REPLACE, (Way.CLEAR, Way.CLEAR)), {})
    assert [*stage.world.statements] == ["remove-u1-0", "remove-u2-0"]


def test_an_empty_load_is_of_the_clear_that_loaded_it() -> None:
    """A retry of a cleared attempt that recorded an empty load is no rerun of it by a user."""
    case = Case(Mode.APPEND, OnRerun.FAIL, (Way.CLEAR, Way.RETRY), log="")
    faults = {Place(1, "save committed", 1): (Move.CRASH,), Place(2, "end", 1): (Move.CRASH,)}
    stage = _played(case, faults)
    assert [type(actor.ended).__name__ for actor in stage.actors] == ["Crash", "Crash", "Receipt"]


@pytest.mark.parametrize(
    ("on_data_loss", "ended"), [(OnDataLoss.FAIL, ["LogTruncated"]), (OnDataLoss.SKIP, ["ReadAgain", "Receipt"])]
)
def test_a_log_that_is_cut_below_the_reader(on_data_loss: OnDataLoss, ended: list[str]) -> None:
    """What was read may not be in the log any more: nothing of it becomes visible, and another attempt reads anew."""
    case = Case(Mode.APPEND, OnRerun.KEEP, (Way.RETRY,), log="rrrr", on_data_loss=on_data_loss)
    stage = _played(case, {Place(1, "read", 2): (Move.CUT, Move.CUT, Move.CUT)})
    assert [type(actor.ended).__name__ for actor in stage.actors] == ended
    assert len(stage.world.rows()) == (1 if on_data_loss is OnDataLoss.SKIP else 0)


@pytest.mark.parametrize("effect", [("ask for the topic's id", 1), ("look at the log", 1), ("read", 1), ("read", 2)])
@pytest.mark.parametrize("on_data_loss", OnDataLoss)
def test_records_that_come_in_the_place_of_others(effect: tuple[str, int], on_data_loss: OnDataLoss) -> None:
    """A log that is truncated and grows again is not the one of the plan, whenever it happens before the commit."""
    case = Case(Mode.APPEND, OnRerun.KEEP, (Way.RETRY,), log="rrrr", on_data_loss=on_data_loss)
    stage = _played(case, {Place(1, *effect): (Move.CUT, Move.CUT, Move.ARRIVE, Move.ARRIVE, Move.ARRIVE)})
    ended = [type(actor.ended).__name__ for actor in stage.actors]
    if on_data_loss is OnDataLoss.FAIL:
        assert (ended, stage.world.rows()) == (["LogTruncated"], [])
        return
    assert ended == (["Receipt"] if effect[0].startswith("ask") else ["ReadAgain", "Receipt"])
    assert [value.endswith("+") for *_, value in stage.world.rows()] == [False, False, True, True]


def test_a_broken_promise_is_found_and_told_in_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the fence rows are doubled: the shortest history is printed with all that is needed to play it again."""
    monkeypatch.setattr(Store, "_check", lambda _: None)
    histories = Exhaustive(partial(scene_of, Case(Mode.APPEND, OnRerun.KEEP, (Way.RETRY,))))
    found = shrunk(next(histories.counter_examples(2)))
    assert sum(map(len, found.faults.values())) <= 2
    assert 'attempt 1, before "' in str(found)
    assert "it stands still, and the next attempt starts" in str(found)
    again = replay(found.make, found.faults)
    assert again is not None
    assert (again.problem, again.trace) == (found.problem, found.trace)


def test_leaving_histories_that_meet_loses_no_counter_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the fence, and with every history played to its end, the same problems are found."""
    monkeypatch.setattr(Store, "_check", lambda _: None)
    case = Case(Mode.APPEND, OnRerun.KEEP, (Way.CLEAR,))

    def problems(*, all_of_them: bool) -> tuple[set[str], int]:
        histories = Exhaustive(partial(scene_of, case))
        if all_of_them:
            monkeypatch.setattr(histories, "_look_up", lambda *_: None)
        return {found.problem for found in histories.counter_examples(2)}, histories.played.met

    (some, met), (every, none) = problems(all_of_them=False), problems(all_of_them=True)
    assert some == every
    assert (met > 0, none) == (True, 0)


def _played(case: Case, faults: Faults) -> Stage:
    stage, found = play(partial(scene_of, case), lambda _: scripted(faults))
    assert found is None, str(found)
    return stage
