"""The kinds of loads that a history of one run happens to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import cycle, product

from simulation.outside.filters import Keep
from simulation.play.steps import Entrance, Way

from airflow_provider_kafka_odps.core.options import Mode, OnDataLoss, OnRerun


class Unfit(StrEnum):
    """Whether the window's first record fits the table; one that does not is a reject."""

    NEVER = "all records fit"
    ALWAYS = "one record is rejected"
    AT_FIRST = "the first attempt rejects one record, and the mapping is fixed then"


class Columns(StrEnum):
    """Whether partition and offset are columns of the table."""

    ALWAYS = "with offset columns"
    NEVER = "without offset columns"
    LATER = "the first attempt has no offset columns, and they are added then"


class Where(StrEnum):
    """Which records are wanted, by the first attempt and by the others: a filter may be edited between them."""

    EVERYWHERE = "no filter"
    THE_SAME = "a filter"
    ADDED = "the first attempt has no filter, and one is added then"
    REMOVED = "the first attempt has a filter, which is removed then"
    ANOTHER = "the first attempt has a filter, and another one then"
    REJECTS = "a filter that cannot tell of one record, which is rejected"
    LEAVES_OUT = "a filter that cannot tell of one record, which is left out"

    @property
    def keeps(self) -> tuple[Keep, Keep]:
        """What the first attempt wants, and what the others do."""
        return _KEEPS[self]


_KEEPS = {
    Where.EVERYWHERE: (Keep.ALL, Keep.ALL),
    Where.THE_SAME: (Keep.ODD, Keep.ODD),
    Where.ADDED: (Keep.ALL, Keep.ODD),
    Where.REMOVED: (Keep.ODD, Keep.ALL),
    Where.ANOTHER: (Keep.EVEN, Keep.ODD),
    Where.REJECTS: (Keep.TELLING, Keep.TELLING),
    Where.LEAVES_OUT: (Keep.TELLING_ONLY, Keep.TELLING_ONLY),
}


@dataclass(frozen=True, slots=True)
class Case:
    """The load that a history happens to."""

    mode: Mode
    on_rerun: OnRerun
    ways: tuple[Way, ...]
    """Why the second, the third … attempt starts; there are no more than these before the faults end."""
    columns: Columns = Columns.ALWAYS
    log: str = "rr"
    """What is in the topic at first, a letter of ``Kind`` per offset."""
    unfit: Unfit = Unfit.NEVER
    on_data_loss: OnDataLoss = OnDataLoss.FAIL
    compacted: bool = False
    workers: int = 1
    lanes: int = 0
    where: Where = Where.EVERYWHERE
    routed: bool = False
    """Whether rows are staged, and moved into their partitions by a statement."""

    @property
    def entrances(self) -> tuple[Entrance, ...]:
        """The attempts that are disturbed."""
        return tuple(Entrance("a", way) for way in (Way.FIRST, *self.ways))

    @property
    def rejected(self) -> str | None:
        """The column of the first record's reject, which it is for some attempts at least; None: it is never one."""
        if self.where is Where.REJECTS:
            return "where"
        return None if self.unfit is Unfit.NEVER else "v"

    def __str__(self) -> str:
        ways = ", then ".join(self.ways)
        more = [
            *(["compacted"] if self.compacted else []),
            *([f"on_data_loss={self.on_data_loss}"] if self.on_data_loss is OnDataLoss.SKIP else []),
            *([f"{self.workers} workers"] if self.workers > 1 else []),
            *([f"{self.lanes} lanes"] if self.lanes else []),
            *(["routed"] if self.routed else []),
            *([str(self.where)] if self.where is not Where.EVERYWHERE else []),
            *([str(self.unfit)] if self.unfit is not Unfit.NEVER else []),
        ]
        run = f"log {self.log!r}, {self.mode}, on_rerun={self.on_rerun}, {self.columns}"
        return ", ".join([run, *more, f"then {ways}"])


_KINDS = [
    *[(Mode.APPEND, on_rerun, Columns.ALWAYS) for on_rerun in OnRerun],
    # `replace` is refused up front where rows cannot be found; overwrite never looks for rows.
    *[(Mode.APPEND, on_rerun, Columns.NEVER) for on_rerun in OnRerun if on_rerun is not OnRerun.REPLACE],
    *[(Mode.APPEND, on_rerun, Columns.LATER) for on_rerun in OnRerun],
    *[(Mode.OVERWRITE, on_rerun, Columns.NEVER) for on_rerun in OnRerun],
]
_GAPS = ("rcra", "rnr", "nrr", "c")
"""A committed and an aborted transaction; a hole in the middle, and one at the start; nothing but a marker."""


