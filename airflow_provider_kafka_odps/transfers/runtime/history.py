"""What other runs of the task have left, as Airflow keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.history.store import History, NoAssetStore
from airflow_provider_kafka_odps.core.journal.entry import JournalStore, Target
from airflow_provider_kafka_odps.core.journal.interval import IntervalJournal, interval_keys
from airflow_provider_kafka_odps.core.journal.recorded import as_recorded
from airflow_provider_kafka_odps.core.window.bounds import At, Previous
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.transfers.runtime.run import AirflowRun, author_of, is_active, previous_window
from airflow_provider_kafka_odps.transfers.runtime.stores import asset_store

if TYPE_CHECKING:
    from airflow.sdk import Asset

    from airflow_provider_kafka_odps.core.history.planning_lock import PlanningLock
    from airflow_provider_kafka_odps.core.options import OnGap
    from airflow_provider_kafka_odps.core.window.planning import WindowRequest


_REMEMBERS_NOTHING = (
    "nothing of this window is remembered for other runs: Airflow does not know the table's asset as one of this "
    "task's. Neighbouring windows may leave out or load twice what came late, and another run for the same interval "
    "loads it again. Name table and project without templates, or give asset=; of a mapped task, give "
    "inlets=[asset], outlets=[asset] to partial()"
)


def history_of(
    run: AirflowRun,
    request: WindowRequest,
    asset: Asset | None,
    on_gap: OnGap,
    max_offsets: int | None,
    lock: PlanningLock | None,
    table: str,
) -> History:
    """Return what other runs have left for the plan of this one.

    Raises InvalidInput where the chain of windows could not be followed safely.
    """
    context, chained = run.context, isinstance(request.start, Previous)
    if max_offsets is not None and not chained:
        raise InvalidInput(
            f"max_offsets={max_offsets} leaves offsets for the next run, which loads them only where start is "
            f"'previous', not {str(request.start)!r}"
        )
    # The task as the scheduler knows it: of a mapped one, that is not this instance.
    if chained and context["dag"].get_task(context["ti"].task_id).max_active_tis_per_dag != 1:
        raise InvalidInput(
            "start='previous' needs max_active_tis_per_dag=1 on this task, given by hand where start is a template or "
            "the task is mapped: two runs that plan at the same moment would both start where the last one ended"
        )
    store = asset_store(context, asset)
    if isinstance(store, NoAssetStore) and At in {type(request.start), type(request.end)}:
        run.warn(_REMEMBERS_NOTHING)
    return History(
        author=author_of(context),
        store=store,
        previous=lambda: previous_window(context),
        on_gap=on_gap,
        max_offsets=max_offsets,
        is_active=lambda run_id, map_index: is_active(context, run_id, map_index),
        lock=lock,
        log=run.log,
        table=table,
    )


def shared_journal(
    own: JournalStore,
    context: Mapping[str, Any],
    history: History,
    request: WindowRequest,
    target: Target,
    cluster: Callable[[], str],
) -> JournalStore:
    """Return the journal of the run, or the one that it shares with other runs for the same interval."""
    # What is recorded is loaded, whatever is asked for by now: there, others are to find what became of it.
    keys = interval_keys(as_recorded(request, own.load()), target, history.author, history.on_gap)
    if keys is None or not history.remembers:
        return own
    return IntervalJournal(
        own=own,
        store=history.store,
        keys=keys,
        run_id=history.author.run_id,
        clear_number=context["dag_run"].clear_number or 0,
        try_number=context["ti"].try_number,
        is_active=history.is_active,
        map_index=history.author.map_index,
        cluster=cluster,
    )
