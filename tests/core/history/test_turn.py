"""Planners that take turns: what one has decided is found by the next one, whatever became of the first."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import pytest
from core.examples import offsets_in
from core.memory import Runs, Topic
from core.world import Crash
from hypothesis import given
from hypothesis import strategies as st
from twins.planning_lock import Group, TwinLock
from twins.stores import Memory

from airflow_provider_kafka_odps.core.history.planner import plan
from airflow_provider_kafka_odps.core.history.planning_lock import Note
from airflow_provider_kafka_odps.core.window.bounds import At, Earliest, Latest, Offsets, Previous
from airflow_provider_kafka_odps.exceptions import (
    IntervalTaken,
    InvalidInput,
    NeighboursDiffer,
    PlannedAtOnce,
    PredecessorPending,
    UnknownPartition,
)

CHAIN = "chain:cluster:orders:hourly.load"
INTERVALS = "intervals:cluster:orders:hourly.load"


def never() -> None:
    """Wait for nobody."""
    raise AssertionError("nobody else holds the lock")


@dataclass
class Dying(TwinLock):
    """A planner that dies as soon as it has noted what it decided, and releases nothing."""

    dead: bool = False

    def note(self, text: str) -> None:
        super().note(text)
        self.dead = True
        raise Crash

    def release(self) -> None:
        assert self.dead
        self.group.expel()


@dataclass
class Turns:
    """Runs of one table that hold the lock of one group."""

    runs: Runs = field(default_factory=lambda: Runs(Topic({0: [100, 101]})))
    group: Group = field(default_factory=Group)

    def of(self, lock: TwinLock | None = None) -> Runs:
        """Return the runs, planned with a way to the lock."""
        return replace(self.runs, lock=lock or TwinLock(self.group, never))

    @property
    def entries(self) -> dict[str, str]:
        """Return what is in the store."""
        assert isinstance(self.runs.memory, Memory)
        return self.runs.memory.entries


@pytest.fixture
def turns() -> Turns:
    """Return a topic with two records, and nothing planned."""
    return Turns()


def test_a_plan_that_was_noted_is_written_by_the_next_planner(turns: Turns) -> None:
    """A planner that dies before it has written its cuts leaves them all the same: its neighbours meet it."""
    with pytest.raises(Crash):
        turns.of(Dying(turns.group, never)).plan("a", At(90), At(110))
    assert turns.entries == {}
    turns.runs.topic.stamps[0].append(105)
    after = turns.of().plan("b", At(110), At(120))
    assert (offsets_in(after), after.start.source) == ({0: (2, 3)}, "cut of run a")
    assert offsets_in(turns.of().plan("a", At(90), At(110))) == {0: (0, 2)}


def test_the_interval_of_a_planner_that_died_is_known(turns: Turns) -> None:
    """The next planner adds it to those of its task, so a window that overlaps it is refused."""
    turns.of().plan("first", At(50), At(60))
    with pytest.raises(Crash):
        turns.of(Dying(turns.group, never)).plan("a", At(90), At(110))
    with pytest.raises(NeighboursDiffer, match="overlaps"):
        turns.of().plan("b", At(100), At(120))
    assert json.loads(turns.entries[INTERVALS])["intervals"] == [[50, 10, 1], [90, 20, 1]]


def test_the_interval_of_another_task_is_added_to_its_own(turns: Turns) -> None:
    """Whoever plans next writes it for the task that has planned it, and not for itself."""
    with pytest.raises(Crash):
        turns.of(Dying(turns.group, never)).plan("a", At(90), At(110))
    replace(turns.of(), task="daily.load").plan("b", At(100), At(120))
    assert json.loads(turns.entries[INTERVALS])["intervals"] == [[90, 20, 1]]
    assert json.loads(turns.entries["intervals:cluster:orders:daily.load"])["intervals"] == [[100, 20, 1]]


@pytest.mark.parametrize("task", ["hourly.load", "daily.load"])
def test_instants_of_a_planner_that_was_late_do_not_hide_later_ones(turns: Turns, task: str) -> None:
    """An index that is written over by an old one loses nothing: each note has an index of its own, with all before."""
    others = replace(turns.of(), task=task)
    others.plan("later", At(110), At(120))
    turns.runs.topic.stamps[0] += [95, 125]
    others.plan("latest", At(130), At(140))
    turns.entries["instants:cluster:orders"] = json.dumps({"version": 1, "instants": []})
    assert offsets_in(turns.of().plan("between", At(100), At(105))) == {0: (0, 2)}


@pytest.mark.parametrize("late", [[], [[110, 10, 1]]])
def test_intervals_of_a_planner_that_was_late_do_not_hide_later_ones(turns: Turns, late: list[list[int]]) -> None:
    """The same for the intervals of the task, also after more notes than are kept."""
    for number in range(5):
        turns.of().plan(str(number), At(110 + 10 * number), At(120 + 10 * number))
    turns.entries[INTERVALS] = json.dumps({"version": 1, "intervals": late})
    with pytest.raises(NeighboursDiffer, match="overlaps"):
        turns.of().plan("across", At(135), At(145))
    assert sum(key.startswith("intervals:") for key in turns.entries) == 3


def test_an_interval_that_another_run_has_planned_and_not_recorded(turns: Turns) -> None:
    """Its journal comes a moment after its cuts, in which it may stand still: who is for the same interval waits."""
    turns.of().plan("a", At(90), At(110))
    turns.runs.active.add("a")
    with pytest.raises(IntervalTaken, match="run a has planned a window for the same interval as this one"):
        turns.of().plan("b", At(90), At(110))
    turns.of().plan("a", At(90), At(110))
    turns.of().plan("after", At(110), At(120))
    turns.runs.active = {"b"}
    turns.of().plan("b", At(90), At(110))
    with pytest.raises(IntervalTaken, match="run b has planned"):
        turns.of().plan("c", At(90), At(110))


def test_a_partition_that_was_added_while_another_run_was_planned(turns: Turns) -> None:
    """The neighbour's cut knows it, and the survey does not: another look is had before it is called gone."""
    old, new = turns.runs.topic, Topic({0: [100, 101], 1: [102]})
    turns.runs.topic = new
    turns.of().plan("b", At(110), At(120))
    looks = iter([old, new, old, old])
    planning = turns.of().planning("a", At(90), At(110))
    again = replace(planning, survey=lambda topic, questions: next(looks).survey(topic, questions))
    assert offsets_in(plan(again)) == {0: (0, 2), 1: (0, 1)}
    with pytest.raises(UnknownPartition, match=r"orders\[1\]: the cut"):
        plan(again)


