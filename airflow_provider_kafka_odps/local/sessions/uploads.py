"""All upload sessions: created, written into, committed once, found again after a restart."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from threading import RLock
from uuid import uuid4

from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Partition, Spec, Table, TableName
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.errors import DiskError, ServiceError
from airflow_provider_kafka_odps.local.sessions.blocks import BlockSizes, BlockWriter, BodyFormat
from airflow_provider_kafka_odps.local.sessions.limits import FIELD_BYTES, Limits, Quota
from airflow_provider_kafka_odps.local.sessions.log import SessionLog, dump_block, dump_session, dump_status
from airflow_provider_kafka_odps.local.sessions.upload import Block, UploadSession, UploadStatus, check_block_id
from airflow_provider_kafka_odps.local.settings import LONGEST_BLOCK

_log = logging.getLogger(__name__)


DAY = 24 * 60 * 60


class Uploads:
    """The sessions of one project; `now` returns milliseconds since the epoch."""

    def __init__(
        self,
        store: Store,
        log: SessionLog,
        now: Callable[[], int],
        life: int = DAY,
        limits: Limits | None = None,
        longest_block: int = LONGEST_BLOCK,
    ) -> None:
        """Continue with the kept sessions; new ones live `life` seconds. `limits` are those to enforce, if any.

        A block has at most `longest_block` bytes when it is unpacked.
        """
        self._store = store
        self._log = log
        self._now = now
        self._life = life
        self._limits = limits
        self._longest_block = longest_block
        self._lock = RLock()
        self._sessions = {
            session.upload_id: self._resumed(session) for session in self._kept(log.load(store.blobs.names()))
        }
        unsettled = [each.upload_id for each in self._sessions.values() if each.upload_id in store.catalog.ended]
        store.settle(upload_id for upload_id in unsettled if self._end(upload_id))

    def _kept(self, sessions: list[UploadSession]) -> list[UploadSession]:
        # No client needs a session that ended a lifetime ago.
        old = {session.upload_id for session in sessions if session.expires + self._life <= self._seconds}
        for upload_id in old:
            self._log.forget(upload_id)
        return [session for session in sessions if session.upload_id not in old]

    def _resumed(self, session: UploadSession) -> UploadSession:
        # Killed between the catalog's commit and the session's own line: the catalog is right.
        if session.upload_id in self._store.catalog.ended:
            return session.with_status(UploadStatus.CLOSED)
        return session

    @property
    def _seconds(self) -> int:
        return self._now() // 1000

    @property
    def blobs(self) -> frozenset[str]:
        """The names of files that open sessions still need; those of committed ones are the catalog's."""
        sessions = [s for s in self.all() if s.status is UploadStatus.NORMAL]
        return frozenset(block.blob.name for session in sessions for block in session.blocks.values())

    def all(self) -> list[UploadSession]:
        """Return every session, the newest first."""
        return sorted((s.at(self._seconds) for s in self._sessions.values()), key=lambda s: -s.created)

    def with_partition(self, table: Table, spec: Spec) -> Table:
        """Return the table with this partition, which is created when it isn't there.

        Raises ServiceError (NoSuchTable) when the table is gone.
        """

        def added(catalog: Catalog) -> Catalog:
            found = catalog.find(table.name)
            if found is None:
                raise ServiceError(404, "NoSuchTable", f"The specified table does not exist: {table.name}")
            if spec in found.partitions:
                return catalog
            return catalog.with_table(
                found.with_partition(spec, Partition((), self._seconds, self._seconds), self._seconds)
            )

        if spec in table.partitions:
            return table
        return self._store.change(added).find(table.name) or table

    def create(self, table: Table, spec: Spec, *, overwrite: bool, owner: str) -> UploadSession:
        """Open a session for a partition that exists.

        Raises ServiceError (NoSuchPartition).
        """
        require_partition(table, spec)
        self._count(table.name, Quota.SESSIONS)
        self._forget_old()
        session = UploadSession(
            upload_id=f"{self._now():x}{uuid4().hex[:20]}",
            table=table.name,
            table_id=table.table_id,
            spec=spec,
            columns=table.columns,
            overwrite=overwrite,
            created=self._seconds,
            expires=self._seconds + self._life,
            owner=owner,
        )
        with self._lock:
            self._log.append(session.upload_id, dump_session(session))
            self._sessions[session.upload_id] = session
        return session

    def _forget_old(self) -> None:
        # Also in an endpoint that is never restarted: otherwise abandoned blocks would fill the disk.
        with self._lock:
            for session in [s for s in self._sessions.values() if s.expires + self._life <= self._seconds]:
                del self._sessions[session.upload_id]
                self._log.forget(session.upload_id)
                self._store.settle([session.upload_id])
                # Releasing the last pin removes the file, unless a table or a download has it.
                with self._store.pinned([block.blob.name for block in session.blocks.values()]):
                    pass

    def _count(self, table: TableName, what: Quota) -> None:
        if self._limits is not None:
            self._limits.count(table, what, self._now())

    def find(self, upload_id: str, table: TableName) -> UploadSession:
        """Return the session as it is now.

        Raises ServiceError: NoSuchUpload, InvalidResourceSpec when it belongs to another table.
        """
        session = self._sessions.get(upload_id)
        if session is None:
            raise ServiceError(404, "NoSuchUpload", f"The specified upload id does not exist: {upload_id}")
        if session.table != table:
            raise ServiceError(
                400, "InvalidResourceSpec", f"upload {upload_id} belongs to {session.table}, not to {table}"
            )
        return session.at(self._seconds)

    def open_block(self, session: UploadSession, block_id: int, body: BodyFormat, encoding: str) -> BlockWriter:
        """Start a block.

        Raises ServiceError: InvalidBlockID, StatusConflict, InvalidArgument for the encoding.
        """
        check_block_id(block_id)
        session.check_open(self._seconds)
        self._count(session.table, Quota.BLOCKS)
        name = f"{session.upload_id}-{block_id}-{uuid4().hex[:12]}.arrow"
        sizes = BlockSizes(self._longest_block, FIELD_BYTES if self._limits else None)
        return BlockWriter(self._store.blobs, name, session, body, encoding, sizes)

    def keep_block(self, session: UploadSession, block_id: int, writer: BlockWriter, version: int | None) -> Block:
        """Finish a block and put it into its session, in place of an earlier one.

        Raises ServiceError: MalformedError, StatusConflict when the session ended meanwhile.
        """
        blob = writer.finish()
        block = Block(block_id, blob, version if version is not None else self._now(), self._seconds)
        try:
            with self._lock:
                before = self._sessions[session.upload_id]
                if version is None and block_id in before.blocks:
                    block = replace(block, version=max(block.version, before.blocks[block_id].version + 1))
                after = before.with_block(block, self._seconds)
                self._log.append(session.upload_id, dump_block(block))
                self._sessions[session.upload_id] = after
                replaced = before.blocks.get(block_id)
        except BaseException:
            self._store.discard([blob.name])
            raise
        if replaced is not None:
            self._store.blobs.delete(replaced.blob.name)
        return block

    def commit(self, session: UploadSession) -> UploadSession:
        """Make all blocks visible at once, and the session CLOSED.

        Raises ServiceError: StatusConflict, NoSuchTable, NoSuchPartition; then nothing is visible.
        """
        with self._lock:
            open_session = self._sessions[session.upload_id]
            open_session.check_open(self._seconds)
            self._count(open_session.table, Quota.COMMITS)
            upload_id = open_session.upload_id
            closed = open_session.with_status(UploadStatus.CLOSED)
            try:
                self._store.change(lambda catalog: committed(catalog, open_session, self._seconds), ended=upload_id)
            finally:
                # Also where the disk failed afterwards: what the catalog has is committed.
                if upload_id in self._store.catalog.ended:
                    self._sessions[upload_id] = closed
            if self._end(upload_id):
                self._store.settle([upload_id])
        return closed

    def _end(self, upload_id: str) -> bool:
        try:
            self._log.append(upload_id, dump_status(UploadStatus.CLOSED))
        except DiskError as reason:
            # The catalog knows it, and goes on to know it: the commit stands.
            _log.warning("the end of upload %s is kept with the tables only: %s", upload_id, reason.message)
            return False
        return True

    def force_status(self, upload_id: str, status: UploadStatus) -> None:
        """Set the status of a session, for tests of what clients do then.

        Raises KeyError for an unknown session.
        """
        with self._lock:
            forced = self._sessions[upload_id].with_status(status)
            self._log.append(upload_id, dump_status(status))
            self._sessions[upload_id] = forced


def require_partition(table: Table, spec: Spec) -> Partition:
    """Return the partition of this spec.

    Raises ServiceError (NoSuchPartition).
    """
    partition = table.partitions.get(spec)
    if partition is None:
        named = ",".join(f"{name}={value}" for name, value in spec)
        raise ServiceError(
            404, "NoSuchPartition", f"The specified partition does not exist: {table.name} has no {named}"
        )
    return partition


def committed(catalog: Catalog, session: UploadSession, now: int) -> Catalog:
    """Return the catalog with the session's rows in it.

    Raises ServiceError when the table or the partition is gone.
    """
    table = catalog.find(session.table)
    if table is None or table.table_id != session.table_id:
        raise ServiceError(404, "NoSuchTable", f"The specified table does not exist: {session.table} was dropped")
    partition = require_partition(table, session.spec)
    kept = () if session.overwrite else partition.blobs
    loaded = replace(partition, blobs=kept + session.blobs, modified=now)
    return catalog.with_table(table.with_partition(session.spec, loaded, now))
