"""Requests that no client sends: each gets a proper error, nothing is written, and the server stays up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import struct
import xml.etree.ElementTree as ET
import zlib
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import pytest
from local.raw import Raw, block_path, job
from odps import ODPS
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.http.auth import canonical

BODIES = [
    (b"", {}, "", "IncompleteBody"),
    (b"\x08", {}, "", "IncompleteBody"),
    (b"\xff" * 50, {}, "", "MalformedDataStream"),
    (b"GET / HTTP/1.1\r\n\r\n", {}, "", "MalformedDataStream"),
    (b"\x12\xff\xff\xff\xff\x7f", {}, "", "MaxMessageLengthExceeded"),
    (b"nonsense", {"content-encoding": "deflate"}, "", "CorruptedDataStream"),
    (zlib.compress(b"\x08")[:-2], {"content-encoding": "deflate"}, "", "IncompleteBody"),
    (b"nonsense", {"content-encoding": "zstd"}, "", "CorruptedDataStream"),
    (b"nonsense" * 20, {"content-encoding": "x-snappy-framed"}, "", "CorruptedDataStream"),
    (b"nonsense", {"content-encoding": "x-lz4-frame"}, "", "CorruptedDataStream"),
    (b"nonsense", {"content-encoding": "br"}, "", "InvalidArgument"),
    (b"\0\0\0\0\0", {}, "&arrow", "MalformedDataStream"),
    (struct.pack(">I", 65536) + b"abc" + bytes(4), {}, "&arrow", "CorruptedDataStream"),
    (struct.pack(">II", 65536, 1)[:-1], {}, "&arrow", "IncompleteBody"),
]


@pytest.mark.parametrize(("body", "headers", "extra", "code"), BODIES)
def test_a_block_that_is_nonsense_is_refused(
    raw: Raw, upload: Any, name: str, body: bytes, headers: dict[str, str], extra: str, code: str
) -> None:
    """Records, frames and packed bodies that aren't what they say are refused with the service's code."""
    pieces = iter([body]) if body else iter([])
    chunked = {"transfer-encoding": "chunked", **headers}
    status, answer = raw.ask("PUT", block_path(raw.endpoint, upload, name, extra), pieces, chunked)
    assert (status, json.loads(answer)["Code"]) == (400, code)


def framed(payload: bytes) -> bytes:
    """Return an Arrow body with right checksums around any payload."""
    from airflow_provider_kafka_odps.local.wire.frames import encode_frames

    return b"".join(encode_frames(iter([payload])))


def arrow_payloads() -> list[tuple[str, bytes]]:
    """Return payloads that are no record batches of the table."""
    import pyarrow as pa

    one = pa.record_batch({"k": pa.array([1], pa.int64()), "v": pa.array(["x"])})
    other = pa.record_batch({"k": pa.array([1], pa.int64())})
    good = one.serialize().to_pybytes()
    return [
        ("no message", b"nonsense" * 30),
        ("a cut batch", good[: len(good) // 2]),
        ("a schema message", one.schema.serialize().to_pybytes() + good),
        ("another schema's batch", other.serialize().to_pybytes()),
        ("wild offsets", good.replace(struct.pack("<ii", 0, 1), struct.pack("<ii", 0, 1 << 30))),
        ("a wild length", good[:4] + struct.pack("<i", 1 << 30) + good[8:]),
        ("an end before more", b"\xff\xff\xff\xff\x00\x00\x00\x00" + good),
    ]


@pytest.mark.parametrize(("kind", "payload"), arrow_payloads(), ids=lambda part: part if isinstance(part, str) else "")
def test_arrow_that_does_not_fit_the_table_is_refused(
    raw: Raw, upload: Any, name: str, kind: str, payload: bytes
) -> None:
    """What is inside right frames must be whole record batches of the session's columns."""
    body = {"transfer-encoding": "chunked"}
    status, answer = raw.ask("PUT", block_path(raw.endpoint, upload, name, "&arrow"), iter([framed(payload)]), body)
    assert (status, json.loads(answer)["Code"]) == (400, "MalformedDataStream"), kind


def test_a_body_cut_by_the_connection_leaves_nothing(raw: Raw, upload: Any, name: str) -> None:
    """A chunked body whose connection ends before the last chunk is no block."""
    path = block_path(raw.endpoint, upload, name)
    date = formatdate(usegmt=True)
    text = canonical("PUT", path.partition("?")[0], dict(parse_qsl(path.partition("?")[2])), {"date": date}).encode()
    signature = base64.b64encode(hmac.new(raw.endpoint.access_key.encode(), text, hashlib.sha1).digest()).decode()
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nDate: {date}\r\nTransfer-Encoding: chunked\r\n"
    head += f"Authorization: ODPS {raw.endpoint.access_id}:{signature}\r\n\r\n"
    host, port = raw.address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + b"4\r\n\x08\x02\x80\xc0\r\n")


