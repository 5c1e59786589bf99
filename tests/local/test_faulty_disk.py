"""A disk that fails at any operation: what was acknowledged stays, what was refused is not there, and it says why."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from kit.faulty_disk import FaultyDisk, SmallDisk, Trouble
from pytest_mock import MockerFixture

from airflow_provider_kafka_odps.local.api import rest
from airflow_provider_kafka_odps.local.api.blocks import open_block
from airflow_provider_kafka_odps.local.api.call import Call
from airflow_provider_kafka_odps.local.api.services import Services, open_services
from airflow_provider_kafka_odps.local.catalog import disk
from airflow_provider_kafka_odps.local.catalog.rows import read_rows
from airflow_provider_kafka_odps.local.errors import DiskError, UnsureDiskError
from airflow_provider_kafka_odps.local.instances.jobs import Job
from airflow_provider_kafka_odps.local.sessions.upload import UploadStatus
from airflow_provider_kafka_odps.local.settings import Bounds, Settings
from airflow_provider_kafka_odps.local.sql.queries.database import Database
from airflow_provider_kafka_odps.local.wire.frames import encode_frames

NOW = 1_800_000_000_000
TABLE = ("projects", "demo_project", "tables", "t")
Act = Callable[[Services], str]


@cache
def duckdb() -> Database:
    """Return one DuckDB for all: to start it takes longer than everything else here."""
    return Database(Bounds(), None)


def opened(folder: Path) -> Services:
    """Return what a start of the endpoint finds in a directory."""
    services = open_services(Settings(folder=folder), lambda: NOW)
    services.instances.engine._queries._database = duckdb()
    return services


def nothing(_: Services) -> str:
    """Do nothing."""
    return ""


def ask(services: Services, method: str, segments: tuple[str, ...], body: bytes = b"", **query: str) -> str:
    """Send a request; return why it was refused, or nothing."""
    try:
        rest.answer(services, Call(method, segments, query, {}, body))
    except DiskError as reason:
        return f"{reason.code} {reason.message}"
    return ""


def sql(text: str) -> Act:
    """Return what runs a statement and returns why it failed, or nothing."""

    def act(services: Services) -> str:
        try:
            done = services.instances.submit(Job("task", text, {}, "<Job/>"), 60.0)
        except DiskError as reason:
            return f"{reason.code} {reason.message}"
        return services.instances.find(done.instance_id).failure

    return act


def upload_id(services: Services) -> str:
    """Return the id of the session that is open."""
    return next(s.upload_id for s in services.uploads.all() if s.status is UploadStatus.NORMAL)


def begin(services: Services) -> str:
    """Open a session."""
    return ask(services, "POST", TABLE, uploads="1", overwrite="true")


def block(number: int, value: int) -> Act:
    """Return what writes a block of one row."""

    def act(services: Services) -> str:
        batch = pa.record_batch([pa.array([value], pa.int64())], names=["c0"]).serialize().to_pybytes()
        query = {"uploadid": upload_id(services), "blockid": str(number), "arrow": ""}
        try:
            writer = open_block(services, Call("PUT", TABLE, query, {}))
            try:
                writer.feed(b"".join(encode_frames(iter([batch]))))
                writer.finish()
            finally:
                writer.discard()
        except DiskError as reason:
            return f"{reason.code} {reason.message}"
        return ""

    return act


def commit(services: Services) -> str:
    """Commit the open session."""
    return ask(services, "POST", TABLE, uploadid=upload_id(services))


def new_schema(services: Services) -> str:
    """Create a schema over REST."""
    return ask(services, "POST", ("projects", "demo_project", "schemas"), b"<Schema><Name>s1</Name></Schema>")


SCRIPT: dict[str, Act] = {
    "create a table": sql("CREATE TABLE t (k BIGINT)"),
    "create a partitioned one": sql("CREATE TABLE p (k BIGINT) PARTITIONED BY (ds STRING)"),
    "insert": sql("INSERT INTO t VALUES (1)"),
    "insert into partitions": sql("INSERT INTO p PARTITION (ds) VALUES (1, 'a'), (2, 'b')"),
    "open an upload": begin,
    "write a block": block(0, 7),
    "write it again": block(0, 8),
    "write another": block(1, 9),
    "commit": commit,
    "select": sql("SELECT k FROM t"),
    "show": sql("SHOW TABLES"),
    "overwrite": sql("INSERT OVERWRITE TABLE t VALUES (5)"),
    "two statements": sql("INSERT INTO t VALUES (6); INSERT OVERWRITE TABLE t SELECT k + 1 FROM t WHERE k < 7"),
    "create a schema": new_schema,
    "drop": sql("DROP TABLE p"),
}
"""What a client does, in this order."""


def seen(services: Services) -> dict[str, Any]:
    """Return everything that was acknowledged, as clients see it."""
    store = services.store
    tables = {
        str(table.name): {
            spec: read_rows(store.blobs, part.blobs, table.columns).column("k").to_pylist()
            for spec, part in table.partitions.items()
        }
        for table in store.catalog.tables.values()
    }
    uploads = [
        (
            s.status,
            [(number, b.blob.rows, services.store.blobs.read(b.blob.name).size) for number, b in s.blocks.items()],
        )
        if s.status is UploadStatus.NORMAL
        else (s.status, sorted(s.blocks))
        for s in services.uploads.all()
    ]
    done = [i for i in services.instances.all() if i.task_status != "Failed"]
    results = sorted((i.job.query, i.task_status, *services.instances.result(i)) for i in done)
    return {
        "tables": tables,
        "schemas": sorted(store.catalog.schemas),
        "uploads": uploads,
        "instances": results,
    }


def restarted(folder: Path, copy: Path) -> dict[str, Any]:
    """Return what is seen after a restart on a copy of the directory as it is."""
    shutil.copytree(folder, copy)
    services = opened(copy)
    try:
        return seen(services)
    finally:
        services.close()
        shutil.rmtree(copy)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the directory as it is before each act, and after the last."""
    work = tmp_path_factory.mktemp("script")
    services = opened(work / "data")
    folders = {}
    for name, act in {**SCRIPT, "the end": nothing}.items():
        folders[name] = work / name
        shutil.copytree(work / "data", folders[name])
        assert act(services) == ""
    services.close()
    return folders


