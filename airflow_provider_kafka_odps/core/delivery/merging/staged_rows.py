"""The outside of a load whose rows are staged: where they wait, and the statements that move them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from airflow_provider_kafka_odps.core.delivery.reconciling import VisibleRows
from airflow_provider_kafka_odps.core.delivery.window_rows import WindowRows
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.statement import StatementEnd
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.upload import Upload


class StagedRows(Protocol):
    """The rows of loads in staging tables, wherever a load has put them."""

    def attach_upload(self, staged: Staged, upload_id: str) -> Upload:
        """Return a session that an earlier attempt opened, alive or not."""

    def size(self, staged: Staged) -> int | None:
        """Return how many bytes the service stores there; None where there is no such partition."""

    def drop(self, staged: Staged) -> None:
        """Remove them, if they are there."""


class Merges(Protocol):
    """Statements that move staged rows into the target."""

    def start(self, staged: Staged, name: str) -> str:
        """Start to move all rows that are staged there; return the id of the statement.

        What was started under this name before, by whomever, is not started again: its id is returned.
        Raises StatementFailed where the service refuses it at once.
        """

    def end(self, statement_id: str, seconds: float) -> StatementEnd:
        """Wait for so long until it has ended, and return how."""

    def empty(self, places: Sequence[PartitionSpec], name: str) -> StatementEnd:
        """Remove all rows of some partitions, once under a name; return how that ended.

        Raises StatementFailed where the service refuses it at once.
        """


FindRowsIn: TypeAlias = Callable[[tuple[str, ...] | None, Sequence[PartitionSpec]], WindowRows]
"""Returns the rows of a window in some partitions, as they are found by two columns; None: by those mapped now."""


ShowRows: TypeAlias = Callable[[Sequence[PartitionSpec]], VisibleRows]
"""Returns what everybody can see of some partitions."""


ShowFilled: TypeAlias = Callable[[Sequence[PartitionSpec]], Sequence[PartitionSpec]]
"""Returns those of some partitions that have rows."""


@dataclass(frozen=True, slots=True)
class Staging:
    """The outside of a load whose rows are staged."""

    rows: StagedRows
    merges: Merges
    find: FindRowsIn
    show: ShowRows
    filled: ShowFilled
