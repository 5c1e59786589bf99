"""The service's documented limits, when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
from odps import ODPS, errors
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.catalog.model import TableName
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.sessions.limits import Limited, Limits
from airflow_provider_kafka_odps.local.testing import Operation, RunningEndpoint, running_endpoint

NAME = TableName("p", "default", "t")


@pytest.fixture(scope="module")
def strict() -> Iterator[RunningEndpoint]:
    """Return an endpoint that enforces limits."""
    with running_endpoint(arguments=("--strict-limits",)) as endpoint:
        yield endpoint


@pytest.mark.parametrize(
    ("what", "most", "seconds"), [(Limited.SESSIONS, 500, 300), (Limited.BLOCKS, 500, 300), (Limited.COMMITS, 75, 15)]
)
def test_so_many_in_so_many_seconds_and_no_more(what: Limited, most: int, seconds: int) -> None:
    """The last that is allowed is; the next is refused until the first is old enough; other tables are not meant."""
    limits = Limits()
    for _ in range(most):
        limits.count(NAME, what, 0)
    with pytest.raises(ServiceError) as caught:
        limits.count(NAME, what, seconds * 1000 - 1)
    assert (caught.value.status, caught.value.code) == (429, "FlowExceeded")
    limits.count(TableName("p", "default", "u"), what, 0)
    limits.count(NAME, what, seconds * 1000)


def test_a_block_is_taken_at_ten_megabytes_a_second(strict: RunningEndpoint) -> None:
    """A block of six megabytes takes half a second at least."""
    odps = ODPS(strict.access_id, strict.access_key, strict.project, strict.endpoint, overwrite_global=False)
    odps.create_table("paced", "v string")
    session = TableTunnel(odps).create_upload_session("paced")
    with session.open_arrow_writer(0) as writer:
        writer.write(pa.table({"v": ["x" * 1_000_000] * 7}))
    session.commit([0])
    (seen,) = [r for r in strict.control.requests(Operation.WRITE_BLOCK) if r.path.endswith("paced")]
    assert seen.seconds >= 0.5


def test_a_value_of_more_than_eight_megabytes_is_refused(strict: RunningEndpoint) -> None:
    """The limit of a field holds for Arrow blocks too, which clients don't check."""
    odps = ODPS(strict.access_id, strict.access_key, strict.project, strict.endpoint, overwrite_global=False)
    odps.create_table("long", "v string")
    session = TableTunnel(odps).create_upload_session("long")
    with pytest.raises(errors.ODPSError) as caught, session.open_arrow_writer(0) as writer:
        writer.write(pa.table({"v": ["x" * ((8 << 20) + 1)]}))
    assert caught.value.code == "MaxMessageLengthExceeded"
