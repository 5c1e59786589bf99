"""Every error that this package raises on purpose.

::

    KafkaOdpsError
    ├── InvalidInput             what a user wrote cannot be used
    │   ├── InvalidExpression    a source expression, with the position in it
    │   ├── InvalidConnection    a connection, with all of its problems
    │   ├── InvalidMapping       columns and table do not fit each other
    │   ├── InvalidJob           a DataWorks or DataX job that cannot be run as an operator
    │   └── NoInterval           the run has no data interval
    ├── WindowRefused            the log cannot give what was asked for
    │   ├── UnknownTopic
    │   ├── UnknownPartition
    │   ├── OffsetsExpired       the log starts after the window's start
    │   ├── LogTooShort          the log ends before the window's end
    │   ├── OpenTransaction      records before a boundary instant are not decided yet (a retry may help)
    │   ├── NoCommittedOffset
    │   ├── InstantAhead         a boundary instant has not come yet (a retry may help)
    │   ├── NeighboursDiffer     windows that share a boundary instant would leave a hole, or overlap
    │   │   └── PlannedAtOnce    another run has just planned the neighbour (a retry helps)
    │   ├── NoPreviousWindow     start="previous", and no window that this task has committed is known
    │   ├── PredecessorPending   start="previous", and the window before is not committed yet (a retry may help)
    │   └── IntervalTaken        another run for the same interval is loading it (a retry may help)
    ├── ReadFailed               reading the window went wrong
    │   ├── CorruptBatch         bytes that are no record batch
    │   ├── TopicReplaced        the topic is not the one that the window was planned on
    │   ├── UnexplainedGap       offsets without a record, and nothing that accounts for it
    │   ├── LogTruncated         records that were read are not in the log any more
    │   │   └── ReadAgain        the same, and on_data_loss="skip" (a retry loads what is left)
    │   └── NoProgress           no record for too long (a retry may help)
    ├── TableRefused             the table cannot take the load
    │   └── UnknownTable
    ├── StatementFailed          SQL that MaxCompute refused
    ├── RecordsRejected          records that do not fit the table
    ├── WorkerFailed             a process that loaded a share of the window has ended (a retry may help)
    ├── UploadFailed             blocks could not be written (a retry may help)
    ├── CommitRejected           no: nothing is visible (a retry may help)
    ├── CommitUnknown            don't know: look before anything else
    │   └── CommitPending        don't know yet (a retry asks again)
    ├── AlreadyLoaded            the task was cleared, and on_rerun="fail"
    ├── LoadTimedOut             the load took longer than it may; nothing was committed (a retry may help)
    ├── NotReconciled            committed, but the table does not show what was loaded
    ├── RowsDiffer               the table has more rows of the window than the load wrote; none was removed
    ├── JournalMismatch          the parameters are no longer those of the recorded window
    ├── BrokerRefused            the broker answers that this login may not
    ├── Unreachable              broker or endpoint does not answer (a retry may help)
    └── Cancelled                the task was asked to stop; nothing was committed (a retry may help)
"""

from __future__ import annotations

from typing import ClassVar


class KafkaOdpsError(Exception):
    """The root: ``except KafkaOdpsError`` catches all that this package raises on purpose."""

    retry_helps: ClassVar[bool] = False
    """Whether a later attempt with the same parameters may succeed."""


class InvalidInput(KafkaOdpsError, ValueError):
    """What a user wrote cannot be used; the message quotes it."""


class InvalidExpression(InvalidInput):
    """A source expression does not parse; the message marks the position."""

    def __init__(self, text: str, position: int, problem: str) -> None:
        """Take the expression, the 0-based position of the first bad character, and what is wrong there."""
        super().__init__(f"column expression {text!r}, position {position}: {problem}\n  {text}\n  {' ' * position}^")
        self.text, self.position = text, position


class InvalidConnection(InvalidInput):
    """A connection cannot be used; all of its problems are in one message."""

    def __init__(self, conn_id: str, *problems: str) -> None:
        """Take the connection id and a sentence per problem."""
        lines = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"connection {conn_id!r} cannot be used:{lines}\nMend it in {where_to_mend(conn_id)}.")
        self.conn_id, self.problems = conn_id, problems


def where_to_mend(conn_id: str) -> str:
    """Return where a person finds a connection."""
    return f"Airflow under Admin → Connections → {conn_id}, or in AIRFLOW_CONN_{conn_id.upper()}"


class InvalidMapping(InvalidInput):
    """The column mapping and the table do not fit each other."""


class InvalidJob(InvalidInput):
    """A DataWorks or DataX job cannot be run as an operator; the message names the place in its JSON."""


