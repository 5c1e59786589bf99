"""An HTTP server that answers as it was told to, for what a faithful endpoint never does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: a status and a JSON body, or a page."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    page: bytes = b""
    """Sent in place of the JSON where it is given: what something else than the service might answer."""
    early: bool = False
    """Whether it is sent before the request's body was read, none of which is; then the connection is closed."""


DROP = Reply(0)
"""Read the request, then close the connection without a word."""

SESSION: dict[str, Any] = {
    "UploadID": "u1",
    "Status": "normal",
    "MaxFieldSize": 1234,
    "Schema": {"columns": [{"name": "a", "type": "bigint", "nullable": True}], "partitionKeys": []},
    "UploadedBlockList": [{"BlockID": 0}, {"BlockID": 1}],
}
"""An upload session of a table with the column ``a BIGINT``, which holds two blocks."""
COMMITTED = {"UploadedBlockList": SESSION["UploadedBlockList"]}
"""What the service answers to its commit."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes


class ScriptedService:
    """Gives the next of ``replies`` to each request, and the last one from then on."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.replies: Sequence[Reply] = [Reply()]
        self.seen: list[Seen] = []

    @property
    def upcoming(self) -> Reply:
        """What the next request is answered."""
        return self.replies[min(len(self.seen), len(self.replies) - 1)]

    def next_reply(self, request: Seen) -> Reply:
        """Note the request and return what it is answered."""
        self.seen.append(request)
        return self.replies[min(len(self.seen), len(self.replies)) - 1]


@contextmanager
def scripted_service() -> Iterator[ScriptedService]:
    """Run the server on a free port of the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            url = urlsplit(self.path)
            query = parse_qs(url.query, keep_blank_values=True)
            body = b"" if service.upcoming.early else self.read_body()
            reply = service.next_reply(Seen(self.command, url.path, query, body))
            if reply is DROP:
                self.close_connection = True
                return
            body = reply.page or (b"" if reply.body is None else json.dumps(reply.body).encode())
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = reply.early or self.close_connection

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the base class wants these names

        def read_body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline() or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing: a client that goes away in the middle is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service = ScriptedService(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
