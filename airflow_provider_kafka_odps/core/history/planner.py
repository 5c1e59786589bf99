"""Planning a window among others: what its neighbours have left is used, and what they need is left for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.core.history.claims import Claims
from airflow_provider_kafka_odps.core.history.cuts import instant_ahead, no_later
from airflow_provider_kafka_odps.core.history.planning_lock import Note, PlanningLock
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.history.task_chain import TaskChain
from airflow_provider_kafka_odps.core.history.turn import Turn, holding
from airflow_provider_kafka_odps.core.options import OnGap, OnTimestampAhead
from airflow_provider_kafka_odps.core.window.ahead import Looker, Scan
from airflow_provider_kafka_odps.core.window.bounds import At, Cut, PlannableBound, Previous, Side
from airflow_provider_kafka_odps.core.window.facts import Questions, TopicFacts
from airflow_provider_kafka_odps.core.window.planning import PlannableRequest, WindowRequest, plan_window
from airflow_provider_kafka_odps.core.window.window import Window, capped
from airflow_provider_kafka_odps.exceptions import (
    InstantAhead,
    NeighboursDiffer,
    UnknownPartition,
)


@dataclass(frozen=True, slots=True)
class Planning:
    """What a plan is made of: what was asked for, what other runs have left, and how to ask the broker."""

    request: WindowRequest
    group: str | None
    """The consumer group that a start at ``committed`` is about."""
    history: History
    clock: Clock
    survey: Callable[[str, Questions], TopicFacts]
    begin: Callable[[], None]
    """Called before other runs can see the window; raises where this attempt was superseded."""
    scan: Scan
    """Reads timestamps from the log, where the broker's answer to an instant is no use."""

    @property
    def is_shared(self) -> bool:
        """Whether the window is made of what other runs have left, or leaves something for them."""
        bounds = (self.request.start, self.request.end)
        return self.history.remembers and any(isinstance(bound, At | Previous) for bound in bounds)


def plan(planning: Planning) -> Window:
    """Plan the window of this run, and remember what its neighbours need before anybody uses it.

    1. Hold the planning lock, if something of other runs is used, or left for them.
    2. Survey the topic, and have written what the last planner has decided.
    3. Put what is remembered in place of the bounds: cuts of instants, the end of the chain.
    4. Plan: nothing is written if this is refused.
    5. Write something that Airflow refuses to an attempt that was superseded.
    6. Note what is decided, which fails if the lock was lost; then claim the cuts.
    7. Look whether a neighbour that holds no lock has claimed others in the meantime.
    8. Note the window in the chain, if it is one of it.

    Raises WindowRefused.
    """
    if not planning.is_shared:
        return _planned(planning, None, None)
    with holding(planning.history) as (lock, last):
        return _planned(planning, lock, last)


def _planned(planning: Planning, lock: PlanningLock | None, last: Note | None) -> Window:
    planner = _Planner.of(planning, _survey(planning), lock, last)
    planner.turn.settle()
    try:
        planned = planner.recall()
        outdated = _beyond(planned, planner.facts)
    except UnknownPartition:
        outdated = True
    if outdated:
        # The log has grown since it was surveyed, or the topic has, and somebody was quicker.
        planner = replace(planner, facts=_survey(planning))
        planned = planner.recall()
    if planning.request.on_timestamp_ahead is OnTimestampAhead.IGNORE:
        planner = replace(planner, facts=planner.looked_behind(planned))
        planned = planner.recall()
    whole = replace(plan_window(planner.facts, planned, planning.clock.now()), left_out=planner.left_out())
    window = capped(whole, planning.history.max_offsets) if isinstance(planning.request.start, Previous) else whole
    # No store of an asset refuses an attempt that was superseded: what it leaves there would be taken for its run's.
    planning.begin()
    # A window that was cut short ends before its instant.
    planner.leave(planned, window, (Side.START, Side.END) if window == whole else (Side.START,))
    return window


def _survey(planning: Planning) -> TopicFacts:
    return planning.survey(planning.request.topic, planning.request.questions(planning.group))


def _beyond(request: PlannableRequest, facts: TopicFacts) -> bool:
    cuts = [bound for bound in (request.start, request.end) if isinstance(bound, Cut)]
    return any(
        cut.offsets.get(number, 0) > partition.high for cut in cuts for number, partition in facts.partitions.items()
    )


