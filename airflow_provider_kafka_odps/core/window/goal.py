"""What a topic is waited for, and whether it has come: pure.

| asked | reached when |
|---|---|
| ``until`` offsets | every partition's log end is at or behind its offset |
| ``until`` a time, ``quorum="all"`` | every partition has a record with this timestamp or a later one |
| ``until`` a time, ``quorum="any"`` | one partition has |
| ``new_offsets=n`` | the partitions together have ``n`` offsets behind ``since``, or more |
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias, assert_never, cast

from airflow_provider_kafka_odps.core.options import IsolationLevel, choice
from airflow_provider_kafka_odps.core.window.ahead import is_ahead
from airflow_provider_kafka_odps.core.window.bounds import At, Committed, Earliest, Offsets, Side, SurveyBound
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts, Questions, TopicFacts, log_end
from airflow_provider_kafka_odps.core.window.parsing import BoundInput, Interval, parse_bound, parse_partitions
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidInput, TopicReplaced, UnknownPartition

SinceInput: TypeAlias = "BoundInput | Mapping[str, Any]"
"""Offsets, ``"committed"``, ``"earliest"``, or a window as it stands in XCom: what is behind its ends is new."""


class Quorum(StrEnum):
    """How many partitions have to have reached a time."""

    ALL = "all"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Goal:
    """What of a topic is waited for."""

    until: At | Offsets | None
    new_offsets: int | None
    since: Offsets | Committed | Earliest
    quorum: Quorum
    partitions: frozenset[int] | None
    isolation_level: IsolationLevel
    topic_id: str | None = None
    """Of the window that ``since`` came from."""

    def __post_init__(self) -> None:
        """Refuse a goal that is none, or two."""
        if (self.until is None) == (self.new_offsets is None):
            raise InvalidInput(
                f"until={None if self.until is None else str(self.until)!r}, new_offsets={self.new_offsets!r}: "
                "exactly one of the two says what is waited for"
            )
        if self.new_offsets is not None and self.new_offsets < 1:
            raise InvalidInput(f"new_offsets={self.new_offsets}: at least 1 has to be waited for")

    def questions(self, group: str | None) -> Questions:
        """Return what has to be asked of the broker before this can be judged."""
        instants = frozenset([self.until.millis]) if isinstance(self.until, At) else frozenset[int]()
        return Questions(instants, group if isinstance(self.since, Committed) else None)

    def reached(self, facts: TopicFacts, now: datetime) -> Mapping[int, int] | None:
        """Return where the awaited window ends, per partition; None as long as it has not come.

        A record whose timestamp is far ahead of ``now`` ends none: the partition's window ends at its log's end then.
        Raises UnknownPartition, and TopicReplaced where ``since`` is of a topic that was deleted since.
        """
        chosen = self._chosen(facts)
        match self.until:
            case Offsets() as wanted:
                ends = {each.partition: _named(wanted, each.partition) for each in chosen}
                return ends if all(self._log_end(each) >= ends[each.partition] for each in chosen) else None
            case At() as instant:
                return self._at(instant, chosen, now)
            case None:
                return {each.partition: self._log_end(each) for each in chosen} if self._enough(chosen) else None
            case _:
                assert_never(self.until)

    def progress(self, facts: TopicFacts) -> str:
        """Return, for the log, how far the topic is."""
        chosen = self._chosen(facts)
        match self.until:
            case Offsets() as wanted:
                ready = [self._log_end(each) >= _named(wanted, each.partition) for each in chosen]
            case At() as instant:
                ready = [self._visible_at(instant, each) is not None for each in chosen]
            case None:
                return f"{self._fresh(chosen)} of {self.new_offsets} new offsets"
            case _:
                assert_never(self.until)
        return f"{sum(ready)} of {len(chosen)} partitions have reached {self.until}"

    def _at(self, instant: At, chosen: Sequence[PartitionFacts], now: datetime) -> Mapping[int, int] | None:
        found = {each.partition: self._visible_at(instant, each) for each in chosen}
        some = [offset for offset in found.values() if offset is not None]
        if len(some) < (len(found) if self.quorum is Quorum.ALL else 1):
            return None
        # A partition in which nothing is that late is waited for no longer: its log ends before the instant.
        return {
            each.partition: self._log_end(each) if at is None or is_ahead(each, instant, now) else at
            for each in chosen
            for at in (found[each.partition],)
        }

    def _visible_at(self, instant: At, facts: PartitionFacts) -> int | None:
        """Return the first offset at or after the instant, unless an open transaction still hides it."""
        found = facts.at[instant.millis]
        return found if found is not None and found < self._log_end(facts) else None

    def _enough(self, chosen: Sequence[PartitionFacts]) -> bool:
        assert self.new_offsets is not None, "a goal without a bound counts offsets"
        return self._fresh(chosen) >= self.new_offsets

    def _fresh(self, chosen: Sequence[PartitionFacts]) -> int:
        return sum(max(0, self._log_end(each) - max(self._counted_from(each), each.low)) for each in chosen)

    def _counted_from(self, facts: PartitionFacts) -> int:
        match self.since:
            case Offsets() as ends:
                # A partition that the last window did not know is new from its beginning.
                start = ends.of(facts.partition)
            case Committed():
                start = facts.committed
            case Earliest():
                start = None
            case _:
                assert_never(self.since)
        return facts.low if start is None else start

    def _log_end(self, facts: PartitionFacts) -> int:
        return log_end(facts, self.isolation_level)

    def _chosen(self, facts: TopicFacts) -> list[PartitionFacts]:
        if self.topic_id not in (None, facts.topic_id):
            raise TopicReplaced(
                f"topic {facts.topic} was deleted and created again since the window in `since` was loaded: its id was "
                f"{self.topic_id} and is {facts.topic_id} now. Give since='earliest' to begin anew"
            )
        named = frozenset(self.until.each) if isinstance(self.until, Offsets) else frozenset[int]()
        wanted = self.partitions or named or frozenset(facts.partitions)
        if unknown := sorted((wanted | named) - facts.partitions.keys()):
            raise UnknownPartition(
                f"the sensor names {facts.topic}[{', '.join(map(str, unknown))}], but the topic has the partitions "
                f"0 to {max(facts.partitions)}"
            )
        return [facts.partitions[number] for number in sorted(wanted)]


def _named(wanted: Offsets, partition: int) -> int:
    offset = wanted.of(partition)
    if offset is None:
        raise InvalidInput(f"until={wanted} gives no offset for partition {partition}, which is among partitions")
    return offset


def parse_goal(
    *,
    until: BoundInput | None = None,
    new_offsets: int | str | None = None,
    since: SinceInput = "earliest",
    quorum: str = "all",
    partitions: Sequence[int] | str | None = None,
    isolation_level: str = "read_committed",
) -> Goal:
    """Read what a sensor was asked to wait for; texts as templates leave them.

    Raises InvalidInput with what was seen and what is accepted.
    """
    seen, topic_id = _since(since)
    return Goal(
        until=_until(until),
        new_offsets=_count(new_offsets),
        since=seen,
        quorum=choice(Quorum, quorum, "quorum"),
        partitions=parse_partitions(partitions),
        isolation_level=choice(IsolationLevel, isolation_level, "isolation_level"),
        topic_id=topic_id,
    )


def as_end(ends: Mapping[int, int]) -> str:
    """Return ends as JSON text: what ``end`` of the operator takes, also from a template."""
    return json.dumps({str(partition): offset for partition, offset in sorted(ends.items())})


def portable(asked: BoundInput | SinceInput | None) -> Any:
    """Return what a user wrote as JSON can carry it, which is how a trigger gets it."""
    return asked.isoformat() if isinstance(asked, datetime) else asked


def _until(asked: BoundInput | None) -> At | Offsets | None:
    if asked is None or asked == "":
        return None
    wanted = "a time with a zone, an offset, or offsets per partition are waited for"
    try:
        bound = parse_bound(asked, Side.END, Interval(None, None))
    except InvalidInput as error:
        raise InvalidInput(f"until={asked!r}: {wanted} ({error})") from error
    if not isinstance(bound, At | Offsets):
        raise InvalidInput(f"until={asked!r}: {wanted}")
    return bound


def _count(asked: int | str | None) -> int | None:
    if asked is None or asked == "":
        return None
    if isinstance(asked, bool) or not str(asked).strip().isdecimal():
        raise InvalidInput(f"new_offsets={asked!r}: a number of offsets is wanted, such as 1000")
    return int(asked)


def _since(asked: SinceInput) -> tuple[Offsets | Committed | Earliest, str | None]:
    written = _object(asked)
    if written is not None and "partitions" in written:
        window = Window.from_json(written)
        return Offsets(None, {each.partition: each.end for each in window.ranges}), window.topic_id
    bound: SurveyBound | None = None
    if asked not in ("interval", "previous"):
        bound = parse_bound(cast("BoundInput", asked), Side.START, Interval(None, None))
    if not isinstance(bound, Offsets | Committed | Earliest):
        raise InvalidInput(
            f"since={asked!r}: 'earliest', 'committed', offsets, or a window from XCom say from where is counted"
        )
    return bound, None


def _object(asked: SinceInput) -> Mapping[Any, Any] | None:
    if isinstance(asked, Mapping):
        return asked
    if not (isinstance(asked, str) and asked.lstrip().startswith("{")):
        return None
    try:
        found = json.loads(asked)
    except ValueError:
        # The bound's own message says what is wrong with it.
        return None
    return found if isinstance(found, Mapping) else None
