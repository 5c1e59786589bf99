"""The chain of a task where it is kept: found, gone on with by a plan, and moved on by a commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_kafka_odps.core.history.chain import Chain, chain_keys, next_start
from airflow_provider_kafka_odps.core.history.cuts import check_topic, store_key
from airflow_provider_kafka_odps.core.history.planning_lock import Entries
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.history.turn import Turn, holding
from airflow_provider_kafka_odps.core.options import OnGap
from airflow_provider_kafka_odps.core.versioned import VERSION, read_entry
from airflow_provider_kafka_odps.core.window.bounds import Offsets, PlannableBound, Previous, SurveyBound
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import (
    InvalidInput,
    NeighboursDiffer,
    NoPreviousWindow,
    PredecessorPending,
)


@dataclass(frozen=True, slots=True)
class TaskChain:
    """What the plan of one run has to do with the chain of its task."""

    turn: Turn
    facts: TopicFacts
    request: WindowRequest

    @property
    def history(self) -> History:
        """What other runs have left."""
        return self.turn.history

    @property
    def keys(self) -> tuple[str, ...]:
        """Where the chain is written, and where it may be found."""
        return _keys(self.history, self.facts.cluster_id, self.facts.topic, self.request)

    def start(self) -> PlannableBound:
        """Return where the next window starts.

        Raises PredecessorPending and NoPreviousWindow; NeighboursDiffer where another instance of the same mapped task
        has planned it in this very run.
        """
        if not self.history.remembers:
            raise InvalidInput(
                "start='previous' is remembered in the state store of the table's asset, and this task has none: "
                "name table and project without templates, or give asset="
            )
        key, chain = self._found()
        found = next_start(chain, self.history.author, key, self.facts.topic, self.facts.partitions)
        return found or self._first()

    def link(self, window: Window) -> Entries:
        """Return what is to be written: the chain with this window as planned.

        Tasks of other names know of it before that: who dies in between has planned nothing.
        """
        _, found = self._found()
        before = found or Chain(self.facts.topic_id, None)
        author = self.history.author
        if before.planned is not None and before.planned.run_id != author.run_id:
            # It has planned the same offsets since this run looked; covering it would have them loaded twice.
            raise PredecessorPending(
                f"run {before.planned.run_id} has planned the next window of {window.topic} meanwhile; nothing was "
                "loaded, and a retry continues where that one ends"
            )
        after = before.plan(window, author)
        self._list()
        note = None if self.turn.lock is None else self.turn.number
        return {self.keys[0]: replace(after, note=note).to_json()}

    def check(self, window: Window) -> None:
        """Raise PredecessorPending where another run was quicker; otherwise forget what an earlier release has left."""
        self.turn.store.look_again()
        _, after = self._found()
        author = self.history.author
        planned = None if after is None else after.planned
        if planned is None or (planned.run_id, planned.map_index) != (author.run_id, author.map_index):
            raise PredecessorPending(f"another run has planned the next window of {window.topic} at the same moment")
        for key in self.keys[1:]:
            # What is written there falls behind from now on, and must never be found again.
            if self._written(key) is not None:
                self.turn.store.delete(key)

    def _written(self, key: str) -> Chain | None:
        """Return the chain under a key, if it is this one's."""
        written = self.turn.chain(key)
        if written is None:
            return None
        chain = Chain.from_json(written, key)
        check_topic(chain.topic_id, self.facts.topic_id, self.facts.topic, f"the chain {key!r}")
        last = chain.planned or chain.committed
        of_another = last is not None and last.map_index not in {None, self.history.author.map_index}
        return None if of_another and _by_index(self.history) else chain

    def _found(self) -> tuple[str, Chain | None]:
        for key in self.keys:
            chain = self._written(key)
            if chain is None:
                continue
            if (other := chain.link_of_another(self.history.author)) is not None:
                raise NeighboursDiffer(
                    f"instance {other.map_index} of this run's mapped task has planned {self.facts.topic} for the same "
                    f"table and partitions as this one, {self.history.author.map_index}: each record would be loaded "
                    "twice. Was the list that it is mapped over edited since? Give each instance its own topic, table "
                    "or partitions; on_gap='ignore' tells them apart by their place in the list"
                )
            return key, chain
        return self.keys[0], None

    def _first(self) -> SurveyBound:
        first, topic = self.request.first_start, self.facts.topic
        found = None if isinstance(first, Offsets) else self.history.previous()
        if found is not None and found[1].get("topic") == topic:
            ends = {number: end for number, (_, end) in found[1]["partitions"].items()}
            raise NoPreviousWindow(
                f"run {found[0]} has loaded a window of {topic}, but where its task had come to is not "
                "remembered: the entry was deleted in the state store of the table's asset, or other bounds were asked "
                "for so far. Say once where to go on; if that run was the last one, with "
                f"first_start={json.dumps(ends)}"
            )
        if first is None:
            raise NoPreviousWindow(
                f"start='previous', and this task has committed no window of {topic} yet; give first_start "
                "(for example 'earliest', or offsets per partition) for the first run"
            )
        if not isinstance(first, Offsets):
            self._refuse_another_name()
        return first

    def _refuse_another_name(self) -> None:
        """Raise NoPreviousWindow where another task has loaded the topic: this one under the name that it had."""
        found: list[tuple[Mapping[str, Any], Chain]] = []
        for key, name in self._listed().items():
            written = self.turn.chain(key)
            chain = None if written is None else Chain.from_json(written, key)
            if chain is not None and chain.topic_id == self.facts.topic_id and self._overlaps(name, chain):
                found.append((name, chain))
        if not found:
            return
        names = sorted({f"{name['task']} into {name['table']}" for name, _ in found})
        raise NoPreviousWindow(
            f"this task, {self.history.author.task}, has loaded nothing of {self.facts.topic} so far, but it was "
            f"loaded by {' and '.join(names)}: as first_start={self.request.first_start} its records would be loaded "
            "again. If this is that task under another name, or with another table or other partitions, say once where "
            f"it goes on: {_where_they_ended([chain for _, chain in found])}. If all is to be loaded again, say it by "
            "offsets, such as first_start=0"
        )

    def _overlaps(self, name: Mapping[str, Any], chain: Chain) -> bool:
        """Tell whether a chain may have loaded what this task would load as its first window."""
        ours, author, last = self.request.partitions, self.history.author, chain.planned or chain.committed
        if name["task"] == author.base and last is not None:
            if last.run_id == author.run_id and _by_index(self.history):
                # Another instance, which is to load the same.
                return False
            if name["table"] != self.history.table and last.map_index not in {None, author.map_index}:
                # Another instance, with a table of its own.
                return False
        return last is not None and (ours is None or bool(ours & last.end.keys()))

    @property
    def _list_key(self) -> str:
        return store_key("chains", self.facts.cluster_id, self.facts.topic)

    def _listed(self) -> dict[str, Mapping[str, Any]]:
        written = self.turn.store.get(self._list_key)
        if written is None:
            return {}
        with read_entry(written, "the list of chains", self._list_key, "delete it there"):
            return {key: {part: name[part] for part in ("task", "table")} for key, name in written["chains"].items()}

    def _list(self) -> None:
        """Let tasks of other names know that this one has a chain of the topic."""
        mine = {"task": self.history.author.base, "table": self.history.table}
        # Another run may write its own at the same moment, and there is no compare-and-set: look, and write again.
        for _ in range(3):
            self.turn.store.look_again()
            known = self._listed()
            if known.get(self.keys[0]) == mine:
                return
            kept = {key: name for key, name in known.items() if key not in self.keys}
            self.turn.store.set(self._list_key, {"version": VERSION, "chains": {**kept, self.keys[0]: mine}})


