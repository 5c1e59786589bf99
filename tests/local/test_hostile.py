"""Bytes of somebody who means harm or is broken: bombs, path tricks, wrong lengths, connections that end."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from local.conftest import connect
from local.raw import Raw, job
from odps.tunnel import TableTunnel

from airflow_provider_kafka_odps.local.testing import RunningEndpoint, running_endpoint
from airflow_provider_kafka_odps.local.wire.encodings import ENCODINGS, pack
from airflow_provider_kafka_odps.local.wire.frames import encode_frames

MIB = 1 << 20
TRICKS = [
    "..",
    "../../escaped",
    "/etc/passwd",
    "..\\escaped",
    "%2e%2e%2fescaped",
    "a\0b",
    "a\r\nX-Injected: 1",
    "x" * 5000,
    "\u202e",
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningEndpoint, Path]]:
    """Return an endpoint with a small longest block, and the folder around its directory."""
    around = tmp_path_factory.mktemp("around")
    with running_endpoint(around / "kept", arguments=(f"--longest-block={32 * MIB}",)) as endpoint:
        connect(endpoint).create_table("t", ("k bigint, v string", "ds string"))
        connect(endpoint).execute_sql("ALTER TABLE t ADD PARTITION (ds='a')")
        yield endpoint, around


@pytest.fixture
def raw(kept: tuple[RunningEndpoint, Path]) -> Iterator[Raw]:
    """Return a client; after the test there is nothing new outside and inside the directory, and it still answers."""
    endpoint, around = kept
    rows = around / "kept" / "rows"
    before = set(rows.iterdir())
    yield Raw(endpoint)
    assert connect(endpoint).get_table("t").exist_partition("ds='a'")
    assert [entry.name for entry in around.iterdir()] == ["kept"]
    # Where the client has hung up, it may hear of that before the endpoint has tidied up behind it.
    ends = time.monotonic() + 30
    while set(rows.iterdir()) != before and time.monotonic() < ends:
        time.sleep(0.01)
    assert set(rows.iterdir()) == before


@pytest.fixture
def upload_id(raw: Raw) -> str:
    """Return an upload session of the partition."""
    return str(TableTunnel(connect(raw.endpoint)).create_upload_session("t", partition_spec="ds=a").id)


def path_of(raw: Raw, upload_id: str, more: str = "") -> str:
    """Return the path of block 0."""
    return f"/projects/{raw.endpoint.project}/tables/t?blockid=0&uploadid={upload_id}{more}"


def signed(raw: Raw, path: str, more: list[str], body: bytes = b"") -> bytes:
    """Return a signed PUT as bytes for a socket, with further header lines and the body as they are given."""
    lines: dict[str, str] = {}
    date = formatdate(usegmt=True)

    class Note(Raw):
        def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
            del method, path, body
            lines.update(headers)
            return 0, b""

    Note(raw.endpoint).ask("PUT", path, date=date)
    head = [f"PUT {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in lines.items()), *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def converse(raw: Raw, request: bytes) -> bytes:
    """Send bytes, say that nothing follows, and return all that is answered."""
    host, port = raw.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        answer = b""
        # The other side may close while there is still something to send, and even before its answer is read.
        with suppress(OSError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                answer += piece
    return answer


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", ["", "&arrow"])
def test_a_bomb_is_refused_before_it_fills_anything(raw: Raw, upload_id: str, encoding: str, form: str) -> None:
    """A body that unpacks to more than the longest block is refused, whatever its encoding."""
    # Inside, both look like the begin of one long value, so that only the size can be what is refused.
    if form:
        inside: Iterator[bytes] = encode_frames(bytes(MIB) for _ in range(48))
    else:
        inside = (
            struct.pack("<B", 0x12) + b"\xff\xff\xff\x7f" + bytes(MIB) if not at else bytes(MIB) for at in range(48)
        )
    packed = b"".join(pack(encoding, inside))
    status, answer = raw.ask(
        "PUT",
        path_of(raw, upload_id, form),
        iter([packed]),
        {"content-encoding": encoding, "transfer-encoding": "chunked"},
    )
    assert (status, json.loads(answer)["Code"]) == (400, "MaxMessageLengthExceeded")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("damage", ["cut", "doubled", "tail", "nonsense"])
def test_every_encoding_is_read_to_its_end(raw: Raw, upload_id: str, encoding: str, damage: str) -> None:
    """A packed body that is cut, comes twice, is followed by more, or is none, is refused."""
    packed = b"".join(pack(encoding, encode_frames(iter([b""]))))
    body = {"cut": packed[:-1], "doubled": packed * 2, "tail": packed + b"x", "nonsense": b"\x00nonsense" * 9}[damage]
    headers = {"content-encoding": encoding, "transfer-encoding": "chunked"}
    status, answer = raw.ask("PUT", path_of(raw, upload_id, "&arrow"), iter([body]), headers)
    assert status == 400
    assert json.loads(answer)["Code"] in {"IncompleteBody", "CorruptedDataStream", "MalformedDataStream"}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_name_is_never_a_path(raw: Raw, trick: str) -> None:
    """A project, table, schema, partition, upload, download or instance of such a name isn't there."""
    name, project = quote(trick, safe=""), raw.endpoint.project
    for method, path in [
        ("GET", f"/projects/{name}"),
        ("GET", f"/projects/{project}/tables/{name}"),
        ("GET", f"/projects/{project}/schemas/{name}/tables/t"),
        ("GET", f"/projects/{project}/tables/t?curr_schema={name}"),
        ("POST", f"/projects/{project}/tables/t?uploads&partition={quote('ds=' + trick, safe='')}"),
        ("POST", f"/projects/{project}/tables/t?downloads&partition={quote('ds=' + trick, safe='')}"),
        ("GET", f"/projects/{project}/tables/t?uploadid={name}"),
        ("PUT", f"/projects/{project}/tables/t?blockid=0&uploadid={name}"),
        ("POST", f"/projects/{project}/tables/t?uploadid={name}"),
        ("GET", f"/projects/{project}/tables/t?data&downloadid={name}&rowrange=(0,1)"),
        ("GET", f"/projects/{project}/instances/{name}"),
    ]:
        status, answer = ask_quoted(raw, method, path)
        assert 400 <= status < 500, (method, path, status, answer)
        assert b"Traceback" not in answer


