"""The fixtures of `testing`: apart, because they need pytest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_kafka_odps.local.control_client import EndpointControl
from airflow_provider_kafka_odps.local.testing import RunningEndpoint, running_endpoint


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
