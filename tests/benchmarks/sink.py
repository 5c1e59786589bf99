"""An endpoint that throws blocks away: every other request goes to the real one.

``python -m benchmarks.sink ENDPOINT BYTES_PER_SECOND LATENCY`` prints its address; it ends with its standard input.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import requests
from benchmarks.pace import Brake, Pace
from benchmarks.surroundings import python_path

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

_PIECE = 1 << 20
_SEEN = "/-/seen"
_ROOM = 256 << 10
"""What a paced connection may hold in the kernel: more would look like memory and pace that nobody has."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What blocks came since the last time that somebody asked."""

    blocks: int = 0
    bytes: int = 0
    at_once: int = 0
    """How many were written at the same time, at most."""


@dataclass(slots=True)
class _Count:
    """Counts blocks, from many threads."""

    seen: Seen = field(default_factory=Seen)
    open: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        with self.lock:
            self.open += 1
            self.seen = Seen(self.seen.blocks, self.seen.bytes, max(self.seen.at_once, self.open))

    def end(self, size: int | None) -> None:
        """Count a block of so many bytes; None: one that was broken off."""
        with self.lock:
            self.open -= 1
            if size is not None:
                self.seen = Seen(self.seen.blocks + 1, self.seen.bytes + size, self.seen.at_once)

    def taken(self) -> Seen:
        with self.lock:
            seen, self.seen = self.seen, Seen(at_once=self.open)
            return seen


class _Sink(BaseHTTPRequestHandler):
    """Takes blocks and commits of its own; forwards the rest."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    endpoint: ClassVar[str]
    blocks: ClassVar[dict[str, set[int]]] = defaultdict(set)
    session: ClassVar[requests.Session] = requests.Session()
    pace: ClassVar[Pace] = Pace()
    count: ClassVar[_Count] = _Count()

    def setup(self) -> None:
        """Give every connection room of its own for what is thrown away."""
        super().setup()
        speed = self.pace.bytes_per_second
        # Not more at once than is due in a twentieth of a second: senders see a stream, and no bursts.
        self.room = memoryview(bytearray(min(_PIECE, max(4096, round((speed or 1e9) / 20)))))

    def do_PUT(self) -> None:
        """Read a block and forget it, or forward."""
        asked = self._asked()
        if "blockid" not in asked:
            self._forward()
            return
        self.count.begin()
        size = None
        try:
            size = self._swallow()
        finally:
            self.count.end(size)
        self.blocks[asked["uploadid"]].add(int(asked["blockid"]))
        self._answer(200, b"", {})

    def do_POST(self) -> None:
        """Say yes to a commit, or forward."""
        asked = self._asked()
        if "uploadid" not in asked:
            self._forward()
            return
        self._body()
        said = json.dumps({"UploadID": asked["uploadid"], "Status": "CLOSED"}).encode()
        self._answer(200, said, {"Content-Type": "application/json"})

    def do_GET(self) -> None:
        """Forward; to what the endpoint says of an upload, add the blocks that it never saw."""
        if self.path == _SEEN:
            self._answer(200, json.dumps(asdict(self.count.taken())).encode(), {})
        else:
            self._forward(self._asked().get("uploadid"))

    def log_message(self, *_: object) -> None:
        """Write no log."""

    def _asked(self) -> dict[str, str]:
        return {
            key.lower(): values[0]
            for key, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()
        }

    def _swallow(self) -> int:
        """Read a body at the pace that is set; return its bytes."""
        brake = Brake(self.pace.bytes_per_second) if self.pace.bytes_per_second else None
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            total = int(self.headers.get("Content-Length") or 0)
            self._skip(total, brake)
        else:
            total = 0
            while size := int(self._line().partition(b";")[0], 16):
                self._skip(size, brake)
                self._line()
                total += size
            self._line()
        if brake:
            brake.end()
        return total

    def _line(self) -> bytes:
        line = self.rfile.readline()
        if not line:
            raise ConnectionResetError("the body was broken off")
        return line

    def _skip(self, left: int, brake: Brake | None) -> None:
        while left:
            size = self.rfile.readinto(self.room[: min(left, len(self.room))])
            if not size:
                raise ConnectionResetError("the body was broken off")
            left -= size
            if brake:
                brake.read(size)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _forward(self, upload_id: str | None = None) -> None:
        headers = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")}
        answer = self.session.request(
            self.command, f"{self.endpoint}{self.path}", headers=headers, data=self._body(), timeout=60
        )
        body = answer.content
        if upload_id and answer.ok:
            told = json.loads(body)
            told["UploadedBlockList"] = [{"BlockID": block} for block in sorted(self.blocks[upload_id])]
            body = json.dumps(told).encode()
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP}
        self._answer(answer.status_code, body, kept)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        if self.path != _SEEN:
            time.sleep(self.pace.latency)
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


_HOP = {"content-length", "transfer-encoding", "connection", "date", "server", "content-encoding"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has gone away: a load that is stopped leaves its blocks like that."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@dataclass(frozen=True, slots=True)
class Sink:
    """One that runs."""

    address: str
    pace: Pace

    def seen(self) -> Seen:
        """Return what blocks came since this was asked the last time."""
        answer = requests.get(f"{self.address.removesuffix('/api')}{_SEEN}", timeout=60)
        return Seen(**answer.json())


@contextmanager
def running_sink(endpoint: RunningEndpoint, pace: Pace = Pace()) -> Iterator[Sink]:  # noqa: B008 - a frozen value
    """Yield a sink in front of an endpoint, in a process of its own; it ends with the block."""
    command = [sys.executable, "-m", "benchmarks.sink", endpoint.endpoint]
    numbers = [str(pace.bytes_per_second or 0), str(pace.latency)]
    process = subprocess.Popen(
        [*command, *numbers],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": python_path()},
    )
    try:
        assert process.stdout is not None
        yield Sink(process.stdout.readline().strip(), pace)
    finally:
        process.terminate()
        process.communicate()


def main() -> None:
    """Serve until the standard input ends."""
    endpoint, speed, latency = sys.argv[1:]
    _Sink.endpoint = endpoint.removesuffix("/api")
    _Sink.pace = Pace(float(speed) or None, float(latency))
    server = _Server(("127.0.0.1", 0), _Sink)
    if _Sink.pace.bytes_per_second:
        # Connections inherit it.
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}{'/api' if endpoint.endswith('/api') else ''}", flush=True)  # noqa: T201 - for whoever started it
    sys.stdin.read()


if __name__ == "__main__":
    main()
