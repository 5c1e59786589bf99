"""Facts of the broker and what the user asked for become a window: pure, and fail-closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from airflow_provider_kafka_odps.core.options import IsolationLevel, OnDataLoss, OnShortLog, OnTimestampAhead
from airflow_provider_kafka_odps.core.window.ahead import check_timestamps, first_bound
from airflow_provider_kafka_odps.core.window.bounds import (
    AskedBound,
    At,
    Committed,
    Cut,
    Earliest,
    Latest,
    Offsets,
    PlannableBound,
    Side,
    SurveyBound,
)
from airflow_provider_kafka_odps.core.window.doubts import doubt_of
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, Questions, TopicFacts, log_end
from airflow_provider_kafka_odps.core.window.losses import raise_all
from airflow_provider_kafka_odps.core.window.offsets import OffsetRange
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


@dataclass(frozen=True, slots=True)
class WindowRequest:
    """What the user asked for, parsed."""

    topic: str
    start: AskedBound
    end: SurveyBound
    partitions: frozenset[int] | None = None
    """A subset of the topic's partitions; None: all of them."""
    isolation_level: IsolationLevel = IsolationLevel.READ_COMMITTED
    on_short_log: OnShortLog = OnShortLog.FAIL
    first_start: SurveyBound | None = None
    """Where a partition starts for which the group has committed nothing, and the first window of a chain."""
    on_timestamp_ahead: OnTimestampAhead = OnTimestampAhead.FAIL
    on_data_loss: OnDataLoss = OnDataLoss.FAIL
    """SKIP plans a window that starts below the log start; what is lost of it is found out by the read."""

    def questions(self, group: str | None) -> Questions:
        """Return what has to be asked of the broker before this can be planned."""
        bounds = (self.start, self.end, self.first_start)
        wants_group = any(isinstance(bound, Committed) for bound in bounds)
        instants = frozenset(bound.millis for bound in bounds if isinstance(bound, At))
        return Questions(instants, group if wants_group else None)

    def plannable(self, start: PlannableBound, end: PlannableBound, first: SurveyBound | None) -> PlannableRequest:
        """Return the same request with bounds in which nothing has to be remembered any more."""
        return PlannableRequest(
            topic=self.topic,
            start=start,
            end=end,
            partitions=self.partitions,
            isolation_level=self.isolation_level,
            on_short_log=self.on_short_log,
            first_start=first,
            on_data_loss=self.on_data_loss,
        )


@dataclass(frozen=True, slots=True)
class PlannableRequest:
    """A request that facts turn into a window; its fields are those of ``WindowRequest``."""

    topic: str
    start: PlannableBound
    end: PlannableBound
    partitions: frozenset[int] | None
    isolation_level: IsolationLevel
    on_short_log: OnShortLog
    first_start: SurveyBound | None
    """Where a partition starts for which the group has committed nothing."""
    on_data_loss: OnDataLoss


def plan_window(facts: TopicFacts, request: PlannableRequest, planned_at: datetime) -> Window:
    """Resolve both bounds for every partition asked for.

    Raises a WindowRefused that names every partition that cannot give what was asked for, with the numbers; nothing
    slides. Under ``OnShortLog.CLAMP`` explicit offsets beyond the log's end become the log's end.
    """
    chosen = _chosen(facts, request)
    check_timestamps(facts, request.start, request.end, request.first_start, planned_at)
    for side, bound in ((Side.START, request.start), (Side.END, request.end)):
        _check_offsets_named(request.topic, side, bound, chosen)
    ranges: list[OffsetRange] = []
    doubts: list[str] = []
    problems: list[WindowRefused] = []
    for number in chosen:
        partition = facts.partitions[number]
        try:
            start, end = _plan_partition(partition, request, facts.group)
            ranges.append(OffsetRange(facts.topic, number, start, end))
            doubts += _doubts(partition, request, start)
        except WindowRefused as problem:
            problems.append(problem)
    raise_all(problems)
    return Window(
        topic=facts.topic,
        topic_id=facts.topic_id,
        cluster_id=facts.cluster_id,
        isolation_level=request.isolation_level,
        # Whole seconds, as it is written: a window that was read back equals the one that was planned.
        planned_at=planned_at.replace(microsecond=0),
        start=_resolved(request.start, facts, request.on_short_log),
        end=_resolved(request.end, facts, request.on_short_log),
        ranges=tuple(ranges),
        possibly_missing=tuple(doubts),
        chosen=request.partitions is not None,
        log_ends={number: log_end(facts.partitions[number], request.isolation_level) for number in chosen},
    )


