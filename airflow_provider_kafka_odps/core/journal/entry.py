"""The journal: what survives the attempt, and what the next attempt does about it.

One JSON value per task instance, written a few times per run. Its phases follow the order of effects in ``transfer``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.routing.staged import Staged
from airflow_provider_kafka_odps.core.versioned import VERSION, read_versioned
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidInput, JournalMismatch

HOW_TO_FORGET = (
    "To forget the recorded window, open the task instance in the Airflow UI, tab Storage, "
    "choose 'Clear All Task State Store', and clear the task; rows that were already committed stay in the table"
)


_NOT_YET = (
    "Do not forget the recorded window before it is known whether its rows are in the table: {why}. Run the task once "
    "with the parameters and the release that have recorded it, and it finds out; or look for the rows. Only if they "
    "are not there: "
)


class Phase(StrEnum):
    """How far the run has come."""

    PLANNED = "planned"
    UPLOADING = "uploading"
    PUBLISHING = "publishing"
    """Rejects are being made visible; nobody has asked for the rows yet."""
    COMMITTING = "committing"
    MERGING = "merging"
    """The upload is committed to a staging table, and a statement moves its rows to where they belong."""
    COMMITTED = "committed"
    REPLACING = "replacing"
    """Rows of an earlier load are being removed; the blocks of those that come in their place are complete."""


_UPLOADED = (Phase.UPLOADING, Phase.PUBLISHING, Phase.COMMITTING, Phase.MERGING)


_IN_DOUBT = {
    Phase.COMMITTING: "its upload {upload_id} was being committed",
    Phase.MERGING: "the rows of its upload {upload_id} were being moved into their partitions",
    Phase.REPLACING: "rows of an earlier load are being removed, and those of upload {upload_id} take their place",
}


def _how_to_forget(written: object) -> str:
    """Return what to do where an entry is of no use, whether or not it can be read."""
    entry = written if isinstance(written, Mapping) else {}
    phase = entry.get("phase")
    if phase not in set(Phase):
        why = f"it has phase {phase!r}, which may be of a later release"
    elif phase == Phase.UPLOADING and entry.get("removing") is True:
        why = _IN_DOUBT[Phase.REPLACING]
    elif phase in _IN_DOUBT:
        why = _IN_DOUBT[Phase(phase)]
    else:
        return HOW_TO_FORGET
    return _NOT_YET.format(why=why.format(upload_id=entry.get("upload_id"))) + HOW_TO_FORGET


@dataclass(frozen=True, slots=True)
class Target:
    """Where the window goes; a journal of another target is not ours."""

    topic: str
    table: str
    partition: str | None
    mode: Mode


@dataclass(frozen=True, slots=True)
class Journal:
    """One entry: the phase with what it needs to go on from."""

    phase: Phase
    target: Target
    window: Window
    clear_number: int
    """How often the DAG run had been cleared when this was written: a higher number now means a rerun by a user."""
    upload_id: str | None = None
    receipt: Receipt | None = None
    """From ``publishing`` on: what is proved once the upload is committed."""
    statement_id: str | None = None
    """In ``replacing`` and ``merging``: the statement that removes, or moves, the rows, once it runs."""
    failed_removals: int = 0
    """How many such statements have failed before, for the rows of the same load."""
    replaces: Receipt | None = None
    """What an earlier load of the window has committed: its rows are visible until this one's are, or are removed."""
    removing: bool = False
    """Whether the removal of these rows may have been started."""
    last_change: str | None = None
    """Of an overwrite, from its fence on: what the table said of its last change before. Another one now: somebody has
    written since. None: a release before did not look."""
    staged: Staged | None = None
    """Where the rows of the upload wait for a statement that moves them; None: its commit makes them visible."""
    failed_merges: int = 0
    """How many such statements have failed before, for the rows of the same upload."""

    def __post_init__(self) -> None:
        """Refuse a phase without what it needs."""
        if self.phase in _UPLOADED and not self.upload_id:
            raise InvalidInput(f"a journal in phase {self.phase} lacks its upload id")
        if self.phase not in (Phase.PLANNED, Phase.UPLOADING) and self.receipt is None:
            raise InvalidInput(f"a journal in phase {self.phase} lacks its receipt")
        if self.phase is Phase.MERGING and self.staged is None:
            raise InvalidInput(f"a journal in phase {self.phase} does not say where the rows are")
        if self.window.topic != self.target.topic:
            raise InvalidInput(f"a window of topic {self.window.topic} in a journal of topic {self.target.topic}")

    def again(self, clear_number: int) -> Journal:
        """Return what loading the window starts from: whatever is committed by then is to be replaced."""
        replaces = self._to_be_replaced()
        return replace(
            self,
            phase=Phase.PLANNED,
            clear_number=clear_number,
            receipt=None,
            statement_id=None,
            replaces=replaces,
            last_change=None,
            staged=None,
            failed_merges=0,
        )

    def uploading(self, upload_id: str, staged: Staged | None = None) -> Journal:
        """Return the entry to write before the first block; ``staged``: where its rows are to wait."""
        return replace(self, phase=Phase.UPLOADING, upload_id=upload_id, staged=staged)

    def taken_back(self) -> Journal:
        """Return the entry to write where the fence was passed, and nothing has become visible, nor can any more."""
        return replace(self, phase=Phase.UPLOADING, statement_id=None)

    def seen(self, last_change: str) -> Journal:
        """Return the entry with what the table to be overwritten says of its last change."""
        return replace(self, last_change=last_change)

    def publishing(self, receipt: Receipt) -> Journal:
        """Return the entry to write before rejects are made visible."""
        return replace(self, phase=Phase.PUBLISHING, upload_id=receipt.upload_id, receipt=receipt)

    def replacing(self, receipt: Receipt, statement_id: str | None = None) -> Journal:
        """Return the entry to write before rows of an earlier load go, and again when their removal has an id."""
        return replace(
            self,
            phase=Phase.REPLACING,
            upload_id=receipt.upload_id,
            receipt=receipt,
            statement_id=statement_id,
            removing=True,
        )

    def removal_failed(self, *, untouched: bool) -> Journal:
        """Return the entry to write when the statement has failed, or left rows; the next one has another name."""
        failed = self.failed_removals + 1
        return replace(self, statement_id=None, failed_removals=failed, removing=not untouched)

    def committing(self, receipt: Receipt) -> Journal:
        """Return the entry to write before the commit: the fence."""
        return replace(self, phase=Phase.COMMITTING, upload_id=receipt.upload_id, receipt=receipt)

    def merging(self, receipt: Receipt, statement_id: str | None = None) -> Journal:
        """Return the entry to write before staged rows are moved, and again when the statement has an id."""
        return replace(self, phase=Phase.MERGING, receipt=receipt, statement_id=statement_id)

    def merge_failed(self) -> Journal:
        """Return the entry to write when the statement has failed and left nothing; the next one has another name."""
        return replace(self, statement_id=None, failed_merges=self.failed_merges + 1)

    def committed(self, receipt: Receipt) -> Journal:
        """Return the entry to write after the commit."""
        return Journal(Phase.COMMITTED, self.target, self.window, self.clear_number, receipt.upload_id, receipt)

    def kept(self, clear_number: int) -> Journal:
        """Return the entry to write where rows stay that were to be replaced."""
        assert self.visible is not None, "only what is visible is kept"
        failed = self.failed_removals
        return replace(self.committed(self.visible), clear_number=clear_number, failed_removals=failed)

    def of_this_release(self) -> Journal:
        """Return a replacement as this release knows it: the one before removed the rows, and loaded them then."""
        if self.phase is not Phase.REPLACING or self.replaces is not None:
            return self
        return replace(self, replaces=self.receipt, removing=True)

    @property
    def visible(self) -> Receipt | None:
        """What is known to be in the table: what this window's last committed load has proved; None: nothing."""
        if self.phase is Phase.COMMITTED:
            return self.receipt if self.upload_id is not None else None
        return None if self.removing else self.replaces

    def _to_be_replaced(self) -> Receipt | None:
        if self.phase in (Phase.COMMITTING, Phase.MERGING) and self.target.mode is Mode.OVERWRITE:
            # Nobody knows which of the two is visible.
            return max((each for each in (self.receipt, self.replaces) if each), key=lambda each: each.rows)
        return self.visible or self.replaces

    @property
    def removal(self) -> str:
        """The name of the statement that removes the rows of the load before: the service runs one name only once."""
        assert self.replaces is not None, "only what was committed is removed"
        return f"remove-{self.replaces.upload_id}-{self.failed_removals}"

    @property
    def merge(self) -> str:
        """The name of the statement that moves the staged rows of the upload: the service runs one name only once."""
        return f"merge-{self.upload_id}-{self.failed_merges}"

    def check_target(self, target: Target) -> None:
        """Raise JournalMismatch unless the recorded window belongs to ``target``."""
        if self.target == target:
            return
        raise JournalMismatch(
            f"this task instance has a recorded window for {_described(self.target)}, "
            f"but its parameters now say {_described(target)}; nothing was loaded. {_how_to_forget(self.to_json())}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the entry as it stands in the task state store; the receipt goes without its second window."""
        return {
            "version": VERSION,
            "phase": self.phase.value,
            "topic": self.target.topic,
            "table": self.target.table,
            "partition": self.target.partition,
            "mode": self.target.mode.value,
            "clear_number": self.clear_number,
            "window": self.window.to_json(),
            "upload_id": self.upload_id,
            "receipt": self.receipt and self.receipt.without_window(),
            "statement_id": self.statement_id,
            "failed_removals": self.failed_removals,
            "replaces": self.replaces and self.replaces.without_window(),
            "removing": self.removing,
            "last_change": self.last_change,
            **({"staged": self.staged.to_json(), "failed_merges": self.failed_merges} if self.staged else {}),
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Journal:
        """Read an entry that ``to_json`` wrote, perhaps by an older release or edited by an administrator.

        Raises InvalidInput, with the way to forget it, for anything else.
        """
        with read_versioned(
            written, "the journal of this task instance cannot be read", f". {_how_to_forget(written)}"
        ):
            window = written["window"]
            return cls(
                phase=Phase(written["phase"]),
                target=Target(written["topic"], written["table"], written["partition"], Mode(written["mode"])),
                window=Window.from_json(window),
                clear_number=int(written["clear_number"]),
                upload_id=written["upload_id"],
                receipt=_receipt_of(written["receipt"], window),
                statement_id=written.get("statement_id"),
                failed_removals=written.get("failed_removals", 0),
                replaces=_receipt_of(written.get("replaces"), window),
                removing=bool(written.get("removing", False)),
                last_change=written.get("last_change"),
                staged=Staged.from_json(written["staged"]) if written.get("staged") else None,
                failed_merges=written.get("failed_merges", 0),
            )


def _receipt_of(written: Mapping[str, Any] | None, window: Mapping[str, Any]) -> Receipt | None:
    return None if written is None else Receipt.from_json({**written, "window": window})


def _described(target: Target) -> str:
    place = f"{target.table} ({target.partition})" if target.partition else target.table
    return f"topic {target.topic} into {place}, mode {target.mode}"


class JournalStore(Protocol):
    """Where the journal is kept; a superseded attempt must not be able to save."""

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last, or None."""

    def begin(self) -> None:
        """Raise if this attempt is not the current one; called before other runs can see a window that it plans."""

    def save(self, entry: Mapping[str, Any]) -> None:
        """Replace what was saved; raise if this attempt is not the current one."""