@dataclass(frozen=True, slots=True)
class _Planner:
    planning: Planning
    facts: TopicFacts
    turn: Turn

    @classmethod
    def of(cls, planning: Planning, facts: TopicFacts, lock: PlanningLock | None, last: Note | None) -> _Planner:
        # The first note of all is behind any that was lost with its group: their numbers are in the store.
        number = round(planning.clock.now().timestamp() * 1000) if last is None else last.number + 1
        same = last if last is not None and last.topic_id == facts.topic_id else None
        return cls(planning, facts, Turn(planning.history, lock, same, facts.cluster_id, facts.topic, number))

    @property
    def history(self) -> History:
        return self.planning.history

    @property
    def claims(self) -> Claims:
        return Claims(self.turn, self.facts)

    @property
    def chain(self) -> TaskChain:
        return TaskChain(self.turn, self.facts, self.planning.request)

    def looked_behind(self, planned: PlannableRequest) -> TopicFacts:
        """Return the facts without what timestamps ahead of the clock have made of them."""
        planning = self.planning
        looker = Looker(planned.isolation_level, planning.clock.now(), planning.scan)
        return looker.behind(self.facts, planned.start, planned.end, planned.first_start)

    def recall(self) -> PlannableRequest:
        """Return the request with what is remembered in place of its bounds."""
        asked, claims = self.planning.request, self.claims
        self._check_come(asked)
        if self._interval is not None and self.history.on_gap is not OnGap.IGNORE:
            self.turn.intervals().check(*self._interval, self.history.author.task)
        if self._interval is not None and asked.partitions is None:
            claims.refuse_taken(*self._interval)
        start = self.chain.start() if isinstance(asked.start, Previous) else claims.bound(asked.start, Side.START)
        # The fallback of a chain is the start of its first window only: of partitions that come later all is loaded.
        first = None if isinstance(asked.start, Previous) else asked.first_start
        end = claims.bound(asked.end, Side.END)
        if isinstance(start, At) and isinstance(end, Cut):
            # It is later, whether the index of instants has it or not.
            start = no_later(start, end.offsets, self.facts)
        self._check_additions(start, end)
        return asked.plannable(start, end, first)

    @property
    def _interval(self) -> tuple[At, At] | None:
        start, end = self.planning.request.start, self.planning.request.end
        return (start, end) if isinstance(start, At) and isinstance(end, At) and start.millis < end.millis else None

    def left_out(self) -> tuple[str, ...]:
        """Return the times on both sides of the interval for which the task has planned nothing so far."""
        return () if self._interval is None else self.turn.intervals().holes(*self._interval)

    def leave(self, planned: PlannableRequest, window: Window, sides: Iterable[Side]) -> None:
        """Leave what others need: the cuts that this window uses, and the window itself where it is one of a chain."""
        self.turn.store.look_again()
        bounds = {Side.START: planned.start, Side.END: planned.end}
        request, claims = self.planning.request, self.claims
        asked = {Side.START: request.start, Side.END: request.end}
        instants = {side: bound for side in sides if isinstance(bound := asked[side], At)}
        ours = claims.wanted(instants, bounds)
        link = self.chain.link(window) if isinstance(request.start, Previous) else {}
        cut = {instant.millis for instant in instants.values()}
        if instants or link:
            self.turn.leave(self.facts.topic_id, cut, claims.entries(instants, ours), link, self._interval)
        self.turn.store.look_again()
        claims.check(instants, ours)
        for key, entry in link.items():
            self.turn.store.set(key, entry)
            self.chain.check(window)
        if self._interval is not None:
            self.turn.add_interval(*self._interval)

    def _check_come(self, asked: WindowRequest) -> None:
        now = self.planning.clock.now()
        for bound in (asked.start, asked.end):
            if isinstance(bound, At) and instant_ahead(bound.millis, now) and self._unreached(bound):
                raise InstantAhead(
                    f"{bound} has not come yet (it is {now:%Y-%m-%dT%H:%M:%SZ}), and records before it are still to "
                    f"come. Load {self.facts.topic} when it has passed, or ask for 'latest'"
                )

    def _check_additions(self, start: PlannableBound, end: PlannableBound) -> None:
        if self.history.on_gap is not OnGap.FAIL or not (isinstance(start, Cut) and isinstance(end, Cut)):
            return
        for number in sorted(self.facts.partitions.keys() & start.offsets.keys() - end.offsets.keys()):
            if isinstance(self.planning.request.start, At) and start.offsets[number] > 0:
                raise NeighboursDiffer(
                    f"{self.facts.topic}[{number}] was added after {end} was cut, so the window that starts there "
                    "loads it from its beginning, 0; but the window before this one has loaded "
                    f"it up to {start.offsets[number]} already ({start.source}): they overlap. "
                    "on_gap='absorb' or 'ignore' loads nothing of it here, and leaves the overlap"
                )

    def _unreached(self, bound: At) -> bool:
        return any(partition.at[bound.millis] is None for partition in self.facts.partitions.values())
