"""The kinds of runs that a history happens to: neighbours in time, links of a chain, runs for the same interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import permutations
from random import Random

from simulation.play.steps import Entrance, Way

from airflow_provider_kafka_odps.core.window.bounds import AskedBound, At, Latest, Previous, SurveyBound

_MIDNIGHT = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp() * 1000)
_HOUR_MILLIS = 3_600_000


def stamp_of(hours: float) -> int:
    """Return so many hours after midnight, in milliseconds."""
    return _MIDNIGHT + round(hours * _HOUR_MILLIS)


@dataclass(frozen=True, slots=True)
class Run:
    """One DAG run, and what its task is to load."""

    name: str
    start: AskedBound
    end: SurveyBound
    task: str = "hourly.load"

    def __str__(self) -> str:
        task = "" if self.task == "hourly.load" else f" of {self.task}"
        return f"{self.name}{task} [{self.start}, {self.end})"


def hour(name: str, start: float, hours: float = 1) -> Run:
    """Return the run for an interval."""
    return Run(name, At(stamp_of(start)), At(stamp_of(start + hours)))


def link(name: str, task: str = "hourly.load") -> Run:
    """Return a run that goes on where the last one of its task ended."""
    return Run(name, Previous(), Latest(), task)


@dataclass(frozen=True, slots=True)
class Runs:
    """Several runs, and in which order their attempts start."""

    runs: tuple[Run, ...]
    entrances: tuple[Entrance, ...]
    stamps: tuple[float, ...] = (0.1, 1.1, 2.1)
    """The hours of the records that are there at first; one that arrives later is of the first half hour."""
    max_offsets: int | None = None

    @property
    def chained(self) -> bool:
        """Whether each goes on where the one before it ended."""
        return any(isinstance(run.start, Previous) for run in self.runs)

    def renamed(self, name: str) -> bool:
        """Tell whether a run's task has another name than that of the others."""
        names = {run.name: run.task.partition("[")[0] for run in self.runs}
        return any(other != names[name] for other in names.values())

    def overlaps(self, name: str) -> bool:
        """Tell whether a run's interval has a part of another one's, and is not the same."""
        mine = self.run(name)
        return any(_overlap(mine, other) for other in self.runs if (other.start, other.end) != (mine.start, mine.end))

    def run(self, name: str) -> Run:
        """Return the run of a name."""
        return next(run for run in self.runs if run.name == name)

    def __str__(self) -> str:
        more = "" if self.max_offsets is None else f", at most {self.max_offsets} offsets each"
        log = f"records at {', '.join(map(str, self.stamps)) or 'no'} hours"
        return f"{', '.join(map(str, self.runs))}{more}; {log}; {', then '.join(map(str, self.entrances))}"


def _overlap(one: Run, other: Run) -> bool:
    bounds = one.start, one.end, other.start, other.end
    if not all(isinstance(bound, At) for bound in bounds):
        return False
    begin, end, begins, ends = (bound.millis for bound in bounds if isinstance(bound, At))
    return max(begin, begins) < min(end, ends)


def entrances(text: str) -> tuple[Entrance, ...]:
    """Read attempts: a run and its way each.

    >>> [str(entrance) for entrance in entrances("a b a:retry")]
    ['run a: the run starts', 'run b: the run starts', 'run a: a retry']
    """
    parts = [part.partition(":") for part in text.split()]
    return tuple(Entrance(run, Way[way.upper()] if way else Way.FIRST) for run, _, way in parts)


_RETRIED = 0.3
_EDITED = 0.2
_CLICKED = 0.15
_NEIGHBOURS = (hour("a", 0), hour("b", 1))
_THREE = (*_NEIGHBOURS, hour("c", 2))
_SAME = (hour("a", 0), hour("b", 0))
_CHAIN = (link("a"), link("b"), link("c"))
_RENAMED = (link("a"), link("b", "hourly.other"))
_MAPPED = (link("a", "hourly.load[0]"), link("b", "hourly.load[1]"))


def drawn(random: Random) -> Runs:
    """Return a few hours in any order, with retries and clears between them."""
    runs = [hour(name, at) for at, name in enumerate("abcd"[: random.choice((2, 3, 4))])]
    if random.random() < _EDITED:
        # The schedule was edited, or somebody has triggered the DAG by hand.
        runs.append(hour("e", random.choice((0.5, 1, 1.5)), random.choice((1, 2))))
    steps = [f"{run.name}{way}" for run in random.sample(runs, len(runs)) for way in ("", ":retry")]
    kept = [step for step in steps if ":" not in step or random.random() < _RETRIED]
    # Clicks come when they come: on a run that has begun.
    for run in runs:
        if random.random() < _CLICKED:
            way = random.choice((Way.CLEAR, Way.AGAIN, Way.AGAIN_AND_CLEARED))
            kept.insert(random.randint(kept.index(run.name) + 1, len(kept)), f"{run.name}:{way.name}")
    stamps = sorted(random.choices(range(len(runs)), k=random.randrange(4)))
    return Runs(tuple(runs), entrances(" ".join(kept)), tuple(at + 0.1 for at in stamps))


def two_attempts() -> list[Runs]:
    """Return runs with two disturbed attempts in all."""
    return [
        *[Runs(_NEIGHBOURS, entrances(order), stamps) for order in ("a b", "b a") for stamps in ((), (0.1, 1.1))],
        Runs(_SAME, entrances("a b")),
        *[Runs(_SAME[:1], entrances(f"a a:{way}")) for way in ("again", "retry", "clear")],
        *[Runs(_CHAIN, entrances("a b"), max_offsets=most) for most in (None, 1)],
        *[Runs(links, entrances("a b")) for links in (_RENAMED, _MAPPED)],
    ]


def three_attempts() -> list[Runs]:
    """Return runs with three disturbed attempts in all."""
    return [
        *[Runs(_THREE, entrances(" ".join(order))) for order in permutations("abc")],
        *[
            Runs(_NEIGHBOURS, entrances(order))
            for order in ("a b a:retry", "a b b:retry", "b a b:retry", "a a:clear b")
        ],
        *[Runs(_SAME, entrances(order)) for order in ("a b a:clear", "a b b:retry", "a a:retry b", "a a:again b")],
        Runs(_SAME[:1], entrances("a a:again a:retry")),
        *[Runs(_CHAIN, entrances(order), max_offsets=1) for order in ("a b c", "a a:retry b", "a b a:clear")],
    ]
