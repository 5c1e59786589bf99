"""The cuts of one table in the store: looked up, claimed, and held against their neighbours in time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_provider_kafka_odps.core.history.cuts import (
    Author,
    Claim,
    check_topic,
    cut_key,
    differences,
    neighbour_of,
    no_later,
    reached,
    remembered,
)
from airflow_provider_kafka_odps.core.history.planning_lock import Entries
from airflow_provider_kafka_odps.core.history.store import History
from airflow_provider_kafka_odps.core.history.turn import Turn
from airflow_provider_kafka_odps.core.options import OnGap
from airflow_provider_kafka_odps.core.window.bounds import At, Cut, PlannableBound, Side, SurveyBound
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.exceptions import IntervalTaken, PlannedAtOnce, UnknownPartition


@dataclass(frozen=True, slots=True)
class Claims:
    """What one run does about the cuts of its instants."""

    turn: Turn
    facts: TopicFacts

    @property
    def history(self) -> History:
        """What this run finds, and where it leaves what others need."""
        return self.turn.history

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
        instants = self.turn.instants()
        later = self._cut_at(instants[bisect_right(instants, bound.millis) :], self._claim)
        if later is None:
            return bound
        return no_later(bound, later.offsets, self.facts)

    def refuse_taken(self, start: At, end: At) -> None:
        """Raise IntervalTaken where another run that is still going on has planned a window for this interval.

        It has left both claims before its journal is where others find it, and may stand still between the two.
        """
        found = self._claim(start, Side.START), self._claim(end, Side.END)
        authors = {claim.author for claim in found if claim is not None}
        ours, theirs = self.history.author, next(iter(authors), None)
        if None in found or len(authors) > 1 or theirs is None or theirs.base != ours.base:
            return
        if theirs.run_id != ours.run_id and self.history.is_active(theirs.run_id, theirs.map_index):
            raise IntervalTaken(
                f"run {theirs.run_id} has planned a window for the same interval as this one, and has not ended yet, "
                "so it may load the rows; nothing is loaded here. A retry looks again. If that run is never to load "
                "them, mark its task as failed"
            )

    def wanted(self, asked: Mapping[Side, At], planned: Mapping[Side, PlannableBound]) -> dict[Side, Claim]:
        """Return the cuts that a window uses, as claims."""
        return {
            side: Claim(self.facts.topic_id, self._offsets(planned[side], instant), self.history.author)
            for side, instant in asked.items()
        }

    def entries(self, asked: Mapping[Side, At], ours: Mapping[Side, Claim]) -> Entries:
        """Return what has to be written for them: those that do not stand there, and those of runs that have ended."""
        standing = {side: self._written(instant, side) for side, instant in asked.items()}
        return {
            self._key(asked[side], side): claim.to_json()
            for side, claim in ours.items()
            if (there := standing[side]) is None or there.offsets != claim.offsets or _of_another_run(there, claim)
        }

    def check(self, asked: Mapping[Side, At], ours: Mapping[Side, Claim]) -> None:
        """Look again at what others have written, now that ours is there.

        Raises PlannedAtOnce, with the claim deleted, where another run has cut the log elsewhere in the meantime.
        """
        if self.history.on_gap is not OnGap.IGNORE:
            for side, claim in ours.items():
                self._check(asked[side], side, claim)

    def _key(self, asked: At, side: Side) -> str:
        return cut_key(self.facts.cluster_id, self.facts.topic, str(asked), side)

    def _claim(self, asked: At, side: Side) -> Claim | None:
        claim, topic = self._written(asked, side), self.facts.topic
        if claim is not None and (gone := sorted(claim.offsets.keys() - self.facts.partitions.keys())):
            raise UnknownPartition(
                f"{topic}{gone}: the cut {self._key(asked, side)!r} has partitions that the topic does not have now. "
                "Look at the topic; the cut is in the state store of the table's asset"
            )
        return claim

    def _written(self, asked: At, side: Side) -> Claim | None:
        """Return a claim that may know partitions which were added since the topic was surveyed."""
        key, facts = self._key(asked, side), self.facts
        written = self.turn.store.get(key)
        if written is None:
            return None
        claim = Claim.from_json(written, key)
        check_topic(claim.topic_id, facts.topic_id, facts.topic, f"the cut {key!r}")
        return claim

    def _cut_at(self, instants: list[int], look: Callable[[At, Side], Claim | None]) -> Claim | None:
        """Return the first claim of these instants; some have none any more: it was deleted."""
        claims = (look(At(asked), side) for asked in instants for side in Side)
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
        theirs = self._written(asked, _other(side))
        problems = [] if theirs is None else differences(self.facts.topic, theirs, ours)
        instants = self.turn.instants()
        earlier = self._cut_at(instants[: bisect_left(instants, asked.millis)][::-1], self._written)
        later = self._cut_at(instants[bisect_right(instants, asked.millis) :], self._written)
        for before, after in ((earlier, ours), (ours, later)):
            if before is not None and after is not None:
                problems += [
                    f"{self.facts.topic}[{number}]: cut at {offset} by run {before.author.run_id} for an earlier "
                    f"instant than at {after.offsets[number]} by run {after.author.run_id}"
                    for number, offset in sorted(before.offsets.items())
                    if offset > after.offsets.get(number, offset)
                ]
        if problems:
            self.turn.store.delete(self._key(asked, side))
            raise PlannedAtOnce(
                f"another window was planned at the same moment as the one at {asked}, and cut the log elsewhere: "
                f"{'; '.join(problems)}. Nothing was loaded; the next attempt uses the other's cut"
            )


def _of_another_run(there: Claim, ours: Claim) -> bool:
    """Tell whether this run takes over what another run of the task has left: ``refuse_taken`` looks for its name."""
    return there.author.base == ours.author.base and there.author.run_id != ours.author.run_id


def _other(side: Side) -> Side:
    return Side.END if side is Side.START else Side.START
