"""The app behind the pages: it serves the files of one folder, and nothing else.

Airflow mounts the apps of plugins without any authentication. So there is nothing here that anybody may not see: what
the pages show comes from Airflow's REST API, which decides what the viewer may see.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from fastapi import FastAPI

STATIC = Path(__file__).with_name("static")

HEADERS = {
    # No script, style or picture from elsewhere or written into a page, no request to another host, no foreign frame.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # A page of the release before must not meet scripts of this one.
    "Cache-Control": "no-cache",
}


def static_app() -> FastAPI:
    """Return the app; each of its answers, a refusal too, has the headers."""
    from fastapi import FastAPI
    from starlette.staticfiles import StaticFiles

    app = FastAPI(title="Kafka windows", docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await call_next(request)
        answer.headers.update(HEADERS)
        return answer

    app.mount("/", StaticFiles(directory=STATIC))
    return app
