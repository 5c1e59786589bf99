"""Every error that this package raises on purpose.

::

    KafkaOdpsError
    ├── InvalidInput             what a user wrote cannot be used
    │   ├── InvalidExpression    a column expression that does not parse, with the position
    │   ├── InvalidConnection    a connection that cannot be used, with all of its problems
    │   ├── InvalidMapping       the column mapping does not fit the table
    │   ├── InvalidJob           a DataWorks or DataX job that cannot be run as an operator
    │   └── NoInterval           the run has no data interval
    ├── WindowRefused            the log does not have what was asked for
    │   ├── UnknownTopic
    │   ├── UnknownPartition
    │   ├── OffsetsExpired       the log starts after the window's start
    │   ├── LogTooShort          the log ends before the window's end
    │   ├── OpenTransaction      a transaction before a boundary instant is still open (a retry may help)
    │   ├── NoCommittedOffset
    │   ├── InstantAhead         a boundary instant has not come yet (a retry may help)
    │   ├── TimestampAhead       a record's timestamp is far ahead of the clock, and would hold back all that follow
    │   ├── NeighboursDiffer     neighbouring windows would leave a hole between them, or overlap
    │   │   └── PlannedAtOnce    other runs are planning at the same moment (a retry helps)
    │   ├── NoPreviousWindow     start="previous", and no window that this task has committed is known
    │   ├── PredecessorPending   start="previous", and the window before is not committed yet (a retry may help)
    │   └── IntervalTaken        another run is loading the same interval (a retry may help)
    ├── ReadFailed               the window could not be read
    │   ├── CorruptBatch         a record batch is corrupt: CRC, compression or format
    │   ├── TopicReplaced        the topic was deleted and created again after the window was planned
    │   ├── UnexplainedGap       offsets without a record, and no known reason: records are lost
    │   ├── LogTruncated         the log was truncated: records of the window are no longer in it
    │   │   └── ReadAgain        the same, and on_data_loss="skip" (a retry loads what is left)
    │   └── NoProgress           the broker sent no records for poll_timeout (a retry may help)
    ├── TableRefused             the table cannot be loaded, or MaxCompute refuses it
    │   └── UnknownTable
    ├── StatementFailed          a SQL statement failed, or took too long
    ├── RecordsRejected          records that do not fit the table
    ├── WorkerFailed             a worker process ended before its share was loaded (a retry may help)
    │   └── FingerprintDiffers   who is to load a share would write other rows than were planned (a retry may help)
    ├── UploadFailed             blocks could not be written (a retry may help)
    ├── CommitRejected           the commit was refused: no row is visible (a retry may help)
    │   └── BlocksDiffer         the upload lacks blocks, or holds strange ones; no commit was sent (a retry may help)
    ├── CommitUnknown            unknown whether the rows are visible: check the table first
    │   └── CommitPending        not known in time whether the rows are visible (a retry asks again)
    ├── AlreadyLoaded            the task was cleared, and on_rerun="fail"
    ├── LoadTimedOut             the load took longer than load_timeout; nothing was committed (a retry may help)
    ├── NotReconciled            committed, but the table does not have the rows that were loaded
    ├── RowsDiffer               the table has more or fewer rows of the window than were loaded; nothing was done
    ├── FewerRows                rows that are visible would be replaced by fewer, or by none; they stay
    ├── NewerRows                an overwrite that was not committed in time would cover what was written since
    ├── JournalMismatch          the task's parameters have changed since its window was recorded
    ├── BrokerRefused            the broker refuses the login, or what it asks for
    ├── Unreachable              the broker or the endpoint does not answer (a retry may help)
    └── Cancelled                the task was asked to stop; nothing was committed (a retry may help)
"""

from __future__ import annotations

from typing import ClassVar


class KafkaOdpsError(Exception):
    """The root: ``except KafkaOdpsError`` catches everything that this package raises on purpose."""

    retry_helps: ClassVar[bool] = False
    """Whether a later attempt with the same parameters may succeed."""


class InvalidInput(KafkaOdpsError, ValueError):
    """What a user wrote cannot be used; the message quotes it."""


class InvalidExpression(InvalidInput):
    """A column expression does not parse; the message marks the position."""

    def __init__(self, text: str, position: int, problem: str) -> None:
        """Take the expression, the 0-based position of the first bad character, and what is wrong there."""
        super().__init__(f"column expression {text!r}, position {position}: {problem}\n  {text}\n  {' ' * position}^")
        self.text, self.position = text, position


class InvalidConnection(InvalidInput):
    """A connection cannot be used; all of its problems are in one message."""

    def __init__(self, conn_id: str, *problems: str) -> None:
        """Take the connection id and a sentence per problem."""
        where = f"Fix it in Airflow under Admin → Connections → {conn_id}, or in AIRFLOW_CONN_{conn_id.upper()}."
        super().__init__("\n  - ".join([f"connection {conn_id!r} cannot be used:", *problems]) + f"\n{where}")
        self.conn_id, self.problems = conn_id, problems


class InvalidMapping(InvalidInput):
    """The column mapping does not fit the table."""


class InvalidJob(InvalidInput):
    """A DataWorks or DataX job cannot be run as an operator; each argument is a reason with the place in its JSON."""

    def __str__(self) -> str:
        """Return the one reason, or a line for each."""
        return "\n  - ".join([f"{len(self.args)} things of it are refused:", *self.args][len(self.args) == 1 :])


