"""Where others look for what became of an interval is said by what is recorded, not by what is asked for now."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core.examples import window_of

from airflow_provider_kafka_odps.core.history.cuts import Author
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.journal.interval import interval_keys
from airflow_provider_kafka_odps.core.journal.recorded import as_recorded
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.window.bounds import At, Latest
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window

TEN, ELEVEN, TWELVE = (At(1_795_341_600_000 + hours * 3_600_000) for hours in range(3))
ASKED = WindowRequest("orders", TEN, ELEVEN, frozenset({1}))


def recorded(start: str, end: str, *, chosen: bool = True) -> Window:
    """Return a window of partition 0."""
    begins, ends = (ResolvedBound.written(bound, "broker") for bound in (start, end))
    return replace(window_of((0, 5)), start=begins, end=ends, chosen=chosen)


def key_of(request: WindowRequest) -> str | None:
    """Return where the journal of a request is kept."""
    keys = interval_keys(request, Target("orders", "p.orders", None, Mode.APPEND), Author("hourly.load", "run"))
    return None if keys is None else keys.key


@pytest.mark.parametrize(
    ("window", "same_as"),
    [
        (recorded(str(TEN), str(ELEVEN)), WindowRequest("orders", TEN, ELEVEN, frozenset({0}))),
        (recorded(str(TEN), str(ELEVEN), chosen=False), WindowRequest("orders", TEN, ELEVEN)),
        (recorded(str(ELEVEN), str(TWELVE)), WindowRequest("orders", ELEVEN, TWELVE, frozenset({0}))),
        (recorded(str(TEN), "latest"), WindowRequest("orders", TEN, Latest())),
    ],
    ids=["other partitions", "all partitions", "another interval", "no interval"],
)
def test_a_window_is_found_where_it_belongs(window: Window, same_as: WindowRequest) -> None:
    """After partitions or bounds were edited between two attempts, another run finds that the first is loaded."""
    assert key_of(as_recorded(ASKED, {"window": window.to_json()})) == key_of(same_as)


@pytest.mark.parametrize("journal", [None, {"phase": "planning"}, {"window": "edited"}])
def test_without_a_window_what_is_asked_for_counts(journal: dict[str, object] | None) -> None:
    """Nothing is recorded yet, or nobody can read it."""
    assert as_recorded(ASKED, journal) == ASKED


def test_partitions_that_an_earlier_release_has_recorded() -> None:
    """It did not say that they were asked for; they are asked for still."""
    asked = replace(ASKED, partitions=frozenset({0}))
    assert as_recorded(asked, {"window": recorded(str(TEN), str(ELEVEN), chosen=False).to_json()}) == asked
