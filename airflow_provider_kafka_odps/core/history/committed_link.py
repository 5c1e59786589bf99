"""The chain of a task goes on: its window is committed, and the next one starts where that ended."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_kafka_odps.core.history.chain import Chain, chain_key
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.history.turn import Turn, holding
from airflow_provider_kafka_odps.core.window.bounds import Previous
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import Window


def advance(history: History, request: WindowRequest, window: Window) -> None:
    """Let the next window of the chain start where this one ended, now that it is committed.

    Raises PlannedAtOnce where others hold the planning lock for too long: a retry finds the window committed, and
    comes here again.
    """
    if not isinstance(request.start, Previous):
        return
    key = chain_key(window.cluster_id, window.topic, history.author)
    written = history.store.get(key)
    if written is None:
        # Somebody has deleted it: the chain begins again.
        return
    chain, run_id = Chain.from_json(written, key), history.author.run_id
    planned_again = chain.planned is not None and chain.planned.run_id == run_id
    done = chain.committed is not None and chain.committed.run_id == run_id and not planned_again
    if not done:
        _advance(history, key, window)


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
        after = before.commit(window, history.author.run_id)
        if after is None:
            return
        if lock is None:
            history.store.set(key, after.to_json())
            return
        # The group may have been deleted, and the number of its last note with it.
        number = max(number, (before.note or 0) + 1)
        turn = replace(turn, number=number)
        turn.leave(window.topic_id, (), {}, {key: replace(after, note=number).to_json()}, None)
