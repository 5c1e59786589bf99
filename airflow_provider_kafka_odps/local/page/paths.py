"""What the page's addresses answer.

GET  /                           the page
GET  /_page/static/NAME          its parts, and the drawing code that it shares with the pages in Airflow
GET  /_page/overview             everything of the first page
GET  /_page/tables/FULL_NAME     a table
POST /_page/statements           run a statement: {"query": "…"}
GET  /_page/statements/ID        what became of it
DELETE /_page/statements/ID      stop it
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from airflow_provider_kafka_odps.local.api.call import Answer, Call, json_answer
from airflow_provider_kafka_odps.local.api.control import Control
from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.page import statements
from airflow_provider_kafka_odps.local.page.overview import overview
from airflow_provider_kafka_odps.local.page.tables import table_page

PREFIX = "_page"


_OWN = Path(__file__).parent / "static"


_SHARED = Path(__file__).parents[2] / "ui" / "static" / "draw"
"""Files for a browser, not modules: the pages in Airflow and this one are drawn by the same code."""


_SHARED_NAMES = frozenset({"dom.js", "parts.js", "words.js", "picture.css"})


_MEDIA = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


_HEADERS = {
    # Nothing comes from elsewhere, and nobody may frame it: a click in here can set a fault.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def is_page(call: Call) -> bool:
    """Return whether a call is one of the page's."""
    return not call.segments or call.segments[0] == PREFIX


def answer(services: Services, control: Control, call: Call) -> Answer:
    """Answer a call of the page.

    Raises ServiceError: no such address, table or statement.
    """
    match call.method, call.segments[1:]:
        case "GET" | "HEAD", () if not call.segments:
            return _file("page.html")
        case "GET", ("static", name):
            return _file(name)
        case "GET", ("overview",):
            return _json(overview(services, control))
        case "GET", ("tables", full):
            return _json(table_page(services, full))
        case "POST", ("statements",):
            return _json(statements.run(services, call.body), 201)
        case "GET", ("statements", instance_id):
            return _json(statements.shown(services, instance_id))
        case "DELETE", ("statements", instance_id):
            services.instances.stop(services.instances.find(instance_id))
            return Answer(204, headers=_HEADERS)
        case _:
            raise ServiceError(404, "NoSuchObject", f"the page has no {call.method} /{'/'.join(call.segments)}")


def _json(content: object, status: int = 200) -> Answer:
    found = json_answer(content, status)
    return Answer(found.status, found.body, found.media, _HEADERS)


def _file(name: str) -> Answer:
    media = f"{_MEDIA[Path(name).suffix]}; charset=utf-8" if Path(name).suffix in _MEDIA else ""
    content = _read(name)
    if content is None or not media:
        raise ServiceError(404, "NoSuchObject", f"the page has no file {name}")
    return Answer(200, content, media, _HEADERS)


@lru_cache(maxsize=64)
def _read(name: str) -> bytes | None:
    # Names are looked up in what is there, never joined to a path as they come.
    if name in _SHARED_NAMES:
        return (_SHARED / name).read_bytes()
    return {path.name: path.read_bytes() for path in _OWN.iterdir() if path.is_file()}.get(name)
