"""One endpoint for all tests of this folder, and PyODPS as its client."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from local.raw import Raw
from odps import ODPS, options
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.testing import RunningEndpoint, running_endpoint


def connect(endpoint: RunningEndpoint, **arguments: Any) -> ODPS:
    """Return a PyODPS client of an endpoint."""
    options.local_timezone = False
    return ODPS(
        endpoint.access_id,
        arguments.pop("access_key", endpoint.access_key),
        arguments.pop("project", endpoint.project),
        endpoint.endpoint,
        overwrite_global=False,
        **arguments,
    )


@pytest.fixture(scope="session")
def endpoint() -> Iterator[RunningEndpoint]:
    """Return an endpoint that keeps its tables in memory."""
    with running_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def odps(endpoint: RunningEndpoint) -> ODPS:
    """Return a client that is told where the tunnel is."""
    return connect(endpoint, tunnel_endpoint=endpoint.endpoint)


@pytest.fixture
def name() -> str:
    """Return a table name that nobody else uses."""
    return f"t_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def make_table(odps: ODPS, name: str) -> Callable[..., Any]:
    """Return a function that creates a table of this test."""

    def make(columns: Any, **arguments: Any) -> Any:
        return odps.create_table(name, columns, hints={"odps.sql.type.system.odps2": "true"}, **arguments)

    return make


@pytest.fixture
def raw(endpoint: RunningEndpoint, odps: ODPS) -> Iterator[Raw]:
    """Return a raw client; after the test the server still answers."""
    yield Raw(endpoint)
    assert odps.exist_project(endpoint.project)


@pytest.fixture
def upload(odps: ODPS, make_table: Callable[..., Any], name: str) -> Iterator[Any]:
    """Return an upload session; after the test it has no block, and its table no row."""
    make_table("k bigint, v string")
    session = TableTunnel(odps).create_upload_session(name)
    yield session
    session.reload()
    assert session.get_block_list() == []
    session.commit([])
    with odps.get_table(name).open_reader() as reader:
        assert reader.count == 0
