"""One stand-in for Airflow, below a path, for each test; one browser for all of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kit.browser import browsing
from ui.airflow_double import AirflowDouble, airflow_double
from ui.seen import Looking, looking_with


@pytest.fixture
def airflow() -> Iterator[AirflowDouble]:
    """Return an Airflow that knows nothing yet, in a deployment under a path."""
    with airflow_double("/data/airflow") as double:
        yield double


@pytest.fixture(scope="module")
def looking() -> Iterator[Looking]:
    """Return what looks at pages."""
    with browsing(600) as page:
        yield looking_with(page)
