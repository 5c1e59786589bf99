from __future__ import annotations

import pytest
from contracts.table_backends import TableBackend, batches
from twins.maxcompute import OLD_ROW

from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import (
    BlocksDiffer,
    CommitRejected,
    InvalidInput,
    TableRefused,
    Unreachable,
    UploadFailed,
)

A, B, C = (0, 0, "a"), (0, 1, "b"), (1, 0, "c")
NO_SESSION = "20261122000000000000000000000000"


def test_rows_are_visible_after_the_commit_and_not_before(table: TableBackend) -> None:
    """Blocks show all at once, whatever the order in which they were written."""
    upload = table.sink().open_upload()
    assert upload.status() is UploadStatus.NORMAL
    upload.write_block(1, batches(C))
    upload.write_block(0, batches(A, B))
    assert (upload.status(), table.rows()) == (UploadStatus.NORMAL, [OLD_ROW])
    upload.commit(2)
    assert (upload.status(), table.rows()) == (UploadStatus.CLOSED, [OLD_ROW, A, B, C])


def test_the_last_write_of_a_block_counts(table: TableBackend) -> None:
    """A block that is written again under its number replaces itself; the bytes of each are told."""
    upload = table.sink().open_upload()
    assert upload.write_block(0, batches(A, B)) > 0
    assert upload.write_block(0, batches(C)) > 0
    upload.commit(1)
    assert table.rows() == [OLD_ROW, C]


def test_several_batches_are_one_block(table: TableBackend) -> None:
    """A block may be made of many batches, or of none."""
    upload = table.sink().open_upload()
    upload.write_block(0, [*batches(A), *batches(), *batches(B)])
    upload.write_block(1, batches())
    upload.write_block(2, [])
    upload.commit(3)
    assert (upload.status(), table.rows()) == (UploadStatus.CLOSED, [OLD_ROW, A, B])


@pytest.mark.parametrize("blocks", [[A], []])
def test_overwriting_replaces(table: TableBackend, blocks: list[tuple[int, int, str]]) -> None:
    """The commit of an overwriting upload leaves its own rows alone, also where it has none."""
    upload = table.sink(overwrite=True).open_upload()
    upload.write_block(0, batches(*blocks))
    assert table.rows() == [OLD_ROW]
    upload.commit(1)
    assert table.rows() == blocks


def test_an_upload_without_blocks(table: TableBackend) -> None:
    """Committing no block at all adds nothing, or leaves nothing."""
    table.sink().open_upload().commit(0)
    assert table.rows() == [OLD_ROW]
    table.sink(overwrite=True).open_upload().commit(0)
    assert table.rows() == []


def test_a_second_commit_is_refused(table: TableBackend) -> None:
    """It adds nothing, and the status still tells that the first one was applied."""
    upload = table.sink().open_upload()
    upload.write_block(0, batches(A))
    upload.commit(1)
    with pytest.raises(CommitRejected, match=f"upload {upload.id}.*StatusConflict"):
        upload.commit(1)
    assert (upload.status(), table.rows()) == (UploadStatus.CLOSED, [OLD_ROW, A])


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_a_commit_of_other_blocks_than_there_are(table: TableBackend, blocks: int) -> None:
    """Where the session has more blocks or fewer it is not committed, and can be, as it is."""
    upload = table.sink().open_upload()
    upload.write_block(0, batches(A))
    upload.write_block(1, batches(B))
    with pytest.raises(BlocksDiffer, match=rf"{upload.id}.*blocks \[0, {blocks}\).*not committed"):
        upload.commit(blocks)
    assert (upload.status(), table.rows()) == (UploadStatus.NORMAL, [OLD_ROW])
    upload.commit(2)
    assert table.rows() == [OLD_ROW, A, B]


@pytest.mark.parametrize("fault", ["lost", "applied and lost", "throttled"])
def test_a_commit_without_a_usable_answer(table: TableBackend, fault: str) -> None:
    """Nobody knows, but the status tells; a second commit conflicts, or is the first that arrives."""
    applied = fault == "applied and lost"
    upload = table.sink().open_upload()
    upload.write_block(0, batches(A))
    table.disturb_commit(fault)
    with pytest.raises(Unreachable):
        upload.commit(1)
    assert upload.status() is (UploadStatus.CLOSED if applied else UploadStatus.NORMAL)
    assert table.rows() == ([OLD_ROW, A] if applied else [OLD_ROW])
    if applied:
        with pytest.raises(CommitRejected):
            upload.commit(1)
    else:
        upload.commit(1)
    assert (upload.status(), table.rows()) == (UploadStatus.CLOSED, [OLD_ROW, A])


