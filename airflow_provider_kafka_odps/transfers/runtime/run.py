"""What Airflow keeps of earlier windows: the state store of the table's asset, and the XCom of the run before."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.delivery.sections import NoSections, Sections
from airflow_provider_kafka_odps.core.history.cuts import Author
from airflow_provider_kafka_odps.core.load.pacing.refusals import Refusals
from airflow_provider_kafka_odps.core.options import OnGap
from airflow_provider_kafka_odps.core.window.bounds import AskedBound, Offsets, Side
from airflow_provider_kafka_odps.core.window.parsing import Interval
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.transfers.runtime.telemetry.shown_sections import ShownSections

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.cancellation import Cancellation
    from airflow_provider_kafka_odps.core.clock import Clock
    from airflow_provider_kafka_odps.core.window.window import Window

XCOM_WINDOW = "window"


_ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


_LAST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AirflowRun:
    """One run of the task, as Airflow has it."""

    context: Mapping[str, Any]
    log: Callable[[str], None]
    """Takes a line for the task's log."""
    warn: Callable[[str], None]
    """The same, for a warning."""
    clock: Clock
    cancellation: Cancellation
    refusals: Refusals
    sections: Sections = field(default_factory=NoSections)

    @contextmanager
    def in_sections(self) -> Iterator[AirflowRun]:
        """Yield this run with a log in groups and a trace in spans; all of them have ended behind the block.

        On every way out: what Airflow logs of an error is then in no group that its page folds.
        """
        with ShownSections(self.log, self.warn) as sections:
            yield replace(self, warn=sections.warn, sections=sections)

    def announce(self, window: Window) -> None:
        """Push the window to XCom, where the next run looks for it."""
        self.context["ti"].xcom_push(XCOM_WINDOW, window.to_json())


def author_of(context: Mapping[str, Any]) -> Author:
    """Return who a task instance is to other runs.

    Ids may have dots: task ``b.c`` of DAG ``a`` is not task ``c`` of DAG ``a.b``.
    """
    ti = context["ti"]
    index = "" if ti.map_index in (None, -1) else f"[{ti.map_index}]"
    before = f"{ti.dag_id}.{ti.task_id}{index}"
    task = f"{ti.dag_id}/{ti.task_id}{index}" if "." in f"{ti.dag_id}{ti.task_id}" else before
    return Author(task, context["run_id"], before)


def previous_window(context: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """Return the run before this one by date, and the window that this task pushed there; None if there is none.

    A run that is still queued is not asked: it cannot have pushed one, and Airflow logs each XCom that is missing.
    """
    ti = context["ti"]
    run = ti.get_previous_dagrun()
    if run is None or run.state == "queued":
        return None
    index = -1 if ti.map_index is None else ti.map_index
    window = ti.xcom_pull(task_ids=ti.task_id, key=XCOM_WINDOW, run_id=run.run_id, map_indexes=index)
    return (run.run_id, window) if isinstance(window, Mapping) else None


def is_active(context: Mapping[str, Any], run_id: str, map_index: int | None) -> bool:
    """Tell whether this task, in another run, may still run: it waits, runs, or will be retried.

    Of a mapped task, one instance, which may have another place in the list than this one; None: any of them.
    """
    ti = context["ti"]
    found = ti.get_task_states(dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[run_id], map_index=map_index)
    return any(state not in _ENDED for states in found.values() for state in states.values())


def run_interval(context: Mapping[str, Any]) -> Interval:
    """Return the run's data interval; of a run for a partition, which has none, the partition's own interval.

    It reaches from the run's partition date to the next one of its ``CronPartitionTimetable``.
    """
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    begins = context.get("partition_date")
    if start is not None or end is not None or begins is None:
        return Interval(start, end)
    return Interval(begins, _next_partition(context["dag"].timetable, begins))


def _next_partition(timetable: Any, begins: datetime) -> datetime | None:
    from airflow.sdk import CronPartitionTimetable
    from airflow.timetables.trigger import CronPartitionTimetable as Scheduled

    if isinstance(timetable, CronPartitionTimetable):
        # That of the DAG's file cannot count; the scheduler's can.
        timetable = Scheduled(timetable.expression, timezone=timetable.timezone)
    if not isinstance(timetable, Scheduled):
        return None
    # It takes what it is given for its own zone's wall clock: a day earlier is before the partition in every zone.
    ticks = timetable.iter_partition_dagrun_infos(earliest=begins - timedelta(days=1), latest=_LAST)
    return next((tick.partition_date for tick in ticks if tick.partition_date and tick.partition_date > begins), None)


def refuse_repeated_offsets(run_type: str, conf: Mapping[str, Any] | None, *bounds: AskedBound) -> None:
    """Raise InvalidInput for explicit offsets in a run of a backfill that was given a conf.

    Airflow gives each run of a backfill the same conf: each would load the same offsets.
    """
    explicit = [bound for bound in bounds if isinstance(bound, Offsets)]
    if run_type == "backfill" and conf and explicit:
        raise InvalidInput(
            f"this run belongs to a backfill with the conf {dict(conf)}, and asks for the offsets "
            f"{' and '.join(map(str, explicit))}. Airflow gives every run of a backfill the same conf, so each of them "
            "would load the same offsets. Trigger the DAG once by hand with these offsets; "
            "or backfill by date, with start and end 'interval'"
        )


def refuse_half_an_interval(interval: Interval, start: AskedBound, end: AskedBound, on_gap: OnGap) -> None:
    """Raise InvalidInput for one end of the run's interval with offsets on the other side, such as a sensor gives.

    The run beside it has the interval's other end as a bound, and cuts it elsewhere: what lies between is in no window,
    or in two. Whoever wants that says so by ``on_gap``.
    """
    if interval.start is None or interval.end is None or interval.start >= interval.end or on_gap is OnGap.IGNORE:
        return
    halves = ((start, interval.at(Side.START), end), (end, interval.at(Side.END), start))
    if any(bound == instant and isinstance(other, Offsets) for bound, instant, other in halves):
        raise InvalidInput(
            f"start={start} and end={end}: one is an end of this run's interval, and the other one is offsets, which "
            "the run beside it does not know: it cuts the interval's own instant, and records between the two would be "
            "in no window, or in two. With offsets of a sensor as end, set start='previous'; or wait with the sensor "
            "and leave start and end at 'interval'. on_gap='ignore' loads this window as it is"
        )


_LONGEST = 200


_ODD = re.compile(r"[^A-Za-z0-9_:.-]")


_MIXED = re.compile(r"\.|-[0-9]+$")
"""In the names of DAG and task: what stands between names, and before a map index."""


def load_id(context: Mapping[str, Any]) -> str:
    """Return what names one task instance over all of its tries: DAG, task, map index and run, ``Z`` for ``+00:00``.

    Characters that a partition's value cannot have become ``_``. Where the name could be that of another one as well,
    because of these or of dots in the names of DAG and task, a hash keeps different ones different.
    """
    ti = context["ti"]
    mapped = f"-{ti.map_index}" if ti.map_index >= 0 else ""
    name = f"{ti.dag_id}.{ti.task_id}{mapped}.{ti.run_id.replace('+00:00', 'Z')}"
    plain = _ODD.sub("_", name)
    if plain == name and len(name) <= _LONGEST and not _MIXED.search(f"{ti.dag_id} {ti.task_id}"):
        return name
    whole = json.dumps([ti.dag_id, ti.task_id, ti.map_index, ti.run_id])
    return f"{plain[:_LONGEST]}.{hashlib.sha256(whole.encode()).hexdigest()[:12]}"
