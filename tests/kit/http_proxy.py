"""A proxy for HTTP that wants a password, and keeps what it was asked for."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import urlsplit

USER, PASSWORD = "loader", "proxy's p@ss/word"
_WANTED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_NOT_PASSED_ON = {"proxy-authorization", "proxy-connection", "connection", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy."""

    address: str
    """``host:port``."""
    asked: list[str] = field(default_factory=list)
    """Method and target of each request that had the password."""


@contextmanager
def http_proxy() -> Iterator[Proxy]:
    """Run it until the block is left."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Passing)
    server.daemon_threads = True
    proxy = Proxy(f"127.0.0.1:{server.server_port}")
    _Passing.proxies[server.server_port] = proxy
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxies: ClassVar[dict[int, Proxy]] = {}

    def _pass(self) -> None:
        if self.headers["Proxy-Authorization"] != _WANTED:
            self._say(407, {"Proxy-Authenticate": "Basic"}, b"")
            return
        self.proxies[self.connection.getsockname()[1]].asked.append(f"{self.command} {self.path}")
        target = urlsplit(self.path)
        there = HTTPConnection(target.netloc, timeout=30)
        try:
            headers = {name: text for name, text in self.headers.items() if name.lower() not in _NOT_PASSED_ON}
            path = f"{target.path}?{target.query}" if target.query else target.path
            there.request(self.command, path, self._body(), headers)
            answer = there.getresponse()
            body = answer.read()
            self._say(answer.status, dict(answer.getheaders()), body)
        finally:
            there.close()

    def _body(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _say(self, status: int, headers: dict[str, Any], body: bytes) -> None:
        self.send_response_only(status)
        for name, text in headers.items():
            if name.lower() not in {*_NOT_PASSED_ON, "content-length"}:
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_CONNECT(self) -> None:
        """Keep whither, and open nothing."""
        self.proxies[self.connection.getsockname()[1]].asked.append(f"CONNECT {self.path}")
        self._say(502, {}, b"")

    def __getattr__(self, name: str) -> Any:
        """Take every other method alike."""
        if name.startswith("do_"):
            return self._pass
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
