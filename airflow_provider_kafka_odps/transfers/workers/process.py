"""A worker: a process that loads one share of a window into an upload that the task's own process has opened.

It gets everything by value through its standard input, secrets too, and asks nothing of Airflow. Nothing that it
writes is visible before the task's process commits, which it does once every worker has reported that it is done. A
worker ends when its standard input does: with the process that has started it, however that came to its end.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.abc import MetaPathFinder
from multiprocessing.connection import Connection
from time import process_time
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_kafka_odps.clients.kafka.connection.settings import KafkaSettings
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.load.shares import Share, ShareFailed, ShareProgress, ShareResult
from airflow_provider_kafka_odps.core.mapping.filters.wanted import Wanted
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.table.schema import TableSchema
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.exceptions import WorkerFailed

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
    from airflow_provider_kafka_odps.clients.maxcompute.upload_address import UploadPlace
    from airflow_provider_kafka_odps.core.clock import Clock
    from airflow_provider_kafka_odps.core.load.lanes.stages import OpenReader
    from airflow_provider_kafka_odps.core.mapping.reject import Reject


_EVERY = 0.5
"""Seconds between two times that a worker reports how far it is."""


_UNUSED = frozenset({"pandas", "sqlalchemy"})
"""What PyODPS and Arrow import where it is installed, and do without where it is not."""


Report: TypeAlias = Callable[[ShareProgress], None]


@dataclass(frozen=True, slots=True)
class ShareTask:
    """What a worker does, by value."""

    share: Share
    upload: UploadPlace
    kafka: KafkaSettings
    columns: Mapping[str, str]
    schema: TableSchema
    levels: tuple[str, ...]
    """Those of the columns that say in which partition a row belongs."""
    record_format: RecordFormat
    filtering: Wanted
    wanted: frozenset[str]
    keep_rejects: bool
    """Whether rejects are reported with their keys and values."""
    on_data_loss: OnDataLoss
    poll_timeout: float
    facts: TopicFacts
    """What the topic is like now."""
    resources: Resources
    """Of the whole load: its bytes per second are shared out to the workers."""


def main() -> None:
    """Take a task from standard input, and report what is done through the descriptor that is the only argument."""
    # The task's process ends its workers; a signal to the whole group is for that one to answer.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    outbox = Outbox(Connection(int(sys.argv[1]), readable=False))
    ended: ShareResult | ShareFailed
    try:
        task: ShareTask = Connection(os.dup(0), writable=False).recv()
        threading.Thread(target=_end_with_the_task, daemon=True).start()
        _import_lean()
        ended = load(task, outbox.send)
    except Exception as error:  # noqa: BLE001 - raised again by the process that waits
        ended = ShareFailed(_portable(error))
    outbox.close_with(ended)
    # Python would wait for threads that are in calls of the clients.
    os._exit(0)


class Outbox:
    """What a worker reports through, in whichever of its threads; nothing follows its last word.

    Two reports at the same time would be read as none, and a lane may still report when another one has failed.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._sending, self._closed = pipe, threading.Lock(), False

    def send(self, report: ShareProgress) -> None:
        """Report what was done, unless the last word was said."""
        with self._sending:
            if not self._closed:
                self._pipe.send(report)

    def close_with(self, ended: ShareResult | ShareFailed) -> None:
        """Report how it has ended."""
        with self._sending:
            self._closed = True
            self._pipe.send(ended)


class _Unused(MetaPathFinder):
    """Makes some packages look as if they were not installed."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Refuse what this process has no use for."""
        del path, target
        if fullname in _UNUSED:
            raise ModuleNotFoundError(f"No module named {fullname!r}, as far as a worker needs to know", name=fullname)


def _import_lean() -> None:
    """Import PyODPS without what it can do without: it spares this process half of its start, most of a second.

    The packages can be imported afterwards: a function of the user's that gets tokens may want them.
    """
    import numpy as np
    import pyarrow as pa

    unused = _Unused()
    sys.meta_path.insert(0, unused)
    # All that is imported stays: looking for garbage in it, again and again as it grows, is a tenth of the start.
    gc.disable()
    try:
        from airflow_provider_kafka_odps.clients.maxcompute import pyodps  # noqa: F401 - so that it is there

        # Arrow looks for pandas when it meets the first array of NumPy, and never again.
        pa.array(np.empty(0))
    finally:
        gc.enable()
        sys.meta_path.remove(unused)