class NoInterval(InvalidInput):
    """The run has no data interval, or one of no length."""


class WindowRefused(KafkaOdpsError):
    """The log does not have what was asked for; nothing was read or written."""


class UnknownTopic(WindowRefused):
    """The cluster has no such topic."""


class UnknownPartition(WindowRefused):
    """The topic has no such partition."""


class OffsetsExpired(WindowRefused):
    """The window starts before the log does: records were, or may have been, deleted before they were loaded."""


class LogTooShort(WindowRefused):
    """The window ends after the log does."""


class OpenTransaction(WindowRefused):
    """A boundary instant lies beyond the last stable offset: a transaction before it is still open."""

    retry_helps = True


class NoCommittedOffset(WindowRefused):
    """The consumer group has committed no offset, and no other start was given."""


class InstantAhead(WindowRefused):
    """A boundary instant lies in the future: records before it are still to come."""

    retry_helps = True


class TimestampAhead(WindowRefused):
    """A record's timestamp lies far ahead of the clock: every later instant would be cut at this record."""


class NeighboursDiffer(WindowRefused):
    """Two windows that share a boundary instant would leave a hole between them, or overlap."""


class PlannedAtOnce(NeighboursDiffer):
    """Others planned at the same moment: no lock was had, or a neighbour cut the log elsewhere; a retry plans again."""

    retry_helps = True


class NoPreviousWindow(WindowRefused):
    """No window that this task has committed is known, and nothing says where to start without one."""


class PredecessorPending(WindowRefused):
    """The window before this one was planned and is not committed yet, so nobody knows whether it will be."""

    retry_helps = True


class IntervalTaken(WindowRefused):
    """Another run of the task has the same interval, and is still loading it or has taken it over."""

    retry_helps = True


class ReadFailed(KafkaOdpsError):
    """The window could not be read; no row is visible in the table."""


class CorruptBatch(ReadFailed):
    """The broker sent bytes that are not a valid record batch."""


class TopicReplaced(ReadFailed):
    """The topic was deleted and created again after the window was planned: its offsets mean other records."""


class UnexplainedGap(ReadFailed):
    """Offsets of the window have no record, and neither a transaction nor compaction explains it: records are lost."""


class LogTruncated(ReadFailed):
    """The log was truncated below what was planned or read (an unclean leader election); other records may be there."""


class ReadAgain(LogTruncated):
    """The same under ``on_data_loss="skip"``: what was read is discarded, and the next attempt loads what is left."""

    retry_helps = True


class NoProgress(ReadFailed):
    """The broker sent no records for ``poll_timeout`` seconds."""

    retry_helps = True


class TableRefused(KafkaOdpsError):
    """The table cannot be loaded, or MaxCompute refuses it; the message has the service's own words."""


class UnknownTable(TableRefused):
    """The table does not exist, and ``create_table`` is False; the message has the DDL."""


class StatementFailed(KafkaOdpsError):
    """A statement failed, or took too long; the message has the statement and the service's own words."""


class RecordsRejected(KafkaOdpsError):
    """Records do not fit the table; the message has the first of them, with partition, offset and reason."""


class WorkerFailed(KafkaOdpsError):
    """A worker process ended before its share of the window was loaded; no row is visible."""

    retry_helps = True


class FingerprintDiffers(WorkerFailed):
    """Whoever is to load a share has another release, mapping or table than whoever planned it; no row is visible."""


class UploadFailed(KafkaOdpsError):
    """Blocks could not be written before the deadline; no row is visible."""

    retry_helps = True


class CommitRejected(KafkaOdpsError):
    """The service refused the commit: no row of this upload is visible."""

    retry_helps = True


class BlocksDiffer(CommitRejected):
    """The upload does not hold the blocks that were written, or holds others: it was not asked for its commit."""


class CommitUnknown(KafkaOdpsError):
    """It is unknown whether the rows are visible; a person has to check the table first."""


class CommitPending(CommitUnknown):
    """Before the deadline nobody could tell whether the rows are visible; the next attempt asks again."""

    retry_helps = True


class AlreadyLoaded(KafkaOdpsError):
    """The task was cleared after its rows were committed, and ``on_rerun="fail"`` does not load them again."""


class LoadTimedOut(KafkaOdpsError):
    """The load took longer than ``load_timeout``; nothing was committed."""

    retry_helps = True


class NotReconciled(KafkaOdpsError):
    """The load is committed, but the table does not have the rows that it wrote: fewer, more, or others."""


class RowsDiffer(KafkaOdpsError):
    """The table has more or fewer rows of the window than were loaded: some are somebody else's, or elsewhere."""


class FewerRows(KafkaOdpsError):
    """Rows that are visible would be replaced by fewer, or by none that have a value; they stay as they are."""


class NewerRows(KafkaOdpsError):
    """An overwrite that was not committed in time would cover what somebody has written since; nothing was done."""


class JournalMismatch(KafkaOdpsError):
    """The task's parameters have changed since its window was recorded in the journal."""


class BrokerRefused(KafkaOdpsError):
    """The broker refuses the login, or what it asks for; the message has the broker's own words."""


class Unreachable(KafkaOdpsError):
    """A broker or an endpoint does not answer; the message says which, and for how long it was tried."""

    retry_helps = True


class Cancelled(KafkaOdpsError):
    """The task was asked to stop; nothing was committed."""

    retry_helps = True