class Quoted(Raw):
    """Signs what the server will see after unquoting, and sends what is quoted."""

    quoted = ""

    def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        del path
        return super().send(method, self.quoted, body, headers)


def ask_quoted(raw: Raw, method: str, path: str) -> tuple[int, bytes]:
    """Send a signed request whose path has quoted characters."""
    client = Quoted(raw.endpoint)
    client.quoted = path
    plain, mark, query = path.partition("?")
    return client.ask(method, unquote(plain) + mark + query)


@pytest.mark.parametrize("trick", ["..", "../../escaped", "a/b", "a\\b", "é🎈", "x" * 300])
def test_a_partition_value_stays_a_value(raw: Raw, trick: str) -> None:
    """A partition whose value looks like a path is one like any other, or refused."""
    odps = connect(raw.endpoint)
    status, _ = raw.ask(
        "POST", f"/projects/{raw.endpoint.project}/instances", job(f"ALTER TABLE t ADD PARTITION (ds='{trick}')")
    )
    assert status in {200, 201}
    raw.ask(
        "POST",
        f"/projects/{raw.endpoint.project}/instances",
        job(f"ALTER TABLE t DROP IF EXISTS PARTITION (ds='{trick}')"),
    )
    assert [str(partition.name) for partition in odps.get_table("t").partitions] == ["ds='a'"]


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: 100"], b"\0\0\0\0"),
        (["Content-Length: 2"], b"\0\0\0\0"),
        (["Content-Length: -1"], b""),
        (["Content-Length: nonsense"], b""),
        (["Content-Length: 4", "Content-Length: 5"], b"\0\0\0\0"),
        (["Content-Length: 4", "Transfer-Encoding: chunked"], b"\0\0\0\0"),
        (["Transfer-Encoding: chunked"], b"zz\r\nabc\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], b"-4\r\nabcd\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], b"ffffffffffffffffff\r\nabcd\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], b"4\r\nabcdef\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], b"4\r\n\0\0\0\0\r\n"),
        (["Transfer-Encoding: chunked"], b""),
        (["Transfer-Encoding: nonsense"], b"\0\0\0\0"),
        (["No-Colon-Here"], b""),
        (["Content-Length: 4", "X: " + "y" * 200_000], b""),
    ],
)
def test_a_body_of_another_length_is_no_block(raw: Raw, upload_id: str, lines: list[str], body: bytes) -> None:
    """A length that isn't so, chunks that are none, and a connection that ends first leave no block."""
    answer = converse(raw, signed(raw, path_of(raw, upload_id, "&arrow"), lines, body))
    assert answer[:12] in {b"", b"HTTP/1.1 400", b"HTTP/1.1 431"}, answer[:200]
    status, session = raw.ask("GET", f"/projects/{raw.endpoint.project}/tables/t?uploadid={upload_id}")
    assert (status, json.loads(session)["UploadedBlockList"]) == (200, [])


@pytest.mark.parametrize(
    "noise", [b"", b"\0" * 1000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"G" * 300_000]
)
def test_noise_on_the_port_is_survived(raw: Raw, noise: bytes) -> None:
    """What isn't HTTP gets 400 or a closed connection."""
    assert converse(raw, noise)[:12] in {b"", b"HTTP/1.1 400"}


def test_many_connections_that_say_nothing_keep_nobody_waiting(raw: Raw) -> None:
    """Two hundred open connections without a request do not stop the next one."""
    host, port = raw.address.split(":")
    silent = [socket.create_connection((host, int(port)), timeout=30) for _ in range(200)]
    try:
        assert raw.ask("GET", f"/projects/{raw.endpoint.project}")[0] == 200
    finally:
        for connection in silent:
            connection.close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_control/faults", b""),
        ("/_control/faults", b"{"),
        ("/_control/faults", b"[]"),
        ("/_control/faults", b'"x"'),
        ("/_control/faults", b'{"operation": 1}'),
        ("/_control/faults", b'{"operation": "any", "fault": {"kind": "delay", "seconds": "x"}}'),
        ("/_control/faults", b'{"operation": "any", "fault": {"kind": "drop", "moment": "x"}, "nth": 0}'),
        ("/_control/faults", b"[" * 100_000),
        ("/_control/uploads/nothing", b'{"status": "nonsense"}'),
        ("/_control/requests?after=x", b""),
    ],
)
def test_rules_that_are_none_are_refused(raw: Raw, path: str, body: bytes) -> None:
    """JSON of a control request that isn't a rule is answered with 4xx and changes nothing."""
    method = "PUT" if "uploads" in path else "GET" if "requests" in path else "POST"
    status, _ = raw.send(method, path, body, {})
    assert 400 <= status < 500
    assert json.loads(raw.send("GET", "/_control/faults", b"", {})[1]) == []


def test_schemas_of_nonsense_are_refused(raw: Raw) -> None:
    """A schema whose XML has no usable name isn't created."""
    for body in (b"", b"<Schema/>", b"<Schema><Name/></Schema>", b"<Schema><Name>../x</Name></Schema>", b"{}"):
        assert 400 <= raw.ask("POST", f"/projects/{raw.endpoint.project}/schemas", body)[0] < 500, body