def _where_they_ended(chains: Sequence[Chain]) -> str:
    """Return the ways on: chains of one topic may have a partition of it each, or some have the same one."""
    ends: dict[int, int] = {}
    for chain in chains:
        last = chain.committed.end if chain.committed else chain.planned.start if chain.planned else {}
        ends |= {number: min(offset, ends.get(number, offset)) for number, offset in last.items()}
    pending = [
        f"; but run {chain.planned.run_id} has planned a window up to {_text(chain.planned.end)} and has not committed "
        "it: clear its task first if its rows are wanted, and go on behind it"
        for chain in chains
        if chain.planned is not None
    ]
    return f"first_start={_text(ends)}, where the last run has ended{''.join(pending)}"


def _text(offsets: Mapping[int, int]) -> str:
    return json.dumps({str(number): offset for number, offset in sorted(offsets.items())})


def advance(history: History, request: WindowRequest, window: Window) -> None:
    """Let the next window of the chain start where this one ended, now that it is committed.

    Raises PlannedAtOnce where others hold the planning lock for too long: a retry finds the window committed, and
    comes here again.
    """
    if not isinstance(request.start, Previous):
        return
    key = chain_entry(history, request, window)
    written = history.store.get(key)
    if written is None:
        # Somebody has deleted it: the chain begins again.
        return
    chain, run_id = Chain.from_json(written, key), history.author.run_id
    planned_again = chain.planned is not None and chain.planned.run_id == run_id
    done = chain.committed is not None and chain.committed.run_id == run_id and not planned_again
    if not done:
        _advance(history, key, window)


def chain_entry(history: History, request: WindowRequest, window: Window) -> str:
    """Return the key of the entry that has the chain of a recorded window; without one, where it would be written."""
    # As it was recorded, whatever is asked for by now.
    chosen = frozenset(each.partition for each in window.ranges) if window.chosen else None
    keys = _keys(history, window.cluster_id, window.topic, replace(request, partitions=chosen))
    return keys[0] if len(keys) == 1 else next((key for key in keys if history.store.get(key) is not None), keys[0])


def _keys(history: History, cluster_id: str, topic: str, request: WindowRequest) -> tuple[str, ...]:
    keys = chain_keys(cluster_id, topic, history.author, history.table, request.partitions)
    return (*keys[1:], keys[0]) if _by_index(history) else keys


def _by_index(history: History) -> bool:
    """Tell whether the instances of a mapped task are told apart by their places in its list."""
    return history.on_gap is OnGap.IGNORE and history.author.map_index is not None


def _advance(history: History, key: str, window: Window) -> None:
    with holding(history) as (lock, last):
        number = 0 if last is None else last.number + 1
        same = last if last is not None and last.topic_id == window.topic_id else None
        turn = Turn(history, lock, same, window.cluster_id, window.topic, number)
        turn.settle()
        written = turn.chain(key)
        if written is None:
            return
        before = Chain.from_json(written, key)
        after = before.commit(window, history.author)
        if after is None:
            return
        if lock is None:
            history.store.set(key, after.to_json())
            return
        # The group may have been deleted, and the number of its last note with it.
        number = max(number, (before.note or 0) + 1)
        turn = replace(turn, number=number)
        turn.leave(window.topic_id, (), {}, {key: replace(after, note=number).to_json()}, None)
