"""The cuts of one table in the store: looked up, claimed, and held against their neighbours in time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_kafka_odps.core.history.cuts import (
    Author,
    Claim,
    check_topic,
    cut_key,
    differences,
    instants_of,
    neighbour_of,
    no_later,
    reached,
    remembered,
    store_key,
)
from airflow_provider_kafka_odps.core.history.intervals import Intervals, intervals_key
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.options import OnGap
from airflow_provider_kafka_odps.core.versioned import VERSION
from airflow_provider_kafka_odps.core.window.bounds import At, Cut, PlannableBound, Side, SurveyBound
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.exceptions import PlannedAtOnce, UnknownPartition

_KEPT = 1000
"""How many instants the index has, the latest: six weeks of hours."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What one run does about the cuts of its instants."""

    history: History
    facts: TopicFacts

    def bound(self, bound: SurveyBound, side: Side) -> PlannableBound:
        """Return the remembered cut in place of an instant; any other bound as it is.

        An instant that is cut now may not be cut behind a later one: what has come since that was cut is behind both.
        """
        if not isinstance(bound, At):
            return bound
        neighbour = self._claim(bound, _other(side))
        if neighbour is None and side is Side.START:
            neighbour = self._from_xcom(bound)
        same = self._claim(bound, side)
        found = remembered(bound, self.facts.topic, neighbour, same, self.history.author, self.history.on_gap)
        if found is not None:
            return found
        instants = self._instants()
        later = self._cut_at(instants[bisect_right(instants, bound.millis) :][:1])
        if later is None:
            return bound
        return no_later(bound, later.offsets, self.facts)

    def claim(self, asked: Mapping[Side, At], planned: Mapping[Side, PlannableBound]) -> None:
        """Write the cuts that a window uses, unless they stand there; then look again at what others have written.

        Raises PlannedAtOnce, with the claim taken back, where another run has cut the log elsewhere in the meantime.
        """
        ours: dict[Side, Claim] = {}
        for side, instant in asked.items():
            claim = Claim(self.facts.topic_id, self._offsets(planned[side], instant), self.history.author)
            standing = self._claim(instant, side)
            if standing is None or standing.offsets != claim.offsets:
                self.history.store.set(self._key(instant, side), claim.to_json())
            ours[side] = claim
        if ours:
            self._index({instant.millis for instant in asked.values()})
        if self.history.on_gap is not OnGap.IGNORE:
            for side, claim in ours.items():
                self._check(asked[side], side, claim)

    def _key(self, asked: At, side: Side) -> str:
        return cut_key(self.facts.cluster_id, self.facts.topic, str(asked), side)

    @property
    def _index_key(self) -> str:
        return store_key("instants", self.facts.cluster_id, self.facts.topic)

    def _instants(self) -> list[int]:
        """Return the instants (ms) that were cut, in order; it is a hint, and claims are what counts.

        The index of all tasks has the latest; those of this task are known by its intervals, however many there are.
        """
        key = intervals_key(self.facts.cluster_id, self.facts.topic, self.history.author)
        own = Intervals.from_json(self.history.store.get(key), key)
        return sorted({*own.instants(), *self._indexed()})

    def _indexed(self) -> list[int]:
        return instants_of(self.history.store.get(self._index_key), self._index_key)

    def _index(self, added: set[int]) -> None:
        # Another run may write its own at the same moment, and there is no compare-and-set: look, and write again.
        for _ in range(3):
            known = self._indexed()
            if added <= set(known):
                return
            latest = sorted(added | set(known))[-_KEPT:]
            self.history.store.set(self._index_key, {"version": VERSION, "instants": latest})

    def _claim(self, asked: At, side: Side) -> Claim | None:
        key, facts = self._key(asked, side), self.facts
        written = self.history.store.get(key)
        if written is None:
            return None
        claim = Claim.from_json(written, key)
        check_topic(claim.topic_id, facts.topic_id, facts.topic, f"the cut {key!r}")
        if gone := sorted(claim.offsets.keys() - facts.partitions.keys()):
            raise UnknownPartition(
                f"{facts.topic}{gone}: the cut {key!r} has partitions that the topic does not have now. Look at the "
                "topic; the cut is in the state store of the table's asset"
            )
        return claim

    def _cut_at(self, instants: list[int]) -> Claim | None:
        claims = (self._claim(At(asked), side) for asked in instants for side in Side)
        return next((claim for claim in claims if claim is not None), None)

    def _from_xcom(self, asked: At) -> Claim | None:
        found = self.history.previous()
        if found is None:
            return None
        author = Author(self.history.author.task, found[0])
        claim = neighbour_of(found[1], str(asked), self.facts.cluster_id, self.facts.topic, author)
        if claim is not None:
            check_topic(claim.topic_id, self.facts.topic_id, self.facts.topic, f"the window of run {author.run_id}")
        return claim

    def _offsets(self, bound: PlannableBound, asked: At) -> Mapping[int, int]:
        """Return the cut of every partition that existed at the instant, also of those that are not loaded."""
        return bound.offsets if isinstance(bound, Cut) else reached(asked, self.facts)

    def _check(self, asked: At, side: Side, ours: Claim) -> None:
        theirs = self._claim(asked, _other(side))
        problems = [] if theirs is None else differences(self.facts.topic, theirs, ours)
        instants = self._instants()
        earlier = self._cut_at(instants[: bisect_left(instants, asked.millis)][-1:])
        later = self._cut_at(instants[bisect_right(instants, asked.millis) :][:1])
        for before, after in ((earlier, ours), (ours, later)):
            if before is not None and after is not None:
                problems += [
                    f"{self.facts.topic}[{number}]: cut at {offset} by run {before.author.run_id} for an earlier "
                    f"instant than at {after.offsets[number]} by run {after.author.run_id}"
                    for number, offset in sorted(before.offsets.items())
                    if offset > after.offsets.get(number, offset)
                ]
        if problems:
            self.history.store.delete(self._key(asked, side))
            raise PlannedAtOnce(
                f"another window was planned at the same moment as the one at {asked}, and cut the log elsewhere: "
                f"{'; '.join(problems)}. Nothing was loaded; the next attempt uses the other's cut"
            )


def _other(side: Side) -> Side:
    return Side.END if side is Side.START else Side.START