def test_a_planner_that_has_lost_the_lock_writes_nothing(turns: Turns) -> None:
    """Its session ended while it stood still: nothing is decided, and its retry plans again."""
    lock = TwinLock(turns.group, never)
    planning = turns.of(lock).planning("a", At(90), At(110))

    def stand_still() -> None:
        turns.group.expel()

    with pytest.raises(PlannedAtOnce):
        plan(replace(planning, begin=stand_still))
    assert (turns.entries, turns.group.text) == ({}, None)
    assert offsets_in(turns.of().plan("a", At(90), At(110))) == {0: (0, 2)}


def test_without_the_right_windows_are_planned_as_before(turns: Turns) -> None:
    """The log says which right is missing; cuts are claimed and checked without the lock, and under the same keys."""
    turns.group.refusal = "Read on Group 'planning'"
    assert offsets_in(turns.of().plan("a", At(90), At(110))) == {0: (0, 2)}
    (said,) = turns.runs.said
    assert "without a lock: Read on Group 'planning'" in said
    assert [key.split(":")[0] for key in sorted(turns.entries)] == ["cut", "cut", "instants", "intervals"]
    turns.group.refusal = None
    turns.runs.topic.stamps[0].append(105)
    assert offsets_in(turns.of().plan("b", At(110), At(120))) == {0: (2, 3)}


def test_a_note_that_does_not_fit_is_done_without(turns: Turns) -> None:
    """A group that takes no such note makes the plan no worse than one without the lock."""
    turns.group.longest = 10
    assert offsets_in(turns.of().plan("a", At(90), At(110))) == {0: (0, 2)}
    assert turns.runs.said == ["this window is planned as if there were no lock: OffsetMetadataTooLarge"]
    assert offsets_in(turns.of().plan("b", At(110), At(120))) == {0: (2, 2)}


@pytest.mark.parametrize("text", ["reset by hand", '{"version":2}', '{"version":1}', "[]"])
def test_a_note_that_nobody_can_read_is_replaced(turns: Turns, text: str) -> None:
    """Somebody has committed something to the group: the log shows it, and the store counts."""
    turns.of().plan("a", At(90), At(110))
    turns.group.text = text
    turns.runs.topic.stamps[0].append(105)
    assert offsets_in(turns.of().plan("b", At(110), At(120))) == {0: (2, 3)}
    assert "is replaced" in turns.runs.said[0]
    assert Note.from_text(turns.group.text).instants


