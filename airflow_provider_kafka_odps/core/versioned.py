"""What is written as JSON with a version, and read by later releases, perhaps edited by an administrator since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airflow_provider_kafka_odps.exceptions import InvalidInput

VERSION = 1
"""Of windows, receipts, journals, claims and chains: what was added to them since, an earlier release leaves alone."""


@contextmanager
def read_versioned(written: Mapping[str, Any], problem: str, remedy: str | None = None) -> Iterator[None]:
    """Check the version of ``written``, and let the block read the rest.

    Raises InvalidInput for another version, and for what is missing or is something else than it has to be: the
    problem, what was seen, and the remedy; without one, all that was written, for it comes from a user's hands.
    """
    try:
        if written["version"] != VERSION:
            raise InvalidInput(f"version {written['version']!r} is not the {VERSION} that this release reads")
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        shown = f": {written!r}" if remedy is None else remedy
        raise InvalidInput(f"{problem} ({type(error).__name__}: {error}){shown}") from error


@contextmanager
def read_entry(
    written: Mapping[str, Any], what: str, key: str, remedy: str = "fix it or delete it there"
) -> Iterator[None]:
    """Do the same for an entry of the asset store, which is named by its key."""
    problem = f"{what} {key!r} in the state store of the table's asset cannot be read"
    with read_versioned(written, problem, f": {remedy}"):
        yield
