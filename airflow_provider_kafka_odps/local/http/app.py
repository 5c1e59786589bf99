"""Between the web server and the protocols: requests to calls, answers to responses; no rule of MaxCompute is here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qsl, unquote

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from airflow_provider_kafka_odps.local.api import rest
from airflow_provider_kafka_odps.local.api.blocks import is_block, open_block
from airflow_provider_kafka_odps.local.api.call import Answer, Call, json_error, xml_error
from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.api.tunnel import is_tunnel
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.http.auth import check_digest, verify
from airflow_provider_kafka_odps.local.sessions.limits import BYTES_PER_SECOND, IDLE_SECONDS

_log = logging.getLogger(__name__)


_WAIT_SECONDS = 5.0
"""How long a posted job is waited for: clients poll once a second, so a quick one costs them no wait."""


_PIECE = 1 << 20


_LONGEST_BODY = 32 << 20


class Application:
    """Answers the requests of one endpoint."""

    def __init__(self, services: Services) -> None:
        """Answer with these services."""
        self.services = services

    async def answer(self, request: Request, call: Call, request_id: str, corrupt_at: int | None = None) -> Answer:
        """Check who asks, read the body, and answer; whatever fails is answered too.

        The byte `corrupt_at` of a block's body is changed on its way in.
        Raises ClientDisconnect when the client went away.
        """
        try:
            self._verify(request, call)
            if is_block(call):
                return await self._receive_block(request, call, corrupt_at)
            body = await whole_body(request)
            check_digest(call.headers.get("content-md5", ""), body)
            return await held(await run_in_threadpool(rest.answer, self.services, replace(call, body=body)))
        except ServiceError as reason:
            await drain(request)
            return refusal(call, reason, request_id)
        except ClientDisconnect:
            raise
        except Exception as failure:  # noqa: BLE001 - a client must get an answer, and the server must stay up
            _log.exception("%s /%s failed", call.method, "/".join(call.segments))
            await drain(request)
            internal = ServiceError(500, "InternalServerError", f"{type(failure).__name__}: {failure}")
            return refusal(call, internal, request_id)

    def _verify(self, request: Request, call: Call) -> None:
        settings = self.services.settings
        path = "/" + "/".join(call.segments)
        if request.url.path.endswith("/") and call.segments:
            path += "/"
        # What follows an endpoint that ends in /api is signed without it; clients of the storage API sign it, too.
        paths = (path, f"/api{path}") if request.url.path.startswith("/api/") else (path,)
        keys = {settings.access_id: settings.access_key}
        verify(call.method, paths, call.query, call.headers, keys, time.time(), settings.sts_token)

    async def _receive_block(self, request: Request, call: Call, corrupt_at: int | None) -> Answer:
        block = await run_in_threadpool(open_block, self.services, call)
        taken, started = 0, time.monotonic()
        strict = self.services.settings.strict_limits
        try:
            async for piece in pieces(request, IDLE_SECONDS if strict else None):
                if strict:
                    # Taken no faster than the service takes it: the client waits while nothing is read.
                    await asyncio.sleep(max(0.0, started + taken / BYTES_PER_SECOND - time.monotonic()))
                at = -1 if corrupt_at is None else corrupt_at - taken
                await run_in_threadpool(block.feed, corrupted(piece, at))
                taken += len(piece)
            return await run_in_threadpool(block.finish)
        finally:
            await run_in_threadpool(block.discard)


async def held(answer: Answer) -> Answer:
    """Return an answer once what it waits for has ended, or a while has passed."""
    if answer.after is not None:
        # Without a thread: forty statements that wait must keep nobody from being answered.
        await asyncio.wait([asyncio.wrap_future(answer.after)], timeout=_WAIT_SECONDS)
    return answer


def corrupted(piece: bytes, at: int) -> bytes:
    """Return the piece with the byte `at` changed, when it is in this piece."""
    return piece[:at] + bytes((piece[at] ^ 0xFF,)) + piece[at + 1 :] if 0 <= at < len(piece) else piece


def read_call(request: Request) -> Call:
    """Return the request as a call, without its body."""
    path = unquote(request.scope["raw_path"].split(b"?")[0].decode("latin-1"))
    segments = tuple(segment for segment in path.split("/") if segment)
    # Endpoints of the service end in /api; the prefix is not part of what is signed.
    if segments[:1] == ("api",):
        segments = segments[1:]
    query = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, segments, query, headers, host=headers.get("host", ""))


async def whole_body(request: Request) -> bytes:
    """Read a body into memory.

    Raises ServiceError when it has more than 32 MiB.
    """
    pieces, size = [], 0
    async for piece in request.stream():
        pieces.append(piece)
        size += len(piece)
        if size > _LONGEST_BODY:
            raise ServiceError(413, "MaxMessageLengthExceeded", f"the body has more than {_LONGEST_BODY} bytes")
    return b"".join(pieces)


async def pieces(request: Request, idle: float | None) -> AsyncIterator[bytes]:
    """Yield a body in pieces of a megabyte; the client may be silent for `idle` seconds.

    Raises ServiceError (408 RequestTimeOut).
    """
    # Big pieces: each goes to a thread, and clients send chunks of a few bytes.
    pending, size = [], 0
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(idle):
                piece = await anext(stream)
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise ServiceError(408, "RequestTimeOut", f"nothing was sent for {idle} s") from None
        pending.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(pending)
            pending, size = [], 0
    if size:
        yield b"".join(pending)


async def drain(request: Request) -> None:
    """Read what is left: a client that is still sending would see a reset connection instead of a refusal."""
    try:
        async for _ in request.stream():
            pass
    except (ClientDisconnect, RuntimeError):
        pass


def refusal(call: Call, reason: ServiceError, request_id: str) -> Answer:
    """Return an error in the form of the protocol that the call speaks."""
    return json_error(reason) if is_tunnel(call) else xml_error(reason, request_id, call.host)


def response_of(answer: Answer) -> Response:
    """Return the answer as a response."""
    headers = dict(answer.headers)
    media = answer.media or None
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, headers, media)
    return StreamingResponse(iterate_in_threadpool(answer.body), answer.status, headers, media)
