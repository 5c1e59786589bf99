"""What a sensor waits for: when it has come, and where the window then ends."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from core.examples import facts_of, window_of
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.window.bounds import Offsets, Side
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
from airflow_provider_kafka_odps.core.window.goal import as_end, parse_goal
from airflow_provider_kafka_odps.core.window.parsing import Interval, parse_bound
from airflow_provider_kafka_odps.exceptions import InvalidInput, TopicReplaced, UnknownPartition

NOON_TEXT, NOON_MILLIS = "2026-11-22T12:00:00Z", 1795348800000
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def log(
    number: int, low: int, high: int, *, stable: int | None = None, at: int | None = None, **more: Any
) -> PartitionFacts:
    """Return a partition whose first offset at noon is ``at``."""
    return PartitionFacts(number, low, high, high if stable is None else stable, at={NOON_MILLIS: at}, **more)


@pytest.mark.parametrize(
    ("asked", "partitions", "ends"),
    [
        ({"until": 5}, [log(0, 0, 5), log(1, 0, 9)], {0: 5, 1: 5}),
        ({"until": "5"}, [log(0, 0, 4), log(1, 0, 9)], None),
        ({"until": {"1": 5}}, [log(0, 0, 0), log(1, 0, 9)], {1: 5}),
        ({"until": '{"0": 2, "1": 9}'}, [log(0, 0, 5), log(1, 0, 8)], None),
        ({"until": 5, "partitions": "1"}, [log(0, 0, 0), log(1, 0, 9)], {1: 5}),
        ({"until": 5}, [log(0, 0, 9, stable=4)], None),
        ({"until": 5, "isolation_level": "read_uncommitted"}, [log(0, 0, 9, stable=4)], {0: 5}),
        ({"until": NOON_TEXT}, [log(0, 0, 5, at=3), log(1, 0, 9, at=9)], None),
        ({"until": NOON_TEXT}, [log(0, 0, 5, at=3), log(1, 0, 9, at=7)], {0: 3, 1: 7}),
        ({"until": NOON_TEXT}, [log(0, 0, 5, at=3), log(1, 0, 9)], None),
        ({"until": NOON_TEXT, "quorum": "any"}, [log(0, 0, 5, at=3), log(1, 0, 9)], {0: 3, 1: 9}),
        ({"until": NOON_TEXT, "quorum": "any"}, [log(0, 0, 5), log(1, 0, 9)], None),
        ({"until": NOON_TEXT}, [log(0, 0, 9, stable=4, at=4)], None),
        ({"new_offsets": 10}, [log(0, 0, 5), log(1, 2, 7)], {0: 5, 1: 7}),
        ({"new_offsets": "11"}, [log(0, 0, 5), log(1, 2, 7)], None),
        ({"new_offsets": 3, "since": {"0": 2}}, [log(0, 0, 5)], {0: 5}),
        ({"new_offsets": 4, "since": {"0": 2}}, [log(0, 0, 5)], None),
        ({"new_offsets": 4, "since": {"0": 5}}, [log(0, 0, 5), log(1, 0, 4)], {0: 5, 1: 4}),
        ({"new_offsets": 2, "since": "committed"}, [log(0, 0, 5, committed=3), log(1, 0, 0)], {0: 5, 1: 0}),
        ({"new_offsets": 3, "since": "committed"}, [log(0, 0, 5, committed=3)], None),
        ({"new_offsets": 1, "since": {"0": 0}}, [log(0, 5, 5)], None),
        ({"new_offsets": 2, "since": json.dumps(window_of((0, 3)).to_json())}, [log(0, 0, 5)], {0: 5}),
        ({"new_offsets": 3, "since": window_of((0, 3)).to_json()}, [log(0, 0, 5)], None),
    ],
)  # fmt: skip
def test_the_table(asked: dict[str, Any], partitions: list[PartitionFacts], ends: dict[int, int] | None) -> None:
    """Each way of waiting ends when the topic has what was asked for, and not before."""
    goal, facts = parse_goal(**asked), facts_of(*partitions, group="g")
    assert goal.reached(facts, NOON) == ends
    assert goal.progress(facts)


@given(st.dictionaries(st.integers(0, 99), st.integers(0, 2**62), min_size=1))
def test_what_it_returns_is_an_end(ends: dict[int, int]) -> None:
    """The operator reads the sensor's XCom as the same offsets, also through a template."""
    assert parse_bound(as_end(ends), Side.END, Interval(None, None)) == Offsets(None, ends)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "exactly one of the two says what is waited for"),
        ({"until": 5, "new_offsets": 5}, "exactly one of the two"),
        ({"new_offsets": 0}, "new_offsets=0: at least 1"),
        ({"new_offsets": "many"}, "new_offsets='many': a number of offsets is wanted"),
        ({"new_offsets": True}, "new_offsets=True: a number"),
        ({"until": "latest"}, "until='latest': a time with a zone, an offset"),
        ({"until": "interval"}, "until='interval': a time"),
        ({"until": "2026-11-22T12:00"}, "until='2026-11-22T12:00': .*has no time zone"),
        ({"new_offsets": 1, "since": "latest"}, "since='latest': 'earliest', 'committed', offsets, or a window"),
        ({"new_offsets": 1, "since": NOON}, "since="),
        ({"new_offsets": 1, "since": "previous"}, "since='previous': 'earliest', 'committed', offsets, or a window"),
        ({"new_offsets": 1, "since": {"version": 1, "partitions": {}}}, "this is no window"),
        ({"new_offsets": 1, "since": "{"}, "is not JSON"),
        ({"until": 5, "quorum": "most"}, "quorum='most' is not one of 'all', 'any'"),
    ],
)
def test_a_goal_that_is_none_is_refused(asked: dict[str, Any], message: str) -> None:
    """What cannot be waited for is said before anything is waited for."""
    with pytest.raises(InvalidInput, match=message):
        parse_goal(**asked)


def test_an_offset_that_is_missing_is_named() -> None:
    """A partition among `partitions` for which `until` has no offset would be waited for in vain."""
    with pytest.raises(InvalidInput, match="gives no offset for partition 1"):
        parse_goal(until={"0": 1}, partitions=[0, 1]).reached(facts_of(log(0, 0, 5), log(1, 0, 5)), NOON)


def test_a_partition_that_is_not_there_is_named() -> None:
    """Waiting for a partition that the topic does not have would never end."""
    with pytest.raises(UnknownPartition, match=r"orders\[7\], but the topic has the partitions 0 to 1"):
        parse_goal(until={"7": 1}).reached(facts_of(log(0, 0, 5), log(1, 0, 5)), NOON)


def test_a_topic_that_was_made_again_is_named() -> None:
    """Offsets of a topic that was deleted since say nothing of the one that has its name now."""
    with pytest.raises(TopicReplaced, match="its id was id-0 and is id-1 now"):
        parse_goal(new_offsets=1, since=window_of((0, 3), topic_id="id-0").to_json()).reached(
            facts_of(log(0, 0, 5)), NOON
        )


@pytest.mark.parametrize("quorum", ["all", "any"])
def test_a_timestamp_ahead_of_the_clock_ends_no_window(quorum: str) -> None:
    """All that is there is loaded then: at such a record, every later window would end, and none have what follows."""
    facts = facts_of(log(0, 0, 9, at=3, stamps={NOON_MILLIS: 10**18}), log(1, 0, 9, at=7, stamps={NOON_MILLIS: 1}))
    assert parse_goal(until=NOON_TEXT, quorum=quorum).reached(facts, NOON) == {0: 9, 1: 7}