def test_a_topic_that_was_created_again_has_no_use_for_the_note(turns: Turns) -> None:
    """Cuts of another topic are not written once more."""
    turns.of().plan("a", At(90), At(110))
    turns.entries.clear()
    turns.runs.topic.topic_id = "id-2"
    turns.of().plan("b", At(110), At(120))
    assert {json.loads(value).get("topic_id", "id-2") for value in turns.entries.values()} == {"id-2"}


def test_windows_that_have_to_do_with_no_other_hold_no_lock(turns: Turns) -> None:
    """Offsets and names are resolved by whoever asks: there is nothing to wait for."""
    turns.group.holder = -1
    assert offsets_in(turns.of().plan("a", Earliest(), Latest())) == {0: (0, 2)}
    assert offsets_in(turns.of().plan("b", Offsets(None, {0: 1}), Latest())) == {0: (1, 2)}


def test_a_chain_that_is_written_over_by_an_old_entry_goes_on(turns: Turns) -> None:
    """What a planner or a load has written late has a lower number than the note, and does not count."""
    first = turns.of().plan("a", Previous(), Latest(), Earliest())
    planned = turns.entries[CHAIN]
    turns.of().commit("a", Previous(), first)
    turns.runs.topic.stamps[0] += [102]
    turns.entries[CHAIN] = planned
    second = turns.of().plan("b", Previous(), Latest())
    assert offsets_in(second) == {0: (2, 3)}
    turns.entries[CHAIN] = planned
    with pytest.raises(PredecessorPending, match="run b has planned"):
        turns.of().plan("c", Previous(), Latest())
    turns.of().commit("b", Previous(), second)
    assert offsets_in(turns.of().plan("c", Previous(), Latest())) == {0: (3, 3)}


def test_a_chain_that_a_person_has_edited_counts(turns: Turns) -> None:
    """To set "planned" to null, or to delete the entry, is the person's word against the note."""
    turns.of().plan("a", Previous(), Latest(), Earliest())
    turns.entries[CHAIN] = json.dumps({**json.loads(turns.entries[CHAIN]), "planned": None})
    assert offsets_in(turns.of().plan("b", Previous(), Latest(), Earliest())) == {0: (0, 2)}
    del turns.entries[CHAIN]
    assert turns.of().plan("c", Previous(), Latest(), Offsets(None, {0: 1})).start.source == "given"


def test_a_chain_that_a_person_has_edited_is_not_written_for_another_task(turns: Turns) -> None:
    """A note has the chains of all tasks; who plans the window of one writes that one, and no other."""
    turns.of().plan("a", Previous(), Latest(), Earliest())
    turns.entries[CHAIN] = edited = json.dumps({**json.loads(turns.entries[CHAIN]), "planned": None})
    replace(turns.of(), task="daily.load").plan("x", Previous(), Latest(), Earliest())
    assert turns.entries[CHAIN] == edited


def test_a_chain_whose_group_was_deleted_goes_on(turns: Turns) -> None:
    """The entry in the store is enough; its number is not used again, so what is written late does not count."""
    first = turns.of().plan("a", Previous(), Latest(), Earliest())
    planned = turns.entries[CHAIN]
    turns.group.text = None
    turns.of().commit("a", Previous(), first)
    turns.entries[CHAIN] = planned
    turns.runs.topic.stamps[0] += [102]
    assert offsets_in(turns.of().plan("b", Previous(), Latest())) == {0: (2, 3)}


_ENTRIES = st.dictionaries(st.text(max_size=5), st.dictionaries(st.text(max_size=5), st.integers()), max_size=3)
_CHAINS = st.dictionaries(st.text(max_size=5), st.fixed_dictionaries({"note": st.integers(0)}), max_size=3)
_INTERVALS = st.none() | st.tuples(st.text(max_size=5), st.integers(), st.integers())
_NOTES = st.builds(Note, st.integers(0), st.text(max_size=9), st.tuples(st.integers()), _ENTRIES, _CHAINS, _INTERVALS)


@given(_NOTES)
def test_notes_are_read_as_they_were_written(note: Note) -> None:
    """A note is ASCII, and says the same when it is read again."""
    assert note.to_text().isascii()
    assert Note.from_text(note.to_text()) == note


@pytest.mark.parametrize(
    "change",
    [
        *[{"version": 2}, {"number": "1"}, {"instants": [1.5]}, {"claims": [1]}, {"chains": {"k": {}}}],
        *[{"interval": ["key", 1]}, {"interval": ["key", 1, "2"]}],
    ],
)
def test_what_is_no_note_is_refused(change: dict[str, object]) -> None:
    """Each part of it has to be what it should be."""
    text = Note(1, "id", (), {}).to_text()
    with pytest.raises(InvalidInput, match="the note of the planning lock"):
        Note.from_text(json.dumps({**json.loads(text), **change}))
