"""The page at /, for people: in a browser, and by what it asks."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from kit.airflow_home import ROOT
from kit.browser import Page, browsing, needs_browser
from local.conftest import connect
from odps import ODPS, errors
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.api.call import Call
from airflow_provider_kafka_odps.local.api.control import require_local
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.page import cells, paths
from airflow_provider_kafka_odps.local.testing import Operation, RunningEndpoint, running_endpoint
from airflow_provider_kafka_odps.local.wire.timestamps import WIDE

PHONE, DESK = 390, 1280
HOSTILE = "<img src=x onerror=alert(1)>&\"'"


@pytest.fixture
def endpoint() -> Iterator[RunningEndpoint]:
    """Return an endpoint of its own: the page lists everything that is there."""
    with running_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def odps(endpoint: RunningEndpoint) -> ODPS:
    """Return a client of it."""
    return connect(endpoint, tunnel_endpoint=endpoint.endpoint)


def asked(endpoint: RunningEndpoint, path: str, method: str = "GET", body: bytes | None = None) -> Any:
    """Return the JSON of an address of the page."""
    request = urllib.request.Request(f"{endpoint.endpoint}{path}", body, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


def texts(page: Page, element: str = "document.body") -> str:
    """Return the text that an element shows."""
    return str(page.value(f"({element}).innerText"))


def run_sql(page: Page, statement: str) -> str:
    """Type a statement, run it by the keyboard, and return what the page says of it."""
    page.fill("document.querySelector('#sql')", statement)
    page.press("Enter", 13, modifiers=2)
    page.until("document.querySelector('#sql-result .good, #sql-result .bad')")
    return texts(page, "document.querySelector('#sql-result')")


def test_what_the_page_asks_has_everything(endpoint: RunningEndpoint, odps: ODPS) -> None:
    """Tables come newest first with rows and sizes; uploads, statements and requests are there, and so are faults."""
    odps.create_table("older", ("k bigint, v string", "ds string"))
    odps.execute_sql("INSERT INTO older PARTITION (ds) VALUES (1, 'a', 'first'), (2, NULL, 'second')")
    upload = TableTunnel(odps).create_upload_session("older", partition_spec="ds=first")
    with pytest.raises(errors.ODPSError):
        odps.execute_sql("SELECT broken FROM older")
    found = asked(endpoint, "/_page/overview")
    assert [(each["name"], each["rows"], each["partitions"]) for each in found["tables"]] == [
        ("demo_project.older", 2, 2)
    ]
    assert [each["id"] for each in found["uploads"]] == [upload.id]
    assert [each["status"] for each in found["statements"]][:2] == ["Failed", "Success"]
    assert found["statements"][1]["written"] == 2
    assert "ODPS-0130071" in found["statements"][0]["failure"]
    assert "create_upload" in [each["operation"] for each in found["requests"]]
    table = asked(endpoint, "/_page/tables/demo_project.default.older")
    assert sorted(each["name"] for each in table["listed"]) == ["ds=first", "ds=second"]
    assert table["latest"][0] in (["1", "a", "first"], ["2", None, "second"])
    assert table["definition"].startswith("CREATE TABLE IF NOT EXISTS demo_project.default.older(")


def test_other_keys_than_the_documented_one_are_not_shown() -> None:
    """Whoever chose a key did not choose to show it."""
    with running_endpoint(access_key="a secret of mine") as endpoint:
        found = asked(endpoint, "/_page/overview")
        assert found["endpoint"]["access_key"] is None
        assert "a secret of mine" not in json.dumps(found)


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "/_page/nothing", None, "the page has no GET /_page/nothing"),
        ("GET", "/_page/static/..%2Fpaths.py", None, "the page has no"),
        ("GET", "/_page/static/map.js", None, "the page has no file map.js"),
        ("GET", "/_page/tables/no.such.table", None, "There is no table no.such.table"),
        ("GET", "/_page/tables/x", None, "There is no table x"),
        ("POST", "/_page/statements", b"{", 'the body is no {"query": "…"}'),
        ("POST", "/_page/statements", b'{"query": " "}', "there is no statement to run"),
        ("GET", "/_page/statements/1", None, "The specified instance does not exist"),
        ("PUT", "/", b"", "the page has no PUT /"),
    ],
)
def test_what_the_page_lacks_is_refused(
    endpoint: RunningEndpoint, method: str, path: str, body: bytes | None, words: str
) -> None:
    """Each refusal says what was asked for, and is none of the endpoint's own failures."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        asked(endpoint, path, method, body)
    with refused.value as answer:
        assert answer.code in (400, 404)
        assert words in json.loads(answer.read())["Message"]


