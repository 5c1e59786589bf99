"""The journal of an interval is that of what a task instance loads, whatever its place in a list, and its cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from kit.task_run import MemoryStore
from twins.stores import Store, TaskState

from airflow_provider_kafka_odps.core.history.cuts import Author
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.journal.interval import IntervalJournal, IntervalKeys, interval_keys
from airflow_provider_kafka_odps.core.options import Mode, OnGap
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.exceptions import NeighboursDiffer

TEN, ELEVEN = At(1_795_341_600_000), At(1_795_345_200_000)
KEY = "journal:orders:p.orders:hourly.load:2026-11-22T10:00:00Z/2026-11-22T11:00:00Z::"


def keys_of(author: Author, *partitions: int, on_gap: OnGap = OnGap.FAIL) -> IntervalKeys:
    """Return the keys of one task instance."""
    request = WindowRequest("orders", TEN, ELEVEN, frozenset(partitions) or None)
    keys = interval_keys(request, Target("orders", "p.orders", None, Mode.APPEND), author, on_gap)
    assert keys is not None
    return keys


def committed(cluster_id: str = "here") -> dict[str, Any]:
    """Return what matters here of a journal."""
    return {"phase": "committed", "clear_number": 0, "table": "p.orders", "window": {"cluster_id": cluster_id}}


@dataclass
class Instances:
    """Instances of one mapped task in several runs."""

    store: MemoryStore = field(default_factory=MemoryStore)
    own: dict[tuple[str, int], TaskState] = field(default_factory=dict)
    cluster: str = "here"
    asked: int = 0
    """How often a broker was asked for the id of its cluster."""

    def attempt(self, run_id: str, index: int, *partitions: int, on_gap: OnGap = OnGap.FAIL) -> IntervalJournal:
        """Return the journal of another attempt of one instance."""
        store: Any = self.store
        keys = keys_of(Author(f"hourly.load[{index}]", run_id), *partitions, on_gap=on_gap)
        own = Store(self.own.setdefault((run_id, index), TaskState()))
        return IntervalJournal(own, store, keys, run_id, 0, 1, lambda *_: False, index, self._ask)

    def _ask(self) -> str:
        self.asked += 1
        return self.cluster

    def commit(self, run_id: str, index: int, *partitions: int, on_gap: OnGap = OnGap.FAIL) -> None:
        """Let an instance plan and commit."""
        journal = self.attempt(run_id, index, *partitions, on_gap=on_gap)
        assert journal.load() is None
        journal.save({**committed(self.cluster), "phase": "planned"})
        journal.save(committed(self.cluster))


@pytest.mark.parametrize(
    ("author", "before"),
    [
        (Author("hourly.load", "r"), []),
        (Author("hourly.load[1]", "r"), ["hourly.load[1]"]),
        (Author("a.b/c", "r", "a.b.c"), ["a.b.c"]),
        (Author("a.b/c[1]", "r", "a.b.c[1]"), ["a.b/c[1]", "a.b.c[1]"]),
    ],
    ids=str,
)
def test_what_earlier_releases_have_written_is_looked_for(author: Author, before: list[str]) -> None:
    """The key has neither the place in the list nor a dot that may mean two things; the latest key comes last."""
    keys = keys_of(author)
    assert keys.key == KEY.replace("hourly.load", author.base)
    assert [key for key in keys.before[::-1] if "p.orders" in key] == [
        KEY.replace("hourly.load", each) for each in before
    ]


def test_another_place_in_the_list_is_the_same_interval() -> None:
    """A run for the same interval, in which the topic has moved on in the list, does not load it again."""
    instances = Instances()
    instances.commit("a", 0)
    assert instances.attempt("b", 1).load() == {**committed(), "clear_number": -1}
    assert instances.attempt("b", 1).load() == {**committed(), "clear_number": -1}


def test_an_entry_with_the_index_is_taken_over() -> None:
    """The release before has written it."""
    instances = Instances()
    written = {"version": 1, "run_id": "a", "clear_number": 0, "journal": committed()}
    instances.store.set(KEY.replace("hourly.load", "hourly.load[1]"), written)
    assert instances.attempt("b", 1).load() == {**committed(), "clear_number": -1}
    assert instances.store.get(KEY)["run_id"] == "b"


def test_two_instances_of_a_run_do_not_load_the_same() -> None:
    """Chunks by partitions are told apart; after their list was put into another order, one would be there twice."""
    instances = Instances()
    instances.commit("a", 0, 0)
    instances.commit("a", 1, 1)
    with pytest.raises(NeighboursDiffer, match=r"(?s)instance 0 .* this one, 2: .*another order.*on_gap='ignore'"):
        instances.attempt("a", 2, 0).load()
    assert instances.attempt("a", 0, 0).load() == committed()
    instances.commit("a", 2, 0, on_gap=OnGap.IGNORE)
    assert instances.attempt("a", 2, 0, on_gap=OnGap.IGNORE).load() == committed()


def test_a_topic_of_another_cluster_is_another_one() -> None:
    """A task that is mapped over connections, or whose connection was edited, loads each cluster's."""
    instances = Instances()
    instances.commit("a", 0)
    assert instances.attempt("a", 0).load() == committed()
    assert not instances.asked
    instances.cluster = "there"
    instances.commit("a", 1)
    assert instances.attempt("a", 1).load() == committed("there")
    assert instances.attempt("b", 2).load() == {**committed("there"), "clear_number": -1}
    instances.cluster = "here"
    assert instances.attempt("b", 3).load() == {**committed("here"), "clear_number": -1}


def test_it_waits_for_the_instance_that_holds_the_interval() -> None:
    """And for no other one of that run, which might wait for this run in turn."""
    instances = Instances()
    instances.commit("a", 0)
    journal = instances.attempt("b", 1)
    asked: list[tuple[str, int | None]] = []

    def active(run_id: str, map_index: int | None) -> bool:
        asked.append((run_id, map_index))
        return False

    journal.is_active = active
    assert journal.load() is not None
    assert asked == [("a", 0)]
