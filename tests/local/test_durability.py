"""What a killed endpoint leaves, and what a restarted one goes on with."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import requests
from odps import ODPS, errors, options
from odps.tunnel import TableTunnel
from pytest_mock import MockerFixture

from airflow_provider_kafka_odps.local.api.services import open_services
from airflow_provider_kafka_odps.local.sessions.blocks import BodyFormat
from airflow_provider_kafka_odps.local.settings import Settings
from airflow_provider_kafka_odps.local.sql.engine import Engine
from airflow_provider_kafka_odps.local.testing import RunningEndpoint, running_endpoint


def connect(endpoint: RunningEndpoint) -> ODPS:
    """Return a client of an endpoint."""
    return ODPS(endpoint.access_id, endpoint.access_key, endpoint.project, endpoint.endpoint, overwrite_global=False)


def test_a_kill_before_any_file_operation_leaves_an_old_or_a_new_state(tmp_path: Path) -> None:
    """Uploads, overwrites, inserts and drops, killed before each of their file operations, are whole or not there."""
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False)
    assert re.fullmatch(r"kill points: \d+", done.stdout.strip()), done.stdout + done.stderr
    assert int(done.stdout.split()[-1]) > 40


def test_sessions_and_results_survive_a_kill(tmp_path: Path) -> None:
    """After SIGKILL and a restart an upload goes on where it was, a download reads its snapshot, a result is there."""
    options.local_timezone = False
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        odps.create_table("t", "k bigint")
        odps.write_table("t", [[1], [2]])
        upload = TableTunnel(odps).create_upload_session("t", overwrite=True)
        with upload.open_record_writer(0) as writer:
            writer.write(upload.new_record([5]))
        download = TableTunnel(odps).create_download_session("t")
        odps.execute_sql("INSERT OVERWRITE TABLE t VALUES (9)")
        instance = odps.execute_sql("SELECT k FROM t")
        os.kill(endpoint.pid, signal.SIGKILL)
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        tunnel = TableTunnel(odps)
        with odps.get_instance(instance.id).open_reader(tunnel=True) as reader:
            assert [record[0] for record in reader] == [9]
        with tunnel.create_download_session("t", download_id=download.id).open_record_reader(0, 2) as reader:
            assert [record[0] for record in reader] == [1, 2]
        upload = tunnel.create_upload_session("t", upload_id=upload.id)
        with upload.open_record_writer(1) as writer:
            writer.write(upload.new_record([6]))
        upload.commit([0, 1])
        with odps.get_table("t").open_reader() as reader:
            assert [record[0] for record in reader] == [5, 6]
        again = tunnel.create_upload_session("t", upload_id=upload.id)
        assert again.status == again.Status.Closed


def test_memory_keeps_nothing() -> None:
    """An endpoint without a directory begins anew each time."""
    with running_endpoint() as endpoint:
        connect(endpoint).create_table("t", "k bigint")
    with running_endpoint() as endpoint:
        assert not connect(endpoint).exist_table("t")


def test_a_body_that_breaks_off_leaves_no_block(odps: ODPS, name: str) -> None:
    """A client that goes away in the middle of a block leaves the session as it was."""
    odps.create_table(name, "v string")
    session = TableTunnel(odps).create_upload_session(name)
    with session.open_record_writer(0) as writer:
        writer.write(session.new_record(["whole"]))

    class GoneError(Exception):
        pass

    with pytest.raises(GoneError), session.open_record_writer(0) as writer:  # noqa: PT012 - the block is the case
        writer.write(session.new_record(["half" * 500_000]))
        raise GoneError
    session.commit([0])
    with odps.get_table(name).open_reader() as reader:
        assert [record[0] for record in reader] == ["whole"]


def test_a_table_dropped_under_its_upload_refuses_the_commit(odps: ODPS, name: str) -> None:
    """A session of a table that was dropped, and created again, does not commit into the new one."""
    odps.create_table(name, "k bigint")
    session = TableTunnel(odps).create_upload_session(name)
    with session.open_record_writer(0) as writer:
        writer.write(session.new_record([1]))
    odps.delete_table(name)
    odps.create_table(name, "k bigint")
    with pytest.raises(errors.NoSuchTable, match="dropped"):
        session.commit([0])
    with odps.get_table(name).open_reader() as reader:
        assert reader.count == 0


def test_an_unreachable_endpoint_is_gone(tmp_path: Path) -> None:
    """After the block nobody answers at the endpoint's address."""
    with running_endpoint(tmp_path) as endpoint:
        pass
    with pytest.raises(requests.ConnectionError):
        requests.get(endpoint.endpoint, timeout=5)


def high_water(pid: int) -> int:
    """Return the most memory that a process has had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the memory of a process")
def test_blocks_stream_to_disk_in_bounded_memory(tmp_path: Path) -> None:
    """A block of a hundred megabytes, written and read, costs the endpoint much less memory than that."""
    values = pa.table({"v": ["x" * 1000] * 100_000})
    with running_endpoint(tmp_path) as endpoint:
        odps = connect(endpoint)
        odps.create_table("t", "v string")
        session = TableTunnel(odps).create_upload_session("t")
        with session.open_arrow_writer(0) as writer:
            writer.write(values.slice(0, 10))
        before = high_water(endpoint.pid)
        with session.open_arrow_writer(1) as writer:
            for batch in values.to_batches(max_chunksize=1000):
                writer.write(batch)
        session.commit([0, 1])
        assert high_water(endpoint.pid) - before < 60_000_000


def test_a_commit_is_on_the_disk_before_it_is_answered(tmp_path: Path, mocker: MockerFixture) -> None:
    """Rows, the catalog and the names of both are flushed, each before the next refers to it."""
    services = open_services(Settings(folder=tmp_path), lambda: 1_800_000_000_000)
    Engine(services.store, services.now, "me").run("CREATE TABLE t (k BIGINT)", {})
    (table,) = services.store.catalog.tables.values()
    session = services.uploads.create(table, (), overwrite=False, owner="me")
    flushed: list[str] = []
    real = os.fsync

    def note(number: int) -> None:
        real(number)
        flushed.append(Path(f"/proc/self/fd/{number}").readlink().name)

    mocker.patch("os.fsync", note)
    writer = services.uploads.open_block(session, 0, BodyFormat.ARROW, "")
    writer.feed(bytes(4))
    block = services.uploads.keep_block(session, 0, writer, None)
    services.uploads.commit(session)
    services.instances.close()
    log = f"{session.upload_id}.jsonl"
    assert flushed == [f"{block.blob.name}.part", "rows", log, "catalog.json.part", tmp_path.name, log]
