"""Whatever a client sends is answered, and never as if it were our fault: no status of 500 or more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from local.conftest import connect
from local.raw import Raw, job
from odps import ODPS, errors
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.testing import RunningEndpoint, running_endpoint

BIG = "9" * 30
DIGITS = "9" * 5000


@pytest.fixture(scope="module")
def table(endpoint: RunningEndpoint) -> str:
    """Return a table with two partitions, of one row each."""
    odps = connect(endpoint)
    odps.execute_sql("CREATE TABLE odd (k BIGINT) PARTITIONED BY (ds STRING)")
    odps.execute_sql("INSERT INTO odd PARTITION (ds) VALUES (1, 'a'), (2, 'b')")
    return f"/projects/{endpoint.project}/tables/odd"


@pytest.mark.parametrize("number", ["0", "-1", BIG, DIGITS, "²", "1.5", "x", "", " ", "1e3", "-" + BIG])
@pytest.mark.parametrize(
    "query",
    [
        "?partitions&expectmarker=true&maxitems={}",
        "?partitions&expectmarker=true&marker={}",
        "?data&linenum={}",
        "/preview?limit={}",
        "?uploadid=u&blockid={}",
        "?downloadid=x&data&rowrange=(0,{})",
        "?expectmarker=true&maxitems={}",
    ],
)
def test_numbers(raw: Raw, table: str, query: str, number: str) -> None:
    """Counts, offsets and limits that are zero, negative, huge or none at all."""
    start = table.removesuffix("/odd") if query.startswith("?expect") else table
    path = start + query.format(quote(number))
    for method in ("GET", "PUT") if "blockid" in query else ("GET",):
        status, answer = raw.ask(method, path)
        assert status < 500, answer


def test_a_huge_limit_is_all_there_is(raw: Raw, table: str) -> None:
    """More than there can be is no error."""
    status, answer = raw.ask("GET", f"{table}?data&linenum={BIG}")
    assert (status, answer) == (200, b"k,ds\n1,a\n2,b\n")
    status, answer = raw.ask("GET", f"{table}?partitions&expectmarker=true&maxitems={BIG}")
    assert (status, answer.count(b"<Partition>")) == (200, 2)
    status, answer = raw.ask("GET", f"{table}?partitions&expectmarker=true&maxitems=0")
    assert (status, b"maxitems is 0; it is 1 or more" in answer) == (400, True)


def test_row_ranges(raw: Raw, odps: ODPS, table: str) -> None:
    """A range of more digits than any count has."""
    download = TableTunnel(odps).create_download_session("odd", partition_spec="ds=a")
    for rows in (f"(0,{DIGITS})", f"({DIGITS},1)", f"(-{BIG},1)", "(0,-1)", "(", "(0,1", "²,²"):
        status, answer = raw.ask("GET", f"{table}?downloadid={download.id}&data&rowrange={quote(rows)}")
        assert (status in (200, 400), b"PK" not in answer) == (True, True), answer


@pytest.mark.parametrize(
    "date", ["Mon, 01 Jan 99999999999 00:00:00 GMT", "Mon, 01 Jan 0000 00:00:00 GMT", "x", "1", "Mon, 99 Foo 2026"]
)
def test_dates(raw: Raw, date: str) -> None:
    """A date that none can be is refused before the signature is looked at."""
    status, answer = raw.ask("GET", f"/projects/{raw.endpoint.project}", date=date)
    assert (status, b"ODPS-04100" in answer) == (400, True), answer


def test_an_upgrade_is_a_plain_request(raw: Raw) -> None:
    """A WebSocket is not there."""
    headers = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-key": "a", "sec-websocket-version": "13"}
    assert raw.ask("GET", f"/projects/{raw.endpoint.project}", headers=headers)[0] == 200
    assert raw.send("GET", "/nowhere", b"", headers)[0] == 400


@pytest.mark.parametrize(
    "query",
    [
        "SELECT DATE '99999-01-01' AS d",
        "SELECT CAST('99999-01-01 00:00:00' AS DATETIME) AS d",
        "SELECT DATE '0001-01-01' - 1 AS d",
    ],
)
def test_dates_that_no_column_shows(odps: ODPS, query: str) -> None:
    """A query that makes a time outside the years 1 to 9999 fails, as does a block with one; no answer is a 5xx."""
    try:
        with odps.execute_sql(query).open_reader(tunnel=False) as reader:
            assert reader.raw
    except errors.ODPSError as reason:
        assert reason.code in ("ODPS-0121095", "ODPS-0123144", "ODPS-0130071"), reason  # noqa: PT017 - some are shown


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("statements", '{"polls": 1e400}'),
        ("statements", '{"polls": NaN}'),
        ("statements", '{"seconds": 1e400}'),
        ("statements", '{"polls": "x"}'),
        ("faults", '{"operation": "any", "fault": {"kind": "delay", "seconds": NaN}}'),
        ("faults", '{"operation": "any", "fault": {"kind": "delay", "seconds": Infinity}}'),
        ("faults", '{"operation": "any", "fault": {"kind": "delay", "seconds": "1"}}'),
        ("faults", '{"operation": "any", "fault": {"kind": "slow", "factor": 1e400}}'),
        ("faults", '{"operation": "any", "fault": {"kind": "corrupt", "at": 1.5}}'),
        ("faults", '{"operation": "any", "fault": {"kind": "truncate", "keep": 1.5}}'),
        ("faults", '{"operation": "any", "fault": {"kind": "refuse", "status": 500.5}}'),
        ("faults", '{"operation": "any", "fault": {"kind": "refuse", "status": 503, "message": 7}}'),
        ("faults", '{"operation": "any", "nth": 1.5, "fault": {"kind": "expire"}}'),
        ("faults", '{"operation": "any", "times": true, "fault": {"kind": "expire"}}'),
        ("faults", '{"operation": [], "fault": {"kind": "expire"}}'),
    ],
)
def test_faults_that_none_can_be(raw: Raw, path: str, body: str) -> None:
    """What would fail only once the rule fires is refused, and no rule is set."""
    status, answer = raw.send("PUT" if path == "statements" else "POST", f"/_control/{path}", body.encode(), {})
    assert (status, json.loads(answer)["Code"]) == (400, "InvalidArgument")
    assert raw.endpoint.control.faults() == []


def test_the_storage_api_is_answered_as_not_implemented(raw: Raw) -> None:
    """Its clients sign the whole path, and read why it is not there; an endpoint may end in /api, as others do."""
    project = raw.endpoint.project
    status, answer = raw.ask("POST", f"/api/storage/v1/projects/{project}/schemas/default/tables/t/sessions")
    assert (status, b"NotImplemented" in answer, b"use the tunnel" in answer) == (400, True, True)
    odps = ODPS(
        raw.endpoint.access_id, raw.endpoint.access_key, project, f"{raw.endpoint.endpoint}/api", overwrite_global=False
    )
    assert odps.exist_project(project)


@pytest.mark.parametrize("digest", ["00000000000000000000000000000000", "AAAAAAAAAAAAAAAAAAAAAA==", "x", "é"])
def test_a_body_that_was_changed_is_not_run(raw: Raw, digest: str) -> None:
    """Content-MD5 is compared with the body, and not only signed."""
    before = len(list(connect(raw.endpoint).list_instances()))
    headers = {"content-md5": digest.encode().decode("latin-1"), "content-type": "application/xml"}
    status, answer = raw.ask("POST", f"/projects/{raw.endpoint.project}/instances", job("SELECT 1"), headers)
    assert status in (400, 401), answer
    assert len(list(connect(raw.endpoint).list_instances())) == before


def test_a_body_with_its_digest_is_run(raw: Raw) -> None:
    """In hexadecimal as the SDKs write it, or in Base64 as the standard says."""
    import base64
    import hashlib

    body = job("SELECT 1")
    found = hashlib.md5(body).digest()
    for digest in (found.hex(), found.hex().upper(), base64.b64encode(found).decode()):
        headers = {"content-md5": digest, "content-type": "application/xml"}
        assert raw.ask("POST", f"/projects/{raw.endpoint.project}/instances", body, headers)[0] == 201


@pytest.fixture(scope="module")
def named() -> Iterator[RunningEndpoint]:
    """Return an endpoint that has a name besides localhost, and a project in capitals."""
    with running_endpoint(project="MyProject", arguments=("--allowed-host", "Box.example")) as endpoint:
        yield endpoint


@pytest.mark.parametrize("path", ["/", "/_control/faults"])
@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({}, True),
        ({"host": "localhost:8631"}, True),
        ({"host": "[::1]:8631"}, True),
        ({"host": "box.example:8631", "origin": "http://BOX.example:8631"}, True),
        ({"host": "evil.example"}, False),
        ({"host": "127.0.0.1.evil.example"}, False),
        ({"host": "localhost.evil.example"}, False),
        ({"host": ""}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
    ],
)
def test_a_page_from_elsewhere_sees_and_sets_nothing(
    named: RunningEndpoint, path: str, headers: dict[str, str], known: bool
) -> None:
    """Host and Origin name this machine, or what --allowed-host says: a name that leads here by DNS is not enough."""
    raw = Raw(named)
    status, answer = raw.send("GET", path, b"", headers)
    assert status == (200 if known else 403), answer
    body = b'{"operation": "any", "fault": {"kind": "expire"}, "nth": 1000000}'
    if path != "/":
        assert raw.send("POST", path, body, headers)[0] == (201 if known else 403)


def test_a_project_may_have_capitals(named: RunningEndpoint) -> None:
    """Names of statements are in lower case, and mean it nevertheless."""
    odps = connect(named)
    odps.create_table("t", "k bigint")
    odps.write_table("t", [[1]])
    for name in ("t", "MyProject.default.t", "myproject.default.t"):
        with odps.execute_sql(f"SELECT k FROM {name}").open_reader() as reader:
            assert [record[0] for record in reader] == [1]
    # PyODPS says itself how names are to be read; the script has the last word.
    with odps.execute_sql("SET odps.namespace.schema=false; SELECT k FROM MyProject.t").open_reader() as reader:
        assert [record[0] for record in reader] == [1]


def test_a_quota_is_told_as_it_was_asked_for(odps: ODPS, make_table: Any, name: str) -> None:
    """Sessions carry the name that the client gave."""
    make_table("k bigint")
    tunnel = TableTunnel(odps, quota_name="q1")
    assert tunnel.create_upload_session(name).quota_name == "q1"
    assert tunnel.create_download_session(name).quota_name == "q1"


def test_lists_of_a_schema_that_is_missing_are_missing(raw: Raw) -> None:
    """A client that asks by a list whether a schema is there gets an answer."""
    project = f"/projects/{raw.endpoint.project}"
    for path in ("/tables?expectmarker=true&", "/resources?", "/functions?"):
        assert raw.ask("GET", f"{project}{path}curr_schema=nowhere")[0] == 404
        assert raw.ask("GET", f"{project}{path}curr_schema=default")[0] == 200


def test_touching_and_renaming_move_the_time_of_the_last_definition() -> None:
    """A partition's LastDDLTime is that of its creation until it is touched or renamed."""
    from airflow_provider_kafka_odps.local.api.services import open_services
    from airflow_provider_kafka_odps.local.settings import Settings

    clock = [1_800_000_000]
    services = open_services(Settings(), lambda: clock[0] * 1000)
    run = services.instances.engine.run
    run("CREATE TABLE t (k BIGINT) PARTITIONED BY (ds STRING); ALTER TABLE t ADD PARTITION (ds='a')", {})
    seen = []
    for statement in (
        "INSERT INTO t PARTITION (ds='a') VALUES (1)",
        "ALTER TABLE t TOUCH PARTITION (ds='a')",
        "ALTER TABLE t PARTITION (ds='a') RENAME TO PARTITION (ds='b')",
    ):
        clock[0] += 10
        run(statement, {})
        (found,) = services.store.catalog.tables.values()
        (partition,) = found.partitions.values()
        seen.append(partition.defined - partition.created)
    assert seen == [0, 20, 30]
    services.close()
