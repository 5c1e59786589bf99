"""The chain of windows that each start where the one before ended."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from core.examples import history_of, offsets_in
from core.memory import Runs, Topic
from core.world import Crash, World, attempt_at
from hypothesis import given
from hypothesis import strategies as st
from twins.stores import Memory, Superseded

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.history.planner import plan
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.window.bounds import At, Earliest, Latest, Offsets, Previous, SurveyBound
from airflow_provider_kafka_odps.core.window.window import Window, apportioned
from airflow_provider_kafka_odps.exceptions import (
    CommitUnknown,
    InvalidInput,
    NoPreviousWindow,
    PredecessorPending,
    TopicReplaced,
    UnknownPartition,
)

KEY = "chain:cluster:orders:hourly.load"


def load(runs: Runs, run_id: str, end: SurveyBound | None = None, first: SurveyBound | None = None) -> Window:
    """Plan and commit the next window of the chain."""
    window = runs.plan(run_id, Previous(), end or Latest(), first)
    runs.commit(run_id, Previous(), window)
    return window


def test_each_window_starts_where_the_one_before_ended() -> None:
    """The first one starts where the user says; each later one at the end of the last that was committed."""
    runs = Runs(Topic({0: [1, 2, 3]}))
    first = load(runs, "a", first=Earliest())
    assert (offsets_in(first), first.start.asked, first.start.source) == ({0: (0, 3)}, "earliest", "broker")
    runs.topic.stamps[0] += [4, 5]
    second = load(runs, "b", first=Earliest())
    assert (offsets_in(second), second.start.asked, second.start.source) == ({0: (3, 5)}, "previous", "end of run a")


def test_the_first_window_needs_a_start() -> None:
    """Nothing says where a chain without a window starts, unless the user does."""
    with pytest.raises(NoPreviousWindow, match="has committed no window of orders yet; give first_start"):
        load(Runs(), "a")


def test_a_successor_waits_for_the_commit() -> None:
    """A run that finds the window before it planned and not committed fails with a retry, and says how to go on."""
    runs = Runs(Topic({0: [1, 2]}))
    window = runs.plan("a", Previous(), Latest(), Earliest())
    with pytest.raises(
        PredecessorPending, match=rf"run a has planned .*\{{0: 2\}}.*clear its task.*'{KEY}'"
    ) as pending:
        load(runs, "b", first=Earliest())
    assert pending.value.retry_helps
    runs.commit("a", Previous(), window)
    assert offsets_in(load(runs, "b")) == {0: (2, 2)}


def test_a_run_that_died_before_its_journal_starts_where_it_had_started() -> None:
    """A retry of the run that planned, which recorded nothing, plans again from the same offsets."""
    runs = Runs(Topic({0: [1, 2]}))
    load(runs, "a", first=Earliest())
    runs.topic.stamps[0] += [3]
    runs.plan("b", Previous(), Latest())
    runs.topic.stamps[0] += [4]
    assert offsets_in(load(runs, "b")) == {0: (2, 4)}
    assert offsets_in(load(runs, "c")) == {0: (4, 4)}


def test_a_zombie_that_plans_before_the_commit_moves_nothing() -> None:
    """An attempt that was superseded while it planned, and goes on, cannot record its window: nobody has loaded it."""
    runs = Runs(Topic({0: [1, 2]}))
    window = runs.plan("a", Previous(), Latest(), Earliest())
    runs.topic.stamps[0] += [3]
    runs.plan("a", Previous(), Latest(), Earliest())
    runs.commit("a", Previous(), window)
    assert offsets_in(load(runs, "b")) == {0: (2, 3)}


def test_a_zombie_that_plans_after_the_commit_moves_nothing() -> None:
    """The next run waits for what it has planned; clearing its run lets that one load all of it."""
    runs = Runs(Topic({0: [1, 2]}))
    first = load(runs, "a", first=Earliest())
    runs.topic.stamps[0] += [3]
    load(runs, "b")
    runs.topic.stamps[0] += [4]
    runs.plan("a", Previous(), Latest())
    with pytest.raises(PredecessorPending, match="run a has planned"):
        load(runs, "c")
    runs.commit("a", Previous(), first)
    assert offsets_in(load(runs, "c")) == {0: (3, 4)}


def test_a_zombie_leaves_nothing_to_its_neighbours() -> None:
    """An attempt that is refused, because it was superseded, writes neither cuts nor its window for other runs."""
    runs = Runs(Topic({0: [1, 2]}))

    def refuse() -> None:
        raise Superseded("404")

    with pytest.raises(Superseded):
        plan(replace(runs.planning("a", Previous(), At(2), Earliest()), begin=refuse))
    assert runs.memory is not None
    assert not runs.memory.entries


def test_an_older_run_moves_nothing() -> None:
    """A committed run that is cleared, and one whose window is no link, leave the chain as it is."""
    runs = Runs(Topic({0: [1, 2]}))
    first = load(runs, "a", first=Earliest())
    runs.topic.stamps[0] += [3]
    load(runs, "b")
    runs.commit("a", Previous(), first)
    assert offsets_in(load(runs, "c")) == {0: (3, 3)}


def test_new_partitions_are_loaded_from_their_beginning() -> None:
    """A partition of which no window of the chain knows is loaded whole, also if first_start says something else."""
    runs = Runs(Topic({0: [1]}))
    load(runs, "a", first=Latest())
    runs.topic.stamps[1] = [2, 3]
    assert offsets_in(load(runs, "b", first=Latest())) == {0: (1, 1), 1: (0, 2)}


def test_a_chain_does_not_go_back() -> None:
    """An instant whose cut does not know a partition is no reason to load it again."""
    runs = Runs(Topic({0: [1]}))
    Runs(runs.topic, runs.memory).plan("by time", At(0), At(5))
    runs.topic.stamps[1] = [2, 3]
    load(runs, "a", first=Earliest())
    assert offsets_in(load(runs, "b", end=At(5), first=Earliest()))[1] == (2, 2)


def test_what_the_chain_rests_on_is_gone() -> None:
    """Another topic of the same name, and a partition that is not there any more, are refused."""
    runs = Runs(Topic({0: [1], 1: [1]}))
    load(runs, "a", first=Earliest())
    with pytest.raises(TopicReplaced, match=f"the chain '{KEY}'"):
        load(replace(runs, topic=Topic({0: []}, topic_id="new")), "b")
    with pytest.raises(UnknownPartition, match=r"orders\[1\]: the window of run a"):
        load(replace(runs, topic=Topic({0: [1]})), "b")


def test_a_chain_that_was_lost_is_not_begun_again() -> None:
    """Where the run before has a window and the chain none, only explicit offsets say where to go on."""
    runs = Runs(Topic({0: [1, 2, 3]}))
    window = load(runs, "a", first=Earliest())
    lost = replace(runs, memory=Memory(), xcom=("a", window.to_json()))
    with pytest.raises(NoPreviousWindow, match=r"run a has loaded a window .*first_start=\{\"0\": 3\}"):
        load(lost, "b", first=Earliest())
    assert offsets_in(load(lost, "b", first=Offsets(None, {0: 3}))) == {0: (3, 3)}


def test_a_chain_needs_a_store() -> None:
    """Without an asset there is nothing that remembers."""
    with pytest.raises(
        InvalidInput, match="this task has none: name table and project without templates, or give asset"
    ):
        load(Runs(memory=None), "a", first=Earliest())


def test_an_entry_that_was_edited_badly_is_named() -> None:
    """What cannot be read is not guessed at."""
    memory = Memory({KEY: json.dumps({"version": 1})})
    with pytest.raises(InvalidInput, match=f"the chain '{KEY}' .* cannot be read"):
        load(Runs(memory=memory), "a", first=Earliest())


@given(st.dictionaries(st.integers(0, 5), st.integers(0, 50), min_size=1), st.integers(1, 200))
def test_shares_add_up(spans: dict[int, int], most: int) -> None:
    """Together the shares are what may be loaded, none is more than there is, and none is off by an offset or more."""
    given_ = apportioned(spans, most)
    assert sum(given_.values()) == min(most, sum(spans.values()))
    assert all(0 <= given_[number] <= span for number, span in spans.items())
    if sum(spans.values()) > most:
        assert all(abs(given_[n] - span * most / sum(spans.values())) < 1 for n, span in spans.items())


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=40), st.integers(1, 9))
def test_a_backlog_is_worked_off_over_several_runs(growth: list[tuple[int, int]], most: int) -> None:
    """Whatever comes between, the windows of the chain tile the log from its start, each within the limit."""
    runs = Runs(Topic({0: [], 1: [], 2: []}), max_offsets=most)
    came_to = dict.fromkeys(runs.topic.stamps, 0)
    grown = sum(records for _, records in growth)
    for number, (partition, records) in enumerate([*growth, *[(0, 0)] * (grown // most + 1)]):
        runs.topic.stamps[partition] += [0] * records
        window = load(runs, str(number), first=Earliest())
        assert window.span <= most
        assert {each.partition: each.start for each in window.ranges} == came_to
        came_to = {each.partition: each.end for each in window.ranges}
    assert came_to == {p: len(stamps) for p, stamps in runs.topic.stamps.items()}


def test_a_window_that_was_cut_short_says_so_and_leaves_no_cut() -> None:
    """Its end is not where the log reaches the instant."""
    runs = Runs(Topic({0: [1, 2, 3, 9]}), max_offsets=2)
    window = load(runs, "a", end=At(5), first=Earliest())
    assert (offsets_in(window), window.end.source) == ({0: (0, 2)}, "broker, cut short by max_offsets=2")
    assert runs.memory is not None
    assert set(runs.memory.entries) == {KEY, "chains:cluster:orders"}
    assert offsets_in(load(runs, "b", end=At(5))) == {0: (2, 3)}


def test_a_limit_has_to_let_something_through() -> None:
    """A window of no offsets would never work anything off."""
    with pytest.raises(InvalidInput, match="max_offsets=0"):
        load(Runs(max_offsets=0), "a", first=Earliest())


def test_a_crash_right_after_the_commit_does_not_hold_up_the_chain() -> None:
    """An attempt that only finds its rows committed tells the chain so."""
    world, memory = World(), Memory()

    def attempt(run_id: str) -> Attempt:
        plain = attempt_at(world, Mode.APPEND)
        request = replace(plain.load.request, start=Previous(), first_start=Earliest())
        ports = replace(plain.ports, history=replace(history_of(run_id), store=memory))
        return replace(plain, load=replace(plain.load, request=request), ports=ports)

    def die(name: str) -> None:
        if name == "save committed":
            raise Crash(name)

    world.after = die
    with pytest.raises(Crash):
        transfer(attempt("a"))
    assert json.loads(memory.entries[KEY])["committed"] is None
    world.after = lambda _: None
    transfer(attempt("a"))
    assert json.loads(memory.entries[KEY])["committed"]["run_id"] == "a"
    assert json.loads(memory.entries[KEY])["planned"] is None


def test_who_was_slower_than_another_run_links_nothing() -> None:
    """A run that was marked as failed while it planned may still write: it must not cover what the next one planned."""
    runs = Runs(Topic({0: [1, 2]}))
    load(runs, "z", first=Earliest())
    runs.topic.stamps[0] += [3, 4]
    slow = runs.planning("a", Previous(), Latest())
    quick: list[Window] = []

    def begin() -> None:
        if not quick:
            quick.append(runs.plan("b", Previous(), Latest()))

    with pytest.raises(PredecessorPending, match="run b has planned"):
        plan(replace(slow, begin=begin))
    runs.commit("b", Previous(), quick[0])
    runs.topic.stamps[0] += [5]
    assert offsets_in(load(runs, "c")) == {0: (4, 5)}


def test_who_was_covered_by_another_run_loads_nothing() -> None:
    """Two runs that find the same end, and no lock, both note their window: the one whose note is gone waits."""
    runs = Runs(Topic({0: [1, 2]}))
    load(runs, "z", first=Earliest())
    runs.topic.stamps[0] += [3, 4]
    memory = runs.memory
    assert memory is not None

    def cover() -> None:
        chain = json.loads(memory.entries[KEY])
        if (chain["planned"] or {}).get("run_id") == "a":
            memory.entries[KEY] = json.dumps({**chain, "planned": {**chain["planned"], "run_id": "b"}})

    memory.turn = cover
    with pytest.raises(PredecessorPending, match=r"another run has planned the next window .* at the same moment"):
        runs.plan("a", Previous(), Latest())


def test_a_commit_in_doubt_says_how_the_chain_goes_on() -> None:
    """Marking the task as success leaves the chain where it was: the message names the entry, and what to do there."""
    world = World(commit_faults=["gone"])
    with pytest.raises(CommitUnknown):
        transfer(attempt_at(world, Mode.APPEND))
    attempt = attempt_at(world, Mode.APPEND)
    request = replace(attempt.load.request, start=Previous())
    with pytest.raises(CommitUnknown, match=r'as success and put "planned" in the place of "committed" .*chain:'):
        transfer(replace(attempt, load=replace(attempt.load, request=request)))


def test_a_commit_moves_the_chain_whoever_is_planned() -> None:
    """A window that starts where the chain has come to, and is committed, is the next one: the rows are there."""
    runs = Runs(Topic({0: [1, 2]}))
    load(runs, "z", first=Earliest())
    runs.topic.stamps[0] += [3, 4]
    window = runs.plan("b", Previous(), Latest())
    assert runs.memory is not None
    chain = json.loads(runs.memory.entries[KEY])
    runs.memory.entries[KEY] = json.dumps({**chain, "planned": {**chain["planned"], "run_id": "a"}})
    runs.commit("b", Previous(), window)
    runs.topic.stamps[0] += [5]
    assert offsets_in(load(runs, "c")) == {0: (4, 5)}
