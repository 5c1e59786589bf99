"""The service answers late, wrongly or not at all: the window is loaded once, or not at all and the error helps."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from itertools import product

import pytest
from delivery.conftest import MakeScene
from delivery.crash_points import KILL
from delivery.scene import WITHOUT_OFFSETS, Scene, together

from airflow_provider_kafka_odps.local.faults import Fault
from airflow_provider_kafka_odps.local.testing import (
    Corrupt,
    Delay,
    Drop,
    EndpointControl,
    Expire,
    ForceStatus,
    Moment,
    Operation,
    Refuse,
    RunningEndpoint,
    Slow,
    Truncate,
)

MODES = ("append", "overwrite")
CREATE, BLOCK = Operation.CREATE_UPLOAD, Operation.WRITE_BLOCK
COMMIT, STATUS = Operation.COMMIT_UPLOAD, Operation.RELOAD_UPLOAD
HARMLESS: list[Fault] = [
    Drop(Moment.BEFORE),
    Drop(Moment.AFTER),
    Refuse(429, "FlowExceeded", retry_after=0),
    Refuse(500, "InternalServerError"),
    Refuse(503),
    Truncate(0),
    Truncate(7),
    Delay(0.3),
    Slow(3.0),
]
IMPATIENT = {"total": 2.0, "connect": 2.0, "read": 2.0, "first_pause": 0.1, "longest_pause": 0.2}
LONGER = 4.0
"""Seconds that nobody waits who is so impatient; a service that is merely busy answers sooner."""


@pytest.fixture
def control(endpoint: RunningEndpoint) -> Iterator[EndpointControl]:
    """Return the endpoint's control without any fault, and forget all of them afterwards."""
    # A history under the scheduler, played before on the same endpoint, has had faults of its own.
    endpoint.control.clear()
    yield endpoint.control
    endpoint.control.clear()


@pytest.mark.parametrize("operation", [CREATE, BLOCK, COMMIT, STATUS])
def test_what_goes_wrong_once(make_scene: MakeScene, control: EndpointControl, operation: Operation) -> None:
    """One attempt gets over any fault that happens to one request, or to the one after it, too."""
    # Requests know no modes: each fault meets one of them, once or twice, and each operation begins elsewhere.
    kinds = [*product((1, 2), MODES)] * len(HARMLESS)
    first = list(Operation).index(operation)
    cases = [(make_scene(mode), fault, times) for fault, (times, mode) in zip(HARMLESS, kinds[first:], strict=False)]
    for scene, fault, times in cases:
        control.inject(operation, fault, table=scene.table, times=times)

    def load(scene: Scene, *_: object) -> None:
        scene.check_loaded_once(scene.attempt())

    together(load, cases)
    assert sum(len(state.fired) > 0 for state in control.faults()) == len(cases)


@pytest.mark.parametrize(
    "operation",
    [Operation.CREATE_INSTANCE, Operation.READ_INSTANCE, Operation.CREATE_DOWNLOAD, Operation.READ_ROWS],
)
def test_what_goes_wrong_with_a_statement(
    make_scene: MakeScene, control: EndpointControl, operation: Operation
) -> None:
    """Removing the window's rows and counting them gets over faults, if not in this attempt then in the next."""
    scene = make_scene(on_rerun="replace")
    scene.check_loaded_once(scene.attempt())
    for fault in (Drop(Moment.BEFORE), Drop(Moment.AFTER), Refuse(503), Truncate(7)):
        scene.clear()
        control.inject(operation, fault, times=2)
        for _ in range(4):
            ended = scene.attempt()
            if ended.receipt:
                break
            assert ended.retry_helps, ended
        assert any(state.fired for state in control.faults())
        control.clear()
        scene.check_loaded_once(ended)


@pytest.mark.parametrize(
    ("operation", "fault", "error"),
    [
        (CREATE, Refuse(503), "Unreachable"),
        (CREATE, Drop(Moment.AFTER), "Unreachable"),
        (BLOCK, Refuse(429, "FlowExceeded"), "UploadFailed"),
        (BLOCK, Drop(Moment.AFTER), "UploadFailed"),
        (BLOCK, Corrupt(40), "UploadFailed"),
        (BLOCK, Delay(LONGER), "UploadFailed"),
        (BLOCK, Expire(), "UploadFailed"),
        (COMMIT, Refuse(429, "FlowExceeded"), "CommitRejected"),
        (COMMIT, Drop(Moment.BEFORE), "CommitRejected"),
        (COMMIT, Drop(Moment.AFTER), None),
        (COMMIT, Truncate(3), None),
        (STATUS, Drop(Moment.BEFORE), "CommitPending"),
        (STATUS, Refuse(500, "InternalServerError"), "CommitPending"),
        (STATUS, ForceStatus("closing"), None),
        (STATUS, ForceStatus("committing"), None),
    ],
)
def test_what_goes_wrong_for_ever(
    make_scene: MakeScene, control: EndpointControl, operation: Operation, fault: Drop, error: str | None
) -> None:
    """The attempt fails in time with all or nothing visible, and the next one loads the same window once."""
    cases = [(make_scene(mode, commit_timeout=1),) for mode in MODES]
    for (scene,) in cases:
        scene.patience = IMPATIENT
        control.inject(operation, fault, table=scene.table, times=1_000)

    def fail(scene: Scene) -> None:
        ended = scene.attempt()
        if error is None:
            scene.check_loaded_once(ended)
        else:
            assert (ended.error, ended.retry_helps) == (error, True), ended
            scene.check_unchanged()

    def load(scene: Scene) -> None:
        scene.check_loaded_once(scene.attempt())

    together(fail, cases)
    control.clear()
    together(load, cases)


