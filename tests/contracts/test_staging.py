"""Rows that are staged, and the statements that move them: the twin and the endpoint give the same answers."""

from __future__ import annotations

import uuid

import pytest
from contracts.staging_backends import StagingBackend, TwinStaging, endpoint_staging, staged_batches
from contracts.table_backends import connection_to
from core.examples import window_of

from airflow_provider_kafka_odps.core.delivery.window_rows import FoundRows
from airflow_provider_kafka_odps.core.statement import Fate
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.local.testing import RunningEndpoint

ROWS = [(0, 0, "a"), (0, 1, "b"), (1, 0, "a")]


@pytest.fixture(params=["twin", "endpoint"])
def staging(
    request: pytest.FixtureRequest, endpoint: RunningEndpoint, monkeypatch: pytest.MonkeyPatch
) -> StagingBackend:
    """Return a target without rows, and its staging table."""
    if request.param == "twin":
        return TwinStaging()
    monkeypatch.setenv("AIRFLOW_CONN_MAXCOMPUTE_DEFAULT", connection_to(endpoint))
    return endpoint_staging(endpoint)


@pytest.fixture
def staged(staging: StagingBackend) -> StagingBackend:
    """Return the same with rows that wait."""
    stage(staging, ROWS)
    return staging


def stage(staging: StagingBackend, rows: list[tuple[int, int, str]]) -> None:
    """Commit an upload of rows to the staging table."""
    sink = staging.sink()
    sink.ensure()
    upload = sink.open_upload()
    upload.write_block(0, staged_batches(rows))
    upload.commit(1)


def test_what_is_staged_is_not_seen(staged: StagingBackend) -> None:
    """It has a size, and the target has no row."""
    assert staged.rows() == []
    assert staged.staged_rows().size(staged.staged)


def test_what_is_staged_again_replaces_what_was(staged: StagingBackend) -> None:
    """A redo of a load is not added to its first try."""
    stage(staged, ROWS)
    started = staged.merges().start(staged.staged, uuid.uuid4().hex)
    assert staged.merges().end(started, 60).fate is Fate.SUCCEEDED
    assert staged.rows() == ROWS


def test_nothing_is_staged_where_nobody_did(staging: StagingBackend) -> None:
    """Neither table nor partition are there, and removing them is harmless."""
    assert staging.staged_rows().size(staging.staged) is None
    stage(staging, ROWS)
    rows = staging.staged_rows()
    rows.drop(staging.staged)
    rows.drop(staging.staged)
    assert rows.size(staging.staged) is None


def test_an_upload_is_attached_by_its_place(staged: StagingBackend) -> None:
    """Another process, or another run, learns what became of it."""
    opened = staged.sink().open_upload()
    assert staged.staged_rows().attach_upload(staged.staged, opened.id).status() is UploadStatus.NORMAL


def test_a_statement_moves_all_rows_once_under_its_name(staged: StagingBackend) -> None:
    """Whoever starts it again has the same one, and its end can be asked for twice."""
    name = uuid.uuid4().hex
    first = staged.merges().start(staged.staged, name)
    assert staged.merges().end(first, 60).fate is Fate.SUCCEEDED
    assert staged.merges().start(staged.staged, name) == first
    assert staged.merges().end(first, 60).fate is Fate.SUCCEEDED
    assert staged.rows() == ROWS


def test_who_is_late_has_nothing_to_move(staged: StagingBackend) -> None:
    """A statement over rows that were removed succeeds, and adds none."""
    staged.merges().end(staged.merges().start(staged.staged, uuid.uuid4().hex), 60)
    staged.staged_rows().drop(staged.staged)
    late = staged.merges().start(staged.staged, uuid.uuid4().hex)
    assert staged.merges().end(late, 60).fate is Fate.SUCCEEDED
    assert staged.rows() == ROWS


@pytest.mark.parametrize(("fault", "fate"), [("fails", Fate.FAILED), ("conflicts", Fate.CONFLICTED)])
def test_a_statement_that_fails_moves_nothing(staged: StagingBackend, fault: str, fate: Fate) -> None:
    """It keeps its name, and says the same each time; another one moves the rows."""
    staged.fail_next(fault)
    name = uuid.uuid4().hex
    started = staged.merges().start(staged.staged, name)
    assert [staged.merges().end(started, 60).fate for _ in range(2)] == [fate, fate]
    assert staged.merges().start(staged.staged, name) == started
    assert staged.rows() == []
    assert staged.merges().end(staged.merges().start(staged.staged, f"{name}-2"), 60).fate is Fate.SUCCEEDED
    assert staged.rows() == ROWS


