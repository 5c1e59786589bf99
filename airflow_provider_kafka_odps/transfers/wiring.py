"""The hooks and Airflow's state store, in the shapes that a transfer asks for."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_kafka_odps.core.effort import FETCH_BYTES, UNPACK_LIMIT, Compression
from airflow_provider_kafka_odps.core.journal import VERSION
from airflow_provider_kafka_odps.core.reconciling import FoundOffsets
from airflow_provider_kafka_odps.core.rows import FoundRows, RowFinder, rows_statement
from airflow_provider_kafka_odps.core.table import PartitionSpec, TableName
from airflow_provider_kafka_odps.exceptions import Cancelled, InvalidInput
from airflow_provider_kafka_odps.hooks.waiting import watched

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.core.facts import Questions, TopicFacts
    from airflow_provider_kafka_odps.core.gaps import OnDataLoss, PassedOver
    from airflow_provider_kafka_odps.core.schema import Column, TableSchema
    from airflow_provider_kafka_odps.core.settling import Upload
    from airflow_provider_kafka_odps.core.window import Window
    from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
    from airflow_provider_kafka_odps.hooks.odps import OdpsHook

Answer = TypeVar("Answer")

JOURNAL_KEY = "kafka_to_maxcompute"
"""The key of the journal in the task's state store."""

_PLANNING = "planning"
_FORGETS = (
    "Airflow's configuration has [state_store] clear_on_success = True: it deletes this task's journal as soon as the "
    "task succeeds. Retries are safe, but clearing the task afterwards plans a new window and loads it: appended rows "
    "may be there twice, and other rows may be overwritten. Set it to False to have a cleared task keep its window"
)


@dataclass(frozen=True, slots=True)
class TopicSource:
    """A Kafka hook as the source of a transfer."""

    hook: KafkaHook
    poll_timeout: float
    """Seconds without any progress before the read fails."""
    cancelled: Callable[[], bool]
    on_data_loss: OnDataLoss
    fetch_bytes: int = FETCH_BYTES
    unpack_limit: int = UNPACK_LIMIT
    passed_over: list[PassedOver] = field(default_factory=list)
    waits: list[float] = field(default_factory=lambda: [0.0])
    """The seconds that reading has waited for the broker."""

    def survey(self, topic: str, questions: Questions) -> TopicFacts:
        """Ask the broker once for all that a plan needs."""
        return self._watched(lambda: self.hook.survey(topic, questions))

    def topic_id(self, topic: str) -> str:
        """Return the topic's UUID as it is now."""
        return self._watched(lambda: self.hook.topic_id(topic))

    def read(self, window: Window, wanted: frozenset[str]) -> Generator[pa.RecordBatch]:
        """Yield every record of the window; end only when all of it was read."""
        return self.hook.read(
            window,
            wanted=wanted,
            poll_timeout=self.poll_timeout,
            cancelled=self.cancelled,
            passed_over=self.passed_over.append,
            on_data_loss=self.on_data_loss,
            fetch_bytes=self.fetch_bytes,
            unpack_limit=self.unpack_limit,
            waited=self._wait,
        )

    def waited(self) -> float:
        """Return how many seconds reading has waited for the broker so far."""
        return self.waits[0]

    def _wait(self, seconds: float) -> None:
        self.waits[0] += seconds

    def take_passed_over(self) -> Sequence[PassedOver]:
        """Return, once, what the read has passed over by now."""
        taken = list(self.passed_over)
        self.passed_over.clear()
        return taken

    def cleanup_policy(self, topic: str) -> str | None:
        """Return the topic's ``cleanup.policy``; None if this login may not know it."""
        return self._watched(lambda: self.hook.cleanup_policy(topic))

    def commit_ends(self, window: Window) -> None:
        """Commit the window's ends to the connection's group; harmless to repeat."""
        committed = self._watched(lambda: self.hook.commit_ends(window))
        self.hook.log.info("committed to group %r: %s", self.hook.group_id, dict(committed) or "nothing new")

    def _watched(self, question: Callable[[], Answer]) -> Answer:
        """Ask, but leave when the task is asked to stop: Kafka's clients wait for half a minute."""
        # The connection is Airflow's to read, in the thread that it has given us.
        assert self.hook.settings
        return watched(question, self._check)

    def _check(self) -> None:
        if self.cancelled():
            raise Cancelled("the task was asked to stop while it waited for the broker")