def cases(attempts: int, unfits: Sequence[Unfit] = tuple(Unfit)) -> list[Case]:
    """Return every kind of load of a plain log, with up to so many disturbed attempts."""
    return [
        Case(mode, on_rerun, ways, columns, log, unfit)
        for (mode, on_rerun, columns), ways, log, unfit in product(
            _KINDS, product((Way.RETRY, Way.CLEAR), repeat=attempts - 1), ("rr", ""), unfits
        )
        # What a rerun does makes no difference to those that nobody clears.
        if (Way.CLEAR in ways or on_rerun is OnRerun.KEEP)
        # Without records there are no rejects; overwrite replaces whatever it is that the user wants.
        and (unfit is Unfit.NEVER or (log and (mode, on_rerun) != (Mode.OVERWRITE, OnRerun.REPLACE)))
    ]


def cases_of_gaps(attempts: int) -> list[Case]:
    """Return loads of logs in which not every offset has a record, or loses it meanwhile."""
    kinds = [
        (Mode.APPEND, OnRerun.KEEP, Columns.ALWAYS),
        (Mode.APPEND, OnRerun.REPLACE, Columns.ALWAYS),
        (Mode.OVERWRITE, OnRerun.KEEP, Columns.NEVER),
    ]
    return [
        Case(mode, on_rerun, ways, columns, log, on_data_loss=on_data_loss, compacted=compacted)
        for (mode, on_rerun, columns), ways, log, on_data_loss, compacted in product(
            kinds, product((Way.RETRY, Way.CLEAR), repeat=attempts - 1), (*_GAPS, "rr"), OnDataLoss, (False, True)
        )
        if (Way.CLEAR in ways or on_rerun is OnRerun.KEEP)
        # A plain log that nothing happens to is played already; a policy makes a difference where nothing is there.
        and (log != "rr" or on_data_loss is OnDataLoss.SKIP or compacted)
        and (not compacted or log in {"rr", "rnr", "nrr"})
    ]


def cases_of_workers(attempts: int) -> list[Case]:
    """Return loads that are shared out to two processes."""
    kinds = [(Mode.APPEND, OnRerun.KEEP, Columns.ALWAYS), (Mode.OVERWRITE, OnRerun.KEEP, Columns.NEVER)]
    return [
        Case(mode, on_rerun, ways, columns, "rrrcrr", workers=2)
        for (mode, on_rerun, columns), ways in product(kinds, product((Way.RETRY, Way.CLEAR), repeat=attempts - 1))
    ]


def cases_of_lanes(attempts: int) -> list[Case]:
    """Return loads of several blocks, of which two are read and written at the same time."""
    kinds = [
        (Mode.APPEND, Columns.ALWAYS, "rrrr", False),
        (Mode.OVERWRITE, Columns.NEVER, "rrrr", False),
        (Mode.APPEND, Columns.NEVER, "rrrr", True),
        (Mode.APPEND, Columns.ALWAYS, "rrcra", False),
    ]
    return [
        Case(mode, OnRerun.KEEP, ways, columns, log, compacted=compacted, lanes=2)
        for (mode, columns, log, compacted), ways in product(
            kinds, product((Way.RETRY, Way.CLEAR), repeat=attempts - 1)
        )
    ]


def cases_of_routed(attempts: int) -> list[Case]:
    """Return loads whose rows are staged first."""
    kinds = [
        *[(Mode.APPEND, on_rerun, Columns.ALWAYS) for on_rerun in OnRerun],
        *[(mode, OnRerun.KEEP, Columns.NEVER) for mode in Mode],
        (Mode.OVERWRITE, OnRerun.KEEP, Columns.ALWAYS),
    ]
    return [
        Case(mode, on_rerun, ways, columns, log, unfit, routed=True)
        for (mode, on_rerun, columns), ways, log, unfit in product(
            kinds, product((Way.RETRY, Way.CLEAR), repeat=attempts - 1), ("rr", ""), (Unfit.NEVER, Unfit.AT_FIRST)
        )
        if (Way.CLEAR in ways or on_rerun is OnRerun.KEEP) and (log or unfit is Unfit.NEVER)
    ]


def with_filters(cases: Sequence[Case]) -> list[Case]:
    """Return the same cases, every other one with a filter, in place of others and not in addition to them."""
    wheres = cycle([each for where in Where if where is not Where.EVERYWHERE for each in (Where.EVERYWHERE, where)])
    return [filtered(case, where) for case, where in zip(cases, wheres, strict=False)]


def filtered(case: Case, where: Where) -> Case:
    """Return a case with a filter, where there is something to be left out, and no other reject than the filter's."""
    # Only a record that is there, and stays, is a reject for sure.
    rejected = where is Where.REJECTS and (case.compacted or not case.log.startswith("r"))
    return case if not case.log or case.unfit is not Unfit.NEVER or rejected else replace(case, where=where)