def test_a_statement_that_leaves_a_part(staged: StagingBackend) -> None:
    """It has failed, and some of the rows are there: they are counted."""
    staged.fail_next("leaves a part")
    started = staged.merges().start(staged.staged, uuid.uuid4().hex)
    assert staged.merges().end(started, 60).fate is Fate.FAILED
    found = staged.find(("p", "o")).count(window_of((0, 9), (0, 9)))
    assert found is not None
    assert 0 < found.rows < len(ROWS)


def test_a_statement_that_is_forgotten(staged: StagingBackend) -> None:
    """Nobody knows how it ended."""
    started = staged.merges().start(staged.staged, uuid.uuid4().hex)
    staged.merges().end(started, 60)
    staged.forget(started)
    assert staged.merges().end(started, 60).fate is Fate.FORGOTTEN


def test_rows_of_a_window_are_counted(staged: StagingBackend) -> None:
    """By the columns that are named, or those of today; without any, nobody can tell."""
    merges, window = staged.merges(), window_of((0, 9), (0, 9))
    assert staged.find(None).count(window) == FoundRows(0, 0)
    merges.end(merges.start(staged.staged, uuid.uuid4().hex), 60)
    assert staged.find(None).count(window) == staged.find(("p", "o")).count(window) == FoundRows(3, 3)
    assert staged.find(("p", "o")).count(window_of((1, 9))) == FoundRows(1, 1)
    assert staged.find(()).count(window) is None


def test_rows_of_a_window_are_removed_from_all_their_partitions(staged: StagingBackend) -> None:
    """Once under a name; others stay, also where all rows of a partition go."""
    merges, rows, name = staged.merges(), staged.find(None), uuid.uuid4().hex
    merges.end(merges.start(staged.staged, uuid.uuid4().hex), 60)
    started = rows.start_removal(window_of((0, 9)), name)
    assert rows.await_removal(started) is None
    assert staged.rows() == [(1, 0, "a")]
    merges.end(merges.start(staged.staged, uuid.uuid4().hex), 60)
    assert rows.start_removal(window_of((0, 9)), name) == started
    assert rows.await_removal(started) is None
    assert len(staged.rows()) == 4


def moved(staging: StagingBackend, *, overwrite: bool) -> None:
    """Move what is staged."""
    merges = staging.merges(overwrite=overwrite)
    assert merges.end(merges.start(staging.staged, uuid.uuid4().hex), 60).fate is Fate.SUCCEEDED


def test_a_statement_overwrites_the_partitions_of_its_rows(staged: StagingBackend) -> None:
    """And no others; over nothing it changes nothing."""
    moved(staged, overwrite=False)
    stage(staged, [(5, 5, "a")])
    moved(staged, overwrite=True)
    assert staged.rows() == [(0, 1, "b"), (5, 5, "a")]
    staged.staged_rows().drop(staged.staged)
    moved(staged, overwrite=True)
    assert staged.rows() == [(0, 1, "b"), (5, 5, "a")]


def test_a_statement_that_was_to_overwrite_and_failed_changes_nothing(staged: StagingBackend) -> None:
    """All or nothing: there is no part of it."""
    moved(staged, overwrite=False)
    said = staged.change()
    stage(staged, [(5, 5, "a")])
    staged.fail_next("fails")
    merges = staged.merges(overwrite=True)
    assert merges.end(merges.start(staged.staged, uuid.uuid4().hex), 60).fate is Fate.FAILED
    assert (staged.rows(), staged.change()) == (ROWS, said)


def test_partitions_are_emptied(staged: StagingBackend) -> None:
    """As often as it is asked for; which of them have rows can be asked, also of those that never were."""
    assert staged.filled() == []
    moved(staged, overwrite=False)
    assert staged.filled() == list(staged.places)
    merges, first = staged.merges(overwrite=True), uuid.uuid4().hex
    for name in (first, uuid.uuid4().hex):
        assert merges.empty(staged.places[:1], name).fate is Fate.SUCCEEDED
        assert staged.rows() == [(0, 1, "b")]
        assert staged.filled() == list(staged.places[1:])
    # Under a name it runs once: what was loaded since stays.
    assert merges.empty(staged.places, first).fate is Fate.SUCCEEDED
    assert staged.rows() == [(0, 1, "b")]


def test_every_change_of_partitions_is_told(staged: StagingBackend) -> None:
    """By a statement that moves rows, one that overwrites, and one that empties."""
    said = [staged.change()]
    moved(staged, overwrite=False)
    said.append(staged.change())
    stage(staged, [(5, 5, "a"), (5, 6, "a"), (5, 7, "a")])
    moved(staged, overwrite=True)
    said.append(staged.change())
    staged.merges(overwrite=True).empty(staged.places, uuid.uuid4().hex)
    said.append(staged.change())
    assert len(set(said)) == 4
