"""Rows that are visible are not replaced by fewer, unless a parameter says so by its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from core.world import SCHEMA, Crash, World, attempt_at, cluster_of
from twins.maxcompute import OLD_ROW, RejectSink

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode, OnDataLoss, OnFewerRows, OnRerun
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.core.window.planning import WindowRequest
from airflow_provider_kafka_odps.exceptions import CommitUnknown, FewerRows

_WAYS = pytest.mark.parametrize("mode", Mode)


def run(world: World, mode: Mode, clear_number: int = 1, **changes: Any) -> Receipt:
    """Run an attempt of a task that is cleared to load again, and whose loss of records is accepted."""
    known = {"on_rerun": OnRerun.REPLACE, "by_rows": True, "on_data_loss": OnDataLoss.SKIP}
    return transfer(attempt_at(world, mode, clear_number=clear_number, **{**known, **changes}))


@_WAYS
@pytest.mark.parametrize("low", [2, 3])
def test_rows_whose_records_have_expired_stay(mode: Mode, low: int) -> None:
    """A clear finds a part of the window, or less: what was loaded of it is more, whatever is accepted to be lost."""
    world = World(cluster=cluster_of([b"a", b"b", b"c"]))
    run(world, mode, 0)
    before = list(world.table)
    world.log[0].delete_before(low)
    for _ in range(2):
        with pytest.raises(Exception, match=r"(?s)3 rows of upload u1 stay in shop\.t"):
            run(world, mode)
        assert world.table == before
    receipt = run(world, mode, on_fewer_rows=OnFewerRows.REPLACE)
    assert (receipt.rows, len(receipt.missing)) == (3 - low, 1)
    assert [row for row in world.table if row != OLD_ROW] == before[-(3 - low) :] * (low < 3)


def test_rows_whose_records_others_make_up_for_stay() -> None:
    """What came to the end of a truncated log does not count for what has expired at its start."""
    world = World(cluster=cluster_of([b"a", b"b", b"c"]))
    world.before = lambda name: world.log[0].truncate(2) if name == "announce" and len(world.log[0].cuts) < 1 else None
    assert run(world, Mode.OVERWRITE, 0).rows == 2
    before = list(world.table)
    world.log[0].append(b"later")
    world.log[0].delete_before(1)
    with pytest.raises(FewerRows, match=r"2 rows of upload u1, which had records before or behind .*, stay in shop\.t"):
        run(world, Mode.OVERWRITE)
    assert world.table == before
    assert run(world, Mode.OVERWRITE, on_fewer_rows=OnFewerRows.REPLACE).rows == 2


@_WAYS
def test_rows_whose_records_were_compacted_since_stay(mode: Mode) -> None:
    """What is explained is fewer rows all the same."""
    world = World(cluster=cluster_of([b"a", b"b", b"c"], policy="compact"))
    run(world, mode, 0)
    before = list(world.table)
    del world.log[0].entries[1]
    with pytest.raises(FewerRows, match=r"upload u2 has 2 rows.*3 rows of upload u1 stay.*on_fewer_rows='replace'"):
        run(world, mode)
    assert world.table == before
    assert run(world, mode, on_fewer_rows=OnFewerRows.REPLACE).rows == 2


@_WAYS
def test_rows_are_not_replaced_by_rejects(mode: Mode) -> None:
    """A mapping that was broken since makes nothing but rejects, all of which may be tolerated."""
    world = World(cluster=cluster_of([b"a", b"b"]))
    run(world, mode, 0, rejects=RejectSink(world))
    before = list(world.table)
    columns = {"p": "__partition__", "o": "__offset__", "v": "a"}
    world.log[0].entries[:] = [type(each)(each.offset, b"\xff", None, None, None) for each in world.log[0].entries]
    with pytest.raises(FewerRows, match=r"2 rejects"):
        run(world, mode, rejects=RejectSink(world))
    assert (world.table, len(columns), len(SCHEMA.columns)) == (before, 3, 3)


@pytest.mark.parametrize("values", [[], [None, None]], ids=["no offset", "no record"])
def test_an_hour_without_a_record_empties_what_it_overwrites(values: list[bytes | None]) -> None:
    """Nothing was lost and nothing did not fit: the table shows the hour as it was."""
    world = World(cluster=cluster_of(values, policy="compact"))
    assert run(world, Mode.OVERWRITE, 0, rejects=RejectSink(world)).rows == 0
    assert world.table == []


def test_an_overwrite_by_rejects_leaves_what_is_there() -> None:
    """Also rows of which no journal knows: that no record fits is no reason to take them away."""
    world = World(cluster=cluster_of([b"\xff", b"\xff"], policy="compact"))
    with pytest.raises(FewerRows, match=r"has no row.*1 rows that are in shop\.t stay"):
        run(world, Mode.OVERWRITE, 0, rejects=RejectSink(world))
    assert world.table == [OLD_ROW]
    run(world, Mode.OVERWRITE, 0, rejects=RejectSink(world), on_fewer_rows=OnFewerRows.REPLACE)
    assert world.table == []


@pytest.mark.parametrize("known", [False, True], ids=["rows of others", "rows of this run"])
def test_an_overwrite_by_a_condition_that_leaves_nothing_leaves_what_is_there(known: bool) -> None:
    """A misspelt condition is no reason to take rows away, whoever has loaded them; the message says what it left."""
    world = World(cluster=cluster_of([b"a", b"b"]))
    if known:
        run(world, Mode.OVERWRITE, 0)
    before = list(world.table)
    with pytest.raises(FewerRows, match=r"has no row.*\(2 records left out by where\)") as raised:
        run(world, Mode.OVERWRITE, where="__value__ = 'c'")
    said = "The 2 rows of upload u1 stay in shop.t" if known else "The 1 rows that are in shop.t stay"
    assert said in str(raised.value)
    assert world.table == before
    run(world, Mode.OVERWRITE, where="__value__ = 'c'", on_fewer_rows=OnFewerRows.REPLACE)
    assert world.table == []


@_WAYS
def test_rows_are_not_replaced_by_those_of_a_narrower_condition(mode: Mode) -> None:
    """Fewer rows are fewer, whatever they are fewer by; as many others take their place."""
    world = World(cluster=cluster_of([b"a", b"b", b"c"]))
    run(world, mode, 0, where="__value__ IN ('a', 'b')")
    before = list(world.table)
    with pytest.raises(FewerRows, match=r"upload u2 has 1 rows .* \(2 records left out by where\): .*2 rows of upload"):
        run(world, mode, where="__value__ = 'c'")
    assert world.table == before
    receipt = run(world, mode, where="__value__ IN ('b', 'c')")
    assert [row[2] for row in world.table if row != OLD_ROW] == ["b", "c"]
    assert (receipt.rows, receipt.filtered) == (2, 1)


def test_an_overwrite_of_an_empty_partition_by_nothing_is_none() -> None:
    """An hour without a record is loaded as such where nothing is there."""
    world = World(cluster=cluster_of([]), table=[])
    assert run(world, Mode.OVERWRITE, 0).rows == 0


@_WAYS
def test_values_that_are_no_json_replace_nothing(mode: Mode) -> None:
    """Rows in which no mapped path leads anywhere are as good as none; they may replace others of that kind."""
    json = {"p": "__partition__", "o": "__offset__", "v": "a"}
    world = World(cluster=cluster_of([b'{"a": "1"}', b'{"a": "2"}']), table=[])
    run(world, mode, 0, columns=json)
    before = list(world.table)
    world.log[0].entries[:] = [type(each)(each.offset, b"\x1f\x8b", None, None, None) for each in world.log[0].entries]
    with pytest.raises(FewerRows, match=r"2 values of 2 records are no JSON"):
        run(world, mode, columns=json)
    assert world.table == before
    run(world, mode, columns=json, on_fewer_rows=OnFewerRows.REPLACE)
    run(world, mode, 2, columns=json)
    # Also those of a release that did not count NULLs.
    assert world.journal is not None
    for forgotten in ("nulls", "empty_rows"):
        del world.journal["receipt"][forgotten]
    run(world, mode, 3, columns=json)


JSON = {"p": "__partition__", "o": "__offset__", "v": "a"}


def _renamed(world: World) -> None:
    """Let the records be those of a producer that has renamed the field."""
    entries = world.log[0].entries
    entries[:] = [replace(each, value=b'{"b": "%d"}' % each.offset) for each in entries]


@_WAYS
@pytest.mark.parametrize("release_before", [False, True])
def test_rows_of_nothing_but_null_replace_nothing(mode: Mode, release_before: bool) -> None:
    """A path that no record has any more gives as many rows as before, which have nothing of the records in them.

    They may replace others of that kind; a receipt of a release that did not count NULLs counts as rows with values.
    """
    world = World(cluster=cluster_of([b'{"a": "1"}', b'{"a": "2"}']), table=[])
    run(world, mode, 0, columns=JSON)
    before = list(world.table)
    if release_before:
        assert world.journal is not None
        for forgotten in ("nulls", "empty_rows"):
            world.journal["receipt"].pop(forgotten, None)
    _renamed(world)
    with pytest.raises(FewerRows, match=r"2 rows of it are NULL in v.*2 rows of upload u1 stay"):
        run(world, mode, columns=JSON)
    assert world.table == before
    receipt = run(world, mode, columns=JSON, on_fewer_rows=OnFewerRows.REPLACE)
    assert (receipt.nulls, receipt.empty_rows) == ({"v": 2}, 2)
    assert run(world, mode, 2, columns=JSON).rows == 2


def test_an_overwrite_by_nothing_but_null_leaves_what_is_there() -> None:
    """Also rows of which no journal knows; an empty table takes them."""
    world = World(cluster=cluster_of([b"{}", b"{}"]))
    with pytest.raises(FewerRows, match=r"2 rows of it are NULL in v.*1 rows that are in shop\.t stay"):
        run(world, Mode.OVERWRITE, 0, columns=JSON)
    assert world.table == [OLD_ROW]
    assert run(World(cluster=world.cluster, table=[]), Mode.OVERWRITE, 0, columns=JSON).rows == 2


@_WAYS
def test_a_row_with_a_value_is_worth_replacing_for(mode: Mode) -> None:
    """One record of all that has the field, or a mapping that takes nothing of the records, refuses nothing."""
    world = World(cluster=cluster_of([b'{"a": "1"}', b'{"a": "2"}']), table=[])
    run(world, mode, 0, columns=JSON)
    world.log[0].entries[0] = replace(world.log[0].entries[0], value=None)
    receipt = run(world, mode, columns=JSON)
    assert (receipt.nulls, receipt.empty_rows) == ({"v": 1}, 1)
    receipt = run(world, mode, 2, columns={"p": "__partition__", "o": "__offset__", "v": "'x'"})
    assert (receipt.nulls, receipt.empty_rows) == ({}, 0)


@pytest.mark.parametrize(("fault", "clear_number"), [("gone", 0), ("applied and gone", 1)])
def test_an_overwrite_in_doubt_is_not_replaced_by_fewer(fault: str, clear_number: int) -> None:
    """Where nobody knows whether the rows of a lost session are there, they count as there."""
    world = World(cluster=cluster_of([b"a", b"b"]), commit_faults=[fault])
    with pytest.raises(CommitUnknown):
        run(world, Mode.OVERWRITE, 0, by_rows=False)
    before = list(world.table)
    world.log[0].delete_before(2)
    with pytest.raises(FewerRows, match="2 rows of upload u1 stay"):
        run(world, Mode.OVERWRITE, clear_number, by_rows=False)
    assert world.table == before


def test_an_overwrite_by_nothing_leaves_what_may_have_been_loaded() -> None:
    """An hour of which nothing is left in the log, and nothing says that it ever had a record, takes nothing away."""
    world = World(cluster=cluster_of([b"a"]))
    world.log[0].delete_before(1)
    attempt = attempt_at(world, Mode.OVERWRITE, on_data_loss=OnDataLoss.SKIP)
    hour = WindowRequest("orders", At(1_000), At(2_000), on_data_loss=OnDataLoss.SKIP)
    with pytest.raises(FewerRows, match=r"has no row of the window's 0 offsets.*1 rows that are in shop\.t stay"):
        transfer(replace(attempt, load=replace(attempt.load, request=hour)))
    assert world.table == [OLD_ROW]


def test_rows_that_are_away_are_replaced_by_what_is_left() -> None:
    """Once the rows are removed, fewer are better than none: what expires until the load is repeated holds up nothing.

    Its records expire, and so does the upload that was complete.
    """
    world = World(cluster=cluster_of([b"a", b"b", b"c"]))
    run(world, Mode.APPEND, 0)
    world.before = lambda name: (
        setattr(world, "crash_before", len(world.effects)) if name == "save committing" else None
    )
    with pytest.raises(Crash):
        run(world, Mode.APPEND)
    world.before, world.crash_before = lambda _: None, None
    assert world.table == [OLD_ROW]
    world.log[0].delete_before(1)
    world.sessions["u2"].status = UploadStatus.GONE
    receipt = run(world, Mode.APPEND)
    assert (receipt.rows, receipt.missing) == (2, ("orders[0]@[0, 1)",))
    assert world.table == [OLD_ROW, *world.records()]
