"""A real endpoint that may not write, and directories that were damaged: what is said, and what stays."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from local.conftest import connect
from odps import ODPS, errors, options
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.testing import EndpointStartError, running_endpoint


def limit_files(pid: int, size: int) -> None:
    """Let a process write files of so many bytes at most; -1 is no limit."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]))


def rows(odps: ODPS, name: str) -> list[int]:
    """Return the rows of a table."""
    with odps.get_table(name).open_reader() as reader:
        return sorted(record[0] for record in reader)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_what_a_full_disk_has_acknowledged_survives(tmp_path: Path) -> None:
    """Each statement and commit that cannot be written fails and says why; all others are there after a restart."""
    options.local_timezone = False
    made = {"t0"}
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        odps.create_table("t0", "k bigint")
        upload = TableTunnel(odps).create_upload_session("t0")
        with upload.open_record_writer(0) as writer:
            writer.write(upload.new_record([1]))
        # Enough for a few more tables, and for everything that is smaller than the list of tables.
        limit_files(endpoint.pid, (tmp_path / "catalog.json").stat().st_size + 1500)
        for number in range(1, 10):
            try:
                odps.create_table(f"t{number}", "k bigint")
                made.add(f"t{number}")
            except errors.ODPSError as reason:
                assert "ulimit -f" in str(reason)  # noqa: PT017 - some of them succeed
        assert {table.name for table in odps.list_tables()} == made
        assert 1 < len(made) < 10
        limit_files(endpoint.pid, 10)
        tunnel = TableTunnel(odps)
        refused: dict[str, Callable[[], object]] = {
            "commit": lambda: upload.commit([0]),
            "create": lambda: tunnel.create_upload_session("t0"),
            "insert": lambda: odps.execute_sql("INSERT INTO t0 VALUES (2)"),
        }
        for name, call in refused.items():
            with pytest.raises(errors.ODPSError, match=r"would be larger than this process may write") as caught:
                call()
            wanted = (None, "ODPS-0010000") if name == "insert" else (400, "StorageFailure")
            assert (caught.value.status_code, caught.value.code) == wanted
        assert rows(odps, "t0") == []
        limit_files(endpoint.pid, -1)
        upload.commit([0])
        assert rows(odps, "t0") == [1]
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        assert {table.name for table in odps.list_tables()} == made
        assert rows(odps, "t0") == [1]


def test_a_list_of_tables_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    """The file, the reason and what to do are named, and nothing is removed: an empty catalog would remove all rows."""
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        odps.create_table("t", "k bigint")
        odps.write_table("t", [[1]])
    files = sorted((tmp_path / "rows").iterdir())
    whole = (tmp_path / "catalog.json").read_bytes()
    for torn in (whole[:-20], b"", b"{}", whole.replace(b'"bigint"', b'"no type"')):
        (tmp_path / "catalog.json").write_bytes(torn)
        with (
            pytest.raises(EndpointStartError, match=r"catalog\.json cannot be read: .*Put a copy of the file"),
            running_endpoint(tmp_path),
        ):
            pass
    assert sorted((tmp_path / "rows").iterdir()) == files
    (tmp_path / "catalog.json").write_bytes(whole)
    with running_endpoint(tmp_path) as endpoint:
        assert rows(connect(endpoint), "t") == [1]


@pytest.mark.parametrize("kind", ["instances", "uploads", "downloads"])
def test_one_damaged_file_does_not_stop_the_start(tmp_path: Path, kind: str) -> None:
    """An instance or session that cannot be read is left out and set aside; everything else is there."""
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        odps.create_table("t", "k bigint")
        odps.write_table("t", [[1]])
        assert rows(odps, "t") == [1]
        instance = odps.execute_sql("SELECT k FROM t")
    for path in (tmp_path / kind).iterdir():
        if instance.id not in path.name:
            path.write_bytes(b"{torn\n")
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        assert rows(odps, "t") == [1]
        with odps.get_instance(instance.id).open_reader(tunnel=True) as reader:
            assert [record[0] for record in reader] == [1]
        assert list((tmp_path / kind).glob("*.unreadable"))


def test_rows_that_are_gone_are_named(tmp_path: Path) -> None:
    """A query of a table whose file was removed says which file; other tables can be read, and this one dropped."""
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        for name in ("t", "u"):
            odps.create_table(name, "k bigint")
        odps.write_table("t", [[1]])
        (file,) = (tmp_path / "rows").iterdir()
        odps.write_table("u", [[2]])
    file.unlink()
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        with pytest.raises(errors.ODPSError, match=rf"{file.name} in .*rows is gone"):
            odps.execute_sql("SELECT k FROM t")
        assert rows(odps, "u") == [2]
        odps.delete_table("t")


def test_a_directory_that_is_a_file_is_said(tmp_path: Path) -> None:
    """The reason is given, and no traceback."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(EndpointStartError, match=r"cannot start: .*file is no directory"),
        running_endpoint(tmp_path / "file"),
    ):
        pass
