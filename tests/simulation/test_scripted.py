"""Single histories that were found once, or that show what a counter-example looks like."""

from __future__ import annotations

from functools import partial

import pytest
from simulation.outside import attempts
from simulation.outside.filters import Keep
from simulation.outside.stores import Store
from simulation.outside.tables import projection_of
from simulation.outside.world import spot_of
from simulation.play.histories import Exhaustive, play, replay, shrunk
from simulation.play.stage import Stage, scripted
from simulation.play.steps import Faults, Move, Place, Way
from simulation.scenes import scene_of
from simulation.single.cases import Case, Columns, Where

from airflow_provider_kafka_odps.core.load.lanes.block_load import BlockLoad
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
    ("on_data_loss", "ended"), [(OnDataLoss.FAIL, ["LogTooShort"]), (OnDataLoss.SKIP, ["ReadAgain", "Receipt"])]
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
    assert [value.endswith("#") for *_, value in stage.world.rows()] == [False, False, True, True]


@pytest.mark.parametrize(
    ("place", "move"),
    [
        (Place(1, "commit", 1), Move.LOSE),
        (Place(1, "commit", 1), Move.FLING),
        (Place(1, "save committed", 1), Move.CRASH),
        (Place(1, "end", 1), Move.CRASH),
    ],
    ids=str,
)
def test_a_filter_that_is_edited_behind_the_fence_makes_no_other_rows(place: Place, move: Move) -> None:
    """A retry completes what the attempt before has written, and loads nothing by the filter of today beside it."""
    case = Case(Mode.APPEND, OnRerun.KEEP, (Way.RETRY,), where=Where.ANOTHER)
    assert _offsets(_played(case, {place: (move,)})) == [0]


@pytest.mark.parametrize(
    ("mode", "on_rerun", "where", "ended", "offsets"),
    [
        (Mode.APPEND, OnRerun.KEEP, Where.ANOTHER, "Receipt", [0]),
        (Mode.APPEND, OnRerun.FAIL, Where.ANOTHER, "AlreadyLoaded", [0]),
        (Mode.APPEND, OnRerun.REPLACE, Where.ANOTHER, "Receipt", [1]),
        (Mode.APPEND, OnRerun.REPLACE, Where.REMOVED, "Receipt", [0, 1]),
        (Mode.APPEND, OnRerun.REPLACE, Where.ADDED, "FewerRows", [0, 1]),
        (Mode.OVERWRITE, OnRerun.KEEP, Where.ANOTHER, "Receipt", [1]),
        (Mode.OVERWRITE, OnRerun.KEEP, Where.ADDED, "FewerRows", [0, 1]),
    ],
)
def test_a_filter_that_is_edited_before_a_clear(
    mode: Mode, on_rerun: OnRerun, where: Where, ended: str, offsets: list[int]
) -> None:
    """The rows are those of one filter, of the new one where the clear asks for another load; never fewer."""
    columns = Columns.ALWAYS if mode is Mode.APPEND else Columns.NEVER
    stage = _played(Case(mode, on_rerun, (Way.CLEAR,), columns, where=where), {})
    assert type(stage.actors[-1].ended).__name__ == ended
    assert _offsets(stage) == offsets


@pytest.mark.parametrize(("where", "rejects"), [(Where.REJECTS, [(0, 0, "where")]), (Where.LEAVES_OUT, [])])
def test_a_record_of_which_the_filter_cannot_tell(where: Where, rejects: list[object]) -> None:
    """It is a reject, or left out, and no row."""
    stage = _played(Case(Mode.APPEND, OnRerun.KEEP, (Way.RETRY,), where=where), {})
    assert (_offsets(stage), stage.world.rejects) == ([1], rejects)


def _offsets(stage: Stage) -> list[int]:
    return [spot_of(value).offset for *_, value in stage.world.rows()]


@pytest.mark.parametrize("lost", [Keep.EVEN, Keep.ALL])
def test_rows_of_another_filter_are_found_and_told(monkeypatch: pytest.MonkeyPatch, lost: Keep) -> None:
    """A load that forgets its filter, or leaves out what is wanted, breaks the promise in the first history."""
    case = Case(Mode.APPEND, OnRerun.KEEP, (Way.RETRY,), where=Where.LEAVES_OUT)
    forgotten = projection_of(rejecting=False, with_offsets=True, keep=lost, routed=False)
    monkeypatch.setattr(attempts, "projection_of", lambda **_: forgotten)
    found = replay(partial(scene_of, case), {})
    assert found is not None
    assert "the table lacks" in found.problem


LANES = Case(Mode.APPEND, OnRerun.KEEP, (Way.RETRY,), Columns.NEVER, "rrrr", compacted=True, lanes=2)
TWO_PASSES = {
    Place(1, "lane: write a block", 1): (Move.LATE,),
    Place(1, "lane: read", 3): (Move.COMPACT,),
    Place(1, "commit", 1): (Move.LAND,),
}
"""No answer to a block comes, a record of it is compacted away, it is written again, and then the first one arrives."""


def test_a_block_that_two_passes_have_written_with_other_records_is_not_committed() -> None:
    """Which of them the service has in the end is not known, so another attempt loads all of it."""
    stage = _played(LANES, TWO_PASSES)
    assert [type(actor.ended).__name__ for actor in stage.actors] == ["ReadAgain", "Receipt"]


def test_that_two_passes_were_not_compared_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without that look, rows are visible that the receipt does not have."""
    monkeypatch.setattr(BlockLoad, "check_tries", lambda _: None)
    found = replay(partial(scene_of, LANES), TWO_PASSES)
    assert found is not None
    assert "the receipt says 3 rows" in found.problem


@pytest.mark.parametrize("move", [Move.NEXT, Move.FLING])
def test_a_lane_that_writes_after_the_next_attempt_has_loaded_adds_nothing(move: Move) -> None:
    """Its attempt stood still or died with a block under way: that block is one of an upload that nobody commits."""
    stage = _played(LANES, {Place(1, "lane: write a block", 2): (move,)})
    assert type(stage.actors[-1].ended).__name__ == "Receipt"
    assert len(stage.world.rows()) == len(LANES.log)


def test_a_lane_that_fails_while_others_have_written_fails_the_load() -> None:
    """Their blocks are those of an upload that nobody commits."""
    faults = {Place(1, "lane: read", 2): (Move.LANE_SLOW, Move.LANE_SLOW), Place(1, "lane: read", 3): (Move.DROP,)}
    stage = _played(LANES, faults)
    assert [type(actor.ended).__name__ for actor in stage.actors] == ["Unreachable", "Receipt"]


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