class NoInterval(InvalidInput):
    """The run has no data interval, or one of no length."""


class WindowRefused(KafkaOdpsError):
    """The log cannot give what was asked for; nothing was read or written."""


class UnknownTopic(WindowRefused):
    """The cluster has no such topic."""


class UnknownPartition(WindowRefused):
    """The topic has no such partition."""


class OffsetsExpired(WindowRefused):
    """The window starts before the log does: records were deleted before they were loaded."""


class LogTooShort(WindowRefused):
    """The window reaches beyond the log's end."""


class OpenTransaction(WindowRefused):
    """A boundary instant lies beyond the last stable offset: what was written before it is not decided yet."""

    retry_helps = True


class NoCommittedOffset(WindowRefused):
    """The consumer group has committed no offset, and no other start was given."""


class InstantAhead(WindowRefused):
    """A boundary instant lies in the future: records before it are still to come."""

    retry_helps = True


class NeighboursDiffer(WindowRefused):
    """Two windows that share a boundary instant would leave a hole between them, or overlap."""


class PlannedAtOnce(NeighboursDiffer):
    """A neighbour was planned at the same moment and cut the log elsewhere; the next attempt takes its cut."""

    retry_helps = True


class NoPreviousWindow(WindowRefused):
    """No window that this task has committed is known, and nothing says where to start without one."""


class PredecessorPending(WindowRefused):
    """The window before this one was planned and is not committed yet, so nobody knows whether it will be."""

    retry_helps = True


class IntervalTaken(WindowRefused):
    """Another run of the task is for the same interval, and has not ended or has taken it over."""

    retry_helps = True


class ReadFailed(KafkaOdpsError):
    """Reading the window went wrong; nothing is visible in the table."""


class CorruptBatch(ReadFailed):
    """Bytes from the broker that are no valid record batch."""


class TopicReplaced(ReadFailed):
    """The topic of this name is no longer the one that the window was planned on."""


class UnexplainedGap(ReadFailed):
    """Offsets of the window have no record, and neither a transaction nor compaction accounts for it: loss."""


class LogTruncated(ReadFailed):
    """The log was cut below records that it had delivered: an unclean leader election; their offsets may come again."""


class ReadAgain(LogTruncated):
    """The same under ``on_data_loss="skip"``: what was read is let go of, and the next attempt loads what is left."""

    retry_helps = True


class NoProgress(ReadFailed):
    """The broker delivered nothing for longer than the deadline."""

    retry_helps = True


class TableRefused(KafkaOdpsError):
    """The table cannot take this load."""


class UnknownTable(TableRefused):
    """The table does not exist and was not to be created; the message has the DDL."""


class StatementFailed(KafkaOdpsError):
    """MaxCompute refused a statement; the message has the statement and the service's own words."""


class RecordsRejected(KafkaOdpsError):
    """Records do not fit the table; the message has the first of them, with coordinates and reasons."""


class WorkerFailed(KafkaOdpsError):
    """A process that loaded a share of the window has ended without its share; nothing is visible."""

    retry_helps = True


class UploadFailed(KafkaOdpsError):
    """Blocks could not be written before the deadline; nothing is visible."""

    retry_helps = True


class CommitRejected(KafkaOdpsError):
    """The service says no: nothing of this upload is visible."""

    retry_helps = True


class CommitUnknown(KafkaOdpsError):
    """Nobody can say whether the rows are visible; a person has to look first."""


class CommitPending(CommitUnknown):
    """What became of a commit could not be learned before the deadline; the next attempt asks again."""

    retry_helps = True


class AlreadyLoaded(KafkaOdpsError):
    """The task was cleared after its rows were committed, and ``on_rerun="fail"`` does not load them again."""


class LoadTimedOut(KafkaOdpsError):
    """The load took longer than ``load_timeout``; nothing was committed."""

    retry_helps = True


class NotReconciled(KafkaOdpsError):
    """The load is committed, but the table does not show the rows that it wrote: fewer, more, or others."""


class RowsDiffer(KafkaOdpsError):
    """The table has more rows of the window than the load wrote, so somebody else's would be removed with them."""


class JournalMismatch(KafkaOdpsError):
    """The journal's window belongs to other parameters than the task has now."""


class BrokerRefused(KafkaOdpsError):
    """The broker answers, and refuses: the login, or what it asks for; the message has the broker's words."""


class Unreachable(KafkaOdpsError):
    """A broker or an endpoint does not answer; the message says which and how long it was tried."""

    retry_helps = True


class Cancelled(KafkaOdpsError):
    """The task was asked to stop; nothing was committed."""

    retry_helps = True