@dataclass(frozen=True, slots=True)
class TableSink:
    """An ODPS hook as the sink of a transfer into one table, or one partition of it."""

    hook: OdpsHook
    table: TableName
    schema: TableSchema
    partition: PartitionSpec | None
    overwrite: bool
    create: bool
    """Whether the table is missing, and is to be created from ``schema``."""
    lifecycle: int | None
    """Days that the created table keeps its rows."""
    say: Callable[[str], None]
    compression: Compression = Compression.NONE
    added: tuple[Column, ...] = ()
    """Columns of ``schema`` that the table lacks."""

    def ensure(self) -> None:
        """Create what is missing: the table, columns, the partition. All statements are harmless to repeat."""
        if self.create:
            self.say(f"creating the table:\n{self.hook.create_table(self.table, self.schema, self.lifecycle)}")
        if self.added:
            self.say(f"adding columns to the table:\n{self.hook.add_columns(self.table, self.added)}")
        if self.partition is not None:
            self.hook.create_partition(self.table, self.partition)

    def open_upload(self) -> Upload:
        """Open a fresh upload session."""
        return self.hook.open_upload(self.table, self.partition, overwrite=self.overwrite, compression=self.compression)

    def attach_upload(self, upload_id: str) -> Upload:
        """Return a session that an earlier attempt opened, alive or not."""
        return self.hook.attach_upload(self.table, self.partition, upload_id)


@dataclass(frozen=True, slots=True)
class TableRows:
    """An ODPS hook as what finds and removes the rows of a window."""

    hook: OdpsHook
    finder: RowFinder

    def count(self, window: Window) -> FoundRows:
        """Return how much of the window is visible."""
        from airflow_provider_kafka_odps.hooks.odps_sql import hints_for

        answer = self.hook.run_sql(self.finder.count_statement(window), hints_for(self.finder.table))
        (row,) = answer.to_pylist()
        return FoundRows(rows=row["found"], offsets=row["places"])

    def offsets(self, window: Window) -> Mapping[int, FoundOffsets]:
        """Return what is visible of each partition of the window."""
        from airflow_provider_kafka_odps.hooks.odps_sql import hints_for

        answer = self.hook.run_sql(self.finder.offsets_statement(window), hints_for(self.finder.table))
        return {
            row["p"]: FoundOffsets(row["found"], row["places"], row["first_o"], row["last_o"])
            for row in answer.to_pylist()
        }

    def start_removal(self, window: Window, name: str) -> str:
        """Start to remove the window's rows and no others, once per name; return the id of the instance."""
        return self.hook.start_sql(self.finder.removal_statement(window), self.finder.table, name)

    def await_removal(self, statement_id: str) -> str | None:
        """Wait until the removal has ended; return why nothing was removed, if it was not."""
        return self.hook.await_sql(statement_id)


@dataclass(frozen=True, slots=True)
class TableShown:
    """What a sink's table shows of a load after its commit."""

    sink: TableSink
    found: TableRows | None
    """None where partition and offset are no columns."""

    def offsets(self, window: Window) -> Mapping[int, FoundOffsets] | None:
        """Return what is there of each partition of the window; None if partition and offset are no columns."""
        return None if self.found is None else self.found.offsets(window)

    def rows(self) -> int:
        """Return how many rows there are, whosever they are."""
        from airflow_provider_kafka_odps.hooks.odps_sql import hints_for

        sink = self.sink
        (row,) = sink.hook.run_sql(rows_statement(sink.table, sink.partition), hints_for(sink.table)).to_pylist()
        return int(row["found"])


class StateStoreJournal:
    """The journal in Airflow's task state store: it survives retries, kills and clears, and fences off old attempts."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        store = context.get("task_state_store")
        if store is None:
            raise InvalidInput(
                "the task's context has no 'task_state_store', in which the window is recorded before it is read; "
                "it exists since Airflow 3.3, inside a running task"
            )
        self._store = store

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved last, or None."""
        written: Mapping[str, Any] | None = self._store.get(JOURNAL_KEY)
        return None if written is not None and written.get("phase") == _PLANNING else written

    def begin(self) -> None:
        """Save, where nothing is saved yet, that a window is being planned; refused as ``save`` is."""
        self.save({"version": VERSION, "phase": _PLANNING})

    def save(self, entry: Mapping[str, Any]) -> None:
        """Replace what was saved; Airflow refuses this to an attempt that is no longer the current one."""
        from airflow.sdk.execution_time.context import NEVER_EXPIRE

        self._store.set(JOURNAL_KEY, dict(entry), retention=NEVER_EXPIRE)

    def warn_if_forgetful(self, warn: Callable[[str], None]) -> None:
        """Say, once per run, what it costs that Airflow is configured to delete the journal of a task that succeeds."""
        from airflow.sdk.configuration import conf

        # While nothing is recorded yet: a retry of the same run need not hear it again.
        if self.load() is None and conf.getboolean("state_store", "clear_on_success", fallback=False):
            warn(_FORGETS)
