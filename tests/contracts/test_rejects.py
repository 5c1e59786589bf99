from __future__ import annotations

import pytest
from contracts.reject_backends import RejectsBackend, rejects

from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import CommitRejected

A, B, C = (0, 3, "amount"), (0, 4, "amount"), (1, 0, "day")


def test_rejects_are_visible_after_the_commit_and_not_before(place: RejectsBackend) -> None:
    """All blocks show at once, in whatever order they were written."""
    upload = place.sink().open_upload()
    upload.write_block(1, rejects(C))
    upload.write_block(0, rejects(A, B))
    assert (upload.status(), place.rows()) == (UploadStatus.NORMAL, [])
    upload.commit(2)
    assert (upload.status(), place.rows()) == (UploadStatus.CLOSED, [A, B, C])


def test_the_last_write_of_a_block_counts(place: RejectsBackend) -> None:
    """A block may be made of several batches, and written again."""
    upload = place.sink().open_upload()
    upload.write_block(0, rejects(C))
    upload.write_block(0, [*rejects(A), *rejects(), *rejects(B)])
    upload.commit(1)
    assert place.rows() == [A, B]


def test_another_process_goes_on(place: RejectsBackend) -> None:
    """An upload that is attached by its id tells the same, and commits."""
    opened = place.sink().open_upload()
    opened.write_block(0, rejects(A))
    attached = place.sink().attach_upload(opened.id)
    assert (attached.id, attached.status()) == (opened.id, UploadStatus.NORMAL)
    attached.commit(1)
    assert (opened.status(), place.rows()) == (UploadStatus.CLOSED, [A])


def test_a_later_load_replaces_what_is_there(place: RejectsBackend) -> None:
    """Loading the window again leaves its own rejects alone, also where there are none any more."""
    for rows in ([A, B], [C], []):
        before = place.rows()
        upload = place.sink().open_upload()
        upload.write_block(0, rejects(*rows))
        assert place.rows() == before
        upload.commit(1)
        assert place.rows() == rows


def test_a_second_commit_is_refused(place: RejectsBackend) -> None:
    """It changes nothing, and the status still tells that the first one was applied."""
    upload = place.sink().open_upload()
    upload.write_block(0, rejects(A))
    upload.commit(1)
    with pytest.raises(CommitRejected):
        upload.commit(1)
    assert (upload.status(), place.rows()) == (UploadStatus.CLOSED, [A])


def test_what_a_load_has_left_is_told(place: RejectsBackend) -> None:
    """Nothing is there at first; what was committed is, for every process, under the same name."""
    assert not place.sink().stale()
    upload = place.sink().open_upload()
    upload.write_block(0, rejects(A))
    upload.commit(1)
    assert place.sink().stale()
    assert place.sink().place == place.sink().place


def test_an_upload_that_nobody_knows_is_gone(place: RejectsBackend) -> None:
    """Where nothing was ever committed, an unknown upload is not taken for one that was."""
    upload = place.sink().open_upload()
    upload.write_block(0, rejects(A))
    stranger = place.sink().attach_upload("20261122000000000000000000000000")
    assert stranger.status() is UploadStatus.GONE
    with pytest.raises(CommitRejected):
        stranger.commit(1)
    assert (upload.status(), place.rows()) == (UploadStatus.NORMAL, [])


def test_what_an_older_load_has_left_is_not_taken_for_this_one(place: RejectsBackend) -> None:
    """Where what was written is lost, on the disk of another worker, the upload is gone: it has published nothing."""
    older = place.sink().open_upload()
    older.write_block(0, rejects(A))
    older.commit(1)
    upload = place.sink().open_upload()
    upload.write_block(0, rejects(B))
    place.lose(upload.id)
    assert place.sink().attach_upload(upload.id).status() is UploadStatus.GONE
    assert (older.status(), place.rows()) == (UploadStatus.CLOSED, [A])
