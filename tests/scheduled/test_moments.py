"""What tells whether a table has ever shown a part of a load: each kind of mistake is one that it sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.recording_endpoint import Moment, Recording, recording_endpoint
from local.conftest import connect
from scheduled.moments import Loaded, check_moments

ONE = Loaded("one", {(0, 0): "ds=1", (0, 1): "ds=2", (0, 2): "ds=2"})
TWO = Loaded("two", {(1, 0): "ds=2"}, replaced=1)
THREE = Loaded("three", {(1, 1): "ds=1", (1, 2): "ds=3"}, replaced=1)
NOTHING: Moment = {}
WHOLE: Moment = {"ds=1": [(0, 0)], "ds=2": [(0, 1), (0, 2)]}
BESIDE: Moment = {"ds=2": [(1, 0)]}
LATE: Moment = {"ds=1": [(1, 1)], "ds=3": [(1, 2)]}


@pytest.mark.parametrize(
    ("moments", "loads"),
    [
        ([NOTHING, WHOLE], [ONE]),
        ([WHOLE, WHOLE], [ONE]),
        ([BESIDE, NOTHING, BESIDE], [TWO]),
        ([LATE, {"ds=3": [(1, 2)]}, NOTHING, LATE], [THREE]),
        ([NOTHING], [Loaded("rejects only", {})]),
        ([{"ds=2": [(1, 0)]}, NOTHING, WHOLE, {**WHOLE, "ds=2": [(0, 2), (1, 0), (0, 1)]}], [ONE, TWO]),
    ],
)
def test_what_is_as_promised(moments: list[Moment], loads: list[Loaded]) -> None:
    """All partitions of a load appear at once; what is replaced goes away one by one, and comes back at once."""
    check_moments(moments, loads)


@pytest.mark.parametrize(
    ("moments", "loads", "why"),
    [
        ([{"ds=1": [(0, 0)]}, WHOLE], [ONE], r"one, state 0: \['ds=1'\] appeared without \['ds=2'\]"),
        ([{"ds=2": [(0, 1)]}, WHOLE], [ONE], r"ds=2 has 1 of 2 rows"),
        ([{**WHOLE, "ds=1": [(0, 0), (0, 0)]}], [ONE], r"state 0: 4 rows of 3 records"),
        ([{"ds=3": [(0, 0)], "ds=2": [(0, 1), (0, 2)]}], [ONE], r"another partition .*\(0, 0\): 'ds=3'"),
        ([WHOLE, NOTHING, WHOLE], [ONE], r"state 1: \['ds=1', 'ds=2'\] disappeared, and nobody had it replaced"),
        ([BESIDE, NOTHING, BESIDE, NOTHING, BESIDE], [TWO], r"state 3: \['ds=2'\] disappeared"),
        ([LATE, {"ds=1": [(1, 1)]}, LATE], [THREE], r"state 2: \['ds=3'\] appeared beside \['ds=1'\]"),
        ([LATE, NOTHING, {"ds=1": [(1, 1)]}, LATE], [THREE], r"state 2: \['ds=1'\] appeared without \['ds=3'\]"),
        ([NOTHING], [ONE], r"one: \['ds=1', 'ds=2'\] are not there in the end"),
        ([BESIDE], [TWO], r"two appeared 1 times, not 2"),
        ([], [ONE], r"not there in the end"),
    ],
)
def test_what_is_not(moments: list[Moment], loads: list[Loaded], why: str) -> None:
    """A load in part, a row twice or in another place, rows that vanish or never come: each is told with its state."""
    with pytest.raises(AssertionError, match=why):
        check_moments(moments, loads)


def test_each_state_is_written_down(tmp_path: Path) -> None:
    """What a statement makes visible at once is one state; what two of them do is two, however fast they are."""
    recording = Recording(tmp_path / "states.jsonl")
    dynamic = "INSERT INTO TABLE seen PARTITION (ds) SELECT p, o, v, v FROM VALUES {} AS t(p, o, v)"
    with recording_endpoint(recording.file, "seen") as endpoint:
        client = connect(endpoint)
        for statement in (
            "CREATE TABLE seen (p BIGINT, o BIGINT, v STRING) PARTITIONED BY (ds STRING)",
            "CREATE TABLE unseen (p BIGINT, o BIGINT, v STRING)",
            dynamic.format("(0L, 0L, 'a'), (0L, 1L, 'b')"),
            dynamic.format("(1L, 0L, 'a')"),
            "INSERT OVERWRITE TABLE seen PARTITION (ds='a') SELECT p, o, v FROM seen WHERE ds='a' AND p = 1",
            "INSERT INTO TABLE unseen VALUES (5, 5, 'a')",
        ):
            client.execute_sql(statement)
    first = {"ds=a": [(0, 0)], "ds=b": [(0, 1)]}
    after = {**first, "ds=a": [(0, 0), (1, 0)]}
    assert recording.of("seen") == [{}, first, after, {**first, "ds=a": [(1, 0)]}]
    assert recording.of("unseen") == []
