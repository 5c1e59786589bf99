"""The control route: faults are injected, and what happened is reported. Only this machine may call it.

POST   /_control/faults            one rule as JSON; answers it with its number
GET    /_control/faults            every rule, how many requests matched, at which it fired
DELETE /_control/faults            forget all rules
GET    /_control/requests[?after=N] the log of requests, the oldest first
PUT    /_control/uploads/ID        {"status": "expired"}: set the status of an upload session
PUT    /_control/inserts           {"words": "ODPS-0110999:…", "part": false}: let the next INSERT fail once it runs
DELETE /_control/instances/ID      forget an instance that has ended, and its name
PUT    /_control/statements        {"polls": 3, "seconds": 0}: show new statements as running so long
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from airflow_provider_kafka_odps.local.api.call import Answer, Call, json_answer
from airflow_provider_kafka_odps.local.api.operations import block_of, operation_of, table_of
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.faults import FaultPlan, Request, Rule, dump, load_rule
from airflow_provider_kafka_odps.local.instances.instances import Instances
from airflow_provider_kafka_odps.local.sessions.upload import UploadStatus
from airflow_provider_kafka_odps.local.sessions.uploads import Uploads
from airflow_provider_kafka_odps.local.settings import Pace
from airflow_provider_kafka_odps.local.sql.writing.doomed import Doom

MOST_REQUESTS = 10_000
"""Requests that the log keeps."""


PREFIX = "_control"


@dataclass(frozen=True, slots=True)
class Control:
    """The faults that were injected, and the log of requests."""

    uploads: Uploads
    instances: Instances
    plan: FaultPlan = field(default_factory=FaultPlan)
    requests: deque[Request] = field(default_factory=lambda: deque(maxlen=MOST_REQUESTS))
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def start(self, call: Call) -> tuple[int, list[Rule]]:
        """Count a request, and return its number and the rules that fire at it."""
        number = next(self._numbers)
        return number, self.plan.firing(operation_of(call), table_of(call), block_of(call), number)

    def end(self, number: int, call: Call, status: int | None, started: float, rules: Sequence[Rule]) -> None:
        """Keep a request in the log; `status` is None when no answer was sent."""
        fired = tuple(rule.number for rule in rules)
        path, seconds = "/" + "/".join(call.segments), time.time() - started
        self.requests.append(
            Request(number, operation_of(call), call.method, path, dict(call.query), status, started, seconds, fired)
        )

    def answer(self, call: Call) -> Answer:
        """Answer a call of the control route.

        Raises ServiceError.
        """
        match call.method, call.segments[1:]:
            case "POST", ("faults",):
                return json_answer(dump(self.plan.add(_rule(call.body))), 201)
            case "GET", ("faults",):
                return json_answer([dump(state) for state in self.plan.states])
            case "DELETE", ("faults",):
                self.plan.clear()
                return Answer(204)
            case "GET", ("requests",):
                after = call.integer("after", 0)
                return json_answer([dump(request) for request in list(self.requests) if request.number > after])
            case "PUT", ("uploads", upload_id):
                return self._force(upload_id, _json(call.body))
            case "PUT", ("statements",):
                self.instances.pacing.pace = _pace(_json(call.body))
                return json_answer(asdict(self.instances.pacing.pace))
            case "PUT", ("inserts",):
                doom = _doom(_json(call.body))
                self.instances.engine.doomed.waiting.append(doom)
                return json_answer(asdict(doom))
            case "DELETE", ("instances", instance_id):
                self.instances.forget(instance_id)
                return Answer(204)
            case _:
                raise ServiceError(404, "NoSuchObject", f"the control route has no {call.method} {call.segments[1:]}")

    def _force(self, upload_id: str, content: Any) -> Answer:
        text = str(content.get("status", "")).lower() if isinstance(content, Mapping) else ""
        try:
            status = UploadStatus(text)
            self.uploads.force_status(upload_id, status)
        except ValueError:
            known = ", ".join(status.value for status in UploadStatus)
            raise ServiceError(400, "InvalidArgument", f"status {text!r} is not one of {known}") from None
        except KeyError:
            raise ServiceError(404, "NoSuchUpload", f"The specified upload id does not exist: {upload_id}") from None
        return json_answer({"status": status.value})


def require_known_host(call: Call, hosts: AbstractSet[str]) -> None:
    """Refuse what a page from elsewhere sends through somebody's browser: it has its own name in Host, or in Origin.

    Names of this machine are known, and those in `hosts`; what changes something comes from the endpoint's own page.
    Raises ServiceError (NoPermission).
    """
    for header in ("host", "origin"):
        text = call.headers.get(header)
        if text is not None and not _is_known(text.rpartition("://")[2], hosts):
            raise ServiceError(
                403,
                "NoPermission",
                f"{header.title()} is {text[:80]!r}: start the endpoint with --allowed-host to allow it",
            )
    origin = call.headers.get("origin")
    # Another program of this machine has pages, too, at another port.
    own = call.headers.get("host", "").lower()
    if origin is not None and call.method != "GET" and origin.rpartition("://")[2].lower() != own:
        raise ServiceError(403, "NoPermission", f"Origin is {origin[:80]!r}: only the endpoint's own page may do this")


def _is_known(text: str, hosts: AbstractSet[str]) -> bool:
    name = text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]
    name = name.lower()
    try:
        return ipaddress.ip_address(name).is_loopback or name in hosts
    except ValueError:
        return name in hosts or name == "localhost" or name.endswith(".localhost")


def require_local(address: str) -> None:
    """Refuse a caller that isn't on this machine.

    Raises ServiceError (NoPermission).
    """
    try:
        local = ipaddress.ip_address(address).is_loopback
    except ValueError:
        local = False
    if not local:
        raise ServiceError(403, "NoPermission", f"the control route answers this machine only, not {address}")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as reason:
        raise ServiceError(400, "InvalidArgument", f"the body is not JSON: {reason}") from None


def _rule(body: bytes) -> Rule:
    try:
        return load_rule(_json(body))
    except ValueError as reason:
        raise ServiceError(400, "InvalidArgument", str(reason)) from None


def _pace(content: Any) -> Pace:
    try:
        return Pace(int(content.get("polls", 0)), float(content.get("seconds", 0)))
    except (AttributeError, TypeError, ValueError, OverflowError) as reason:
        raise ServiceError(400, "InvalidArgument", f'not a pace like {{"polls": 3, "seconds": 0}}: {reason}') from None


def _doom(content: Any) -> Doom:
    try:
        return Doom(str(content["words"]), bool(content.get("part")), bool(content.get("cancelled")))
    except (AttributeError, KeyError, TypeError) as reason:
        raise ServiceError(400, "InvalidArgument", f'no failure like {{"words": "ODPS-…:…"}}: {reason}') from None
