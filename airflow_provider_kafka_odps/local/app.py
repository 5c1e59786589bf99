"""The ASGI application: requests become calls, answers become responses; no rule of MaxCompute lives here."""

import logging
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from .api import rest
from .api.blocks import is_block, open_block
from .api.call import Answer, Call, json_error, xml_error
from .api.services import Services
from .api.tunnel import is_tunnel
from .auth import verify
from .errors import ServiceError

_log = logging.getLogger(__name__)
_PIECE = 1 << 20
_LONGEST_BODY = 32 << 20


class Application:
    """Serves one endpoint."""

    def __init__(self, services: Services) -> None:
        """Serve these."""
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP is spoken here, not {scope['type']}")
        request = Request(scope, receive)
        request_id = uuid4().hex.upper()
        try:
            answer = await self._answer(request, request_id)
        except ClientDisconnect:
            return
        response = _response(answer)
        response.headers["x-odps-request-id"] = request_id
        await response(scope, receive, send)

    async def _answer(self, request: Request, request_id: str) -> Answer:
        call = _call(request)
        try:
            self._verify(request, call)
            if is_block(call):
                return await self._receive_block(request, call)
            body = await _whole_body(request)
            return await run_in_threadpool(rest.answer, self._services, _with_body(call, body))
        except ServiceError as reason:
            await _drain(request)
            return _refusal(call, reason, request_id)
        except ClientDisconnect:
            raise
        except Exception as failure:  # noqa: BLE001 - a client must get an answer, and the server must stay up
            _log.exception("%s /%s failed", call.method, "/".join(call.segments))
            await _drain(request)
            internal = ServiceError(500, "InternalServerError", f"{type(failure).__name__}: {failure}")
            return _refusal(call, internal, request_id)

    def _verify(self, request: Request, call: Call) -> None:
        settings = self._services.settings
        path = "/" + "/".join(call.segments)
        if request.url.path.endswith("/") and call.segments:
            path += "/"
        verify(call.method, path, call.query, call.headers, {settings.access_id: settings.access_key}, time.time())

    async def _receive_block(self, request: Request, call: Call) -> Answer:
        block = await run_in_threadpool(open_block, self._services, call)
        try:
            async for piece in _pieces(request):
                await run_in_threadpool(block.feed, piece)
            return await run_in_threadpool(block.finish)
        finally:
            await run_in_threadpool(block.discard)


def _call(request: Request) -> Call:
    path = unquote(request.scope["raw_path"].split(b"?")[0].decode("latin-1"))
    segments = tuple(segment for segment in path.split("/") if segment)
    # Endpoints of the service end in /api; the prefix is not part of what is signed.
    if segments[:1] == ("api",):
        segments = segments[1:]
    query = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, segments, query, headers, host=headers.get("host", ""))


def _with_body(call: Call, body: bytes) -> Call:
    return Call(call.method, call.segments, call.query, call.headers, body, call.host)


async def _whole_body(request: Request) -> bytes:
    pieces, size = [], 0
    async for piece in request.stream():
        pieces.append(piece)
        size += len(piece)
        if size > _LONGEST_BODY:
            raise ServiceError(413, "MaxMessageLengthExceeded", f"the body has more than {_LONGEST_BODY} bytes")
    return b"".join(pieces)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    # Big pieces: each goes to a thread, and clients send chunks of a few bytes.
    pending, size = [], 0
    async for piece in request.stream():
        pending.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(pending)
            pending, size = [], 0
    if size:
        yield b"".join(pending)


async def _drain(request: Request) -> None:
    # A client that is still sending would see a reset connection instead of the refusal.
    try:
        async for _ in request.stream():
            pass
    except (ClientDisconnect, RuntimeError):
        pass


def _refusal(call: Call, reason: ServiceError, request_id: str) -> Answer:
    return json_error(reason) if is_tunnel(call) else xml_error(reason, request_id, call.host)


def _response(answer: Answer) -> Response:
    headers = dict(answer.headers)
    media = answer.media or None
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, headers, media)
    return StreamingResponse(iterate_in_threadpool(answer.body), answer.status, headers, media)
