"""The rejects of a whole load, whichever process has found them: held against the tolerance, and kept."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from airflow_provider_kafka_odps.core.accounting.counts import RejectsUpload
from airflow_provider_kafka_odps.core.accounting.tolerance import Rejections, Tolerance
from airflow_provider_kafka_odps.core.load.shares import ShareProgress
from airflow_provider_kafka_odps.core.mapping.reject import Reject


class RejectWriting(Protocol):
    """Writes the rejects of a load somewhere, or does not."""

    def take(self, batch: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        """Take the rejects of one batch, whose rows have their keys and values."""

    def add(self, rows: pa.RecordBatch) -> None:
        """Take rejects of another process, in the columns of ``REJECT_SCHEMA``."""

    def seal(self) -> RejectsUpload | None:
        """Return what the journal has to know; None where there is nothing to make visible."""


class CountedRejects:
    """Rejects that nobody wants to keep: they are counted, and the first of them are in the log."""

    def take(self, batch: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        """Let them be."""

    def add(self, rows: pa.RecordBatch) -> None:
        """Let them be."""

    def seal(self) -> None:
        """Return None: nothing is to be made visible."""

    def close(self) -> None:
        """Have nothing to give back."""


class LoadRejects:
    """What becomes of the rejects of one load; several threads bring them."""

    def __init__(self, tolerance: Tolerance, writing: RejectWriting) -> None:
        self._rejections, self._writing = Rejections(tolerance), writing
        self._lock = threading.Lock()

    def take(self, batch: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        """Take the rejects of one batch.

        Raises RecordsRejected as soon as there are more than are tolerated.
        """
        with self._lock:
            self._rejections.add(rejects, batch.num_rows)
            self._writing.take(batch, rejects)

    def receive(self, progress: ShareProgress) -> None:
        """Take what another process has found; raise as ``take`` does."""
        with self._lock:
            self._rejections.add(progress.rejects, len(progress.rejects) + progress.rows)
            if progress.reject_rows is not None:
                self._writing.add(progress.reject_rows)

    def prove(self, records: int) -> None:
        """Raise RecordsRejected for a larger share of all records than is tolerated."""
        self._rejections.prove(records)

    def seal(self) -> RejectsUpload | None:
        """Write them; return what is to be made visible with the rows, if anything is."""
        return self._writing.seal()

    @property
    def count(self) -> int:
        """How many there are so far."""
        return self._rejections.count

    def warning(self, records: int, place: str | None) -> str | None:
        """Return what is to be said of the rejects among so many records, and of the place where they are kept."""
        count, shown = self._rejections.count, self._rejections.shown
        if not count:
            return None
        allowed = self._rejections.tolerance
        kept = f"kept in {place}" if place else "kept nowhere: rejects_table= or rejects_path= would keep them"
        if count < records:
            return (
                f"{count} of {records} records do not fit the table and are left out, which max_rejects={allowed} "
                f"allows; they are {kept}:{shown}"
            )
        return (
            f"all {count} records of the window are rejects: there is no row of it in this load, and max_rejects="
            f"{allowed} allows that. No later window has these records; they are {kept}:{shown}"
        )
