"""Values that many tests of the core start from."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.delivery.reconciling import Reconciled
from airflow_provider_kafka_odps.core.journal.entry import Target
from airflow_provider_kafka_odps.core.journal.receipt import CommitProof, Receipt
from airflow_provider_kafka_odps.core.options import IsolationLevel, Mode
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, TopicFacts
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window

PLANNED_AT = datetime(2026, 11, 22, 11, 0, 7, tzinfo=UTC)


def window_of(*ranges: tuple[int, int], topic: str = "orders", topic_id: str = "id-1") -> Window:
    """Return a window over partitions 0, 1 and so on."""
    return Window(
        topic=topic,
        topic_id=topic_id,
        cluster_id="cluster",
        isolation_level=IsolationLevel.READ_COMMITTED,
        planned_at=PLANNED_AT,
        start=ResolvedBound("earliest", "broker"),
        end=ResolvedBound("latest", "broker"),
        partitions=dict(enumerate(ranges)),
    )


def target_of(mode: Mode = Mode.APPEND, *, topic: str = "orders", table: str = "shop.t") -> Target:
    """Return a target without a partition."""
    return Target(topic, table, None, mode)


def facts_of(*partitions: PartitionFacts, topic: str = "orders", group: str | None = None) -> TopicFacts:
    """Return a topic of these partitions."""
    return TopicFacts(topic, "id-1", "cluster", {each.partition: each for each in partitions}, group)


_WORDS = st.text(max_size=12)
_RANGES = st.tuples(st.integers(0, 2**62), st.integers(0, 2**62)).map(lambda pair: (min(pair), max(pair)))
windows = st.builds(
    Window,
    topic=st.just("orders"),
    topic_id=_WORDS,
    cluster_id=_WORDS,
    isolation_level=st.sampled_from(IsolationLevel),
    planned_at=st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
    start=st.builds(ResolvedBound, _WORDS, _WORDS),
    end=st.builds(ResolvedBound, _WORDS, _WORDS),
    partitions=st.dictionaries(st.integers(0, 2**31 - 1), _RANGES, max_size=5),
)
_COUNTS = st.builds(Counts, st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 2**40))
receipts = st.builds(
    Receipt,
    window=windows,
    table=_WORDS,
    partition=st.none() | _WORDS,
    mode=st.sampled_from([mode.value for mode in Mode]),
    upload_id=st.text(min_size=1, max_size=12),
    blocks=st.integers(0, 20_000),
    partitions=st.dictionaries(st.integers(0, 2**31 - 1), _COUNTS, max_size=5),
    bytes=st.integers(0, 2**50),
    not_json=st.integers(0, 2**40),
    seconds=st.dictionaries(_WORDS, st.integers(0, 10**9).map(lambda millis: millis / 1000), max_size=3),
    offsets=st.dictionaries(st.integers(0, 2**31 - 1), _RANGES, max_size=5),
    attempts=st.integers(1, 99),
    learned=st.none() | st.sampled_from(CommitProof),
    reconciled=st.none() | st.sampled_from([by.value for by in Reconciled]),
)
