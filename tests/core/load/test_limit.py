"""The last line of a load: which resource limited it, and what would help, for every case that there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kafka_odps.core.accounting.speed import Speed
from airflow_provider_kafka_odps.core.load.limit import Measured, limit_of

MB = 1_000_000
EIGHT = Speed(lanes=8, elapsed=100.0, cpu=60.0, cores=4)
"""Eight lanes for 100 seconds: 800 seconds of lanes."""
STAGES = ("queue", "wait", "decode", "project", "pack", "write", "throttle", "pause", "prepare", "commit")


def measured(
    seconds: Mapping[str, float],
    speed: Speed = EIGHT,
    size: int = 8_000 * MB,
    span: int = 40_000_000,
    workers: int = 1,
) -> Measured:
    """Return a load of 8 GB, but for what is given."""
    return Measured(
        seconds={"prepare": 1.0, "commit": 1.0, **seconds}, speed=speed, size=size, span=span, workers=workers
    )


KAFKA = {"wait": 560.0, "decode": 60.0, "project": 60.0, "pack": 20.0, "write": 100.0}
SERVICE = {"wait": 40.0, "decode": 60.0, "project": 60.0, "pack": 40.0, "write": 600.0}
MAKING = {"wait": 40.0, "decode": 200.0, "project": 400.0, "pack": 60.0, "write": 100.0}
EVEN = {"wait": 300.0, "decode": 60.0, "project": 80.0, "pack": 60.0, "write": 300.0}
THROTTLED = {**SERVICE, "write": 100.0, "throttle": 500.0}
PAUSED = {**SERVICE, "write": 100.0, "pause": 500.0}
CASES: list[tuple[str, Measured, str, str]] = [
    (
        "Kafka is slow",
        measured(KAFKA),
        "Kafka, or the network to it, answered slowly: the lanes waited for it 70 % of their time, and got 10 MB/s",
        "concurrency=16 needs max_memory of 340MB",
    ),
    (
        "Kafka is slow, and the window has no more lanes",
        measured(KAFKA, size=130 * MB),
        "Kafka, or the network to it",
        "For more lanes the window has too few bytes",
    ),
    (
        "the service takes what it is documented to take",
        measured(SERVICE, size=7_840 * MB),
        "MaxCompute took 9.8 MB/s of each block, and the lanes waited for it 75 % of their time; its documented",
        "concurrency=16 needs max_memory of 340MB",
    ),
    (
        "the same, though making rows takes nearly as long",
        measured({**MAKING, "write": 400.0}, replace(EIGHT, elapsed=137.5), size=10_780 * MB),
        "MaxCompute took 9.8 MB/s of each block",
        "concurrency=16",
    ),
    (
        "the same by two processes",
        measured(SERVICE, replace(EIGHT, lanes=16, elapsed=50.0), size=7_840 * MB, workers=2),
        "MaxCompute took 9.8 MB/s",
        "concurrency=16",
    ),
    (
        "the service takes less than that",
        measured(SERVICE, size=2_400 * MB),
        "MaxCompute took 3.0 MB/s of each block",
        "so the network to it may be slow (a compression needs less of it), or others use the quota. More lanes",
    ),
    (
        "the service takes more than that, and is still what is waited for",
        measured(SERVICE, size=80_000 * MB),
        "MaxCompute took 100 MB/s of each block, and the lanes waited for it 75 % of their time; its documented pace",
        "10 MB/s. More lanes wait at the same time: concurrency=16",
    ),
    (
        "it takes more than that, and is waited for as long as Kafka",
        measured(EVEN, size=80_000 * MB),
        "nothing stood out",
        "making rows",
    ),
    (
        "a window of a few blocks at the service's pace",
        measured({"write": 90.0, "project": 10.0}, Speed(lanes=4, elapsed=25.0), size=67 * MB * 15),
        "its documented pace is 10 MB/s",
        "concurrency=8 needs max_memory of",
    ),
    (
        "all cores are busy",
        measured(MAKING, replace(EIGHT, cpu=190.0, cores=2)),
        "the processor: 1.9 of 2 cores were busy (decode 25 %, project 50 %, pack 8 % of the lanes' time)",
        "More cores, or fewer and simpler columns, are faster; more lanes are not",
    ),
    (
        "all cores are busy, and lanes wait for them",
        measured({**MAKING, "queue": 200.0}, replace(EIGHT, cpu=195.0, cores=2)),
        "the processor: 1.9 of 2 cores were busy (queue 20 %, decode 20 %, project 40 %, pack 6 % of the lanes' time)",
        "more lanes are not",
    ),
    (
        "the only core is busy",
        measured(MAKING, replace(EIGHT, cpu=97.0, cores=1)),
        "the processor: the only core was busy",
        "More cores",
    ),
    (
        "one process is busy on many cores",
        measured(MAKING, replace(EIGHT, cpu=98.0)),
        "the processor: 1 of 4 cores was busy, and a process runs Python on one at a time",
        "workers=4 uses more of them",
    ),
    (
        "the same, of a window that is too small for workers",
        measured(MAKING, replace(EIGHT, cpu=98.0), span=7_000_000),
        "the processor: 1 of 4 cores was busy",
        "For further workers the window has too few offsets: 4000000 are worth one",
    ),
    (
        "two processes are busy",
        measured(MAKING, replace(EIGHT, cpu=190.0, cores=8), workers=2),
        "the processor: 2 of 8 cores were busy",
        "workers=8 uses more of them",
    ),
    (
        "the user's own limit",
        measured(THROTTLED, size=2_000 * MB),
        "max_bytes_per_second: the lanes waited for it 62 % of their time, at 20 MB/s in all",
        "A higher one, or none, is faster",
    ),
    (
        "the service has asked for less",
        measured(PAUSED, replace(EIGHT, refused=12)),
        "MaxCompute asked for less 12 times (429, or a quota that is used up): the lanes waited for their turn 62 %",
        "a tunnel quota of its own (quota_name) help; more lanes do not",
    ),
    (
        "it has asked once",
        measured(PAUSED, replace(EIGHT, refused=1)),
        "MaxCompute asked for less once",
        "another time of the day",
    ),
    (
        "connections broke",
        measured(PAUSED),
        "requests to MaxCompute failed and were sent again: the lanes waited for that 62 % of their time",
        "the network to it",
    ),
    (
        "a small window",
        measured({"wait": 0.1, "write": 0.1, "commit": 0.6}, Speed(lanes=1, elapsed=0.2), size=1 * MB),
        "the window is small: reading and writing took 0.2 s, planning and opening the upload 1.0 s, the commit 0.6 s",
        "Larger and fewer windows",
    ),
    (
        "a commit that takes longer than a large window",
        measured({**EVEN, "commit": 200.0}),
        "what comes before the first block and after the last one: reading and writing took 100.0 s",
        "the commit 200.0 s. More lanes change nothing",
    ),
    (
        "nothing stands out",
        measured(EVEN, size=4_000 * MB),
        "of the lanes' time, 38 % was waiting for Kafka, 38 % sending to MaxCompute, 25 % making rows",
        "0.6 of 4 cores were busy",
    ),
    (
        "a refusal that cost nothing",
        measured(EVEN, replace(EIGHT, refused=1), size=4_000 * MB),
        "nothing stood out",
        "making rows",
    ),
    (
        "nothing is known of processors",
        measured(MAKING, replace(EIGHT, cpu=0.0, cores=0)),
        "nothing stood out: of the lanes' time, 5 % was waiting for Kafka, 12 % sending to MaxCompute, 82 %",
        "making rows",
    ),
]


@pytest.mark.parametrize(("load", "seen", "helps"), [each[1:] for each in CASES], ids=[each[0] for each in CASES])
def test_the_line_says_what_was_seen_and_what_helps(load: Measured, seen: str, helps: str) -> None:
    """Each resource that can be the limit, the limits that somebody has asked for, and that there was none."""
    said = limit_of(load)
    assert said is not None
    assert seen in said
    assert helps in said


def test_of_nothing_nothing_is_said() -> None:
    """A window without an offset has no lanes, and no limit."""
    assert limit_of(measured({}, Speed(), size=0)) is None


@given(
    spent=st.lists(st.floats(0, 1e6), min_size=len(STAGES), max_size=len(STAGES)),
    speed=st.builds(
        Speed,
        lanes=st.integers(0, 64),
        elapsed=st.floats(0, 1e6),
        cpu=st.floats(0, 1e6),
        cores=st.integers(0, 64),
        refused=st.integers(0, 9),
    ),
    size=st.integers(0, 10**13),
    span=st.integers(0, 10**12),
    workers=st.integers(1, 64),
)
def test_whatever_was_measured_there_is_one_line(
    spent: list[float], speed: Speed, size: int, span: int, workers: int
) -> None:
    """It never fails a load that is committed, and a concurrency that it names is more than there was."""
    load = Measured(seconds=dict(zip(STAGES, spent, strict=True)), speed=speed, size=size, span=span, workers=workers)
    said = limit_of(load) or ""
    assert "\n" not in said
    if "concurrency=" in said:
        assert int(said.partition("concurrency=")[2].split()[0]) > speed.lanes // workers
