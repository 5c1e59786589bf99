"""The promise among runs: their windows meet, no record is loaded twice or by nobody, or a task says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from simulation.outside.world import SimulatedWorld
from simulation.several.cases import Run, Runs
from simulation.single.promise import BrokenPromise, owed, spots_in
from twins.maxcompute import OLD_ROW

from airflow_provider_kafka_odps.core.journal.entry import Phase
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.window.bounds import At
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import (
    IntervalTaken,
    KafkaOdpsError,
    NeighboursDiffer,
    NoPreviousWindow,
    OffsetsExpired,
    PredecessorPending,
)


@dataclass(frozen=True, slots=True)
class Tiling:
    """What has to hold in every moment of a history of several runs, after every attempt, and at its end."""

    case: Runs
    world: SimulatedWorld

    def check_table(self) -> None:
        """Hold that no record is there twice, and that each run's window is there as a whole or not at all."""
        world = self.world
        spots = spots_in(world)
        if OLD_ROW not in world.table:
            raise BrokenPromise(f"a row of others is gone: {world.table}")
        windows = [recorded[-1] for recorded in world.windows.values()]
        # Of a run that was created again, there is more than one.
        recorded = {spot for each in world.windows.values() for window in each for spot in owed(world, window)}
        if spots - recorded:
            raise BrokenPromise(f"{spots - recorded} are in the table, and in no recorded window")
        for run, window in zip(world.windows, windows, strict=True):
            wanted = set(owed(world, window))
            if wanted & spots and wanted - spots:
                raise BrokenPromise(f"{wanted - spots} of the window of run {run} are not there: {world.table}")

    def check_attempt(self, ended: Receipt | BaseException | None) -> None:
        """Hold that an attempt of which Airflow hears did not claim what is not so."""
        if not isinstance(ended, Receipt):
            return
        wanted = set(owed(self.world, ended.window))
        if lacking := wanted - spots_in(self.world):
            raise BrokenPromise(f"success is claimed without {lacking}: {self.world.table}")
        if ended.rows != len(wanted):
            raise BrokenPromise(f"the receipt says {ended.rows} rows, not {len(wanted)}")

    def check_end(self, newest: Mapping[str, Receipt | BaseException | None], marked: set[str]) -> None:
        """Hold that each run ended well, or for a reason that the design names, and that the windows meet."""
        self.check_table()
        for run, ended in newest.items():
            match ended:
                case Receipt():
                    self.check_attempt(ended)
                case OffsetsExpired() if any(log.low for log in self.world.topic.logs.values()):
                    pass
                case NeighboursDiffer() if not ended.retry_helps and len(self.world.topic.logs) > 1:
                    pass  # Somebody has to look who loads the partition that was added.
                case NeighboursDiffer() if self.case.overlaps(run):
                    pass  # Its records are in the windows of others.
                case NoPreviousWindow() if self.case.renamed(run):
                    pass  # Somebody has to say where it goes on.
                case IntervalTaken() | PredecessorPending() if marked or self._failed(newest):
                    pass  # It waits for a run that somebody has to clear.
                case _ if run in marked:
                    pass  # Whoever marked it has the last word.
                case _:
                    raise BrokenPromise(f"run {run} did not end well: {type(ended).__name__}: {ended}")
        journals = self.world.journals
        self._check_seams({run for run, journal in journals.items() if journal["phase"] == Phase.COMMITTED})

    def _failed(self, newest: Mapping[str, Receipt | BaseException | None]) -> bool:
        return any(isinstance(ended, KafkaOdpsError) and not ended.retry_helps for ended in newest.values())

    def _check_seams(self, loaded: set[str]) -> None:
        runs = [run for run in self.case.runs if run.name in loaded]
        for before, after in self._neighbours(runs):
            ends = {each.partition: each.end for each in self._window(before).ranges}
            starts = {each.partition: each.start for each in self._window(after).ranges}
            for number in sorted(ends.keys() | starts.keys()):
                # A window that does not know a partition was planned before it was added, and has nothing of it.
                if ends.get(number, 0) != starts.get(number, 0):
                    raise BrokenPromise(
                        f"partition {number}: run {before.name} has loaded up to {ends.get(number)}, and run "
                        f"{after.name} from {starts.get(number)} on"
                    )

    def _neighbours(self, runs: list[Run]) -> Iterator[tuple[Run, Run]]:
        if self.case.chained:
            yield from pairwise(sorted(runs, key=lambda run: self._window(run).ranges))
            return
        for before in runs:
            for after in runs:
                if isinstance(before.end, At) and before.end == after.start:
                    yield before, after

    def _window(self, run: Run) -> Window:
        return self.world.windows[run.name][-1]