@pytest.mark.parametrize("status", ["closing", "committing", "unknown"])
def test_a_commit_that_takes_its_time(make_scene: MakeScene, control: EndpointControl, status: str) -> None:
    """While the session says that it is not decided yet, it is asked again, by the next attempt, too."""
    cases = [(make_scene(mode, commit_timeout=1),) for mode in MODES]
    for (scene,) in cases:
        control.inject(COMMIT, Drop(Moment.AFTER), table=scene.table)
        control.inject(STATUS, ForceStatus(status), table=scene.table, nth=2, times=1_000)

    def doubt(scene: Scene) -> None:
        ended = scene.attempt()
        assert (ended.error, ended.retry_helps) == ("CommitPending", True)
        again = scene.attempt()
        assert again.error == "CommitPending"

    def load(scene: Scene) -> None:
        control.inject(STATUS, ForceStatus(status), table=scene.table, times=3)
        scene.check_loaded_once(scene.attempt())

    together(doubt, cases)
    control.clear()
    together(load, cases)


def test_a_commit_that_lands_after_the_next(make_scene: MakeScene, control: EndpointControl) -> None:
    """A commit that nobody waits for any more, and that is applied after a second one, changes nothing."""
    cases = [(make_scene(mode),) for mode in MODES]
    for (scene,) in cases:
        scene.patience = IMPATIENT
        control.inject(COMMIT, Delay(LONGER), table=scene.table)

    def load(scene: Scene) -> None:
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        until(lambda: len(commits(control, ended.receipt)) >= 2)
        scene.check_loaded_once(ended)

    together(load, cases)


def test_a_commit_of_the_dead(make_scene: MakeScene, control: EndpointControl) -> None:
    """A commit whose sender was killed while it was under way lands before or after the next attempt's, once."""
    cases = [(make_scene(mode), delay) for mode in MODES for delay in (0.1, 0.5, 1.0)]

    def load(scene: Scene, delay: float) -> None:
        rule = control.inject(COMMIT, Delay(delay), table=scene.table)
        running = scene.start()
        until(lambda: any(state.fired for state in control.faults() if state.rule.number == rule.number))
        os.kill(running.pid, signal.SIGKILL)
        assert running.wait().killed
        ended = scene.attempt()
        scene.check_loaded_once(ended)
        until(lambda: any(rule.number in request.faults for request in control.requests(COMMIT)))
        scene.check_loaded_once(ended)

    together(load, cases)


EXPIRED = [
    # How the session expires: before its commit, or after it was committed and the answer was lost.
    ("before", "append", "CommitPending"),
    ("before", "overwrite", "CommitPending"),
    ("after", "append", None),
    ("after", "overwrite", None),
]


@pytest.mark.parametrize(("when", "mode", "error"), EXPIRED)
def test_a_session_that_expires(
    make_scene: MakeScene, control: EndpointControl, when: str, mode: str, error: str | None
) -> None:
    """The rows that are in the table, or the mode, tell what to do: nothing is guessed, nobody is asked."""
    scene = make_scene(mode)
    expire(scene, control, when)
    ended = scene.attempt()
    if error is None:
        scene.check_loaded_once(ended)
        return
    assert (ended.error, ended.retry_helps) == (error, True)
    scene.check_loaded_once(scene.attempt())


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_session_that_expires_and_rows_without_offsets(
    make_scene: MakeScene, control: EndpointControl, when: str
) -> None:
    """Nobody can say whether the rows are there: the task fails, says where to look and what to do, and stays so."""
    scene = make_scene(columns=WITHOUT_OFFSETS)
    expire(scene, control, when)
    for _ in range(2):
        ended = scene.attempt()
        assert (ended.error, ended.retry_helps) == ("CommitUnknown", False)
        journal = scene.journal()
        assert journal is not None
        assert f"Upload {journal['upload_id']} was being committed and is gone" in ended.text
        assert f"whether its 6 rows are in demo_project.{scene.table}. Look for them" in ended.text
        assert "Clear All Task State Store" in ended.text
        assert len(scene.rows()) == (7 if when == "after" else 1)


@pytest.mark.parametrize("point", ["commit", "save committed"])
@pytest.mark.parametrize("status", ["expired", "canceled", "critical"])
def test_killed_and_expired(make_scene: MakeScene, control: EndpointControl, point: str, status: str) -> None:
    """A session that ends before the next attempt can ask it: the rows are there or they are loaded, once."""
    cases = [(make_scene(mode),) for mode in MODES]

    def load(scene: Scene) -> None:
        assert scene.attempt({point: KILL}).killed
        journal = scene.journal()
        assert journal is not None
        control.force_status(journal["upload_id"], status)
        scene.check_loaded_once(scene.attempt())

    together(load, cases)


def expire(scene: Scene, control: EndpointControl, when: str) -> None:
    """Let the session of the next attempt expire before its commit, or after a commit whose answer is lost."""
    if when == "before":
        control.inject(COMMIT, Expire(), table=scene.table)
    else:
        control.inject(COMMIT, Drop(Moment.AFTER), table=scene.table)
        # The first question looks at the blocks before the commit.
        control.inject(STATUS, Expire(), table=scene.table, nth=2)


def commits(control: EndpointControl, receipt: object) -> list[object]:
    """Return the commits of a receipt's upload that the endpoint has seen the end of."""
    assert isinstance(receipt, dict)
    return [each for each in control.requests(COMMIT) if each.query.get("uploadid") == receipt["upload_id"]]


def until(condition: object) -> None:
    """Wait for a condition."""
    assert callable(condition)
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends, "the condition did not come about"
        time.sleep(0.02)
