"""Which section an attempt is at, for whoever reads its log or its trace."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, TypeAlias

from airflow_provider_kafka_odps.core.journal.entry import Journal, Target
from airflow_provider_kafka_odps.core.journal.receipt import Receipt


class Section(StrEnum):
    """The parts of an attempt, in their order; one that has nothing to do is left out."""

    PLAN = "plan"
    """Find the window: in the journal, or by asking the broker."""
    LOAD = "load"
    """Read, project and write: nobody sees the rows yet."""
    COMMIT = "commit"
    """Pass the fence and make the rows visible, or find out whether they are."""
    RECONCILE = "reconcile"
    """Compare the table with the receipt."""


Known: TypeAlias = Target | Journal | Receipt
"""What is known of a load: where it goes, then its window and its upload, then its rows."""


class Sections(Protocol):
    """Shows where an attempt is; raises nothing, for a load does not fail because nobody sees it.

    They follow each other and never nest: an attempt may find in the middle of one that another one has to come.
    """

    def begin(self, section: Section, known: Known | None = None) -> None:
        """End the section before and begin this one; one that has begun already goes on."""

    def tell(self, known: Known) -> None:
        """Add what is known by now to the section."""

    def end(self, error: BaseException | None = None) -> None:
        """End the section, if one has begun; what is logged then is what nobody should have to unfold."""


class NoSections:
    """Shows nothing: nobody looks on."""

    def begin(self, section: Section, known: Known | None = None) -> None:
        """Show nothing."""

    def tell(self, known: Known) -> None:
        """Show nothing."""

    def end(self, error: BaseException | None = None) -> None:
        """Show nothing."""
