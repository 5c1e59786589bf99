"""What an endpoint that is never restarted holds: results, download sessions and heads of requests have an end."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from airflow_provider_kafka_odps.local.catalog.documents import DirectoryDocuments
from airflow_provider_kafka_odps.local.catalog.model import Column, Table, TableName
from airflow_provider_kafka_odps.local.catalog.store import Store, open_store
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.instances.instance import Instance
from airflow_provider_kafka_odps.local.instances.instances import Instances
from airflow_provider_kafka_odps.local.instances.jobs import Job
from airflow_provider_kafka_odps.local.sessions.downloads import Downloads
from airflow_provider_kafka_odps.local.sql.engine import Engine
from airflow_provider_kafka_odps.local.testing import RunningEndpoint
from airflow_provider_kafka_odps.local.wire.types import parse_type

DAY = 24 * 60 * 60 * 1000
NAME = TableName("p1", "default", "t")


class Days:
    """An endpoint's instances and downloads in a directory, with a clock that the test turns."""

    def __init__(self, folder: Path, *, most: int = 100, most_bytes: int = 1 << 30) -> None:
        self.folder = folder
        self.now = 1_800_000_000_000
        self.store: Store = open_store("p1", folder, lambda: self.now // 1000)
        engine = Engine(self.store, lambda: self.now, "me")
        documents = DirectoryDocuments(folder / "instances")
        self.instances = Instances(
            self.store, engine, documents, lambda: self.now, most_instances=most, most_result_bytes=most_bytes
        )
        self.downloads = Downloads(
            self.store,
            DirectoryDocuments(folder / "downloads"),
            lambda: self.now,
            most_sessions=most,
            most_bytes=most_bytes,
        )

    def run(self, query: str) -> Instance:
        """Run a statement to its end."""
        submitted = self.instances.submit(Job("task", query, {}, "<Job/>"), 60.0)
        return self.instances.find(submitted.instance_id)

    def table(self) -> Table:
        """Give the table as it is now."""
        return self.store.catalog.tables[NAME]

    def files(self) -> int:
        """How many files of rows there are."""
        return len(list((self.folder / "rows").iterdir()))

    def kept(self, kind: str) -> int:
        """How many instances, or download sessions, would survive a restart."""
        return len(list((self.folder / kind).iterdir()))


def test_results_are_forgotten_after_a_day(tmp_path: Path) -> None:
    """The first statement after a day removes what ended before it, without a restart."""
    days = Days(tmp_path)
    old = days.run("SELECT 1 AS k")
    assert days.files() == 1
    days.now += DAY + 1000
    new = days.run("SELECT 2 AS k")
    with pytest.raises(ServiceError, match="does not exist"):
        days.instances.find(old.instance_id)
    assert days.instances.result(new) == ("csv", "k\n2\n")
    assert (days.files(), days.kept("instances")) == (1, 1)
    days.instances.close()


@pytest.mark.parametrize("limits", [{"most": 3}, {"most_bytes": 900}])
def test_the_oldest_results_go_when_there_are_too_many(tmp_path: Path, limits: dict[str, int]) -> None:
    """Statements, and bytes of their results, are limited; a download of a result that is gone can be read on."""
    days = Days(tmp_path, **limits)
    first = days.run("SELECT 0 AS k")
    opened = days.downloads.open_rows(first.instance_id, first.columns, first.blobs)
    last = [days.run(f"SELECT {number} AS k") for number in range(1, 9)][-1]
    assert days.kept("instances") <= 3
    assert days.files() <= 4
    assert days.instances.result(last) == ("csv", "k\n8\n")
    rows = pa.Table.from_batches(days.downloads.read(opened, 0, 1, []).batches())
    assert rows.to_pylist() == [{"k": 0}]
    days.instances.close()


def test_downloads_that_nobody_asks_for_end_first(tmp_path: Path) -> None:
    """Of too many sessions those end that were asked for longest ago."""
    days = Days(tmp_path, most=2)
    column = Column(0, "k", parse_type("bigint"))
    ids = [days.downloads.open_rows("i", (column,), ()).download_id for _ in range(2)]
    days.downloads.find(ids[0], "i")
    days.downloads.open_rows("i", (column,), ())
    assert days.downloads.find(ids[0], "i").download_id == ids[0]
    with pytest.raises(ServiceError, match=ids[1]):
        days.downloads.find(ids[1], "i")
    assert days.kept("downloads") == 2
    days.instances.close()


def test_downloads_hold_few_bytes_that_were_replaced(tmp_path: Path) -> None:
    """A table that is read and overwritten again and again doesn't fill the disk with its old rows."""
    days = Days(tmp_path, most_bytes=2000)
    days.run("CREATE TABLE t (k BIGINT)")
    for number in range(20):
        days.run(f"INSERT OVERWRITE TABLE t VALUES ({number})")
        newest = days.downloads.open_table(days.table(), ())
    (blob,) = newest.blobs
    assert days.files() <= 2000 // blob.size + 1
    assert pa.Table.from_batches(days.downloads.read(newest, 0, 1, []).batches()).to_pylist() == [{"k": 19}]
    days.instances.close()


@pytest.mark.parametrize("begin", [b"GET /", b"GET / HTTP/1.1\r\nhost: x\r\nx-long: "])
def test_a_head_without_an_end_is_refused(endpoint: RunningEndpoint, begin: bytes) -> None:
    """A request line or header that never ends is answered 400, and the connection is closed."""
    address = urlsplit(endpoint.endpoint)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        answered = b""
        try:
            connection.sendall(begin)
            for _ in range(64):
                connection.sendall(b"x" * 65536)
            while piece := connection.recv(65536):
                answered += piece
        except ConnectionError:
            # Closed while we were still sending: nothing more is taken either way.
            return
    assert answered.startswith(b"HTTP/1.1 400")
