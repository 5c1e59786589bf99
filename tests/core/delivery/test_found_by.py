"""Rows are looked for in the columns of the load that wrote them, not in those that are mapped now."""

from __future__ import annotations

import pytest
from core.world import World, attempt_at
from twins.maxcompute import OLD_ROW

from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.entry import Journal
from airflow_provider_kafka_odps.core.options import Mode, OnFewerRows, OnRerun
from airflow_provider_kafka_odps.exceptions import CommitUnknown, InvalidMapping, RowsDiffer


def without_coordinates(world: World) -> None:
    """Let the table get columns that are NULL in all rows which are there."""
    world.table[:] = [(-2, -2, row[2]) for row in world.table]


def test_a_receipt_names_the_columns_of_its_rows() -> None:
    """Whoever looks for the rows later need not know what was mapped then."""
    assert transfer(attempt_at(World(), Mode.APPEND, by_rows=True)).to_json()["found_by"] == ["p", "o"]
    assert transfer(attempt_at(World(), Mode.APPEND)).to_json()["found_by"] == []


def test_rows_without_coordinates_are_not_missed() -> None:
    """A kept load of a mapping without these columns is not looked for in columns that were added since."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND))
    without_coordinates(world)
    kept = transfer(attempt_at(world, Mode.APPEND, by_rows=True, clear_number=1, after_commit=True))
    assert (kept.rows, kept.reconciled) == (4, None)


@pytest.mark.parametrize("on_fewer_rows", OnFewerRows)
def test_rows_without_coordinates_are_not_doubled(on_fewer_rows: OnFewerRows) -> None:
    """Columns that were added since are NULL in the old rows: nothing is found, so nothing may be put beside them."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND))
    without_coordinates(world)
    before = list(world.table)
    again = attempt_at(
        world, Mode.APPEND, by_rows=True, clear_number=1, on_rerun=OnRerun.REPLACE, on_fewer_rows=on_fewer_rows
    )
    with pytest.raises(RowsDiffer, match=r"4 rows of upload u1 in shop\.t are none: they cannot be found"):
        transfer(again)
    assert world.table == before


def test_rows_are_replaced_by_the_columns_that_have_them() -> None:
    """A mapping that has lost these columns since replaces the old rows all the same: counted, removed, counted."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    receipt = transfer(attempt_at(world, Mode.APPEND, clear_number=1, on_rerun=OnRerun.REPLACE))
    assert (receipt.upload_id, receipt.found_by) == ("u2", ())
    assert sorted(world.table) == sorted([OLD_ROW, *world.records()])


def test_a_receipt_of_the_release_before_is_looked_for_as_before() -> None:
    """It names no columns: fewer rows than it has are refused, whatever is asked for; as many are replaced."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    assert world.journal is not None
    del world.journal["receipt"]["found_by"]
    with pytest.raises(InvalidMapping, match="map __partition__ and __offset__"):
        transfer(attempt_at(world, Mode.APPEND, clear_number=1, on_rerun=OnRerun.REPLACE))
    again = attempt_at(
        world, Mode.APPEND, by_rows=True, clear_number=1, on_rerun=OnRerun.REPLACE, on_fewer_rows=OnFewerRows.REPLACE
    )
    gone = world.table.pop()
    with pytest.raises(RowsDiffer, match="3 rows with partitions and offsets of the window, but upload u1 wrote 4"):
        transfer(again)
    world.table.append(gone)
    assert transfer(again).upload_id == "u2"


def test_rows_that_were_removed_on_purpose_come_back_if_told_so() -> None:
    """Where the columns are known, what is not found is not there."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    gone = world.table.pop()
    again = {"by_rows": True, "clear_number": 1, "on_rerun": OnRerun.REPLACE}
    with pytest.raises(RowsDiffer, match="on_fewer_rows='replace' loads the window again"):
        transfer(attempt_at(world, Mode.APPEND, **again))  # type: ignore[arg-type]
    transfer(attempt_at(world, Mode.APPEND, on_fewer_rows=OnFewerRows.REPLACE, **again))  # type: ignore[arg-type]
    assert world.table.count(gone) == 1


def test_a_commit_in_doubt_is_not_proved_by_other_columns() -> None:
    """A mapping that has columns by now says nothing of rows that were loaded without: a person has to look."""
    world = World(commit_faults=["applied and gone"])
    with pytest.raises(CommitUnknown):
        transfer(attempt_at(world, Mode.APPEND))
    without_coordinates(world)
    before = list(world.table)
    with pytest.raises(CommitUnknown, match="nobody can say"):
        transfer(attempt_at(world, Mode.APPEND, by_rows=True))
    assert world.table == before
    assert world.journal is not None
    assert Journal.from_json(world.journal).upload_id == "u1"
