"""Hours in any order, backfills and reruns, by a real scheduler: every record is in exactly one window."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from kit.airflow_home import ROOT
from scheduled.by_date import (
    backwards,
    by_partition,
    failed_while_running,
    four_at_a_time,
    in_order,
    late_between,
    same_conf,
)
from scheduled.by_form import backfill_kafka_to_maxcompute
from scheduled.by_hand import in_a_chain, per_partition, ranges_kafka_to_maxcompute, waiting_kafka_to_maxcompute
from scheduled.conftest import MakeHistory
from scheduled.history import History
from scheduled.reruns import changing, cleared, forgotten, routed
from scheduled.three_days import three_days

# The longest first.
PLAYS: dict[str, Callable[[History, Random], None]] = {
    play.__name__: play
    for play in (
        three_days,
        in_order,
        backwards,
        four_at_a_time,
        by_partition,
        failed_while_running,
        cleared,
        routed,
        changing,
        late_between,
        in_a_chain,
        per_partition,
        forgotten,
        backfill_kafka_to_maxcompute,
        waiting_kafka_to_maxcompute,
        ranges_kafka_to_maxcompute,
        same_conf,
    )
}
_AT_ONCE = 6
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def played(make_history: MakeHistory, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[None]]]:
    """Return the histories that are wanted; they are played side by side, and wait for each other's tasks."""
    wanted = [name for name in PLAYS if name in {_history_of(item) for item in request.session.items}]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {name: pool.submit(PLAYS[name], make_history(name), Random(name)) for name in wanted}


def _history_of(item: Any) -> str | None:
    parameters: dict[str, str] = item.callspec.params if hasattr(item, "callspec") else {}
    return parameters.get("history") if item.path.name == "test_histories.py" else None


@pytest.mark.parametrize("history", PLAYS)
def test_every_record_is_in_one_window(played: dict[str, Future[None]], history: str) -> None:
    """Whatever happens to its runs, the windows tile the topic and the table has it once; or a run has said why not."""
    played[history].result()


def test_every_recipe_is_played() -> None:
    """Each recipe of the page names its histories, and each history is one of a recipe."""
    recipes = (ROOT / "docs" / "schedules.md").read_text().split("\n## ")[1:]
    named = {recipe.partition("\n")[0]: re.findall(r"^Tested by (.+)\.$", recipe, re.MULTILINE) for recipe in recipes}
    assert [title for title, found in named.items() if len(found) != 1] == []
    assert {name for found in named.values() for name in re.findall(r"`(\w+)`", found[0])} == set(PLAYS)
