"""The JDBC driver, which DBeaver and others use: statements, update counts, results, metadata."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from local.java_sdk import run_driver

from airflow_provider_kafka_odps.local.testing import running_endpoint


@pytest.fixture(scope="module", params=[True, False], ids=["schemas", "no schemas"])
def seen(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Return what each check of the driver saw, in one run against one endpoint."""
    schemas = bool(request.param)
    with running_endpoint(arguments=() if schemas else ("--no-schemas",)) as endpoint:
        yield run_driver(endpoint, schemas=schemas)


@pytest.mark.parametrize(
    ("check", "saw"),
    [
        ("create", "0"),
        ("insert", "2"),
        ("select", "[[1, a], [2, null]]"),
        ("update", "1"),
        ("delete", "1"),
        ("merge", "1"),
        ("view", "0"),
        ("select view", "[[2], [7]]"),
        ("explain", "true"),
        ("aggregate", "[[2, 9]]"),
        ("many rows", "20000"),
        ("prepared", "[[7]]"),
        ("batch", "[[100, 99]]"),
        ("tables", "[j, jb, jv]"),
        ("table types", "[jv]"),
        ("columns", "[k, v, d]"),
        ("product", "MaxCompute/ODPS"),
        ("error", "true"),
        ("drop view", "0"),
        ("drop", "0"),
    ],
)
def test_the_driver_sees_what_a_service_would_show(seen: dict[str, str], check: str, saw: str) -> None:
    """Each check sees this, and none fails."""
    assert seen[check] == saw
