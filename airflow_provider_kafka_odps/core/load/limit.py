"""Which resource limited a load, and what would help: said from what was measured, and no more than that shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_kafka_odps.core.accounting.speed import AROUND, Speed
from airflow_provider_kafka_odps.core.load.resources import MOST_WORKERS, least_memory, worthwhile_lanes
from airflow_provider_kafka_odps.core.load.shares import LEAST_SPAN

_MOST_OF = 0.5
"""Of the lanes' time: what takes less of it is not what they wait for."""


_HELD = 0.3
"""The same of waits that somebody has asked for, the user or the service: what else there is comes behind them."""


_BUSY = 0.85
"""Of a core: one that is busy all the time is measured at less, for lanes begin and end."""


_MAKING = ("queue", "decode", "project", "pack")


_PACE, _NEARLY = 10_000_000, 0.8
"""Bytes per second that MaxCompute is documented to take of one block, and how near to it that is what is seen."""


_SMALL = 64_000_000
"""Bytes of a window that is one block of the recommended size, or less."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a load once it is committed."""

    seconds: Mapping[str, float]
    """Per stage, of all lanes together."""
    speed: Speed
    size: int
    """Bytes of rows."""
    span: int
    """Offsets of the window."""
    workers: int
    """How many processes have loaded it."""

    def share(self, *stages: str) -> float:
        """Return which part of the lanes' time some stages took."""
        spent = sum(self.seconds.get(stage, 0.0) for stage in stages)
        return spent / self.lane_seconds if self.lane_seconds > 0 else 0.0

    @property
    def lane_seconds(self) -> float:
        """Seconds of all lanes."""
        return sum(spent for stage, spent in self.seconds.items() if stage not in AROUND)

    @property
    def pace(self) -> float:
        """Bytes per second of the whole load, from its first to its last block."""
        return self.size / self.speed.elapsed if self.speed.elapsed > 0 else 0.0

    @property
    def lane_pace(self) -> float:
        """Bytes per second of one lane, while it has a block."""
        return self.size / self.lane_seconds if self.lane_seconds > 0 else 0.0

    @property
    def busy(self) -> float:
        """How many cores were busy."""
        return self.speed.cpu / self.speed.elapsed if self.speed.elapsed > 0 else 0.0


def limit_of(load: Measured) -> str | None:
    """Return what limited a load and what would help, in words; None where nothing was loaded."""
    if load.lane_seconds <= 0:
        return None
    for look in (_around, _held_back, _processor, _kafka, _maxcompute):
        if said := look(load):
            return said
    making, busy = load.share(*_MAKING), _cores(load)
    return (
        f"nothing stood out: of the lanes' time, {_part(load.share('wait'))} was waiting for Kafka, "
        f"{_part(load.share('write'))} sending to MaxCompute, {_part(making)} making rows{busy}"
    )


def _around(load: Measured) -> str | None:
    prepare, commit = (load.seconds.get(stage, 0.0) for stage in ("prepare", "commit"))
    if prepare + commit <= load.speed.elapsed:
        return None
    took = (
        f"reading and writing took {_seconds(load.speed.elapsed)}, planning and opening the upload "
        f"{_seconds(prepare)}, the commit {_seconds(commit)}"
    )
    if load.size < _SMALL:
        return f"the window is small: {took}. Larger and fewer windows cost less per row; more lanes change nothing"
    return f"what comes before the first block and after the last one: {took}. More lanes change nothing"


def _held_back(load: Measured) -> str | None:
    pause, throttle = load.share("pause"), load.share("throttle")
    if throttle >= _HELD and throttle >= pause:
        return (
            f"max_bytes_per_second: the lanes waited for it {_part(throttle)} of their time, at {_mb(load.pace)} in "
            "all. A higher one, or none, is faster"
        )
    if pause < _HELD:
        return None
    if load.speed.refused:
        times = "once" if load.speed.refused == 1 else f"{load.speed.refused} times"
        return (
            f"MaxCompute asked for less {times} (429, or a quota that is used up): the lanes waited for their turn "
            f"{_part(pause)} of their time. Fewer loads at once, another time of the day or a tunnel quota of its own "
            "(quota_name) help; more lanes do not"
        )
    return (
        f"requests to MaxCompute failed and were sent again: the lanes waited for that {_part(pause)} of their time. "
        "Look at the network to it"
    )


def _processor(load: Measured) -> str | None:
    cores, making = load.speed.cores, load.share(*_MAKING)
    if not cores or not load.speed.cpu:
        return None
    stages = ", ".join(f"{stage} {_part(load.share(stage))}" for stage in _MAKING if load.seconds.get(stage))
    if load.busy >= _BUSY * cores:
        are = "the only core was busy" if cores == 1 else f"{load.busy:.1f} of {cores} cores were busy"
        return (
            f"the processor: {are} ({stages} of the lanes' time). More cores, or fewer and simpler columns, are "
            "faster; more lanes are not"
        )
    if load.busy < _BUSY * load.workers or making < _MOST_OF:
        return None
    told = (
        f"the processor: {load.workers} of {cores} cores {'was' if load.workers == 1 else 'were'} busy, and a process "
        f"runs Python on one at a time ({stages} of the lanes' time)"
    )
    worth = min(cores, MOST_WORKERS, load.span // LEAST_SPAN)
    if worth > load.workers:
        return f"{told}. workers={worth} uses more of them"
    return f"{told}. For further workers the window has too few offsets: {LEAST_SPAN} are worth one"


def _kafka(load: Measured) -> str | None:
    waited = load.share("wait")
    if waited < _MOST_OF:
        return None
    return (
        f"Kafka, or the network to it, answered slowly: the lanes waited for it {_part(waited)} of their time, and got "
        f"{_mb(load.lane_pace)} of rows each. {_more_lanes(load)}"
    )


def _maxcompute(load: Measured) -> str | None:
    wrote, part = load.share("write"), load.lane_pace / _PACE
    at_its_pace = _NEARLY <= part <= 1 / _NEARLY
    if wrote < (_HELD if at_its_pace else _MOST_OF):
        return None
    took = (
        f"MaxCompute took {_mb(load.lane_pace)} of each block, and the lanes waited for it {_part(wrote)} of their "
        f"time; its documented pace is {_mb(_PACE)}"
    )
    if part < _NEARLY:
        took += ", so the network to it may be slow (a compression needs less of it), or others use the quota"
    return f"{took}. {_more_lanes(load)}"


def _more_lanes(load: Measured) -> str:
    """Return whether more lanes would help, and what they need."""
    now = max(1, load.speed.lanes // load.workers)
    more = min(2 * now, worthwhile_lanes(load.size) // load.workers)
    if more <= now:
        return "For more lanes the window has too few bytes"
    return (
        f"More lanes wait at the same time: concurrency={more} needs max_memory of {-(-least_memory(more) // 10**6)}MB"
    )


def _cores(load: Measured) -> str:
    known = load.speed.cores and load.speed.cpu
    return f", and {load.busy:.1f} of {load.speed.cores} cores were busy" if known else ""


def _part(share: float) -> str:
    return f"{100 * share:.0f} %"


def _seconds(spent: float) -> str:
    return f"{spent:.1f} s"


def _mb(rate: float) -> str:
    """Return a pace as people write it.

    >>> _mb(9_840_000), _mb(10_000_000), _mb(123_456_789)
    ('9.8 MB/s', '10 MB/s', '123 MB/s')
    """
    number = rate / 10**6
    return f"{number:.1f} MB/s" if number < 10 and round(number, 1) != 10 else f"{number:.0f} MB/s"  # noqa: PLR2004
