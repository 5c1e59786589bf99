"""Where rejects wait until all records were read: in memory, or in a temporary file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from contracts.reject_backends import rejects
from twins.spool import Spool

from airflow_provider_kafka_odps.core.load.reject_order import OpenSpool
from airflow_provider_kafka_odps.exceptions import UploadFailed
from airflow_provider_kafka_odps.transfers.adapters.reject_spool import TemporaryRejects

SPOOLS = pytest.mark.parametrize("open_spool", [Spool, TemporaryRejects])


@SPOOLS
def test_what_was_put_there_is_found_by_its_number(open_spool: OpenSpool) -> None:
    """In any order, and more than once."""
    (a, b), (c,) = rejects((0, 3, "amount")) * 2, rejects((1, 0, "day"))
    spool = open_spool()
    for rows in (a, c, b):
        spool.put(rows)
    assert [spool.get(number) for number in (1, 0, 2, 1)] == [c, a, b, c]
    spool.close()


@SPOOLS
def test_two_of_them_are_apart(open_spool: OpenSpool) -> None:
    """Two loads at the same time have nothing in common."""
    (a,), (b,) = rejects((0, 3, "amount")), rejects((1, 0, "day"))
    spools = [open_spool(), open_spool()]
    for spool, rows in zip(spools, (a, b), strict=True):
        spool.put(rows)
    assert [spool.get(0) for spool in spools] == [a, b]
    for spool in spools:
        spool.close()


def test_a_temporary_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else finds what does not fit, and nothing is left of it where the process is killed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = TemporaryRejects()
    spool.put(rejects((0, 3, "amount"))[0])
    assert not list(tmp_path.iterdir())
    spool.close()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was wanted of it, that nothing was committed, and what to do."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(UploadFailed, match=r"temporary file in '.*gone' .*Nothing was committed.*TMPDIR"):
        TemporaryRejects()
