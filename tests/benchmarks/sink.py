"""An endpoint that throws blocks away: every other request goes to the real one.

``python -m benchmarks.sink ENDPOINT`` prints its address; it ends with its standard input.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import requests

_PIECE = 1 << 20


class _Sink(BaseHTTPRequestHandler):
    """Takes blocks and commits of its own; forwards the rest."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    endpoint: ClassVar[str]
    blocks: ClassVar[dict[str, set[int]]] = defaultdict(set)
    session: ClassVar[requests.Session] = requests.Session()

    def setup(self) -> None:
        """Give every connection room of its own for what is thrown away."""
        super().setup()
        self.room = memoryview(bytearray(_PIECE))

    def do_PUT(self) -> None:
        """Read a block and forget it, or forward."""
        asked = self._asked()
        if "blockid" not in asked:
            self._forward()
            return
        self._swallow()
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
        self._forward(self._asked().get("uploadid"))

    def log_message(self, *_: object) -> None:
        """Write no log."""

    def _asked(self) -> dict[str, str]:
        return {
            key.lower(): values[0]
            for key, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()
        }

    def _swallow(self) -> None:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            self._skip(int(self.headers.get("Content-Length") or 0))
            return
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            self._skip(size)
            self.rfile.readline()
        self.rfile.readline()

    def _skip(self, left: int) -> None:
        while left:
            left -= self.rfile.readinto(self.room[: min(left, _PIECE)])

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
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


_HOP = {"content-length", "transfer-encoding", "connection", "date", "server", "content-encoding"}


def main() -> None:
    """Serve until the standard input ends."""
    _Sink.endpoint = sys.argv[1].removesuffix("/api")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}{'/api' if sys.argv[1].endswith('/api') else ''}", flush=True)  # noqa: T201 - for whoever started it
    sys.stdin.read()


if __name__ == "__main__":
    main()
