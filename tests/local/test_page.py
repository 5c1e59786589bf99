"""The page at /, for people."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from kit.browser import browsing, needs_browser
from odps import ODPS, errors
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Notes an element that is not closed where it should be, and the text of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        del attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def read(endpoint: RunningEndpoint) -> Balanced:
    """Return the page, parsed."""
    with urllib.request.urlopen(endpoint.endpoint) as answer:
        assert answer.headers["content-type"].startswith("text/html")
        page = Balanced()
        page.feed(answer.read().decode())
    assert (page.wrong, page.open) == ([], [])
    return page


def test_the_page_shows_tables_sessions_and_requests(
    endpoint: RunningEndpoint, odps: ODPS, make_table: Callable[..., Any], name: str
) -> None:
    """Tables with columns, partitions and first rows, open uploads, statements and requests are on the page."""
    make_table(("k bigint, v string, d timestamp", "ds string"), comment="c")
    odps.execute_sql(f"INSERT INTO {name} PARTITION (ds) VALUES (1, '<b>bold</b> & more', NULL, 'first')")
    session = TableTunnel(odps).create_upload_session(name, partition_spec="ds=first")
    with pytest.raises(errors.ODPSError):
        odps.execute_sql(f"SELECT broken FROM {name}")
    text = read(endpoint).text
    for shown in (
        name,
        "<b>bold</b> & more",
        "NULL",
        "ds=first",
        session.id,
        "broken",
        "create_upload",
        "ODPS-0130071",
    ):
        assert shown in text


@needs_browser
def test_the_page_is_readable_on_a_phone(odps: ODPS, endpoint: RunningEndpoint, name: str) -> None:
    """A browser of 390 px shows the texts, and nothing makes the page itself wider than that."""
    wide = f"{name}_{'a_very_long_name_' * 5}"
    odps.create_table(wide, ("k bigint, v string", "ds string"))
    odps.execute_sql(f"INSERT INTO {wide} PARTITION (ds) VALUES (1, '{'x' * 300}', 'first')")
    upload = TableTunnel(odps).create_upload_session(wide, partition_spec="ds=first")
    with browsing() as page:
        page.open(f"{endpoint.endpoint}/", 390)
        page.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        text = page.value("document.body.innerText")
        assert [shown for shown in (wide, "x" * 200, "ds=first", upload.id) if shown not in text] == []
        assert page.value("document.documentElement.scrollWidth") <= 390
        assert page.value("getComputedStyle(document.body).fontFamily").startswith("system-ui")
