"""The ASGI application: counts and logs every request, injects the faults, sends the answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import assert_never
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from airflow_provider_kafka_odps.local.api.call import Answer, Call
from airflow_provider_kafka_odps.local.api.control import PREFIX, Control, require_known_host, require_local
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.faults import (
    Corrupt,
    Delay,
    Drop,
    Expire,
    ForceStatus,
    Moment,
    Operation,
    Refuse,
    Rule,
    Slow,
    Truncate,
)
from airflow_provider_kafka_odps.local.http.app import (
    Application,
    corrupted,
    drain,
    read_call,
    refusal,
    response_of,
    whole_body,
)
from airflow_provider_kafka_odps.local.page import paths
from airflow_provider_kafka_odps.local.sessions.upload import UploadStatus

CONNECTION = "airflow_provider_kafka_odps.local.connection"
"""The extension of the ASGI scope that holds the transport of the request's connection."""


class _DroppedError(Exception):
    """The connection is to be closed without an answer."""


class AsgiEntry:
    """The ASGI application that every request enters."""

    def __init__(self, application: Application, control: Control) -> None:
        """Pass requests on to `application`, with the faults of `control`."""
        self._application = application
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        call = read_call(request)
        request_id = uuid4().hex.upper()
        if call.segments[:1] == (PREFIX,) or paths.is_page(call):
            response = response_of(await self._own(request, call, request_id))
            await response(scope, receive, send)
            return
        started = time.time()
        number, rules = self._control.start(call)
        status = None
        try:
            answer = await self._answer(request, call, request_id, rules)
            answer = replace(answer, headers={**answer.headers, "x-odps-request-id": request_id})
            await _slow_down(started, rules)
            await _send(answer, rules, scope, receive, send)
            status = answer.status
        except _DroppedError:
            await _close(scope, receive, flush=False)
        except ClientDisconnect:
            pass
        finally:
            self._control.end(number, call, status, started, rules)

    async def _own(self, request: Request, call: Call, request_id: str) -> Answer:
        try:
            services = self._application.services
            require_known_host(call, services.settings.hosts)
            if call.segments and not (paths.is_page(call) and services.settings.open_page):
                require_local(request.client.host if request.client else "")
            call = replace(call, body=await whole_body(request))
            if paths.is_page(call):
                return await run_in_threadpool(paths.answer, services, self._control, call)
            return self._control.answer(call)
        except ServiceError as reason:
            await drain(request)
            return refusal(replace(call, query={"uploadid": ""}), reason, request_id)

    async def _answer(self, request: Request, call: Call, request_id: str, rules: Sequence[Rule]) -> Answer:
        corrupt_at = None
        for rule in rules:
            match rule.fault:
                case Refuse() as fault:
                    await drain(request)
                    return _refused(call, fault, request_id)
                case Drop(Moment.BEFORE):
                    raise _DroppedError
                case Delay(seconds):
                    await asyncio.sleep(seconds)
                case Expire():
                    self._expire(call)
                case Corrupt(at) if rule.operation is Operation.WRITE_BLOCK:
                    corrupt_at = at
                case Drop() | Truncate() | Slow() | ForceStatus() | Corrupt():
                    pass
                case _:
                    assert_never(rule.fault)
        answer = await self._application.answer(request, call, request_id, corrupt_at)
        for rule in rules:
            answer = _changed(answer, rule)
        return answer

    def _expire(self, call: Call) -> None:
        upload_id = call.query.get("uploadid", "")
        if upload_id in {session.upload_id for session in self._control.uploads.all()}:
            self._control.uploads.force_status(upload_id, UploadStatus.EXPIRED)


def _refused(call: Call, fault: Refuse, request_id: str) -> Answer:
    answer = refusal(call, ServiceError(fault.status, fault.code, fault.message), request_id)
    if fault.retry_after is None:
        return answer
    return replace(answer, headers={**answer.headers, "Retry-After": str(fault.retry_after)})


def _changed(answer: Answer, rule: Rule) -> Answer:
    match rule.fault:
        case Drop(Moment.AFTER):
            raise _DroppedError
        case ForceStatus(status) if isinstance(answer.body, bytes) and answer.media == "application/json":
            return replace(answer, body=json.dumps({**json.loads(answer.body), "Status": status}).encode())
        case Corrupt(at) if rule.operation is not Operation.WRITE_BLOCK:
            if isinstance(answer.body, bytes):
                return replace(answer, body=corrupted(answer.body, at))
            return replace(answer, body=_corrupted_pieces(answer.body, at))
        case _:
            return answer


def _corrupted_pieces(pieces: Iterator[bytes], at: int) -> Iterator[bytes]:
    start = 0
    for piece in pieces:
        yield corrupted(piece, at - start)
        start += len(piece)


async def _slow_down(started: float, rules: Sequence[Rule]) -> None:
    for rule in rules:
        if isinstance(rule.fault, Slow):
            await asyncio.sleep((time.time() - started) * (rule.fault.factor - 1))


async def _send(answer: Answer, rules: Sequence[Rule], scope: Scope, receive: Receive, send: Send) -> None:
    cuts = [rule.fault.keep for rule in rules if isinstance(rule.fault, Truncate)]
    if not cuts:
        await response_of(answer)(scope, receive, send)
        return
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    # The head announces the whole body, so that the client notices that it is cut.
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (b"content-length", str(max(len(body), cuts[0] + 1)).encode()),
                *((name.lower().encode(), value.encode()) for name, value in answer.headers.items()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body[: cuts[0]], "more_body": True})
    await _close(scope, receive, flush=True)


async def _close(scope: Scope, receive: Receive, *, flush: bool) -> None:
    connection: asyncio.Transport = scope["extensions"][CONNECTION]["transport"]
    if flush:
        connection.close()
    else:
        connection.abort()
    # The web server would send an answer of its own while the connection counts as open.
    while (await receive())["type"] != "http.disconnect":
        pass
