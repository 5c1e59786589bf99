"""From records to blocks that nobody sees yet: in one process, or shared out to several."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_kafka_odps.core.accounting.lateness import Lateness
from airflow_provider_kafka_odps.core.accounting.rejects import NEEDS
from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.ports import RunningWorkers
from airflow_provider_kafka_odps.core.load.shares import Share, ShareResult, plan_shares
from airflow_provider_kafka_odps.core.load.stages import Loading, StageHooks, run_stages
from airflow_provider_kafka_odps.core.load.throttle import Throttled
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.upload import Upload
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import Cancelled


def shares_of(attempt: Attempt, window: Window) -> tuple[Share, ...]:
    """Return how the window is shared out; one share is loaded here, without any other process."""
    return plan_shares(window, attempt.workers if attempt.crew is not None else 1)


def write(attempt: Attempt, loading: Loading, upload: Upload) -> None:
    """Write the whole window to the upload, and prove that it is complete.

    This process loads the first share itself. Raises what the first worker that failed has raised, once none runs.
    """
    window, shares = loading.window, shares_of(attempt, loading.window)
    attempt.say(f"upload {upload.id}: loading {window.span} offsets: {', '.join(map(str, window.ranges))}")
    if attempt.crew is None or len(shares) == 1:
        _convey(attempt, loading, upload, None, 1)
        loading.gather(upload, ())
    else:
        attempt.say(f"{len(shares)} workers load a share each, of about {shares[0].window.span} offsets")
        with attempt.crew.start(upload.id, shares[1:], wanted(attempt, window)) as team:
            loading.gather(upload, _convey(attempt, loading, upload, team, len(shares)))
    _prove(attempt, loading)
    # Rejects are made visible with a commit of the rows, also where there are no rows.
    rejected = loading.seal_rejects()
    if not loading.blocks and (rejected or attempt.target.mode is Mode.OVERWRITE):
        # Whether a commit of no block at all replaces the old rows is not documented; one of an empty block does.
        loading.writing(upload, [])()


def _convey(
    attempt: Attempt, loading: Loading, upload: Upload, team: RunningWorkers | None, of: int
) -> Sequence[ShareResult]:
    def check() -> None:
        check_running(attempt)
        if team is not None:
            team.check()

    def before_read() -> None:
        check()
        if attempt.evidence is not None:
            loading.pass_over(attempt.evidence.take_passed_over())

    def on_batch(pace: Throttled) -> bool:
        if team is None:
            return True
        for told in team.heard():
            loading.hear(told)
            pace.count_others(told.rows, told.bytes, loading)
        return team.tallies() is not None

    rate = attempt.max_bytes_per_second
    effects = StageHooks(
        clock=attempt.clock,
        say=attempt.say,
        check=check,
        before_read=before_read,
        waited=attempt.waited,
        give_up=attempt.give_up,
        on_batch=on_batch,
        block_bytes=attempt.block_bytes,
        queue_bytes=attempt.queue_bytes,
        concurrency=attempt.concurrency,
        max_bytes_per_second=None if rate is None else rate / of,
    )
    share = loading.share.window
    run_stages(loading, upload, attempt.source.read(share, wanted(attempt, loading.window)), effects)
    if team is None:
        return ()
    for told in team.heard():
        loading.hear(told)
    return team.tallies() or ()


def wanted(attempt: Attempt, window: Window) -> frozenset[str]:
    """Return the columns of a batch that have to be decoded."""
    rejects = NEEDS if attempt.rejects is not None else frozenset[str]()
    return attempt.projection.wanted | Lateness(window).columns | rejects


def _prove(attempt: Attempt, loading: Loading) -> None:
    evidence = attempt.evidence
    if evidence is None:
        loading.prove(None)
        return
    loading.prove(lambda: evidence.cleanup_policy(loading.window.topic))
    if loading.rejected:
        attempt.say(loading.rejected)
    if loading.missing:
        attempt.say(f"on_data_loss='skip': the window is loaded without {', '.join(loading.missing)}: these are lost")


def check_running(attempt: Attempt) -> None:
    """Raise Cancelled if the task was asked to stop."""
    if attempt.cancelled():
        raise Cancelled("the task was asked to stop; nothing was committed")