def test_the_page_takes_nothing_from_elsewhere(endpoint: RunningEndpoint) -> None:
    """The policy allows this address alone, no frame and no script inside of the document."""
    with urllib.request.urlopen(endpoint.endpoint) as answer:
        policy = answer.headers["content-security-policy"]
        document = answer.read().decode()
    assert "default-src 'none'; script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in document.replace("http-equiv", "")
    assert document.count("<script") == document.count('<script type="module" src="/_page/static/')


def test_other_machines_see_nothing_unless_they_may() -> None:
    """Only the empty page is for everybody; what it asks is refused, as the control route is."""
    assert paths.is_page(Call("GET", ("_page", "overview"), {}, {}))
    with pytest.raises(ServiceError, match="this machine only"):
        require_local("192.0.2.7")


@pytest.mark.parametrize("headers", [{"Origin": "http://elsewhere.example"}, {"Host": "elsewhere.example"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/_page/overview"), ("POST", "/_page/statements"), ("POST", "/_control/faults"), ("GET", "/")],
)
def test_no_other_page_reads_or_acts_by_somebodys_browser(
    endpoint: RunningEndpoint, method: str, path: str, headers: dict[str, str]
) -> None:
    """A request that another origin sends, or that came by another name, is refused, and nothing has run."""
    body = b'{"query": "CREATE TABLE planted (k BIGINT)"}' if method == "POST" else None
    request = urllib.request.Request(
        f"{endpoint.endpoint}{path}", body, {"Content-Type": "text/plain", **headers}, method=method
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert answer.code == 403
        assert "elsewhere.example" in json.loads(answer.read())["Message"]
    assert asked(endpoint, "/_page/overview")["statements"] == []


def test_a_page_of_this_machine_at_another_port_acts_no_more(endpoint: RunningEndpoint) -> None:
    """It has the name of this machine, and is still not the endpoint's page."""
    for path in ("/_page/statements", "/_control/faults"):
        request = urllib.request.Request(
            f"{endpoint.endpoint}{path}", b'{"query": "SELECT 1"}', {"Origin": "http://127.0.0.1:1"}, method="POST"
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        with refused.value as answer:
            assert "only the endpoint's own page may do this" in json.loads(answer.read())["Message"]


def test_every_file_of_the_page_is_served(endpoint: RunningEndpoint) -> None:
    """Own files and those that it shares with the pages in Airflow have their media types."""
    own = (ROOT / "airflow_provider_kafka_odps/local/page/static").iterdir()
    for name in sorted({path.name for path in own} | {"dom.js", "words.js", "parts.js", "picture.css"}):
        with urllib.request.urlopen(f"{endpoint.endpoint}/_page/static/{name}") as answer:
            kind = {"js": "text/javascript", "css": "text/css", "html": "text/html"}[name.rpartition(".")[2]]
            assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
            assert answer.headers["x-content-type-options"] == "nosniff"


@needs_browser
def test_a_newcomer_connects_runs_sql_and_finds_a_table(endpoint: RunningEndpoint) -> None:
    """An empty endpoint says how to connect; the box makes a table; its page has rows with partitions."""
    with browsing(120) as page:
        page.open(f"{endpoint.endpoint}/", DESK, mobile=False)
        page.until("document.querySelector('#connect[open] pre')")
        first = page.value("document.querySelector('#connect pre').textContent")
        names: dict[str, Any] = {}
        exec(first, names)  # the line that people copy
        assert not names["odps"].exist_table("t")
        line = page.value("document.querySelector('section[aria-label=Airflow] pre').textContent")
        assert line.startswith("export AIRFLOW_CONN_MAXCOMPUTE_DEFAULT='")
        extra = json.loads(line.partition("=")[2].strip("'"))["extra"]
        assert extra["endpoint"] == endpoint.endpoint
        assert set(extra) == {"access_key_id", "access_key_secret", "project", "endpoint"}
        assert "Success" in run_sql(
            page, "CREATE TABLE t (k BIGINT, v STRING COMMENT 'value') PARTITIONED BY (ds STRING)"
        )
        assert "2 rows written" in run_sql(page, "INSERT INTO t PARTITION (ds) VALUES (1, 'a', 'x'), (2, NULL, 'x')")
        page.until("document.querySelector('#part-tables a')")
        page.click("document.querySelector('#part-tables a')")
        page.until("document.querySelector('#definition')")
        shown = texts(page, "document.querySelector('#part-table')")
        for each in ("demo_project.t", "ds=x", "NULL", "value", "partition"):
            assert each in shown
        page.click("document.querySelector('#select')")
        page.until("document.querySelector('#sql').value.startsWith('SELECT * FROM `demo_project`.`default`.`t`')")
        page.press("Enter", 13, modifiers=2)
        page.until("document.querySelector('#sql-result table')")
        assert "2 rows" in texts(page, "document.querySelector('#sql-result')")
        assert "ODPS-0130131" in run_sql(page, "SELECT * FROM nowhere")


@needs_browser
def test_faults_are_set_and_cleared_by_a_click(endpoint: RunningEndpoint, odps: ODPS) -> None:
    """A fault of the form fires at the next request of its operation, and the list of requests says so."""
    with browsing(120) as page:
        page.open(f"{endpoint.endpoint}/", DESK, mobile=False)
        page.until("document.querySelector('#fault-set')")
        page.value("document.querySelector('#fault-operation').value = 'read_table'")
        page.value("document.querySelector('#fault-kind').value = 'refuse with 403'")
        page.click("document.querySelector('#fault-set')")
        page.until("document.querySelector('#part-faults table')")
        assert "read_table" in texts(page, "document.querySelector('#part-faults')")
        with pytest.raises(errors.NoPermission):
            odps.get_table("t").reload()
        page.until("document.querySelector('#part-requests').innerText.includes('(fault 1: refuse)')")
        page.until("document.querySelector('#part-faults').innerText.includes('over')")
        page.click("document.querySelector('#fault-clear')")
        page.until("document.querySelector('#part-faults').innerText.includes('No fault is set')")
        row = "[...document.querySelectorAll('#part-requests tr')].find(e => e.innerText.includes('read_table'))"
        page.click(f"({row}).querySelector('button')")
        page.until("document.querySelector('#part-faults').innerText.includes('refuse')")
        assert [request.operation for request in endpoint.control.requests(Operation.READ_TABLE)]


@needs_browser
def test_the_page_stands_up_to_hostile_texts_on_a_phone(endpoint: RunningEndpoint, odps: ODPS) -> None:
    """Names, values and comments are text; nothing makes a page of 390 px wider, in dark and in light."""
    wide = f"wide_{'a_very_long_name_' * 5}"
    odps.create_table(wide, ("k bigint, v string", "ds string"), comment=HOSTILE)
    escaped = HOSTILE.replace("'", "\\'")
    odps.execute_sql(f"INSERT INTO {wide} PARTITION (ds) VALUES (1, '{escaped}', 'a'), (2, '{'x' * 500}', 'a')")
    TableTunnel(odps).create_upload_session(wide, partition_spec="ds=a")
    before = "window.alert = () => { window.broken = true; };"
    with browsing(120) as page:
        page.open(f"{endpoint.endpoint}/", PHONE, before=before)
        page.until("document.querySelector('#part-tables a')")
        page.click("document.querySelector('#part-tables a')")
        page.until("document.querySelector('#definition')")
        page.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        for scheme in ("dark", "light"):
            page.colours(scheme)
            page.drawn()
            assert page.value("document.documentElement.scrollWidth") <= PHONE
        assert HOSTILE in texts(page)
        assert page.value("window.broken || document.querySelector('img') !== null") is False


@needs_browser
def test_the_list_is_live_filtered_and_says_when_the_endpoint_is_gone() -> None:
    """What a client makes comes up by itself; a filter keeps names; an endpoint that ends is told."""
    with browsing(120) as page:
        with running_endpoint() as endpoint:
            odps = connect(endpoint)
            odps.create_table("one_of_two", "k bigint")
            page.open(f"{endpoint.endpoint}/", DESK, mobile=False)
            page.until("document.querySelector('#part-tables a')")
            odps.execute_sql("CREATE VIEW newest AS SELECT k FROM one_of_two")
            page.until("document.querySelectorAll('#part-tables a').length === 2")
            page.fill("document.querySelector('#filter')", "one_of")
            page.until("document.querySelectorAll('#part-tables a').length === 1")
        page.until("document.querySelector('#trouble').innerText.includes('is it still running?')")


def test_values_of_every_kind_have_a_text() -> None:
    """Bytes that are no text, and times that Python or nanoseconds don't hold, do not take the page away."""
    broken = pa.array([b"ok \xff"]).view(pa.string())
    far = pa.array([{"sec": -40077331200, "nano": 5}, None], WIDE)
    beyond = pa.array([10**15], pa.timestamp("ms"))
    nested = pa.ListArray.from_arrays(pa.array([0, 1]), broken)
    found = [cells.rows_json([pa.record_batch([column], ["c"])], 9) for column in (broken, far, beyond, nested)]
    assert found == [
        [["ok \ufffd"]],
        [["0700-01-01 00:00:00.000000005"], [None]],
        [["(outside of the years 1 to 9999)"]],
        [["(no text)"]],
    ]
