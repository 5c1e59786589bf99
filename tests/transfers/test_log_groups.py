"""The lines between which Airflow's page folds a log, and what comes behind them."""

from __future__ import annotations

import pytest

from airflow_provider_kafka_odps.core.delivery.sections import Section
from airflow_provider_kafka_odps.exceptions import Cancelled
from airflow_provider_kafka_odps.transfers.runtime.telemetry.shown_sections import ShownSections


@pytest.fixture
def said() -> list[str]:
    """Return the lines of the log."""
    return []


@pytest.fixture
def sections(said: list[str]) -> ShownSections:
    """Return sections that write into it."""
    return ShownSections(said.append, lambda line: said.append(f"WARNING {line}"))


def test_they_follow_each_other_and_never_nest(sections: ShownSections, said: list[str]) -> None:
    """What is in doubt is settled first, and loaded then: the group goes on, or another one begins."""
    with sections:
        sections.begin(Section.COMMIT)
        sections.begin(Section.COMMIT)
        sections.begin(Section.LOAD)
        sections.end()
        sections.end()
    expected = ["plan", "commit", "load"]
    assert said == [line for name in expected for line in (f"::group::{name}", "::endgroup::")]


def test_a_warning_waits_for_the_end_of_its_group(sections: ShownSections, said: list[str]) -> None:
    """Also where the group ends because of an error, and not where no group is open."""
    sections.warn("before")
    with pytest.raises(Cancelled):
        _fail(sections)
    sections.warn("behind")
    assert said == ["WARNING before", "::group::plan", "::endgroup::", "WARNING inside", "WARNING behind"]


def _fail(sections: ShownSections) -> None:
    with sections:
        sections.warn("inside")
        raise Cancelled("the task was asked to stop")