def _chosen(facts: TopicFacts, request: PlannableRequest) -> list[int]:
    wanted = frozenset(facts.partitions) if request.partitions is None else request.partitions
    if not wanted:
        raise InvalidInput("partitions=[] loads nothing; leave it out to load all partitions")
    _check_known(facts, wanted, "partitions")
    for side, bound in ((Side.START, request.start), (Side.END, request.end)):
        if isinstance(bound, Offsets):
            _check_known(facts, frozenset(bound.each), side)
    return sorted(wanted)


def _check_known(facts: TopicFacts, numbers: frozenset[int], parameter: str) -> None:
    unknown = sorted(numbers - facts.partitions.keys())
    if unknown:
        raise UnknownPartition(
            f"{parameter} names {_listed(facts.topic, unknown)}, but the topic has the partitions "
            f"0 to {max(facts.partitions)}"
        )


def _check_offsets_named(topic: str, side: Side, bound: PlannableBound, chosen: Sequence[int]) -> None:
    if not isinstance(bound, Offsets):
        return
    missing = [number for number in chosen if bound.of(number) is None]
    if missing:
        raise InvalidInput(
            f"{side}={bound} gives no offset for {_listed(topic, missing)}; add them, "
            f"or load only some partitions with partitions={sorted(bound.each)}"
        )


def _plan_partition(facts: PartitionFacts, request: PlannableRequest, group: str | None) -> tuple[int, int]:
    where = f"{request.topic}[{facts.partition}]"
    log_ends = log_end(facts, request.isolation_level)
    if isinstance(request.end, Cut) and facts.partition not in request.end.offsets:
        # It was added after that cut was made: the window that starts there has what comes next of it.
        came_to = request.start.of(facts.partition) if isinstance(request.start, Cut) else 0
        return came_to, came_to
    start = _resolve_start(facts, request, log_ends, where, group)
    end = _resolve(request.end, facts, log_ends)
    assert end is not None, "an end bound always resolves: 'committed' is refused as an end"
    if request.on_short_log is OnShortLog.CLAMP:
        start = min(start, log_ends) if isinstance(request.start, Offsets) else start
        end = min(end, log_ends) if isinstance(request.end, Offsets) else end
    if start > facts.high and not isinstance(request.start, Offsets):
        start = _start_ahead(start, facts, request, where)
    if start < facts.low and request.on_data_loss is OnDataLoss.FAIL:
        raise OffsetsExpired(
            f"{where}: the window starts at {start} but the log starts at {facts.low}; "
            f"{facts.low - start} offsets were deleted before they were loaded\n"
            "Start where the log starts, or later, to load what is left; or set on_data_loss='skip'"
        )
    _check_decided(request, facts, log_ends, where)
    if end > log_ends:
        raise LogTooShort(
            f"{where}: the window ends at {end} but the log ends at {log_ends}{_open_transactions(facts, request)}; "
            f"{end - log_ends} offsets do not exist yet\nLoad later, ask for less, or set on_short_log='clamp'"
        )
    if start > end:
        raise WindowRefused(
            f"{where}: the window would start at {start}, after its end at {end} "
            f"(start={request.start}, end={request.end}, the log is [{facts.low}, {log_ends}))"
        )
    return start, end


