"""The chain of a task is found again, whatever its place in a list and the release that has written it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from core.examples import offsets_in
from core.memory import Runs, Topic
from twins.stores import Memory

from airflow_provider_kafka_odps.core.options import OnGap
from airflow_provider_kafka_odps.core.window.bounds import Earliest, Latest, Offsets, Previous, SurveyBound
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import NeighboursDiffer, NoPreviousWindow, PredecessorPending, WindowRefused

LOG = {0: [1, 2, 3], 1: [4, 5]}


def instance(index: int, memory: Memory, *partitions: int, table: str = "shop.t", on_gap: OnGap = OnGap.FAIL) -> Runs:
    """Return the runs of one instance of a mapped task."""
    some = frozenset(partitions) or None
    topic = Topic({number: list(stamps) for number, stamps in LOG.items()})
    return Runs(topic, memory, task=f"hourly.load[{index}]", partitions=some, table=table, on_gap=on_gap)


def load(runs: Runs, run_id: str, first: SurveyBound | None = None) -> Window:
    """Plan and commit the next window."""
    window = runs.plan(run_id, Previous(), Latest(), first or Earliest())
    runs.commit(run_id, Previous(), window)
    return window


def written_before(memory: Memory, task: str, end: int, run_id: str = "before") -> None:
    """Leave a chain as the release before has written it."""
    offsets = {"0": end, "1": 2}
    link = {"run_id": run_id, "start": {"0": 0, "1": 0}, "end": offsets}
    chain = {"version": 1, "topic_id": "id-1", "committed": link, "planned": None}
    memory.entries[f"chain:cluster:orders:{task}"] = json.dumps(chain)


def test_another_place_in_the_list_finds_the_chain() -> None:
    """[a, b] becomes [new, a, b]: what was instance 0 is instance 1, and goes on where that one has ended."""
    memory = Memory()
    load(instance(0, memory), "a")
    window = load(instance(1, memory), "b")
    assert (offsets_in(window), window.start.source) == ({0: (3, 3), 1: (2, 2)}, "end of run a")


def test_instances_with_partitions_or_tables_of_their_own_have_chains_of_their_own() -> None:
    """Each of them loads its own from the beginning, once."""
    memory = Memory()
    assert offsets_in(load(instance(0, memory, 0), "a")) == {0: (0, 3)}
    assert offsets_in(load(instance(1, memory, 1), "a")) == {1: (0, 2)}
    assert offsets_in(load(instance(2, memory, 0, table="shop.other"), "a")) == {0: (0, 3)}
    assert offsets_in(load(instance(0, memory, 1), "b")) == {1: (2, 2)}
    assert offsets_in(load(instance(3, memory, 0, table="shop.other"), "b")) == {0: (3, 3)}


@pytest.mark.parametrize(("task", "before"), [("hourly.load[1]", ""), ("a.b/c", "a.b.c"), ("a.b/c[1]", "a.b.c[1]")])
def test_a_chain_of_the_release_before_goes_on(task: str, before: str) -> None:
    """It is found by the index and the name that it has there, and never again once this release has gone on."""
    memory = Memory()
    written_before(memory, before or task, 2)
    runs = replace(instance(1, memory), task=task, before=before)
    assert offsets_in(load(runs, "b")) == {0: (2, 3), 1: (2, 2)}
    assert f"chain:cluster:orders:{before or task}" not in memory.entries
    assert offsets_in(load(runs, "c")) == {0: (3, 3), 1: (2, 2)}


def test_a_window_that_the_release_before_has_planned_is_committed() -> None:
    """The upgrade came between the plan and the commit."""
    memory = Memory()
    written_before(memory, "hourly.load[1]", 2)
    key = "chain:cluster:orders:hourly.load[1]"
    chain = json.loads(memory.entries[key])
    chain["planned"] = {"run_id": "b", "start": {"0": 2, "1": 2}, "end": {"0": 3, "1": 2}}
    runs = instance(1, memory)
    window = instance(1, Memory()).plan("b", Offsets(None, {0: 2, 1: 2}), Latest())
    memory.entries[key] = json.dumps(chain)
    with pytest.raises(PredecessorPending):
        runs.plan("c", Previous(), Latest(), Earliest())
    runs.commit("b", Previous(), window)
    assert offsets_in(load(runs, "c")) == {0: (3, 3), 1: (2, 2)}


def test_two_instances_of_one_run_are_not_one() -> None:
    """Same topic, table and partitions: each record would be there twice, or in the wrong one's window."""
    memory = Memory()
    load(instance(0, memory), "a")
    with pytest.raises(NeighboursDiffer, match=r"(?s)instance 0 .* this one, 1: .*on_gap='ignore'"):
        load(instance(1, memory), "a")
    first, second = (instance(index, memory, on_gap=OnGap.IGNORE) for index in (0, 1))
    assert offsets_in(load(second, "a")) == {0: (0, 3), 1: (0, 2)}
    for runs in (second, first):
        assert offsets_in(load(runs, "b")) == {0: (3, 3), 1: (2, 2)}
    for runs in (first, second):
        assert offsets_in(load(runs, "c")) == {0: (3, 3), 1: (2, 2)}


