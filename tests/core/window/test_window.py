"""Offset ranges and windows, and the window's JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from core.examples import window_of, windows
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.options import IsolationLevel
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, next_offset
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window
from airflow_provider_kafka_odps.exceptions import InvalidInput


def test_a_range_prints_as_an_interval() -> None:
    """The same text stands in logs, errors and documents."""
    assert str(OffsetRange("orders", 3, 120, 250)) == "orders[3]@[120, 250)"
    assert (OffsetRange("orders", 3, 120, 250).span, OffsetRange("orders", 3, 7, 7).span) == (130, 0)
    assert next_offset(249) == 250


@pytest.mark.parametrize("numbers", [(-1, 0, 1), (0, -1, 1), (0, 2, 1), (0, -2, -1)], ids=str)
def test_a_range_refuses_what_cannot_be(numbers: tuple[int, int, int]) -> None:
    """Negative numbers and a start after the end are shown and refused."""
    with pytest.raises(InvalidInput, match=r"t\[-?\d\]@\[-?\d, -?\d\): a range needs"):
        OffsetRange("t", *numbers)


def test_a_log_cannot_end_before_it_starts() -> None:
    """Facts that cannot be are refused where they are made."""
    with pytest.raises(InvalidInput, match="a log from 5 to 4 cannot be"):
        PartitionFacts(0, low=5, high=4, stable=4)


def test_a_window_lists_its_ranges_in_order() -> None:
    """Partitions come in order, and the span is the sum of theirs."""
    window = window_of((120, 250), (98, 98))
    assert list(map(str, window.ranges)) == ["orders[0]@[120, 250)", "orders[1]@[98, 98)"]
    assert window.span == 130


def test_a_window_refuses_ranges_and_times_that_cannot_be() -> None:
    """A window with a bad range, or planned at no instant, is not made."""
    with pytest.raises(InvalidInput, match=r"orders\[0\]@\[3, 1\)"):
        window_of((3, 1))
    bound = ResolvedBound("latest", "broker", None)
    with pytest.raises(InvalidInput, match="has no time zone"):
        Window("t", "", "", IsolationLevel.READ_COMMITTED, datetime(2026, 1, 1), bound, bound, ())  # noqa: DTZ001


@pytest.mark.parametrize(
    ("ranges", "refusal"),
    [
        (
            [("orders", 0, 1, 2), ("orders", 0, 5, 6)],
            r"orders\[0\]@\[1, 2\) and orders\[0\]@\[5, 6\): .* one range per",
        ),
        ([("orders", 1, 1, 2), ("orders", 0, 5, 6)], r"orders\[1\]@\[1, 2\) and orders\[0\].* in their order"),
        ([("orders", 0, 1, 2), ("others", 0, 5, 6)], r"others\[0\]@\[5, 6\) in a window of topic orders"),
    ],
)
def test_a_window_has_one_range_per_partition(ranges: list[tuple[str, int, int, int]], refusal: str) -> None:
    """Two ranges of one partition could be loaded twice, and JSON has no place for a second topic."""
    with pytest.raises(InvalidInput, match=refusal):
        replace(window_of(), ranges=tuple(OffsetRange(*each) for each in ranges))


def test_a_partition_that_is_written_twice_is_refused() -> None:
    """Who edits a window in the journal may write one number in two ways; none of the two is taken for the other."""
    written = window_of((1, 2)).to_json()
    with pytest.raises(InvalidInput, match="one range per partition"):
        Window.from_json({**written, "partitions": {"0": [1, 2], "00": [5, 6]}})


@pytest.mark.parametrize(
    ("asked", "instant"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00.001000Z", datetime(2026, 11, 22, 10, 0, 0, 1000, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999000Z", datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
        ("earliest", None),
        ("previous", None),
        ("120", None),
        ('{"0": 5, "1": 7}', None),
        ("Z", None),
    ],
)
def test_a_bound_that_was_written_has_its_instant_still(asked: str, instant: datetime | None) -> None:
    """JSON of this and of earlier releases has the text alone; what is no instant has none."""
    written = {**window_of((0, 1)).to_json(), "start": {"asked": asked, "source": "broker"}}
    window = Window.from_json(written)
    assert window.start == ResolvedBound(asked, "broker", instant)
    assert window.to_json() == written


@given(st.integers(0, 253_402_300_799_999).map(At))
def test_an_instant_is_written_and_read(instant: At) -> None:
    """The text of an instant is read as that instant."""
    assert ResolvedBound.written(str(instant), "broker").instant == instant.moment


def test_the_windows_json_is_as_documented() -> None:
    """XCom and the journal show version 1 of the window, legible and small."""
    assert window_of((120, 250), (98, 98)).to_json() == {
        "version": 1,
        "topic": "orders",
        "topic_id": "id-1",
        "cluster_id": "cluster",
        "isolation_level": "read_committed",
        "planned_at": "2026-11-22T11:00:07Z",
        "start": {"asked": "earliest", "source": "broker"},
        "end": {"asked": "latest", "source": "broker"},
        "partitions": {"0": [120, 250], "1": [98, 98]},
        "span": 130,
    }


@given(windows)
def test_a_window_survives_json(window: Window) -> None:
    """What is read back is what was written."""
    assert Window.from_json(json.loads(json.dumps(window.to_json()))) == window


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"version": None},
        {"topic": ...},
        {"isolation_level": "any"},
        {"planned_at": "yesterday"},
        {"planned_at": "2026-11-22T11:00:07"},
        {"start": "earliest"},
        {"start": {"asked": "earliest"}},
        {"partitions": [1, 2]},
        {"partitions": {"0": [1]}},
        {"partitions": {"0": [2, 1]}},
        {"partitions": {"a": [1, 2]}},
        {"partitions": {"0": ["1", "2"]}},
        {"partitions": {"0": [1, 2.5]}},
    ],
    ids=str,
)
def test_what_is_no_window_is_refused(changes: dict[str, Any]) -> None:
    """An edit that makes nonsense of a window is refused, and what was read is shown."""
    written = {key: value for key, value in {**window_of((1, 2)).to_json(), **changes}.items() if value is not ...}
    with pytest.raises(InvalidInput, match="this is no window"):
        Window.from_json(written)


@pytest.mark.parametrize("written", [[], "window", None, 5], ids=repr)
def test_what_is_no_json_object_is_no_window(written: Any) -> None:
    """Whatever else stands there is refused like any other nonsense."""
    with pytest.raises(InvalidInput, match="this is no window"):
        Window.from_json(written)


def test_the_epoch_of_an_edited_end_is_forgotten() -> None:
    """What an administrator has moved the end of a range to was not written in the epoch of the old one."""
    written = replace(window_of((120, 250), (98, 100)), epochs={0: 5, 1: 6}).to_json()
    assert written["epochs"] == {"0": [5, 250], "1": [6, 100]}
    written["partitions"]["0"] = [120, 270]
    assert Window.from_json(written).epochs == {1: 6}
    del written["partitions"]["1"]
    assert Window.from_json(written).epochs == {}
