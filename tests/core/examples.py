"""Values that many tests of the core start from."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.history.cuts import Author
from airflow_provider_kafka_odps.core.history.store import History, NoAssetStore
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt, Reconciled
from airflow_provider_kafka_odps.core.options import IsolationLevel, Mode, OnDataLoss, OnGap, OnShortLog
from airflow_provider_kafka_odps.core.table.names import PartitionSpec
from airflow_provider_kafka_odps.core.window.bounds import PlannableBound, SurveyBound
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, TopicFacts
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange, TopicPartition
from airflow_provider_kafka_odps.core.window.planning import PlannableRequest
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window

PLANNED_AT = datetime(2026, 11, 22, 11, 0, 7, tzinfo=UTC)


def orders(number: int) -> TopicPartition:
    """Return a partition of the topic that these tests load."""
    return TopicPartition("orders", number)


def ranges_of(topic: str, partitions: Mapping[int, tuple[int, int]]) -> tuple[OffsetRange, ...]:
    """Return the ranges of a window: partition → start and end."""
    return tuple(OffsetRange(topic, number, start, end) for number, (start, end) in sorted(partitions.items()))


def offsets_in(window: Window) -> dict[int, tuple[int, int]]:
    """Return start and end of each partition of a window."""
    return {each.partition: (each.start, each.end) for each in window.ranges}


def plannable(
    start: PlannableBound,
    end: PlannableBound,
    *,
    subset: frozenset[int] | None = None,
    isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
    short: OnShortLog = OnShortLog.FAIL,
    first: SurveyBound | None = None,
    loss: OnDataLoss = OnDataLoss.FAIL,
) -> PlannableRequest:
    """Return a request for a window in which nothing has to be remembered."""
    return PlannableRequest("orders", start, end, subset, isolation, short, first, loss)


def history_of(run_id: str = "run") -> History:
    """Return the history of a run that has no store and was the first."""
    author, store = Author("hourly.load", run_id), NoAssetStore()
    return History(author, store, lambda: None, OnGap.FAIL, None, lambda *_: False, None, lambda _: None)


def window_of(*ranges: tuple[int, int], topic: str = "orders", topic_id: str = "id-1") -> Window:
    """Return a window over partitions 0, 1 and so on."""
    return Window(
        topic=topic,
        topic_id=topic_id,
        cluster_id="cluster",
        isolation_level=IsolationLevel.READ_COMMITTED,
        planned_at=PLANNED_AT,
        start=ResolvedBound("earliest", "broker", None),
        end=ResolvedBound("latest", "broker", None),
        ranges=ranges_of(topic, dict(enumerate(ranges))),
    )


def target_of(mode: Mode = Mode.APPEND, *, topic: str = "orders", table: str = "shop.t") -> Target:
    """Return a target without a partition."""
    return Target(topic, table, None, mode)


def facts_of(*partitions: PartitionFacts, topic: str = "orders", group: str | None = None) -> TopicFacts:
    """Return a topic of these partitions."""
    return TopicFacts(topic, "id-1", "cluster", {each.partition: each for each in partitions}, group)


def _log_ends(window: Window) -> dict[int, int]:
    """Return logs that go on behind a window, of each of its partitions with an even number."""
    return {each.partition: each.end + each.start % 3 for each in window.ranges if each.partition % 2 == 0}


_WORDS = st.text(max_size=12)
_RANGES = st.tuples(st.integers(0, 2**62), st.integers(0, 2**62)).map(lambda pair: (min(pair), max(pair)))
windows = st.builds(
    Window,
    topic=st.just("orders"),
    topic_id=_WORDS,
    cluster_id=_WORDS,
    isolation_level=st.sampled_from(IsolationLevel),
    planned_at=st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
    start=st.builds(ResolvedBound.written, _WORDS, _WORDS),
    end=st.builds(ResolvedBound.written, _WORDS, _WORDS),
    ranges=st.dictionaries(st.integers(0, 2**31 - 1), _RANGES, max_size=5).map(lambda each: ranges_of("orders", each)),
).flatmap(
    lambda window: st.dictionaries(
        st.sampled_from([each.partition for each in window.ranges] or [0]), st.integers(0, 2**31 - 1), max_size=5
    ).map(lambda epochs: replace(window, epochs=epochs if window.ranges else {}, log_ends=_log_ends(window)))
)
_PARTITIONS = st.integers(0, 2**31 - 1).map(orders)
_COUNTS = st.builds(Counts, st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 2**40))
_SECONDS = st.integers(0, 10**9).map(lambda millis: millis / 1000)
receipts = st.builds(
    Receipt,
    window=windows,
    table=_WORDS,
    partition=st.none() | _WORDS,
    mode=st.sampled_from(Mode),
    upload_id=st.text(min_size=1, max_size=12),
    blocks=st.integers(0, 20_000),
    partitions=st.dictionaries(_PARTITIONS, _COUNTS, max_size=5),
    bytes=st.integers(0, 2**50),
    not_json=st.integers(0, 2**40),
    seconds=st.dictionaries(_WORDS, _SECONDS, max_size=3),
    offsets=st.dictionaries(_PARTITIONS, _RANGES, max_size=5),
    attempts=st.integers(1, 99),
    learned=st.none() | st.sampled_from(CommitProof),
    reconciled=st.none() | st.sampled_from(Reconciled),
    nulls=st.none() | st.dictionaries(_WORDS, st.integers(1, 2**40), max_size=3),
    empty_rows=st.none() | st.integers(0, 2**40),
    speed=st.none()
    | st.builds(
        Speed,
        lanes=st.integers(0, 1_000),
        elapsed=_SECONDS,
        cpu=_SECONDS,
        cores=st.integers(0, 999),
        refused=st.integers(0, 10**6),
        pace=st.integers(0, 2**40),
        lane_pace=st.integers(0, 2**40),
    ),
    per_partition=st.none()
    | st.dictionaries(
        st.integers(0, 99).map(lambda day: PartitionSpec((("ds", f"{day}"),))), st.integers(1), max_size=3
    ),
    staged_bytes=st.none() | st.integers(0, 2**50),
)
