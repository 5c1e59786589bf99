"""An upload session: a state machine of blocks and a status, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from airflow_provider_kafka_odps.local.catalog.model import Blob, Column, Spec, TableName
from airflow_provider_kafka_odps.local.errors import ServiceError

BLOCK_IDS = 20_000


class UploadStatus(Enum):
    """The statuses that clients know; COMMITTING, known to Java and Go only, is answered only where a test sets it."""

    UNKNOWN = "unknown"
    NORMAL = "normal"
    CLOSING = "closing"
    CLOSED = "closed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    CRITICAL = "critical"
    COMMITTING = "committing"


@dataclass(frozen=True, slots=True)
class Block:
    """A written block: its number, its rows, its version (ms since the epoch, or what the client asked for).

    `created` is in seconds since the epoch.
    """

    block_id: int
    blob: Blob
    version: int
    created: int

    def __post_init__(self) -> None:
        """Refuse a number that no session has."""
        check_block_id(self.block_id)


@dataclass(frozen=True, slots=True)
class UploadSession:
    """One upload into one partition; `columns` are those of the table when it started. Times are seconds since 1970."""

    upload_id: str
    table: TableName
    table_id: str
    spec: Spec
    columns: tuple[Column, ...]
    overwrite: bool
    created: int
    expires: int
    owner: str = ""
    status: UploadStatus = UploadStatus.NORMAL
    blocks: Mapping[int, Block] = field(default_factory=dict)

    def at(self, now: int) -> UploadSession:
        """Return the session as it is at this time: an open one ends when its time is over."""
        if self.status is UploadStatus.NORMAL and now >= self.expires:
            return replace(self, status=UploadStatus.EXPIRED)
        return self

    def check_open(self, now: int) -> None:
        """Refuse to write into, or commit, a session that is over.

        Raises ServiceError (StatusConflict).
        """
        status = self.at(now).status
        if status is not UploadStatus.NORMAL:
            raise ServiceError(
                409,
                "StatusConflict",
                f"You cannot complete the specified operation under the current upload status: "
                f"upload {self.upload_id} is {status.value}; create a new session",
            )

    def with_block(self, block: Block, now: int) -> UploadSession:
        """Return the session with this block written, or written again.

        Raises ServiceError: StatusConflict, or DataVersionConflict for a version lower than the written one.
        """
        self.check_open(now)
        written = self.blocks.get(block.block_id)
        if written is not None and written.version > block.version:
            raise ServiceError(
                409,
                "DataVersionConflict",
                f"block {block.block_id} has version {written.version}; {block.version} is older",
            )
        return replace(self, blocks={**self.blocks, block.block_id: block})

    def with_status(self, status: UploadStatus) -> UploadSession:
        """Return the session with another status."""
        return replace(self, status=status)

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """The files of the blocks that have rows, in the order of block numbers."""
        return tuple(b.blob for _, b in sorted(self.blocks.items()) if b.blob.rows)


def check_block_id(block_id: int) -> None:
    """Refuse a block number outside [0, 20000).

    Raises ServiceError (InvalidBlockID).
    """
    if not 0 <= block_id < BLOCK_IDS:
        raise ServiceError(
            400, "InvalidBlockID", f"The specified block id is not valid: {block_id} is outside [0, 20000)"
        )
