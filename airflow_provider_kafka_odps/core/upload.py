"""One upload session of the service, as a load sees it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

# A receipt names what settling found: a DAG that is parsed must not pay for pyarrow.
if TYPE_CHECKING:
    import pyarrow as pa


class UploadStatus(StrEnum):
    """What the service says of an upload session."""

    NORMAL = "normal"
    """Open: not committed; none of its rows are visible."""
    CLOSING = "closing"
    """A commit is under way."""
    CLOSED = "closed"
    """Committed: all of its rows are visible."""
    GONE = "gone"
    """Expired, broken, or not known: the session cannot tell what became of its blocks."""


class Sending(Protocol):
    """How the blocks of a load are sent, whichever lane sends them."""

    def slot(self) -> AbstractContextManager[None]:
        """Wait until a block may be tried, which it is until the context is left; raises where the load is to stop."""

    def packed(self, seconds: float) -> None:
        """Note how long the bytes of a part of a block took to make, without the wait for its rows."""


class SentAtOnce:
    """Blocks of which one is sent at a time anyway."""

    def slot(self) -> AbstractContextManager[None]:
        """Wait for nothing."""
        return nullcontext()

    def packed(self, seconds: float) -> None:
        """Let it be."""


AT_ONCE = SentAtOnce()


class Upload(Protocol):
    """One tunnel upload session: blocks that become visible together."""

    @property
    def id(self) -> str:
        """The session's id: any later attempt can ask for its status by it."""

    def write_block(self, number: int, batches: Iterable[pa.RecordBatch], sending: Sending = AT_ONCE) -> int:
        """Write one block while its rows come; return the bytes of its body, before compression.

        Where a try fails it is written again under its number, from the first batch on: the batches are iterated once
        for each try, which has a slot of ``sending``. An error of theirs ends it, and passes through as it is.
        """

    def commit(self, blocks: int) -> None:
        """Ask once for blocks 0 to ``blocks - 1`` to be made visible.

        Raises CommitRejected for an answer that says no, Unreachable where no answer came: both are in doubt. Raises
        BlocksDiffer, before anything is asked for, where the session does not hold these blocks and no others.
        """

    def status(self) -> UploadStatus:
        """Ask the service once. Raises Unreachable where no answer came."""
