"""A service that asks for less: it is tried again within the same deadlines, and whoever wants to know hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest
from kit.scripted_hook import PATIENCE, TABLE, MakeHook
from kit.scripted_service import DROP, SESSION, Reply, ScriptedService
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload
from airflow_provider_kafka_odps.exceptions import Unreachable, UploadFailed

BATCH = pa.record_batch({"a": pa.array([1, 2], pa.int64())})
TENANT = Reply(200, {"Tenant": {}})


def no(status: int, code: str) -> Reply:
    """Return an error of the service."""
    return Reply(status, {"Code": code, "Message": "the words"})


class Gate:
    """Gives slots, each after some seconds; it knows how many are taken."""

    def __init__(self, clock: HandClock, seconds: float = 0.0) -> None:
        self._clock, self._seconds = clock, seconds
        self.given = self.taken = 0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Let time pass, and give one."""
        self._clock.sleep(self._seconds)
        self.given, self.taken = self.given + 1, self.taken + 1
        try:
            yield
        finally:
            self.taken -= 1

    def packed(self, seconds: float) -> None:
        """Let it be."""


@pytest.mark.parametrize("code", ["FlowExceeded", "SlotExceeded", "QPSExceeded", "RequestQuotaExceeded"])
def test_each_request_of_a_session_is_told_of(service: ScriptedService, make_hook: MakeHook, code: str) -> None:
    """Opening it, a block and its commit; by the status or by the code, which may come with another one."""
    heard: list[str] = []
    service.replies = [TENANT, no(429, code), Reply(200, SESSION)]
    upload = make_hook(service.url, on_refused=heard.append).open_upload(TABLE)
    assert len(heard) == 1
    service.seen.clear()
    service.replies = [no(429, code), no(403, code), Reply(503), Reply(200)]
    upload.write_block(0, [BATCH])
    assert len(heard) == 3
    service.seen.clear()
    service.replies = [Reply(200, SESSION), no(429, code)]
    with pytest.raises(Unreachable):
        upload.commit(2)
    assert len(heard) == 4
    assert {each.partition(" (")[0] for each in heard} == {f"{code}: the words"}


def test_what_is_no_request_of_the_tunnel_is_not_told_of(service: ScriptedService, make_hook: MakeHook) -> None:
    """A statement that is refused has another quota, of which fewer blocks leave no more."""
    heard: list[str] = []
    service.replies = [no(429, "FlowExceeded"), TENANT, no(404, "NoSuchTable")]
    assert make_hook(service.url, on_refused=heard.append).describe(TABLE) is None
    assert (heard, len(service.seen)) == ([], 3)


def test_nobody_has_to_hear_of_it(service: ScriptedService, upload: OdpsUpload) -> None:
    """A hook that is used by itself tries again, as it does after other refusals."""
    service.replies = [no(429, "FlowExceeded"), Reply(200)]
    assert upload.write_block(0, [BATCH]) == len(service.seen[-1].body)


def test_each_try_has_a_slot_and_gives_it_back(service: ScriptedService, upload: OdpsUpload, clock: HandClock) -> None:
    """While a block waits for its next try, another one may be written in its place."""
    gate = Gate(clock)
    taken: list[int] = []
    service.replies = [no(429, "FlowExceeded"), DROP, Reply(200)]
    sleep = clock.sleep

    def asleep(seconds: float) -> None:
        taken.append(gate.taken)
        sleep(seconds)

    clock.sleep = asleep  # type: ignore[method-assign]  # what is taken during a pause
    upload.write_block(0, [BATCH], gate)
    assert (gate.given, gate.taken, set(taken)) == (3, 0, {0})


def test_waiting_for_a_slot_does_not_count(service: ScriptedService, upload: OdpsUpload, clock: HandClock) -> None:
    """A block that waits for others is not late: it has as long for its rows as without them."""
    service.replies = [no(429, "FlowExceeded"), Reply(200)]
    upload.write_block(0, [BATCH], Gate(clock, seconds=2 * PATIENCE.total))
    assert clock.seconds >= 4 * PATIENCE.total


def test_a_service_that_never_takes_a_block_fails_it_in_time(
    service: ScriptedService, upload: OdpsUpload, clock: HandClock
) -> None:
    """Pauses count, though slots do not: the deadline of a block is what it was."""
    service.replies = [no(429, "FlowExceeded")]
    with pytest.raises(UploadFailed, match="FlowExceeded"):
        upload.write_block(0, [BATCH], Gate(clock))
    assert 0 < clock.seconds <= PATIENCE.total
