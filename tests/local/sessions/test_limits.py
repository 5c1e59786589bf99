"""The service's documented limits, when they are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from odps import ODPS, errors
from odps.tunnel import CompressOption, TableTunnel
from starlette.requests import Request

from airflow_provider_kafka_odps.local.catalog.model import TableName
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.http.app import pieces
from airflow_provider_kafka_odps.local.sessions.limits import Limits, Quota
from airflow_provider_kafka_odps.local.testing import EndpointStartError, Operation, RunningEndpoint, running_endpoint
from airflow_provider_kafka_odps.local.wire.records import RecordEncoder
from airflow_provider_kafka_odps.local.wire.types import parse_type

NAME = TableName("p", "default", "t")


@pytest.fixture(scope="module")
def strict() -> Iterator[RunningEndpoint]:
    """Return an endpoint that enforces limits."""
    with running_endpoint(arguments=("--strict-limits",)) as endpoint:
        yield endpoint


@pytest.mark.parametrize(
    ("what", "most", "seconds"), [(Quota.SESSIONS, 500, 300), (Quota.BLOCKS, 500, 300), (Quota.COMMITS, 75, 15)]
)
def test_so_many_in_so_many_seconds_and_no_more(what: Quota, most: int, seconds: int) -> None:
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


@pytest.mark.parametrize(
    "encoding", [CompressOption.CompressAlgorithm.ODPS_ZLIB, CompressOption.CompressAlgorithm.ODPS_ZSTD]
)
def test_a_bomb_is_refused_before_it_is_unpacked(encoding: Any) -> None:
    """A block that unpacks to more than the endpoint's limit is refused whatever it is packed to, and not kept."""
    with running_endpoint(arguments=("--longest-block", "3000000")) as endpoint:
        odps = ODPS(
            endpoint.access_id, endpoint.access_key, endpoint.project, endpoint.endpoint, overwrite_global=False
        )
        odps.create_table("bomb", "v string")
        session = TableTunnel(odps).create_upload_session("bomb", compress_option=CompressOption(encoding))
        with pytest.raises(errors.ODPSError) as caught, session.open_arrow_writer(0, compress=True) as writer:
            writer.write(pa.table({"v": ["x" * 1_000_000] * 4}))
        assert caught.value.code == "MaxMessageLengthExceeded"
        with session.open_arrow_writer(1, compress=True) as writer:
            writer.write(pa.table({"v": ["x" * 1_000_000] * 2}))
        session.commit([1])


def test_a_block_of_no_bytes_is_no_limit() -> None:
    """A limit that no block could keep is refused at the start."""
    with (
        pytest.raises(EndpointStartError, match="--longest-block 0: a block needs one byte"),
        running_endpoint(arguments=("--longest-block", "0")),
    ):
        pass


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"k": None, "v": "a"}, "column k is NOT NULL, but 1 rows have NULL there"),
        ({"k": 1, "v": "äöüß"}, r"column v is varchar\(3\), but a value has 4 characters"),
    ],
)
@pytest.mark.parametrize("arrow", [True, False])
def test_values_that_their_column_may_not_hold_are_refused(
    odps: ODPS, name: str, value: Any, message: str, *, arrow: bool
) -> None:
    """A block with NULL in a NOT NULL column, or a text that is too long for its column, is refused and not kept."""
    odps.execute_sql(f"CREATE TABLE {name} (k BIGINT NOT NULL, v VARCHAR(3))")
    session = TableTunnel(odps).create_upload_session(name)
    send = send_arrow if arrow else send_records
    with pytest.raises(errors.ODPSError, match=message):
        send(odps, session, name, value)
    session.reload()
    assert session.get_block_list() == []


def send_arrow(odps: ODPS, session: Any, name: str, value: dict[str, Any]) -> None:
    """Write an Arrow block of two rows, the second with these values."""
    del odps, name
    columns = pa.schema([("k", pa.int64()), ("v", pa.string())])
    with session.open_arrow_writer(0) as writer:
        writer.write(pa.Table.from_pylist([{"k": 7, "v": "äöü"}, value], columns))


def send_records(odps: ODPS, session: Any, name: str, value: dict[str, Any]) -> None:
    """Write a block of one record without the client's own checks."""
    columns = pa.schema([("k", pa.int64()), ("v", pa.string())])
    (batch,) = pa.Table.from_pylist([value], columns).to_batches()
    body = b"".join(RecordEncoder([parse_type("bigint"), parse_type("string")]).encode(iter([batch])))
    url = f"{odps.endpoint}/projects/{odps.project}/tables/{name}"
    odps.rest.put(url, data=body, params={"uploadid": session.id, "blockid": 0})


def test_a_silent_body_is_given_up() -> None:
    """With limits, a block that stops coming is refused after the documented silence, and without them never."""

    async def silent() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def read() -> None:
        request = Request({"type": "http", "method": "PUT", "headers": []}, silent)
        async for _ in pieces(request, 0.01):
            pass

    with pytest.raises(ServiceError, match=r"nothing was sent for 0\.01 s") as caught:
        asyncio.run(read())
    assert (caught.value.status, caught.value.code) == (408, "RequestTimeOut")


def test_many_uploads_commit_at_once(odps: ODPS, name: str) -> None:
    """Thirty-two commits at the same time all take effect, each once."""
    odps.create_table(name, "k bigint")
    tunnel = TableTunnel(odps)
    sessions = [tunnel.create_upload_session(name) for _ in range(32)]
    for at, session in enumerate(sessions):
        with session.open_arrow_writer(0) as writer:
            writer.write(pa.table({"k": [at]}))
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda session: session.commit([0]), sessions))
    with odps.get_table(name).open_reader() as reader:
        assert sorted(record["k"] for record in reader) == list(range(32))
