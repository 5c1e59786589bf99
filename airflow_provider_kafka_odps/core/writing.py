"""From records to blocks that nobody sees yet: in one process, or shared out to several."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from airflow_provider_kafka_odps.core.attempt import Attempt, Team
from airflow_provider_kafka_odps.core.blocks import BLOCK_BYTES, QUEUE_BYTES, cut_blocks, size_of
from airflow_provider_kafka_odps.core.journal import Mode
from airflow_provider_kafka_odps.core.loading import Loading
from airflow_provider_kafka_odps.core.pace import Pace
from airflow_provider_kafka_odps.core.pipeline import Pipeline
from airflow_provider_kafka_odps.core.rejects import NEEDS
from airflow_provider_kafka_odps.core.settling import Clock, Upload
from airflow_provider_kafka_odps.core.shares import Share, Tally, plan_shares
from airflow_provider_kafka_odps.core.strays import Strays
from airflow_provider_kafka_odps.core.window import Window
from airflow_provider_kafka_odps.exceptions import Cancelled

_GLANCE = 0.1
"""Seconds between two looks at whether the other workers are done."""


@dataclass(frozen=True, slots=True)
class Effects:
    """How the stages of one process are observed and stopped, and what they may take."""

    clock: Clock
    say: Callable[[str], None]
    check: Callable[[], None]
    """Raises where the load is to stop; called several times a second, in any thread."""
    take_note: Callable[[], None] = lambda: None
    """Called in the thread that reads, before each batch and at the end."""
    waited: Callable[[], float] = lambda: 0.0
    give_up: Callable[[], None] = lambda: None
    beside: Callable[[Pace], bool] = lambda _: True
    """Called after each batch of columns, and at the end until it returns True: who else loads is done."""
    block_bytes: int = BLOCK_BYTES
    queue_bytes: int = QUEUE_BYTES
    concurrency: int = 0
    max_bytes_per_second: float | None = None


def convey(loading: Loading, upload: Upload, records: Generator[pa.RecordBatch], effects: Effects) -> None:
    """Read, project and write what this process loads; all of it is written when this returns."""
    with Pipeline(effects.concurrency, effects.check, effects.give_up) as pipeline:
        read = loading.read(records, effects.take_note, effects.waited)
        batches = pipeline.ahead(read, size_of, effects.queue_bytes)
        columns = pipeline.ahead(loading.columns(batches), size_of, effects.queue_bytes)
        rate, span = effects.max_bytes_per_second, loading.window.span
        pace = Pace(effects.clock, span, effects.say, rate, pipeline.sleep_until)
        for block in cut_blocks(_beside(pace.keep(columns, loading), pace, effects), effects.block_bytes):
            pipeline.dispatch(loading.writing(upload, block))
        while not effects.beside(pace):
            pipeline.sleep_until(effects.clock.monotonic() + _GLANCE, effects.clock)
    effects.take_note()


def _beside(columns: Iterator[pa.RecordBatch], pace: Pace, effects: Effects) -> Iterator[pa.RecordBatch]:
    for batch in columns:
        yield batch
        effects.beside(pace)


def shares_of(attempt: Attempt, window: Window) -> tuple[Share, ...]:
    """Return how the window is shared out; one share is loaded here, without any other process."""
    return plan_shares(window, attempt.workers if attempt.crew is not None else 1)


def write(attempt: Attempt, loading: Loading, upload: Upload) -> None:
    """Write the whole window to the upload, and prove that it is complete.

    This process loads the first share itself. Raises what the first worker that failed has raised, once none runs.
    """
    window, shares = loading.window, shares_of(attempt, loading.window)
    attempt.say(f"upload {upload.id}: loading {window.span} offsets: {', '.join(map(str, window.ranges()))}")
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


def _convey(attempt: Attempt, loading: Loading, upload: Upload, team: Team | None, of: int) -> Sequence[Tally]:
    def check() -> None:
        check_running(attempt)
        if team is not None:
            team.check()

    def take_note() -> None:
        check()
        if attempt.evidence is not None:
            loading.pass_over(attempt.evidence.take_passed_over())

    def beside(pace: Pace) -> bool:
        if team is None:
            return True
        for told in team.heard():
            loading.hear(told)
            pace.count_others(told.rows, told.bytes, loading)
        return team.tallies() is not None

    rate = attempt.max_bytes_per_second
    effects = Effects(
        clock=attempt.clock,
        say=attempt.say,
        check=check,
        take_note=take_note,
        waited=attempt.waited,
        give_up=attempt.give_up,
        beside=beside,
        block_bytes=attempt.block_bytes,
        queue_bytes=attempt.queue_bytes,
        concurrency=attempt.concurrency,
        max_bytes_per_second=None if rate is None else rate / of,
    )
    share = loading.share.window
    convey(loading, upload, attempt.source.read(share, wanted(attempt, loading.window)), effects)
    if team is None:
        return ()
    for told in team.heard():
        loading.hear(told)
    return team.tallies() or ()


def wanted(attempt: Attempt, window: Window) -> frozenset[str]:
    """Return the columns of a batch that have to be decoded."""
    rejects = NEEDS if attempt.rejects is not None else frozenset[str]()
    return attempt.projection.wanted | Strays(window).columns | rejects


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
