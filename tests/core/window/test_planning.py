"""Facts of the broker and bounds become windows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from core.examples import PLANNED_AT, facts_of, offsets_in, plannable
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.options import IsolationLevel, OnDataLoss, OnShortLog
from airflow_provider_kafka_odps.core.window.bounds import (
    At,
    Committed,
    Cut,
    Earliest,
    Latest,
    Offsets,
    PlannableBound,
    Previous,
    SurveyBound,
)
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.planning import WindowRequest, plan_window
from airflow_provider_kafka_odps.core.window.window import ResolvedBound, Window
from airflow_provider_kafka_odps.exceptions import (
    InvalidInput,
    LogTooShort,
    NoCommittedOffset,
    OffsetsExpired,
    OpenTransaction,
    UnknownPartition,
    WindowRefused,
)

# The log of most examples: [40, 120), of which [40, 100) is decided; the group is at 50; 10 o'clock is offset 60.
ORDERS = PartitionFacts(0, low=40, high=120, stable=100, committed=50, at={10: 60, 11: 110, 12: None}, first=9)
COMMITTED, UNCOMMITTED = IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED
CLAMP, FAIL = OnShortLog.CLAMP, OnShortLog.FAIL


def offsets(everywhere: int | None = None, **each: int) -> Offsets:
    """Return typed offsets; keywords are ``p0=…``."""
    return Offsets(everywhere, {int(name[1:]): offset for name, offset in each.items()})


def planned(
    start: PlannableBound,
    end: PlannableBound,
    *partitions: PartitionFacts,
    isolation: IsolationLevel = COMMITTED,
    short: OnShortLog = FAIL,
    first: SurveyBound | None = None,
    subset: frozenset[int] | None = None,
) -> Window:
    """Plan a window over these partitions."""
    request = plannable(start, end, subset=subset, isolation=isolation, short=short, first=first)
    return plan_window(facts_of(*(partitions or (ORDERS,)), group="g"), request, PLANNED_AT)


@pytest.mark.parametrize(
    ("start", "end", "isolation", "short", "range_"),
    [
        (Earliest(), Latest(), COMMITTED, FAIL, (40, 100)),
        (Earliest(), Latest(), UNCOMMITTED, FAIL, (40, 120)),
        (Latest(), Latest(), COMMITTED, FAIL, (100, 100)),
        (Committed(), Latest(), COMMITTED, FAIL, (50, 100)),
        (At(10), Latest(), COMMITTED, FAIL, (60, 100)),
        (Earliest(), At(10), COMMITTED, FAIL, (40, 60)),
        (At(11), At(12), UNCOMMITTED, FAIL, (110, 120)),
        (offsets(40), offsets(100), COMMITTED, FAIL, (40, 100)),
        (offsets(40), offsets(40), COMMITTED, FAIL, (40, 40)),
        (offsets(p0=41), offsets(p0=42), COMMITTED, FAIL, (41, 42)),
        # Clamping is for offsets that were typed.
        (offsets(90), offsets(500), COMMITTED, CLAMP, (90, 100)),
        (offsets(90), offsets(500), UNCOMMITTED, CLAMP, (90, 120)),
        (offsets(300), offsets(500), COMMITTED, CLAMP, (100, 100)),
        (offsets(300), Latest(), COMMITTED, CLAMP, (100, 100)),
        (offsets(41), offsets(42), COMMITTED, CLAMP, (41, 42)),
    ],
    ids=str,
)
def test_bounds_resolve(
    start: PlannableBound, end: PlannableBound, isolation: IsolationLevel, short: OnShortLog, range_: tuple[int, int]
) -> None:
    """Each bound becomes the offset that the facts say it is."""
    assert offsets_in(planned(start, end, isolation=isolation, short=short)) == {0: range_}


_UNDECIDED = r"orders\[0\]: .* beyond the last stable offset 100 \(the log ends at 120\).*Load again when it is decided"
_EXPIRED = r"orders\[0\]: the window starts at 30 but the log starts at 40; 10 offsets were deleted"


@pytest.mark.parametrize(
    ("start", "end", "short", "error", "message"),
    [
        (offsets(30), Latest(), FAIL, OffsetsExpired, _EXPIRED + r".*\nStart where the log starts, or later"),
        (offsets(30), Latest(), CLAMP, OffsetsExpired, _EXPIRED),
        (Earliest(), At(11), FAIL, OpenTransaction, _UNDECIDED),
        (At(11), Latest(), FAIL, OpenTransaction, _UNDECIDED),
        (At(12), At(12), FAIL, OpenTransaction, _UNDECIDED),
        (Earliest(), offsets(101), FAIL, LogTooShort, r"ends at 101 but the log ends at 100 \(last stable offset.*120"),
        (offsets(90), offsets(300), FAIL, LogTooShort, r"200 offsets do not exist yet\n.*on_short_log='clamp'"),
        (offsets(60), offsets(50), FAIL, WindowRefused, r"start at 60, after its end at 50.*the log is \[40, 100\)"),
        (offsets(300), offsets(50), CLAMP, WindowRefused, r"start at 100, after its end at 50 \(start=300, end=50"),
        (offsets(101), Latest(), FAIL, WindowRefused, r"start at 101, after its end at 100"),
        (At(10), offsets(50), FAIL, WindowRefused, r"start at 60, after its end at 50"),
        (Earliest(), offsets(30), FAIL, WindowRefused, r"start at 40, after its end at 30"),
    ],
    ids=str,
)
def test_what_the_log_cannot_give_is_refused(
    start: PlannableBound, end: PlannableBound, short: OnShortLog, error: type[WindowRefused], message: str
) -> None:
    """A window outside the log is refused by name, with the partition and the numbers; nothing slides."""
    with pytest.raises(error, match=message) as refused:
        planned(start, end, short=short)
    assert type(refused.value) is error


def test_partitions_without_a_committed_offset_start_where_the_user_says() -> None:
    """`committed` fails where nothing is committed, unless another start was given for such partitions."""
    fresh = PartitionFacts(1, low=5, high=9, stable=9)
    with pytest.raises(NoCommittedOffset, match=r"orders\[1\]: the consumer group 'g' .*give first_start"):
        planned(Committed(), Latest(), ORDERS, fresh)
    window = planned(Committed(), Latest(), ORDERS, fresh, first=Earliest())
    assert offsets_in(window) == {0: (50, 100), 1: (5, 9)}


def test_a_partition_that_a_cut_does_not_know_begins_at_its_first_offset() -> None:
    """It was added behind the cut, so all of it is wanted: what of it has expired is loss, and not passed over."""
    added = PartitionFacts(1, low=500, high=800, stable=800, at={11: 700})
    for asked in (At(10), Previous()):
        behind = Cut(asked, {0: 60}, "remembered")
        with pytest.raises(
            OffsetsExpired, match=r"orders\[1\]: the window starts at 0 but the log starts at 500; 500 "
        ):
            planned(behind, At(11), ORDERS, added, isolation=UNCOMMITTED)
        skipping = plannable(behind, At(11), isolation=UNCOMMITTED, loss=OnDataLoss.SKIP)
        window = plan_window(facts_of(ORDERS, added), skipping, PLANNED_AT)
        assert offsets_in(window) == {0: (60, 110), 1: (0, 700)}
        before = planned(Cut(asked, {0: 50}, "remembered"), behind, ORDERS, added)
        assert offsets_in(before) == {0: (50, 60), 1: (0, 0)}


def test_a_committed_offset_outside_the_log_is_refused() -> None:
    """An offset that expired, or that a recreated topic does not have, is no place to start from."""
    with pytest.raises(OffsetsExpired, match="starts at 3 but the log starts at 5"):
        planned(Committed(), Latest(), PartitionFacts(0, low=5, high=9, stable=9, committed=3))
    shorter = PartitionFacts(0, low=5, high=9, stable=8, committed=30)
    with pytest.raises(LogTooShort, match=r"starts at 30 \(committed\) but the log ends at 9; 21 offsets .* are gone"):
        planned(Committed(), Latest(), shorter)
    skipping = plannable(Committed(), Latest(), loss=OnDataLoss.SKIP)
    assert offsets_in(plan_window(facts_of(shorter, group="g"), skipping, PLANNED_AT)) == {0: (8, 8)}


def test_all_partitions_are_named_at_once() -> None:
    """One error has every partition that cannot give what was asked for."""
    three = [PartitionFacts(number, low=number * 10, high=50, stable=50) for number in range(3)]
    with pytest.raises(OffsetsExpired, match=r"(?s)orders\[1\]: .*\n.*orders\[2\]: "):
        planned(offsets(5), Latest(), *three)
    with pytest.raises(WindowRefused, match=r"(?s)orders\[1\]: .*deleted.*\n.*orders\[2\]: .*do not exist") as refused:
        planned(offsets(p0=0, p1=5, p2=30), offsets(p0=1, p1=30, p2=51), *three)
    assert type(refused.value) is WindowRefused


def test_what_time_mends_is_waited_for_first() -> None:
    """Of several problems one that a retry may fix leads to a retry; the message has them all."""
    undecided = PartitionFacts(0, low=0, high=9, stable=5, at={7: 8})
    expired = PartitionFacts(1, low=6, high=9, stable=9, at={7: 9})
    with pytest.raises(OpenTransaction, match=r"(?s)orders\[0\]: .*still open.*\norders\[1\]: .*deleted") as refused:
        planned(offsets(2), At(7), undecided, expired)
    assert refused.value.retry_helps


def test_only_the_partitions_asked_for_are_loaded() -> None:
    """A subset of the partitions is a window of its own, and offsets of others do no harm."""
    one = PartitionFacts(1, low=0, high=7, stable=7)
    assert offsets_in(planned(Earliest(), Latest(), ORDERS, one, subset=frozenset({1}))) == {1: (0, 7)}
    assert offsets_in(planned(offsets(p0=1, p1=2), Latest(), ORDERS, one, subset=frozenset({1}))) == {1: (2, 7)}


@pytest.mark.parametrize(
    ("start", "subset", "error", "message"),
    [
        (Earliest(), frozenset({0, 7}), UnknownPartition, r"partitions names orders\[7\].* 0 to 0"),
        (offsets(p0=50, p9=1), None, UnknownPartition, r"start names orders\[9\]"),
        (Earliest(), frozenset[int](), InvalidInput, r"partitions=\[\] loads nothing"),
    ],
    ids=str,
)
def test_partitions_that_do_not_exist_are_refused(
    start: PlannableBound, subset: frozenset[int] | None, error: type[Exception], message: str
) -> None:
    """A partition that the topic lacks, and an empty list of partitions, are named."""
    with pytest.raises(error, match=message):
        planned(start, Latest(), subset=subset)


def test_offsets_have_to_be_given_for_every_partition() -> None:
    """A mapping that leaves partitions out does not decide about them in silence."""
    one = PartitionFacts(1, low=0, high=7, stable=7)
    with pytest.raises(InvalidInput, match=r"end=.*\"0\": 50.* gives no offset for orders\[1\].*partitions=\[0\]"):
        planned(Earliest(), offsets(p0=50), ORDERS, one)


def test_deleted_records_may_lie_beyond_the_last_stable_offset() -> None:
    """Where the log starts after the last stable offset, the window is empty, not negative."""
    assert offsets_in(planned(Earliest(), Latest(), PartitionFacts(0, low=9, high=12, stable=5))) == {0: (9, 9)}


def test_the_window_says_what_was_asked_and_who_answered() -> None:
    """Both bounds are written down as they were asked, with their source."""
    window = planned(Committed(), offsets(500), short=CLAMP)
    assert window.start == ResolvedBound("committed", "group g", None)
    assert window.end == ResolvedBound("500", "given, clamped to the log end", None)
    ten = datetime(1970, 1, 1, 0, 0, 0, 10_000, UTC)
    assert planned(At(10), Latest()).start == ResolvedBound("1970-01-01T00:00:00.010000Z", "broker", ten)
    assert planned(offsets(50), Latest()).start == ResolvedBound("50", "given", None)
    cut = planned(Cut(At(10), {0: 60}, "cut of run n"), Cut(Previous(), {0: 70}, "end of run n"))
    assert cut.start == ResolvedBound("1970-01-01T00:00:00.010000Z", "cut of run n", ten)
    assert cut.end == ResolvedBound("previous", "end of run n", None)


@pytest.mark.parametrize(("isolation", "ended"), [(COMMITTED, 100), (UNCOMMITTED, 120)])
def test_the_window_says_where_the_logs_ended(isolation: IsolationLevel, ended: int) -> None:
    """For its own readers: what lies between its end and that is the lag; of partitions that it loads, and no other."""
    one = PartitionFacts(1, low=0, high=7, stable=7)
    assert planned(Earliest(), At(10), isolation=isolation).log_ends == {0: ended}
    assert planned(Earliest(), offsets(50), ORDERS, one, subset=frozenset({0}), isolation=isolation).log_ends == {
        0: ended
    }
    assert planned(Earliest(), Latest(), ORDERS, one, isolation=isolation).log_ends == {0: ended, 1: 7}


def test_a_window_keeps_whole_seconds_of_its_planning() -> None:
    """The window that is used is the one that is written, to the last digit."""
    request = plannable(Earliest(), Latest())
    window = plan_window(facts_of(ORDERS), request, PLANNED_AT + timedelta(microseconds=999))
    assert Window.from_json(window.to_json()) == window


@pytest.mark.parametrize(
    ("request_", "questions"),
    [
        (WindowRequest("t", Earliest(), Latest()), Questions()),
        (WindowRequest("t", At(1), At(2)), Questions(frozenset({1, 2}))),
        (WindowRequest("t", Committed(), At(2)), Questions(frozenset({2}), "g")),
        (WindowRequest("t", Committed(), Latest(), first_start=At(7)), Questions(frozenset({7}), "g")),
    ],
    ids=str,
)
def test_only_what_a_plan_needs_is_asked(request_: WindowRequest, questions: Questions) -> None:
    """Instants and the group are asked about if, and only if, a bound names them."""
    assert request_.questions("g") == questions


@st.composite
def _logs(draw: st.DrawFn) -> tuple[list[int], TopicFacts]:
    """Return ordered instants, and a topic whose records have timestamps in any order."""
    instants = sorted(draw(st.sets(st.integers(0, 50), min_size=2, max_size=6)))
    partitions = []
    for number in range(draw(st.integers(1, 3))):
        stamps = draw(st.lists(st.integers(0, 60), max_size=12))
        low = draw(st.integers(0, 5))
        high = low + len(stamps)
        stable = draw(st.integers(low, high))
        at = {t: next((low + i for i, stamp in enumerate(stamps) if stamp >= t), None) for t in instants}
        partitions.append(PartitionFacts(number, low, high, stable, at=at))
    return instants, facts_of(*partitions)


def _planned_or_undecided(
    facts: TopicFacts, start: PlannableBound, end: PlannableBound, isolation: IsolationLevel
) -> Window | None:
    try:
        # What may have expired is none of this law's business.
        return plan_window(facts, plannable(start, end, isolation=isolation, loss=OnDataLoss.SKIP), PLANNED_AT)
    except OpenTransaction:
        return None


@given(_logs(), st.sampled_from(IsolationLevel))
def test_windows_of_neighbouring_instants_tile(
    log: tuple[Sequence[int], TopicFacts], isolation: IsolationLevel
) -> None:
    """Whatever the timestamps, each window ends where the next one starts, on the same facts."""
    instants, facts = log
    bounds: list[PlannableBound] = [Earliest(), *map(At, instants), Latest()]
    windows = [_planned_or_undecided(facts, start, end, isolation) for start, end in pairwise(bounds)]
    for before, after in pairwise(windows):
        for number in facts.partitions:
            if before and after:
                assert offsets_in(before)[number][1] == offsets_in(after)[number][0]
    for number, partition in facts.partitions.items():
        if windows[0]:
            assert offsets_in(windows[0])[number][0] == partition.low
        if windows[-1]:
            assert offsets_in(windows[-1])[number][1] == (
                partition.stable if isolation is COMMITTED else partition.high
            )
    assert isolation is COMMITTED or all(windows)


def test_a_start_below_the_log_may_be_planned() -> None:
    """Where loss is to be skipped, the window is what was asked for; the read finds out what is missing of it."""
    request = plannable(offsets(30), Latest(), loss=OnDataLoss.SKIP)
    assert offsets_in(plan_window(facts_of(ORDERS), request, PLANNED_AT)) == {0: (30, 100)}