def load(task: ShareTask, report: Report) -> ShareResult:
    """Read, project and write one share; return what it has loaded."""
    from airflow_provider_kafka_odps.clients.clock import SystemClock
    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
    from airflow_provider_kafka_odps.core.cancellation import Cancellation
    from airflow_provider_kafka_odps.core.load.lanes.share_load import ShareLoad
    from airflow_provider_kafka_odps.core.load.lanes.stages import Stages
    from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
    from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection
    from airflow_provider_kafka_odps.core.routing.level_values import namings
    from airflow_provider_kafka_odps.transfers.runtime.memory import lean

    # Nobody asks a worker to stop, it is ended; but its own first error ends what its other threads do.
    clock, cancellation = SystemClock(), Cancellation()
    reporter = _Reporter(report, cancellation.check, clock, keep_rejects=task.keep_rejects)
    stages = Stages(
        open_reader=_reader(task, Cluster(task.kafka, clock, _mask_nothing), cancellation.check),
        projection=compile_projection(
            task.columns, task.schema, task.record_format, task.filtering, namings(task.levels)
        ),
        take_rejects=reporter.take_rejects,
        resources=task.resources,
        clock=clock,
        stop=cancellation.cancel,
        cpu=process_time,
        # The task's own process warns of them, once for all.
        refusals=Refusals(lambda _: None),
    )

    def refused(words: str) -> None:
        stages.refusals.add(words)
        reporter.refused(words)

    own = ShareLoad(task.share, stages)
    reporter.passed = own.passed
    with lean():
        return own.run(task.upload.join(clock, _mask_nothing, refused), reporter)


def _reader(task: ShareTask, cluster: Cluster, check: Callable[[], None]) -> OpenReader:
    from airflow_provider_kafka_odps.transfers.adapters.topic import open_reader

    return lambda: open_reader(
        cluster,
        task.resources,
        wanted=task.wanted,
        poll_timeout=task.poll_timeout,
        check=check,
        on_data_loss=task.on_data_loss,
        facts=task.facts,
    )


def _mask_nothing(secrets: Iterable[str | None]) -> None:
    """Let secrets be: a worker writes no log, and Airflow's masker, which the task's process tells, is not here."""
    del secrets


class _Reporter:
    """Looks at the load of a worker, and reports it; whoever receives all rejects decides when there are too many."""

    def __init__(self, report: Report, check: Callable[[], None], clock: Clock, *, keep_rejects: bool) -> None:
        self.check = check
        self._report, self._clock, self._keep_rejects = report, clock, keep_rejects
        # Rejects and progress come from all lanes.
        self._reporting = threading.Lock()
        self._waiting = ShareProgress()
        self.passed: Callable[[], Counter[int]] = Counter
        """How many offsets are behind the worker, by partition."""
        self._reported: Counter[int] = Counter()
        self._reported_at = clock.monotonic()

    def advance(self, rows: int, size: int, passed: int) -> None:
        """Report, now and then, what was done since the last time."""
        with self._reporting:
            waiting = self._waiting
            waiting = ShareProgress(waiting.rows + rows, waiting.bytes + size, waiting.passed + passed)
            if self._clock.monotonic() - self._reported_at >= _EVERY:
                self._report(replace(waiting, partitions=self._more_passed()))
                waiting, self._reported_at = ShareProgress(), self._clock.monotonic()
            self._waiting = waiting

    def _more_passed(self) -> dict[int, int]:
        before, self._reported = self._reported, self.passed()
        return {partition: passed - before[partition] for partition, passed in self._reported.items()}

    def refused(self, words: str) -> None:
        """Report at once that the service asks for less: the task's process says so, and slows its own lanes, too."""
        with self._reporting:
            self._report(ShareProgress(refused=(words,)))

    def others_done(self) -> bool:
        """Return True: a worker waits for nobody."""
        return True

    def take_rejects(self, batch: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        """Report the rejects of a batch at once."""
        from airflow_provider_kafka_odps.core.accounting.rejects import pieces, reject_rows

        for some in pieces(batch, rejects) if self._keep_rejects else [rejects]:
            rows = reject_rows(batch, some) if self._keep_rejects else None
            if some:
                with self._reporting:
                    self._report(ShareProgress(rejects=tuple(some), reject_rows=rows))


def _end_with_the_task() -> None:
    """End this process when its standard input does: nobody waits for its share any more."""
    while os.read(0, 1):
        pass
    os._exit(1)


def _portable(error: Exception) -> Exception:
    """Return the error as it can be sent; one that another process could not raise as it is, by its words."""
    try:
        if str(pickle.loads(pickle.dumps(error))) == str(error):  # noqa: S301 - made in the line itself
            return error
    except Exception:  # noqa: BLE001, S110 - what an error's own code raises is not what is to be told
        pass
    return WorkerFailed(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
