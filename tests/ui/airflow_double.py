"""What stands in for an Airflow: the static app below a path, and a REST API that gives made-up answers.

It is no mock of a client: the pages are what is tested, and they ask it over HTTP, as a browser does.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from ui.made_up import DAG, TASK, Loaded, run_of

from airflow_provider_kafka_odps.ui.app import static_app


@dataclass
class Answers:
    """What the API says; whatever is not here is 404."""

    by_path: dict[str, Any] = field(default_factory=dict)
    """Path under ``/api/v2`` → JSON; a number is the status of a refusal."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Of all assets, the newest first."""
    asked: list[str] = field(default_factory=list)
    """The requests so far."""

    def task(
        self,
        instance: Any,
        journal: Any = None,
        receipt: Any = None,
        *,
        progress: Any = None,
        error: tuple[str, str] | None = None,
        hour: int = 10,
        dag_id: str = DAG,
    ) -> None:
        """Take what is known of a task instance: ``error`` has class and text of the last one in its log."""
        path = f"dags/{dag_id}/dagRuns/{run_of(hour)}/taskInstances/{TASK}"
        known = [each for each in (receipt, journal) if isinstance(each, Mapping) and "window" in each]
        window = known[0]["window"] if known else None
        values = {
            "state-store/kafka_to_maxcompute": journal,
            "state-store/progress": progress,
            "xcomEntries/window": window,
            "xcomEntries/return_value": receipt,
        }
        self.by_path[path] = instance
        for name, value in values.items():
            self.by_path.pop(f"{path}/{name}", None)
            if value is not None:
                self.by_path[f"{path}/{name}"] = value if isinstance(value, int) else {"value": value}
        if isinstance(instance, Mapping):
            detail = [{"exc_type": error[0], "exc_value": error[1], "frames": []}] if error else []
            events = [{"event": "it begins"}, {"event": "Task failed", "error_detail": detail}] if error else []
            self.by_path[f"{path}/logs/{instance['try_number']}"] = {"content": events}

    def loads(self, loads: list[Loaded]) -> None:
        """Take loads that are done, the oldest first."""
        self.events = [load.event(number) for number, load in enumerate(loads)][::-1]

    def of(self, path: str, query: Mapping[str, str]) -> Response:
        """Return the answer to a request."""
        self.asked.append(path)
        found = self.by_path.get(path)
        if isinstance(found, int):
            return JSONResponse({"detail": "no"}, found)
        if found is None and path == "assets/events":
            found = self._page(query)
        return JSONResponse({"detail": "not found"}, 404) if found is None else JSONResponse(found)

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        wanted = {name: query[name] for name in ("source_dag_id", "source_task_id") if name in query}
        found = [each for each in self.events if all(each[name] == value for name, value in wanted.items())]
        if "asset_id" in query:
            found = [each for each in found if str(each["asset_id"]) == query["asset_id"]]
        start, most = int(query.get("offset", 0)), min(100, int(query.get("limit", 50)))
        return {"asset_events": found[start : start + most], "total_entries": len(found)}


_OUTER = """<!doctype html><html class="{theme}"><head><base href="{prefix}/"></head><body>
<iframe id="frame" src="{src}" sandbox="allow-scripts allow-same-origin allow-forms allow-downloads"
 width="1100" height="900"></iframe></body></html>"""


@dataclass(frozen=True)
class AirflowDouble:
    """It runs."""

    root: str
    """Its address, with the path below which it is."""
    answers: Answers

    def task_page(self, hour: int = 10, *, dag_id: str = DAG) -> str:
        """Return the address of a task instance's page."""
        run_id = quote(run_of(hour), safe="")
        # As Airflow leaves it for a task that is not mapped.
        index = quote("{MAP_INDEX}")
        return f"{self.root}/kafka-odps/task.html?dag_id={dag_id}&run_id={run_id}&task_id={TASK}&map_index={index}"

    def windows_page(self, query: str = f"dag_id={DAG}") -> str:
        """Return the address of a page of windows."""
        return f"{self.root}/kafka-odps/windows.html{'?' if query else ''}{query}"


@contextlib.contextmanager
def airflow_double(prefix: str = "") -> Iterator[AirflowDouble]:
    """Serve it on a free port, until the block is left."""
    answers = Answers()

    def api(request: Request) -> Response:
        return answers.of(request.path_params["path"], request.query_params)

    def outer(request: Request) -> Response:
        query = request.query_params
        return HTMLResponse(_OUTER.format(theme=query["theme"], prefix=prefix, src=query["src"]))

    def airflows_own(request: Request) -> Response:
        return HTMLResponse(f"<p>Airflow's own page {request.url.path}</p>")

    routes = [
        Mount(f"{prefix}/kafka-odps", static_app()),
        Route(f"{prefix}/api/v2/{{path:path}}", api),
        Route(f"{prefix}/outer", outer),
        Route(f"{prefix}/dags/{{path:path}}", airflows_own),
    ]
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        # Whoever comes before the server has begun waits for it, and is not refused.
        bound.listen()
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        try:
            yield AirflowDouble(f"http://127.0.0.1:{bound.getsockname()[1]}{prefix}", answers)
        finally:
            server.should_exit = True
            thread.join(10)