@pytest.fixture
def faulty(mocker: MockerFixture) -> FaultyDisk:
    """Return a disk that does what it should until it is told otherwise."""
    faulty = FaultyDisk()
    mocker.patch.object(disk, "os", faulty)
    return faulty


MODES = [
    (Trouble.FULL, True),
    (Trouble.FULL, False),
    (Trouble.BROKEN, True),
    (Trouble.BROKEN, False),
    (Trouble.READ_ONLY, True),
    (Trouble.NO_DESCRIPTORS, False),
]
"""What is wrong with the disk, and whether it stays so."""


def runs(folder: Path, work: Path, faulty: FaultyDisk, act: Act) -> Iterator[tuple[Path, Services, str]]:
    """Run an act on copies of a directory, with each trouble at each of its operations."""
    for trouble, lasts in MODES:
        for at in count(1):
            data = work / f"{trouble.name}-{lasts}-{at}"
            shutil.copytree(folder, data)
            services = opened(data)
            faulty.arm(trouble, at, lasts=lasts)
            failure = act(services)
            faulty.heal()
            try:
                if not faulty.fired:
                    break
                yield data, services, failure
            finally:
                services.close()
                shutil.rmtree(data)


@pytest.mark.parametrize("name", SCRIPT)
def test_a_disk_that_fails_at_any_operation_loses_nothing(
    name: str, folders: dict[str, Path], tmp_path: Path, faulty: FaultyDisk
) -> None:
    """A request is acknowledged and stays, or fails and changes nothing: at once, after a restart, and repeated."""
    names = list(folders)
    after = restarted(folders[names[names.index(name) + 1]], tmp_path / "after")
    before = restarted(folders[name], tmp_path / "before")
    failed = 0
    for data, services, failure in runs(folders[name], tmp_path, faulty, SCRIPT[name]):
        live, unsure = seen(services), failure.startswith("InternalServerError")
        assert restarted(data, tmp_path / "copy") in ((before, after) if unsure else (live,))
        if not failure:
            assert live == after
            continue
        failed += 1
        assert re.search(r"is full|is read-only|failed|as many files open", failure), failure
        assert str(data) in failure
        if name == "two statements":
            # The first of them is one by itself, and may stand.
            continue
        assert live == before or (unsure and live == after)
        if live == before:
            assert SCRIPT[name](services) == ""
            assert seen(services) == after
            # A session that may be there already is opened a second time.
            assert unsure or restarted(data, tmp_path / "copy") == after
    assert failed > 5
    assert not list(tmp_path.rglob("*.part"))


