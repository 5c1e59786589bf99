"""The upload session as a state machine: Hypothesis walks it, a plain model says what must be seen."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from airflow_provider_kafka_odps.local.catalog.model import WHOLE, Blob, Column, TableName
from airflow_provider_kafka_odps.local.catalog.rows import read_rows, write_rows
from airflow_provider_kafka_odps.local.catalog.store import open_store
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.sessions.blocks import BlockWriter, BodyFormat
from airflow_provider_kafka_odps.local.sessions.log import FileLog
from airflow_provider_kafka_odps.local.sessions.upload import Block, UploadSession, UploadStatus
from airflow_provider_kafka_odps.local.sessions.uploads import Uploads
from airflow_provider_kafka_odps.local.sql.engine import Engine
from airflow_provider_kafka_odps.local.wire.records import RecordEncoder
from airflow_provider_kafka_odps.local.wire.types import parse_type

NAME = TableName("demo_project", "default", "t")
LIFE = 100


class UploadMachine(RuleBasedStateMachine):
    """Several sessions on one table, with restarts and a clock of the test's own."""

    uploads_drawn = Bundle("uploads")

    @initialize()
    def begin(self) -> None:
        """Start with an empty table in an empty directory."""
        self.folder = Path(tempfile.mkdtemp(prefix="uploads-"))
        self.now = 1_800_000_000_000
        self.store = open_store("demo_project", None, lambda: self.now // 1000)
        self.log = FileLog(self.folder)
        self.uploads = Uploads(self.store, self.log, lambda: self.now, LIFE)
        Engine(self.store, lambda: self.now, "me").run("CREATE TABLE t (k BIGINT)", {})
        self.table_rows: list[int] = []
        self.blocks: dict[str, dict[int, list[int]]] = {}
        self.status: dict[str, UploadStatus] = {}
        self.expires: dict[str, int] = {}
        self.overwrite: dict[str, bool] = {}
        self.gone: set[str] = set()

    def teardown(self) -> None:
        """Remove the directory."""
        import shutil

        shutil.rmtree(self.folder, ignore_errors=True)

    def known(self, upload_id: str) -> UploadStatus:
        """Return the status that the model expects now."""
        assume(upload_id not in self.gone)
        if self.status[upload_id] is UploadStatus.NORMAL and self.now // 1000 >= self.expires[upload_id]:
            return UploadStatus.EXPIRED
        return self.status[upload_id]

    def find(self, upload_id: str) -> UploadSession:
        """Return the session."""
        return self.uploads.find(upload_id, NAME)

    @rule(target=uploads_drawn, overwrite=st.booleans())
    def create(self, overwrite: bool) -> str:
        """Open a session; those that ended long ago are forgotten."""
        session = self.uploads.create(self.store.catalog.tables[NAME], WHOLE, overwrite=overwrite, owner="me")
        self.forget_old()
        self.blocks[session.upload_id] = {}
        self.status[session.upload_id] = UploadStatus.NORMAL
        self.expires[session.upload_id] = self.now // 1000 + LIFE
        self.overwrite[session.upload_id] = overwrite
        return session.upload_id

    @rule(upload=uploads_drawn, block_id=st.integers(0, 3), values=st.lists(st.integers(-9, 9), max_size=3))
    def write(self, upload: str, block_id: int, values: list[int]) -> None:
        """Write a block, or again; a session that is over refuses it."""
        if self.known(upload) is not UploadStatus.NORMAL:
            with pytest.raises(ServiceError, match="current upload status"):
                self.send(upload, block_id, values)
            return
        self.send(upload, block_id, values)
        self.blocks[upload][block_id] = values

    def send(self, upload: str, block_id: int, values: list[int]) -> None:
        """Write a block of records."""
        import pyarrow as pa

        session = self.find(upload)
        writer = self.uploads.open_block(session, block_id, BodyFormat.RECORDS, "")
        batch = pa.record_batch([pa.array(values, pa.int64())], names=["c0"])
        for piece in RecordEncoder([parse_type("bigint")]).encode(iter([batch])):
            writer.feed(piece)
        self.uploads.keep_block(session, block_id, writer, None)

    @rule(upload=uploads_drawn, block_id=st.integers(0, 3))
    def break_off(self, upload: str, block_id: int) -> None:
        """Begin a block and go away."""
        if self.known(upload) is UploadStatus.NORMAL:
            writer: BlockWriter = self.uploads.open_block(self.find(upload), block_id, BodyFormat.ARROW, "")
            writer.feed(b"\0\1\0")
            writer.discard()

    @rule(upload=uploads_drawn)
    def commit(self, upload: str) -> None:
        """Commit, or again; only an open session can."""
        if self.known(upload) is not UploadStatus.NORMAL:
            with pytest.raises(ServiceError, match="current upload status"):
                self.uploads.commit(self.find(upload))
            return
        self.uploads.commit(self.find(upload))
        rows = [value for _, values in sorted(self.blocks[upload].items()) for value in values]
        self.table_rows = rows if self.overwrite[upload] else self.table_rows + rows
        self.status[upload] = UploadStatus.CLOSED

    @rule(upload=uploads_drawn, status=st.sampled_from([UploadStatus.CLOSING, UploadStatus.CRITICAL]))
    def force(self, upload: str, status: UploadStatus) -> None:
        """Give an open session another status."""
        if self.known(upload) is UploadStatus.NORMAL:
            self.uploads.force_status(upload, status)
            self.status[upload] = status

    @rule(seconds=st.integers(1, LIFE))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds * 1000

    @rule()
    def restart(self) -> None:
        """Begin with what was kept; sessions that ended long ago are forgotten."""
        self.uploads = Uploads(self.store, self.log, lambda: self.now, LIFE)
        self.forget_old()

    def forget_old(self) -> None:
        """Expect the sessions to be gone that ended a lifetime ago."""
        self.gone |= {upload for upload, second in self.expires.items() if second + LIFE <= self.now // 1000}

    @invariant()
    def sessions_are_what_the_model_says(self) -> None:
        """Status and blocks of every session are those of the model."""
        for upload_id, blocks in getattr(self, "blocks", {}).items():
            if upload_id in self.gone:
                with pytest.raises(ServiceError, match="does not exist"):
                    self.find(upload_id)
                continue
            session = self.find(upload_id)
            assert session.status is self.known(upload_id)
            assert {n: block.blob.rows for n, block in session.blocks.items()} == {n: len(v) for n, v in blocks.items()}

    @invariant()
    def rows_are_what_the_model_says(self) -> None:
        """Find the rows of committed sessions in the table, in the order of commits and blocks."""
        if not hasattr(self, "table_rows"):
            return
        table = self.store.catalog.tables[NAME]
        rows = read_rows(self.store.blobs, table.partitions[WHOLE].blobs, table.columns)
        assert rows.column("k").to_pylist() == self.table_rows


TestUploadMachine = UploadMachine.TestCase
TestUploadMachine.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def session(**parts: object) -> UploadSession:
    """Return an open session that lives until second 200."""
    column = Column(0, "k", parse_type("bigint"))
    values: dict[str, object] = {"created": 100, "expires": 200, "overwrite": False} | parts
    return UploadSession("id", NAME, "table id", WHOLE, (column,), **values)  # type: ignore[arg-type]


def block(block_id: int, version: int = 1) -> Block:
    """Return a block without rows."""
    return Block(block_id, Blob("b", 0, 0), version, 100)


@pytest.mark.parametrize(("block_id", "good"), [(-1, False), (0, True), (19_999, True), (20_000, False)])
def test_block_numbers_are_those_of_the_service(block_id: int, *, good: bool) -> None:
    """Block numbers are [0, 20000)."""
    if good:
        assert session().with_block(block(block_id), 150).blocks.keys() == {block_id}
        return
    with pytest.raises(ServiceError) as caught:
        block(block_id)
    assert caught.value.code == "InvalidBlockID"


def test_an_older_version_of_a_block_does_not_replace_a_newer_one() -> None:
    """A client that numbers its attempts cannot overwrite a later attempt with an earlier one."""
    written = session().with_block(block(0, version=5), 150)
    assert written.with_block(block(0, version=6), 150).blocks[0].version == 6
    with pytest.raises(ServiceError) as caught:
        written.with_block(block(0, version=4), 150)
    assert caught.value.code == "DataVersionConflict"


def test_a_session_expires_only_while_it_is_open() -> None:
    """At its last second a session is open, after it expired; a closed one stays closed."""
    assert session().at(199).status is UploadStatus.NORMAL
    assert session().at(200).status is UploadStatus.EXPIRED
    assert session(status=UploadStatus.CLOSED).at(10_000).status is UploadStatus.CLOSED


def test_rows_of_another_generation_of_columns_are_read() -> None:
    """A file that lacks a column, or has it in a narrower type, reads in the table's present columns."""
    import pyarrow as pa

    store = open_store("demo_project", None, lambda: 0)
    old = (Column(0, "a", parse_type("int")),)
    blob = write_rows(store.blobs, "f", old, pa.table({"a": pa.array([1], pa.int32())}))
    new = (Column(1, "b", parse_type("string")), Column(0, "c", parse_type("bigint")))
    assert read_rows(store.blobs, [blob], new).to_pylist() == [{"b": None, "c": 1}]
