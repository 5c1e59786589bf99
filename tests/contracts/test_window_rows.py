from __future__ import annotations

import uuid

import pytest
from contracts.table_backends import TableBackend, batches
from core.examples import orders, window_of
from twins.maxcompute import OLD_ROW, Row

from airflow_provider_kafka_odps.core.delivery.reconciling import FoundOffsets
from airflow_provider_kafka_odps.core.delivery.window_rows import FoundRows

ROWS: list[Row] = [(0, 0, "a"), (0, 1, "b"), (0, 1, "b again"), (0, 7, "far"), (1, 1, "c"), (2, 0, "d")]


@pytest.fixture
def loaded(table: TableBackend) -> TableBackend:
    """Return the table with rows of several windows, one of them twice."""
    upload = table.sink().open_upload()
    upload.write_block(0, batches(*ROWS))
    upload.commit(1)
    return table


@pytest.mark.parametrize(
    ("ranges", "rows", "offsets"),
    [
        ([(0, 3)], 3, 2),
        ([(1, 2), (0, 9)], 3, 2),
        ([(0, 9), (0, 9), (0, 9)], 6, 5),
        ([(2, 7)], 0, 0),
        ([(1, 1), (0, 0)], 0, 0),
        ([(0, 1)], 1, 1),
    ],
)
def test_rows_of_a_window_are_counted(
    loaded: TableBackend, ranges: list[tuple[int, int]], rows: int, offsets: int
) -> None:
    """Those count whose partition and offset are the window's; who is there twice is one offset."""
    assert loaded.window_rows().count(window_of(*ranges)) == FoundRows(rows, offsets)


def test_offsets_of_a_window_are_told(loaded: TableBackend) -> None:
    """Per partition that has rows: how many, how many different offsets, the first and the last."""
    assert loaded.shown().offsets(window_of((0, 9), (0, 9), (1, 9), (0, 5))) == {
        orders(0): FoundOffsets(rows=4, offsets=3, first=0, last=7),
        orders(1): FoundOffsets(rows=1, offsets=1, first=1, last=1),
    }
    assert loaded.shown().offsets(window_of((2, 2))) == {}


def test_all_rows_are_counted(loaded: TableBackend) -> None:
    """Whosever they are, as often as they are there."""
    assert loaded.shown().rows() == 1 + len(ROWS)


def test_who_writes_rows_changes_what_is_said_of_the_last_change(table: TableBackend) -> None:
    """By a commit or a statement, not by blocks; and every handle says the same."""
    said = [table.shown().last_change()]
    for overwrite in (False, True):
        upload = table.sink(overwrite=overwrite).open_upload()
        upload.write_block(0, batches(*ROWS))
        assert table.shown().last_change() == said[-1]
        upload.commit(1)
        said.append(table.shown().last_change())
    rows = table.window_rows()
    assert rows.await_removal(rows.start_removal(window_of((0, 2)), uuid.uuid4().hex)) is None
    said.append(table.shown().last_change())
    assert len(set(said)) == 4


def test_only_what_is_visible_counts(table: TableBackend) -> None:
    """Blocks that are not committed are no rows of the window."""
    upload = table.sink().open_upload()
    upload.write_block(0, batches(*ROWS))
    assert table.window_rows().count(window_of((0, 9))) == FoundRows(0, 0)
    upload.commit(1)
    assert table.window_rows().count(window_of((0, 9))) == FoundRows(4, 3)


def test_a_removal_removes_the_window_and_nothing_else(loaded: TableBackend) -> None:
    """All rows of the window go, those beside it stay, also where they are of other partitions."""
    rows = loaded.window_rows()
    assert rows.await_removal(rows.start_removal(window_of((0, 2), (0, 1)), uuid.uuid4().hex)) is None
    assert loaded.rows() == [OLD_ROW, (0, 7, "far"), (1, 1, "c"), (2, 0, "d")]


def test_a_removal_of_nothing(loaded: TableBackend) -> None:
    """A window of which nothing is there, or which is empty, removes nothing."""
    rows = loaded.window_rows()
    for window in (window_of((2, 7)), window_of((1, 1))):
        assert rows.await_removal(rows.start_removal(window, uuid.uuid4().hex)) is None
    assert loaded.rows() == [OLD_ROW, *ROWS]


def test_a_removal_runs_once_under_its_name(loaded: TableBackend) -> None:
    """What is started under its name again, by whomever and for whatever window, is the one that has run."""
    name = uuid.uuid4().hex
    started = loaded.window_rows().start_removal(window_of((0, 2)), name)
    assert loaded.window_rows().await_removal(started) is None
    left = loaded.rows()
    # The window is loaded again, and somebody who was late starts to remove it.
    upload = loaded.sink().open_upload()
    upload.write_block(0, batches((0, 0, "a"), (0, 1, "b")))
    upload.commit(1)
    for window in (window_of((0, 2)), window_of((0, 9), (0, 9))):
        assert loaded.window_rows().start_removal(window, name) == started
    assert loaded.window_rows().await_removal(started) is None
    assert loaded.rows() == sorted([*left, (0, 0, "a"), (0, 1, "b")])


def test_another_name_is_another_removal(loaded: TableBackend) -> None:
    """Each name has an id of its own."""
    rows, window = loaded.window_rows(), window_of((0, 1))
    first, second = (rows.start_removal(window, uuid.uuid4().hex) for _ in range(2))
    assert first != second
    assert rows.await_removal(first) is rows.await_removal(second) is None


def test_a_removal_can_be_awaited_twice(loaded: TableBackend) -> None:
    """By another process, too; it says the same."""
    rows = loaded.window_rows()
    started = rows.start_removal(window_of((0, 9)), uuid.uuid4().hex)
    assert [each.await_removal(started) for each in (rows, rows, loaded.window_rows())] == [None, None, None]
    assert loaded.rows() == [OLD_ROW, (1, 1, "c"), (2, 0, "d")]


def test_a_removal_that_fails(loaded: TableBackend) -> None:
    """It says why, each time it is asked, and its name stays with it."""
    loaded.fail_statements()
    name = uuid.uuid4().hex
    started = loaded.window_rows().start_removal(window_of((0, 9)), name)
    told = [loaded.window_rows().await_removal(started) for _ in range(2)]
    assert told[0] is not None
    assert told[0].startswith("ODPS-0130131")
    assert told[0] == told[1]
    assert loaded.window_rows().start_removal(window_of((0, 9)), name) == started


def test_a_statement_that_is_forgotten_has_ended(table: TableBackend) -> None:
    """What the service does not know any more is not waited for: nobody knows that it removed anything."""
    told = table.window_rows().await_removal(f"20200101000000000{uuid.uuid4().hex[:8]}")
    assert told is not None
    assert told.startswith("NoSuchObject")
    assert table.rows() == [OLD_ROW]