@pytest.mark.parametrize(
    "renamed",
    [
        Runs(task="hourly.other"),
        Runs(task="daily.load"),
        Runs(task="hourly.load[0]"),
        Runs(task="hourly.other", partitions=frozenset({1})),
    ],
    ids=lambda runs: f"{runs.task} {runs.partitions}",
)
def test_a_task_of_another_name_does_not_begin_anew(renamed: Runs) -> None:
    """It would load the topic a second time, in silence; it says what is known, and where it might go on."""
    runs = Runs(Topic(dict(LOG)))
    load(runs, "a")
    renamed = replace(renamed, topic=runs.topic, memory=runs.memory)
    with pytest.raises(
        NoPreviousWindow,
        match=r'by hourly\.load into shop\.t:.*first_start=\{"0": 3, "1": 2\}, where the last run',
    ):
        load(renamed, "b")
    on = {number: end for number, end in {0: 3, 1: 2}.items() if number in (renamed.partitions or {0, 1})}
    window = load(renamed, "b", Offsets(None, on))
    assert all(each.span == 0 for each in window.ranges)
    load(renamed, "c")


def test_other_partitions_of_a_mapped_task_do_not_begin_anew() -> None:
    """A list of chunks that was cut in another way has loaded some of their partitions already."""
    memory = Memory()
    load(instance(0, memory, 0), "a")
    load(instance(1, memory, 1), "a")
    with pytest.raises(NoPreviousWindow, match=r'by hourly\.load into shop\.t:.*first_start=\{"0": 3, "1": 2\}, where'):
        load(instance(0, memory, 0, 1), "b")


def test_a_topic_that_was_created_again_is_a_new_one() -> None:
    """What another task had loaded of the one before says nothing of it."""
    runs = Runs(Topic(dict(LOG)))
    load(runs, "a")
    again = replace(runs, task="hourly.other", topic=Topic(dict(LOG), topic_id="id-2"))
    assert offsets_in(load(again, "b")) == {0: (0, 3), 1: (0, 2)}


def test_a_task_that_was_renamed_and_cleared_in_an_old_run_is_no_other_one() -> None:
    """Airflow adds the task of the new name to the run that has loaded the topic under the old one."""
    runs = Runs(Topic(dict(LOG)))
    load(runs, "a")
    with pytest.raises(NoPreviousWindow, match="where the last run has ended"):
        load(replace(runs, task="hourly.other"), "a")


def test_a_window_that_is_only_planned_is_not_said_to_be_loaded() -> None:
    """Whoever goes on behind it leaves it to the run that has planned it."""
    runs = Runs(Topic(dict(LOG)))
    runs.plan("a", Previous(), Latest(), Earliest())
    with pytest.raises(
        NoPreviousWindow,
        match=r'first_start=\{"0": 0, "1": 0\}.* run a has planned a window up to \{"0": 3, .* first',
    ):
        load(replace(runs, task="hourly.other"), "b")


def test_an_instance_with_another_table_does_not_begin_anew() -> None:
    """A table of each day; with on_gap="ignore" the place in the list alone tells instances apart, as it did."""
    memory = Memory()
    load(instance(0, memory, table="shop.day_1"), "a")
    load(instance(1, memory, table="shop.day_1_too"), "a")
    with pytest.raises(NoPreviousWindow, match=r"load into shop\.day_1: .*with another table"):
        load(instance(0, memory, table="shop.day_2"), "b")
    assert offsets_in(load(instance(2, memory, table="shop.third"), "b")) == {0: (0, 3), 1: (0, 2)}
    memory = Memory()
    for day in (1, 2):
        window = load(instance(0, memory, table=f"shop.day_{day}", on_gap=OnGap.IGNORE), f"run {day}")
    assert all(each.span == 0 for each in window.ranges)


_INSTANCES = [(table, some) for table in ("shop.a", "shop.b") for some in ((0,), (1,), ())]


@pytest.mark.parametrize("seed", range(200))
def test_lists_in_any_order_load_nothing_twice(seed: int) -> None:
    """Tables, chunks, names and places change from run to run, some windows fail: a record is in a table once."""
    drawn, memory = Random(seed), Memory()
    stamps, loaded = {0: [1], 1: [1]}, Counter[tuple[str, int, int]]()
    for run_id in "abcdef":
        for log in stamps.values():
            log.extend([1] * drawn.randrange(3))
        for index, (table, some) in enumerate(drawn.choices(_INSTANCES, k=drawn.randrange(1, 5))):
            task = drawn.choice([f"hourly.load[{index}]"] * 3 + [f"hourly.other[{index}]", "hourly.load"])
            into, chosen = (table, frozenset(some) or None) if "[" in task else ("shop.a", None)
            topic = Topic({number: list(log) for number, log in stamps.items()})
            runs = Runs(topic, memory, task=task, table=into, partitions=chosen)
            try:
                window = runs.plan(run_id, Previous(), Latest(), Earliest())
            except WindowRefused:
                continue
            if drawn.random() < 0.85:
                runs.commit(run_id, Previous(), window)
                loaded.update((into, number, at) for number, ends in offsets_in(window).items() for at in range(*ends))
    assert not [place for place, times in loaded.items() if times > 1]
