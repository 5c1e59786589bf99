"""A worker: a process that loads one share of a window into an upload that the task's own process has opened.

It is told everything by value through its standard input, secrets too, and asks nothing of Airflow. Nothing that it
writes is visible before the task's process commits, which it does once every worker has told that it is done. A worker
ends when its standard input does: with the process that has started it, however that came to its end.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_kafka_odps.clients.kafka.connection.settings import KafkaSettings
from airflow_provider_kafka_odps.core.accounting.gaps import PassedOver
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.load.resources import Resources
from airflow_provider_kafka_odps.core.load.shares import Share, ShareFailed, ShareProgress, ShareResult
from airflow_provider_kafka_odps.core.mapping.formats import RecordFormat
from airflow_provider_kafka_odps.core.options import OnDataLoss
from airflow_provider_kafka_odps.core.table.schema import TableSchema
from airflow_provider_kafka_odps.exceptions import WorkerFailed

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.clients.maxcompute.upload_address import UploadPlace
    from airflow_provider_kafka_odps.core.clock import Clock
    from airflow_provider_kafka_odps.core.load.stages import Loading
    from airflow_provider_kafka_odps.core.load.throttle import Throttled
    from airflow_provider_kafka_odps.core.mapping.projection import Reject


_EVERY = 0.5
"""Seconds between two times that a worker tells how far it is."""


_UNUSED = frozenset({"pandas", "sqlalchemy"})
"""What PyODPS and Arrow import where it is installed, and do without where it is not."""


Tell: TypeAlias = Callable[[ShareProgress], None]


@dataclass(frozen=True, slots=True)
class ShareTask:
    """What a worker does, by value."""

    share: Share
    upload: UploadPlace
    kafka: KafkaSettings
    target: Target
    columns: Mapping[str, str]
    schema: TableSchema
    record_format: RecordFormat
    wanted: frozenset[str]
    keep_rejects: bool
    """Whether rejects are told with their keys and values."""
    on_data_loss: OnDataLoss
    poll_timeout: float
    resources: Resources
    """Of the whole load: its bytes per second are shared out to the workers."""


def main() -> None:
    """Take orders from standard input, and tell what is done through the descriptor that is the only argument."""
    # The task's process ends its workers; a signal to the whole group is for that one to answer.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    outbox = Connection(int(sys.argv[1]), readable=False)
    told: ShareResult | ShareFailed
    try:
        orders: ShareTask = Connection(os.dup(0), writable=False).recv()
        threading.Thread(target=_end_with_the_task, daemon=True).start()
        _import_lean()
        told = load(orders, outbox.send)
    except Exception as error:  # noqa: BLE001 - raised again by the process that waits
        told = ShareFailed(_portable(error))
    outbox.send(told)
    # Python would wait for threads that are in calls of the clients.
    os._exit(0)


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
        import odps  # noqa: F401 - so that it is there

        # Arrow looks for pandas when it meets the first array of NumPy, and never again.
        pa.array(np.empty(0))
    finally:
        gc.enable()
        sys.meta_path.remove(unused)


def load(orders: ShareTask, tell: Tell) -> ShareResult:
    """Read, project and write one share; return what it has loaded."""
    from airflow_provider_kafka_odps.clients.clock import SystemClock
    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster
    from airflow_provider_kafka_odps.clients.kafka.reader import read_window
    from airflow_provider_kafka_odps.core.load.stages import StageHooks, run_stages
    from airflow_provider_kafka_odps.transfers.runtime.memory import lean

    clock, passed_over, waits = SystemClock(), list[PassedOver](), [0.0]

    def wait(seconds: float) -> None:
        waits[0] += seconds

    def before_read() -> None:
        taken = list(passed_over)
        passed_over.clear()
        loading.pass_over(taken)

    resources, rate = orders.resources, orders.resources.max_bytes_per_second
    loading = _loading(orders, tell, clock)
    records = read_window(
        Cluster(orders.kafka, clock, _mask_nothing),
        orders.share.window,
        wanted=orders.wanted,
        poll_timeout=orders.poll_timeout,
        cancelled=lambda: False,
        passed_over=passed_over.append,
        on_data_loss=orders.on_data_loss,
        fetch_bytes=resources.fetch_bytes,
        unpack_limit=resources.unpack_limit,
        waited=wait,
    )
    effects = StageHooks(
        clock=clock,
        say=lambda _: None,
        check=lambda: None,
        before_read=before_read,
        waited=lambda: waits[0],
        on_batch=_progress_teller(tell, loading),
        block_bytes=resources.block_bytes,
        queue_bytes=resources.queue_bytes,
        concurrency=resources.concurrency,
        max_bytes_per_second=None if rate is None else rate / orders.share.of,
    )
    with lean():
        run_stages(loading, orders.upload.join(clock, _mask_nothing), records, effects)
    return loading.tally()


def _mask_nothing(secrets: Iterable[str | None]) -> None:
    """Let secrets be: a worker writes no log, and Airflow's masker, which the task's process tells, is not here."""
    del secrets


def _loading(orders: ShareTask, tell: Tell, clock: Clock) -> Loading:
    from airflow_provider_kafka_odps.core.accounting.tolerance import Tolerance
    from airflow_provider_kafka_odps.core.load.stages import Loading
    from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection

    return Loading(
        orders.target,
        compile_projection(orders.columns, orders.schema, orders.record_format),
        orders.share.window,
        clock,
        orders.on_data_loss,
        # Who hears of all rejects decides when there are too many.
        Tolerance(None),
        share=orders.share,
        tell_rejects=_rejects_teller(tell, keep=orders.keep_rejects),
    )


def _rejects_teller(tell: Tell, *, keep: bool) -> Callable[[pa.RecordBatch, Sequence[Reject]], None]:
    from airflow_provider_kafka_odps.core.accounting.rejects import reject_rows

    def tell_rejects(batch: pa.RecordBatch, rejects: Sequence[Reject]) -> None:
        if rejects:
            tell(ShareProgress(rejects=tuple(rejects), reject_rows=reject_rows(batch, rejects) if keep else None))

    return tell_rejects


def _progress_teller(tell: Tell, loading: Loading) -> Callable[[Throttled], bool]:
    last, told = time.monotonic(), (0, 0, 0)

    def tell_progress(pace: Throttled) -> bool:
        nonlocal last, told
        if time.monotonic() - last >= _EVERY:
            now = (pace.rows, pace.bytes, loading.passed)
            rows, size, passed = (new - old for new, old in zip(now, told, strict=True))
            tell(ShareProgress(rows=rows, bytes=size, passed=passed))
            last, told = time.monotonic(), now
        return True

    return tell_progress


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