@pytest.mark.parametrize(
    ("extra", "code"),
    [("blockid=-1", "InvalidBlockID"), ("blockid=x", "InvalidArgument"), ("blockid=20000", "InvalidBlockID")],
)
def test_block_numbers_are_checked(raw: Raw, upload: Any, name: str, extra: str, code: str) -> None:
    """A block number that isn't one is refused."""
    path = f"/projects/{raw.endpoint.project}/tables/{name}?{extra}&uploadid={upload.id}"
    status, answer = raw.ask("PUT", path, iter([b"x" * 100]), {"transfer-encoding": "chunked"})
    assert (status, json.loads(answer)["Code"]) == (400, code)


BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><Instance><Job>&c;</Job></Instance>'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedXML"),
        (b"<Instance>", "MalformedXML"),
        (b"\xff\xfe\x00", "MalformedXML"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "MalformedXML"),
        (BOMB, "MalformedXML"),
        (b"<Instance/>", "InvalidArgument"),
        (job("  "), "InvalidArgument"),
        (job("SELECT 1", "[1]"), "InvalidArgument"),
        (job("SELECT 1", "{"), "InvalidArgument"),
        (job("SELECT 1", "[" * 100_000), "InvalidArgument"),
    ],
)
def test_a_job_that_cannot_be_read_is_refused(raw: Raw, body: bytes, code: str) -> None:
    """XML that isn't a job, declares entities, or has broken settings gets a REST error with all four elements."""
    status, answer = raw.ask("POST", f"/projects/{raw.endpoint.project}/instances", body)
    error = ET.fromstring(answer)
    assert (status, error.findtext("Code")) == (400, code)
    assert all(error.findtext(part) for part in ("Message", "RequestId", "HostId"))


@pytest.mark.parametrize(
    "query", ["DROP TABLE", "SELECT '", "(((", "CREATE TABLE t (a ARRAY<", "\0", "🎈", "SELECT" * 500]
)
def test_statements_of_noise_fail_their_job(raw: Raw, query: str) -> None:
    """Text that is no SQL fails the task with a parse error; the job itself is accepted."""
    status, _ = raw.ask("POST", f"/projects/{raw.endpoint.project}/instances", job(query.replace("\0", "?")))
    assert status == 201


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/projects/{p}/tables/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/projects/{p}/tables/..", 404),
        ("GET", "/nowhere", 404),
        ("DELETE", "/projects/{p}/schemas/default", 400),
        ("GET", "/projects/../{p}", 404),
        ("POST", "/projects/{p}/tables/nothing/streams", 400),
        ("GET", "/projects/{p}/instances/..%2f..", 404),
        ("GET", "/projects/{p}/instances/nothing", 404),
    ],
)
def test_paths_lead_nowhere_else(raw: Raw, method: str, path: str, status: int) -> None:
    """Names are names, never paths, and what isn't there is a 404."""
    plain = path.format(p=raw.endpoint.project)
    connection = Raw(raw.endpoint)
    decoded = plain.replace("%2f", "/")
    head = {"date": formatdate(usegmt=True)}
    text = canonical(method, decoded, {}, head).encode()
    signature = base64.b64encode(hmac.new(raw.endpoint.access_key.encode(), text, hashlib.sha1).digest()).decode()
    head["authorization"] = f"ODPS {raw.endpoint.access_id}:{signature}"
    assert connection.send(method, plain, b"", head)[0] == status


def test_a_huge_rest_body_is_refused(raw: Raw) -> None:
    """A job of more than 32 MiB is not read into memory."""
    pieces = (b"x" * (1 << 20) for _ in range(40))
    chunked = {"transfer-encoding": "chunked"}
    status, _ = raw.ask("POST", f"/projects/{raw.endpoint.project}/instances", pieces, chunked)
    assert status == 413


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("rowrange=(-1,1)", "InvalidRowRange"),
        ("rowrange=x", "InvalidRowRange"),
        ("rowrange=(5,1)", "InvalidRowRange"),
        ("rowrange=(0,1)&columns=nope", "InvalidColumnSpec"),
        ("", "InvalidArgument"),
    ],
)
def test_ranges_and_columns_are_checked(raw: Raw, odps: ODPS, upload: Any, name: str, query: str, code: str) -> None:
    """A download asks for rows and columns that there are."""
    del upload
    download = TableTunnel(odps).create_download_session(name)
    path = f"/projects/{raw.endpoint.project}/tables/{name}?data&downloadid={download.id}&{query}"
    status, answer = raw.ask("GET", path.rstrip("&"))
    assert (status, json.loads(answer)["Code"]) == (400, code)