def test_a_commit_that_is_refused(table: TableBackend) -> None:
    """A no is a no: nothing is visible, the session is open, and the next commit may do."""
    upload = table.sink().open_upload()
    upload.write_block(0, batches(A))
    table.disturb_commit("refused")
    with pytest.raises(CommitRejected, match="NoPermission"):
        upload.commit(1)
    assert (upload.status(), table.rows()) == (UploadStatus.NORMAL, [OLD_ROW])
    upload.commit(1)
    assert table.rows() == [OLD_ROW, A]


def test_a_commit_that_takes_its_time(table: TableBackend) -> None:
    """While a session is closing nobody can write to it or commit it, and it says so."""
    upload = table.sink().open_upload()
    upload.write_block(0, batches(A))
    table.begin_to_close(upload.id)
    assert upload.status() is UploadStatus.CLOSING
    with pytest.raises(UploadFailed, match="StatusConflict"):
        upload.write_block(1, batches(B))
    with pytest.raises(CommitRejected, match="StatusConflict"):
        upload.commit(1)
    assert (upload.status(), table.rows()) == (UploadStatus.CLOSING, [OLD_ROW])


def test_another_process_goes_on(table: TableBackend) -> None:
    """An upload that is attached by its id writes, commits and tells its status like the one that opened it."""
    opened = table.sink().open_upload()
    opened.write_block(0, batches(A))
    attached = table.sink().attach_upload(opened.id)
    assert (attached.id, attached.status()) == (opened.id, UploadStatus.NORMAL)
    attached.write_block(0, batches(C))
    attached.write_block(1, batches(B))
    table.sink(overwrite=True).attach_upload(opened.id).commit(2)
    assert (opened.status(), attached.status()) == (UploadStatus.CLOSED, UploadStatus.CLOSED)
    # Whether it overwrites was said when it was opened.
    assert table.rows() == [OLD_ROW, B, C]


def test_nothing_is_written_after_the_commit(table: TableBackend) -> None:
    """What is committed stays as it is: a block is refused, whoever writes it."""
    opened = table.sink().open_upload()
    opened.write_block(0, batches(A))
    opened.commit(1)
    for upload in (opened, table.sink().attach_upload(opened.id)):
        with pytest.raises(UploadFailed, match=f"upload {upload.id}.*StatusConflict"):
            upload.write_block(0, batches(B))
        with pytest.raises(UploadFailed):
            upload.write_block(1, batches(B))
    assert table.rows() == [OLD_ROW, A]


def test_a_session_that_has_expired_is_gone(table: TableBackend) -> None:
    """Nothing can be written to it, it cannot be committed, and of its blocks nothing is visible, ever."""
    opened = table.sink().open_upload()
    opened.write_block(0, batches(A))
    table.expire(opened.id)
    for upload in (opened, table.sink().attach_upload(opened.id)):
        assert upload.status() is UploadStatus.GONE
        with pytest.raises(UploadFailed, match=f"upload {upload.id}"):
            upload.write_block(1, batches(B))
        with pytest.raises(CommitRejected, match=f"upload {upload.id}"):
            upload.commit(1)
    assert (opened.status(), table.rows()) == (UploadStatus.GONE, [OLD_ROW])


def test_what_was_committed_stays_when_the_session_expires(table: TableBackend) -> None:
    """A committed session that is gone says nothing any more; its rows are there."""
    upload = table.sink().open_upload()
    upload.write_block(0, batches(A))
    upload.commit(1)
    table.expire(upload.id)
    assert (upload.status(), table.rows()) == (UploadStatus.GONE, [OLD_ROW, A])


def test_a_session_that_nobody_knows_is_gone(table: TableBackend) -> None:
    """Attaching to it works; then it is gone, and refuses what is asked of it."""
    upload = table.sink().attach_upload(NO_SESSION)
    assert upload.status() is UploadStatus.GONE
    with pytest.raises(TableRefused, match=f"upload {NO_SESSION}.*NoSuchUpload"):
        upload.write_block(0, batches(A))
    with pytest.raises(CommitRejected, match=f"upload {NO_SESSION}.*NoSuchUpload"):
        upload.commit(1)


@pytest.mark.parametrize("number", [-1, 20_000])
def test_block_numbers_have_bounds(table: TableBackend, number: int) -> None:
    """A number that no block can have is refused before anything is sent."""
    upload = table.sink().open_upload()
    with pytest.raises(InvalidInput, match=f"block {number}: .*20000 blocks"):
        upload.write_block(number, batches(A))
    upload.write_block(0, batches(A))
    upload.commit(1)
    assert table.rows() == [OLD_ROW, A]


def test_uploads_do_not_know_each_other(table: TableBackend) -> None:
    """Two that are open at once have ids and blocks of their own; the one that is committed last has the last word."""
    first, second = table.sink().open_upload(), table.sink(overwrite=True).open_upload()
    assert first.id != second.id
    first.write_block(0, batches(A))
    second.write_block(0, batches(B))
    first.commit(1)
    assert (second.status(), table.rows()) == (UploadStatus.NORMAL, [OLD_ROW, A])
    second.commit(1)
    assert table.rows() == [B]
