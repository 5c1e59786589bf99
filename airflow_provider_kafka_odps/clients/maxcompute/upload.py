"""One tunnel upload session: numbered blocks that one commit makes visible together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.clients.maxcompute.blocks.body import BlockBody
from airflow_provider_kafka_odps.clients.maxcompute.blocks.compression import content_encoding
from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import (
    answers,
    code_of,
    is_foreign,
    words_of,
)
from airflow_provider_kafka_odps.clients.maxcompute.tunnel import Tunnel
from airflow_provider_kafka_odps.core.load.layout import MOST_BLOCKS
from airflow_provider_kafka_odps.core.options import Compression
from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.core.upload import AT_ONCE, Sending, UploadStatus
from airflow_provider_kafka_odps.exceptions import (
    BlocksDiffer,
    CommitRejected,
    InvalidInput,
    TableRefused,
    Unreachable,
    UploadFailed,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import Retrier

_STATUS = {
    "NORMAL": UploadStatus.NORMAL,
    "CLOSING": UploadStatus.CLOSING,
    # The service's other clients know it; PyODPS 0.13.2 fails on it.
    "COMMITTING": UploadStatus.CLOSING,
    "CLOSED": UploadStatus.CLOSED,
    "CANCELED": UploadStatus.GONE,
    "EXPIRED": UploadStatus.GONE,
    "CRITICAL": UploadStatus.GONE,
}
# The codes of the service for a session that it does not know, or not any more.
_GONE = frozenset({"NoSuchUpload", "StatusConflict", "NoSuchTable", "NoSuchPartition", "NoSuchObject"})


class OdpsUpload:
    """An open, committed or forgotten session; cheap to make, safe to use from several threads."""

    def __init__(
        self,
        tunnel: Tunnel,
        upload_id: str,
        retrier: Retrier,
        opened: Mapping[str, Any] | None = None,
        compression: Compression = Compression.NONE,
    ) -> None:
        """Take the session's id, how often blocks are tried, and the service's answer at its opening."""
        self._tunnel, self._id, self._retrier = tunnel, upload_id, retrier
        self._compression = compression
        if opened is not None:
            self._facts = opened

    def __repr__(self) -> str:
        return f"<OdpsUpload {self._id} to {self._tunnel.label}>"

    @property
    def id(self) -> str:
        """The session's id: any process may ask for its status, or write other blocks, by it."""
        return self._id

    @cached_property
    def _facts(self) -> Mapping[str, Any]:
        with answers(self._tunnel.settings, f"asking for upload {self._id} to {self._tunnel.label}"):
            return self._tunnel.session(self._id)

    @cached_property
    def schema(self) -> TableSchema:
        """The table's columns as they were when the session was opened; that is what its blocks must have."""
        schema = self._facts["Schema"]
        columns, levels = (tuple(map(_column, schema.get(key) or ())) for key in ("columns", "partitionKeys"))
        return TableSchema(columns, levels)

    @property
    def max_field_bytes(self) -> int:
        """How long one value of a column may be, in bytes."""
        return int(self._facts.get("MaxFieldSize") or 8 * 1024 * 1024)

    def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
        """Write one block of columns in the session's schema while they come; return its bytes before compression.

        It is an Arrow block, or a block of records where the table has a JSON column. A try that fails is repeated
        whole under the same number, which replaces what was there: the batches are iterated once for each try, and each
        has a slot of ``sending``.
        Raises TableRefused for columns that are not the table's, UploadFailed where it could not be written in time,
        and what the batches raise.
        """
        if not 0 <= number < MOST_BLOCKS:
            raise InvalidInput(
                f"block {number}: one upload takes at most {MOST_BLOCKS} blocks; load smaller windows, or write larger "
                "blocks"
            )
        arrow = self.schema.in_arrow_blocks
        encoding = content_encoding(self._compression, arrow=arrow)
        body = BlockBody(batches, self._check, self.schema, self._retrier, self._compression, sending)
        try:
            self._tunnel.put_block(self._id, number, body, arrow=arrow, encoding=encoding, retrier=self._retrier)
        except BaseException as error:
            if body.failure is not None:
                # What the client makes of it is not what has happened.
                raise body.failure from None
            raise self._failed(number, error) from error
        finally:
            body.close()
        return body.bytes

    def _failed(self, number: int, error: BaseException) -> BaseException:
        place = f"block {number} of upload {self._id} to {self._tunnel.label}"
        if isinstance(error, Unreachable):
            return UploadFailed(f"{place}: {error}")
        if isinstance(error, _answer_type()):
            return UploadFailed(f"{place} was refused: {words_of(error)}")
        return error

    def _check(self, batch: pa.RecordBatch) -> None:
        wanted = self.schema.arrow
        if batch.schema.names != wanted.names or batch.schema.types != wanted.types:
            raise TableRefused(
                f"upload {self._id} to {self._tunnel.label}: the table has {_listed(wanted)}, the columns are "
                f"{_listed(batch.schema)}. Was the table changed since it was described?"
            )

    def commit(self, blocks: int) -> None:
        """Look whether the session holds blocks 0 to ``blocks - 1`` and no other, then ask once to make them visible.

        The service commits every block it holds, whatever the caller thinks: so a stray one is refused here.
        Raises BlocksDiffer where it was not asked, CommitRejected for a refusal, Unreachable without an answer; then
        only ``status`` can say what is true.
        """
        try:
            self._check_blocks(self._tunnel.session(self._id), blocks)
            self._tunnel.commit(self._id, self._retrier.once())
        except _answer_type() as error:
            raise CommitRejected(
                f"the commit of upload {self._id} to {self._tunnel.label} was refused: {words_of(error)}"
            ) from error

    def _check_blocks(self, session: Mapping[str, Any], blocks: int) -> None:
        held = {int(block["BlockID"]) for block in session.get("UploadedBlockList") or ()}
        expected = set(range(blocks))
        if held != expected:
            raise BlocksDiffer(
                f"upload {self._id} to {self._tunnel.label} should hold blocks [0, {blocks}), but "
                f"{_difference(held, expected)}; it was not committed"
            )

    def status(self) -> UploadStatus:
        """Ask the service once what became of the session.

        A status that nobody has documented counts as not final yet. Raises Unreachable where no answer came.
        """
        try:
            session = self._tunnel.session(self._id, self._tunnel.client.retrier.once())
        except _answer_type() as error:
            if code_of(error) in _GONE and not is_foreign(error):
                return UploadStatus.GONE
            with answers(self._tunnel.settings, f"asking for upload {self._id} to {self._tunnel.label}"):
                raise
        return _STATUS.get(str(session.get("Status")).upper(), UploadStatus.CLOSING)


def _answer_type() -> type[Exception]:
    from airflow_provider_kafka_odps.clients.maxcompute.pyodps import errors

    kind: type[Exception] = errors.BaseODPSError
    return kind


def _column(described: Mapping[str, Any]) -> Column:
    return Column(str(described["name"]), OdpsType.parse(str(described["type"])), bool(described.get("nullable", True)))


def _listed(schema: pa.Schema) -> str:
    return ", ".join(f"{column.name} {column.type}" for column in schema)


def _difference(held: set[int], expected: set[int]) -> str:
    parts = [
        f"{text} {', '.join(map(str, sorted(numbers)[:5]))}{', …' if len(numbers) > 5 else ''}"  # noqa: PLR2004
        for text, numbers in (("lacks", expected - held), ("also holds", held - expected))
        if numbers
    ]
    return " and ".join(parts)
