"""The fixtures of `testing`: apart, because they need pytest."""

from collections.abc import Iterator

import pytest

from .controlling import EndpointControl
from .testing import RunningEndpoint, running_endpoint


@pytest.fixture(scope="session")
def maxcompute_endpoint() -> Iterator[RunningEndpoint]:
    """Return a running endpoint that keeps its tables in memory, one for all tests."""
    with running_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def maxcompute_faults(maxcompute_endpoint: RunningEndpoint) -> Iterator[EndpointControl]:
    """Return the control of that endpoint; after the test all faults are forgotten."""
    yield maxcompute_endpoint.control
    maxcompute_endpoint.control.clear()
