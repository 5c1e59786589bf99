"""Whether a table has ever shown a part of a load: told from each state that it was in, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kit.recording_endpoint import Moment, Place


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load has to show: all of it or nothing."""

    name: str
    rows: Mapping[Place, str]
    """Kafka partition and offset of each row → its partition of the table."""
    replaced: int = 0
    """How often its rows were replaced."""

    def shown(self, moment: Moment) -> frozenset[str]:
        """Return the partitions in which its rows are; raise where a part of those of one partition is."""
        shown = set()
        for partition in {*self.rows.values()}:
            wanted = {place for place, its in self.rows.items() if its == partition}
            if found := wanted.intersection(moment.get(partition, [])):
                assert found == wanted, f"{self.name}: {partition} has {len(found)} of {len(wanted)} rows"
                shown.add(partition)
        return frozenset(shown)


def check_moments(moments: Sequence[Moment], loads: Sequence[Loaded]) -> None:
    """Hold that in no state a row was there twice or where it does not belong, and that each load appeared whole.

    What a load replaces disappears first, one partition after the other, and comes back in all of them at once.
    """
    for number, moment in enumerate(moments):
        _check_rows(number, moment, loads)
    for load in loads:
        _check_load(moments, load)


def _check_rows(number: int, moment: Moment, loads: Sequence[Loaded]) -> None:
    belongs = {place: partition for load in loads for place, partition in load.rows.items()}
    found = [(place, partition) for partition, places in moment.items() for place in places]
    wrong = {place: partition for place, partition in found if belongs.get(place) != partition}
    assert not wrong, f"state {number}: these rows are in another partition than that of their time: {wrong}"
    assert len(found) == len(dict(found)), f"state {number}: {len(found)} rows of {len(dict(found))} records"


def _check_load(moments: Sequence[Moment], load: Loaded) -> None:
    whole, before, appeared = frozenset(load.rows.values()), frozenset[str](), 0
    for number, moment in enumerate(moments):
        shown = load.shown(moment)
        if fresh := shown - before:
            seen = f"{load.name}, state {number}: {sorted(fresh)} appeared"
            assert not before, f"{seen} beside {sorted(before)}, which were there"
            assert shown == whole, f"{seen} without {sorted(whole - shown)}"
            appeared += 1
        elif shown != before:
            gone = f"{load.name}, state {number}: {sorted(before - shown)} disappeared"
            assert appeared <= load.replaced, f"{gone}, and nobody had it replaced"
        before = shown
    assert before == whole, f"{load.name}: {sorted(whole - before)} are not there in the end"
    times = min(1, len(whole)) * (1 + load.replaced)
    assert appeared == times, f"{load.name} appeared {appeared} times, not {times}"