def _doubts(facts: PartitionFacts, request: PlannableRequest, start: int) -> Iterator[str]:
    """Yield what may be missing of the window, if that may be skipped.

    Raises OffsetsExpired otherwise.
    """
    started = first_bound(request.start, request.first_start, facts)
    doubt = doubt_of(request.topic, facts, started, request.end, start)
    if doubt is None:
        return
    if request.on_data_loss is OnDataLoss.FAIL:
        raise doubt.refusal()
    yield str(doubt)


def _start_ahead(start: int, facts: PartitionFacts, request: PlannableRequest, where: str) -> int:
    """Return where to start in a log that ends before what was read of it: at its end, if loss may be skipped."""
    if request.on_data_loss is OnDataLoss.SKIP:
        return log_end(facts, request.isolation_level)
    raise LogTooShort(
        f"{where}: the window starts at {start} ({request.start}) but the log ends at {facts.high}; "
        f"{start - facts.high} offsets that were there are gone (an unclean leader election, or the topic was created "
        "again)\nStart at an offset or a time, or set on_data_loss='skip' to start at the log's end"
    )


def _check_decided(request: PlannableRequest, facts: PartitionFacts, log_ends: int, where: str) -> None:
    """Refuse an instant beyond which, or before which, transactions are open.

    Cutting at the last stable offset instead would put the open transaction's records into no window: the next one
    starts at the first offset of this instant, which may lie behind them.
    """
    for bound in (request.start, request.end):
        if isinstance(bound, (At, Cut)) and log_ends < (_resolve(bound, facts, facts.high) or 0) <= facts.high:
            raise OpenTransaction(
                f"{where}: {bound} lies beyond the last stable offset {log_ends} (the log ends at {facts.high}): a "
                "transaction that began before is still open, so its records are neither to be loaded nor to be "
                "skipped. Load again when it is decided, or use isolation_level='read_uncommitted'"
            )


def _resolve_start(
    facts: PartitionFacts, request: PlannableRequest, log_ends: int, where: str, group: str | None
) -> int:
    start = _resolve(request.start, facts, log_ends)
    if start is None and request.first_start is not None:
        start = _resolve(request.first_start, facts, log_ends)
    if start is None:
        raise NoCommittedOffset(
            f"{where}: the consumer group {group!r} has committed no offset; "
            "give first_start (for example 'earliest') for partitions without one"
        )
    return start


def _resolve(bound: PlannableBound, facts: PartitionFacts, log_ends: int) -> int | None:
    match bound:
        case Earliest():
            return facts.low
        case Latest():
            return log_ends
        case Committed():
            return facts.committed
        case At():
            return _offset_at(bound, facts, log_ends)
        case Offsets() | Cut():
            return bound.of(facts.partition)
        case _:
            assert_never(bound)


def _offset_at(bound: At, facts: PartitionFacts, otherwise: int) -> int:
    found = facts.at[bound.millis]
    return otherwise if found is None else found


def _open_transactions(facts: PartitionFacts, request: PlannableRequest) -> str:
    if request.isolation_level is IsolationLevel.READ_COMMITTED and facts.stable < facts.high:
        return f" (last stable offset; the high watermark is {facts.high}, a transaction before it is still open)"
    return ""


def _resolved(bound: PlannableBound, facts: TopicFacts, on_short_log: OnShortLog) -> ResolvedBound:
    asked = bound.asked if isinstance(bound, Cut) else bound
    instant = asked.moment if isinstance(asked, At) else None
    return ResolvedBound(str(bound), _source(bound, facts, on_short_log), instant)


def _source(bound: PlannableBound, facts: TopicFacts, on_short_log: OnShortLog) -> str:
    match bound:
        case Offsets():
            return "given, clamped to the log end" if on_short_log is OnShortLog.CLAMP else "given"
        case Committed():
            return f"group {facts.group}"
        case Cut():
            return bound.source
        case Earliest() | Latest() | At():
            return "broker"
        case _:
            assert_never(bound)


def _listed(topic: str, numbers: Sequence[int]) -> str:
    return f"{topic}[{', '.join(map(str, numbers))}]"
