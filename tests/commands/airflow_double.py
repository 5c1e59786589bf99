"""A small Airflow over HTTP: it answers as Airflow 3.3 was seen to answer, and counts what it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "a-token"
PASSWORD = "a-password"


@dataclass
class AirflowDouble:
    """What it has, and what it was asked."""

    url: str = ""
    instances: list[dict[str, Any]] = field(default_factory=list)
    xcoms: dict[tuple[str, str, int, str], Any] = field(default_factory=dict)
    """Run, task, map index and key → value."""
    assets: dict[str, dict[str, Any]] = field(default_factory=dict)
    """URI → its state store."""
    to_anybody: bool = True
    asked: list[str] = field(default_factory=list)
    """Methods and paths."""

    def load(self, run_id: str, state: str, task_id: str = "load", map_index: int = -1, **xcoms: Any) -> None:
        """Have a task instance that loads, and what it has pushed; those that come later are newer."""
        known = {"dag_id": "orders", "dag_run_id": run_id, "task_id": task_id, "map_index": map_index}
        known["state"] = state
        self.instances.insert(0, {**known, "operator": "x", "operator_name": "KafkaToMaxComputeOperator"})
        self.xcoms |= {(run_id, task_id, map_index, key): value for key, value in xcoms.items()}

    def answer(self, path: str, query: Mapping[str, list[str]]) -> Any:
        """Return what is there; None for nothing."""
        match [unquote(part) for part in path.removeprefix("/under/api/v2/").split("/")]:
            case ["dags", "orders", "dagRuns", "~", "taskInstances"]:
                offset, limit = int(query["offset"][0]), int(query["limit"][0])
                wanted = query.get("task_id", [None])[0]
                known = [each for each in self.instances if wanted in (None, each["task_id"])]
                return {"task_instances": known[offset : offset + limit], "total_entries": len(known)}
            case ["dags", "orders", "dagRuns", run_id, "taskInstances", task_id, "xcomEntries", key]:
                found = self.xcoms.get((run_id, task_id, int(query["map_index"][0]), key))
                return None if found is None else {"key": key, "value": found}
            case ["assets"]:
                uris = [uri for uri in self.assets if query["uri_pattern"][0] in uri]
                return {"assets": [{"id": [*self.assets].index(uri), "uri": uri} for uri in uris]}
            case ["assets", number, "state-store", key]:
                entries = [*self.assets.values()][int(number)]
                return {"key": key, "value": entries[key]} if key in entries else None
            case _:
                return None


@contextmanager
def running_double() -> Iterator[AirflowDouble]:
    """Run it until the block is left, under a path as behind a proxy."""
    double = AirflowDouble()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            double.asked.append(f"GET {self.path}")
            parts = urlsplit(self.path)
            if parts.path == "/under/auth/token":
                self._send(*((200, {"access_token": TOKEN}) if double.to_anybody else (403, {"detail": "no"})))
            elif not parts.path.startswith("/under/"):
                self._send(200, None)
            elif self.headers["Authorization"] != f"Bearer {TOKEN}":
                self._send(401, {"detail": "Invalid token"})
            else:
                found = double.answer(parts.path, parse_qs(parts.query))
                self._send(*((404, {"detail": "not found"}) if found is None else (200, found)))

        def do_POST(self) -> None:
            double.asked.append(f"POST {self.path}")
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            right = body == {"username": "ann", "password": PASSWORD}
            self._send(*((201, {"access_token": TOKEN}) if right else (401, {"detail": "no"})))

        def _send(self, code: int, answer: Any) -> None:
            body = b"<html>" if answer is None else json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_port}/under"
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
