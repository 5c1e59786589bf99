"""The sections of an attempt, in the order in which somebody who looks on sees them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from core.delivery.test_transfer import ORDER, crashed
from core.world import World, attempt_at

from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
from airflow_provider_kafka_odps.core.delivery.sections import Known, Section
from airflow_provider_kafka_odps.core.delivery.transfer import transfer
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.upload import UploadStatus
from airflow_provider_kafka_odps.exceptions import Cancelled

PLAN, LOAD, COMMIT, RECONCILE = Section


@dataclass
class Seen:
    """What somebody who looks on has seen."""

    sections: list[Section | None] = field(default_factory=list)
    known: dict[Section | None, Known] = field(default_factory=dict)

    def begin(self, section: Section, known: Known | None = None) -> None:
        """Note the section, and what is known of it."""
        if self.sections[-1:] != [section]:
            self.sections.append(section)
        if known is not None:
            self.tell(known)

    def tell(self, known: Known) -> None:
        """Note what is known of it by now."""
        self.known[self.sections[-1]] = known

    def end(self, error: BaseException | None = None) -> None:
        """Note that none is open."""
        assert error is None
        if self.sections[-1:] != [None]:
            self.sections.append(None)


def watched(attempt: Attempt) -> tuple[Attempt, Seen]:
    """Return an attempt with somebody who looks on."""
    seen = Seen()
    return replace(attempt, ports=replace(attempt.ports, sections=seen)), seen


def test_a_load_goes_through_all_of_them() -> None:
    """What is in none is what the log says of the rows, and of the speed; each knows more than the one before."""
    world = World()
    attempt, seen = watched(attempt_at(world, Mode.APPEND, by_rows=True, after_commit=True))
    receipt = transfer(attempt)
    assert seen.sections == [PLAN, LOAD, COMMIT, None, RECONCILE, None]
    assert seen.known[COMMIT] == replace(receipt, reconciled=None)
    assert seen.known[RECONCILE] == receipt


def test_a_kept_rerun_looks_and_compares() -> None:
    """Nothing is loaded, so there is no section for it."""
    world = World()
    transfer(attempt_at(world, Mode.APPEND, by_rows=True, after_commit=True))
    attempt, seen = watched(attempt_at(world, Mode.APPEND, by_rows=True, after_commit=True))
    transfer(attempt)
    assert seen.sections == [PLAN, None, RECONCILE, None]


@pytest.mark.parametrize(
    ("status", "sections"),
    [
        (UploadStatus.NORMAL, [PLAN, COMMIT, None, RECONCILE, None]),
        (UploadStatus.GONE, [PLAN, COMMIT, LOAD, COMMIT, None, RECONCILE, None]),
    ],
)
def test_what_is_in_doubt_is_settled_in_the_section_of_the_commit(
    status: UploadStatus, sections: list[Section | None]
) -> None:
    """Where nothing of the upload is left, the load begins again behind it."""
    world = World()
    world.crash_after = ORDER.index("save committing")
    assert crashed(world, Mode.APPEND, by_rows=True)
    world.sessions["u1"].status = status
    attempt, seen = watched(attempt_at(world, Mode.APPEND, by_rows=True, after_commit=True))
    transfer(attempt)
    assert seen.sections == sections


def test_a_load_that_is_stopped_stays_in_its_section() -> None:
    """Whoever has begun the attempt ends the section, and knows the error."""
    world = World()
    world.cancelled = lambda: "save uploading" in world.effects
    attempt, seen = watched(attempt_at(world, Mode.APPEND))
    with pytest.raises(Cancelled):
        transfer(attempt)
    assert seen.sections == [PLAN, LOAD]
    assert not isinstance(seen.known[LOAD], Receipt)