def test_ends_are_forgotten_once_they_are_kept(folders: dict[str, Path]) -> None:
    """The list of tables names uploads and statements only until they have kept their end, and does not grow."""
    content = json.loads((folders["the end"] / "catalog.json").read_bytes())
    assert len(content["ended"]) == 1


def test_a_table_can_be_read_whatever_is_wrong(folders: dict[str, Path], tmp_path: Path, faulty: FaultyDisk) -> None:
    """A download needs no room on the disk; without any it ends with the process."""
    for data, services, failure in runs(folders["drop"], tmp_path, faulty, read):
        assert failure == ""
        assert restarted(data, tmp_path / "copy") == seen(services)


def read(services: Services) -> str:
    """Read a table by a download session."""
    call = Call("POST", TABLE, {"downloads": ""}, {})
    found = json.loads(rest.answer(services, call).body)  # type: ignore[arg-type]
    query = {"downloadid": found["DownloadID"], "data": "", "rowrange": f"(0,{found['RecordCount']})"}
    rows = b"".join(rest.answer(services, Call("GET", TABLE, query, {})).body)  # type: ignore[arg-type]
    return "" if found["RecordCount"] and rows else "nothing was read"


@pytest.mark.parametrize("statement", ["DROP TABLE t", "TRUNCATE TABLE t", "DROP TABLE t; INSERT INTO u VALUES (3)"])
def test_a_full_disk_lets_go_of_what_fills_it(tmp_path: Path, mocker: MockerFixture, statement: str) -> None:
    """To drop or empty a table works when nothing else does, again and again, and is there after a restart."""
    small = SmallDisk()
    mocker.patch.object(disk, "os", small)
    services = opened(tmp_path / "data")
    for _ in range(3):
        for text in ("CREATE TABLE t (k BIGINT)", "CREATE TABLE IF NOT EXISTS u (k BIGINT)"):
            assert sql(text)(services) == ""
        for _ in range(20):
            assert sql("INSERT INTO t VALUES (1), (2)")(services) == ""
        small.free = 100
        assert "is full" in sql("INSERT INTO t VALUES (3)")(services)
        assert "is full" in begin(services)
        small.free = 0
        assert "is full" in sql("CREATE TABLE v (k BIGINT)")(services)
        assert sql(statement)(services) == ""
        assert small.free > 1000
        assert restarted(tmp_path / "data", tmp_path / "copy")["tables"] == seen(services)["tables"]
        small.free = 1 << 40
        assert sql("DROP TABLE IF EXISTS t")(services) == ""
    services.close()


def test_an_answer_that_nobody_can_give_says_so(tmp_path: Path, faulty: FaultyDisk) -> None:
    """Where the disk fails after a change could be seen, and fails again to undo it, the answer is a 500."""
    disk.replace_file(tmp_path / "x", b"old")
    outcomes = []
    for at in count(1):
        faulty.arm(Trouble.BROKEN, at, lasts=True)
        try:
            disk.replace_file(tmp_path / "x", b"new")
            break
        except DiskError as reason:
            outcomes.append((type(reason), reason.status, reason.code))
            expected = b"new" if isinstance(reason, UnsureDiskError) else b"old"
        finally:
            faulty.heal()
        assert (tmp_path / "x").read_bytes() == expected
        disk.replace_file(tmp_path / "x", b"old")
    assert set(outcomes) == {(DiskError, 400, "StorageFailure"), (UnsureDiskError, 500, "InternalServerError")}


@pytest.mark.parametrize("trouble", Trouble)
def test_a_line_that_was_refused_does_not_spoil_the_next(tmp_path: Path, faulty: FaultyDisk, trouble: Trouble) -> None:
    """Whatever a failing disk took of a line, the next one stands where it was to stand."""
    length = disk.append_line(tmp_path / "log", 0, b"first line\n")
    for at in count(1):
        faulty.arm(trouble, at, lasts=True)
        with suppress(DiskError):
            disk.append_line(tmp_path / "log", length, b"a line that is refused\n")
        faulty.heal()
        if not faulty.fired:
            break
        disk.append_line(tmp_path / "log", length, b"second\n")
        assert (tmp_path / "log").read_bytes() == b"first line\nsecond\n"
    assert at > 1
