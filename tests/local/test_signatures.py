"""Signatures: what is not signed, or signed at another time, is refused under every address."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import xml.etree.ElementTree as ET
from email.utils import format_datetime, formatdate
from typing import Any

import pytest
from local.raw import Raw, block_path

from airflow_provider_kafka_odps.local.http.auth import canonical


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        ("", 400, "ODPS-0410001"),
        ("Basic abc", 400, "ODPS-0410011"),
        ("ODPS nobody:abc", 401, "ODPS-0410051"),
        ("ODPS demo_access_id:abc", 401, "ODPS-0410042"),
        ("ODPS demo_access_id/20260101/x:abc", 400, "ODPS-0410021"),
    ],
)
def test_unsigned_requests_are_refused(raw: Raw, authorization: str, status: int, code: str) -> None:
    """Each way of not being signed has the service's code."""
    head = {"date": formatdate(usegmt=True)} | ({"authorization": authorization} if authorization else {})
    seen, answer = raw.send("GET", f"/projects/{raw.endpoint.project}", b"", head)
    assert (seen, ET.fromstring(answer).findtext("Code")) == (status, code)


def v4(raw: Raw, date: str) -> str:
    """Return the authorization of a request that is signed with the fourth scheme."""
    scope = ["20261122", "cn-hangzhou", "odps", "aliyun_v4_request"]
    key = f"aliyun_v4{raw.endpoint.access_key}".encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = canonical("GET", f"/projects/{raw.endpoint.project}", {}, {"date": date})
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha1).digest()).decode()
    return f"ODPS {'/'.join([raw.endpoint.access_id, *scope])}:{signature}"


@pytest.mark.parametrize("minutes", [-16, -14, 14, 16])
def test_clocks_may_be_fifteen_minutes_apart(raw: Raw, minutes: int) -> None:
    """With both schemes, a request whose date is more than 15 minutes away, before or after, is refused."""
    now = dt.datetime.now(dt.UTC)
    date = format_datetime(now + dt.timedelta(minutes=minutes), usegmt=True)
    path = f"/projects/{raw.endpoint.project}"
    second = raw.ask("GET", path, date=date)
    fourth = raw.send("GET", path, b"", {"date": date, "authorization": v4(raw, date)})
    for status, answer in (second, fourth):
        if abs(minutes) < 15:
            assert status == 200
        else:
            assert (status, ET.fromstring(answer).findtext("Code")) == (400, "ODPS-0410031")


def test_every_address_of_the_service_wants_a_signature(raw: Raw, upload: Any, name: str) -> None:
    """Without a signature nothing is read or written, under whatever address."""
    project = f"/projects/{raw.endpoint.project}"
    date = {"date": formatdate(usegmt=True)}
    for method, path in [
        ("GET", "/tenants"),
        ("GET", "/logview/host"),
        ("GET", project),
        ("GET", f"{project}/tunnel?service"),
        ("GET", f"{project}/tables/{name}"),
        ("POST", f"{project}/instances"),
        ("POST", f"{project}/tables/{name}?uploads"),
        ("PUT", block_path(raw.endpoint, upload, name)),
        ("POST", f"{project}/tables/{name}?uploadid={upload.id}"),
        ("GET", "/api" + project),
    ]:
        status, answer = raw.send(method, path, b"", date)
        assert (status, b"ODPS-0410001" in answer) == (400, True), (method, path)
