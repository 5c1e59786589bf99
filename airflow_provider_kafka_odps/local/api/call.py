"""Requests and answers as values, and how answers are written as XML and JSON; no web server here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from xml.sax.saxutils import escape

from airflow_provider_kafka_odps.local.errors import ServiceError

LARGEST = 1 << 62
"""What counts, offsets and lengths are bounded by: more does not fit what slices and Arrow count with."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: decoded path segments and query, header names in lower case, the whole body."""

    method: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    host: str = ""

    def has(self, name: str) -> bool:
        """Return whether the query has this key, with or without a value."""
        return name in self.query

    def required(self, name: str) -> str:
        """Return a value of the query.

        Raises ServiceError (InvalidArgument) when it is missing.
        """
        value = self.query.get(name, "")
        if not value:
            raise ServiceError(400, "InvalidArgument", f"The query parameter {name} is missing")
        return value

    def integer(self, name: str, default: int | None = None, least: int = -LARGEST) -> int:
        """Return an integer of the query, of `least` or more; larger ones than any count are that of `LARGEST`.

        Raises ServiceError (InvalidArgument).
        """
        if default is not None and not self.query.get(name):
            return default
        text = self.required(name)
        try:
            value = int(text)
        except ValueError:
            raise ServiceError(
                400, "InvalidArgument", f"The query parameter {name} is {text[:80]!r}, not an integer"
            ) from None
        if value < least:
            raise ServiceError(400, "InvalidArgument", f"The query parameter {name} is {value}; it is {least} or more")
        return min(value, LARGEST)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a whole body, or pieces of one; it is held back for a while until `after` has ended, if any."""

    status: int = 200
    body: bytes | Iterator[bytes] = b""
    media: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: Future[None] | None = None


def xml(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an XML document."""
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'
    return Answer(status, content.encode(errors="replace"), "application/xml", headers or {})


def json_answer(content: Any, status: int = 200) -> Answer:
    """Return a JSON document."""
    return Answer(status, json.dumps(content).encode(), "application/json")


def plain(text: str) -> Answer:
    """Return a text without a line end: clients take all of it."""
    return Answer(200, text.encode(), "text/plain; charset=utf-8")


_CONTROL = {code: None for code in range(32) if chr(code) not in "\t\n\r"}


def element(tag: str, content: Any = "") -> str:
    """Return an element with an escaped text; characters that XML cannot carry are dropped."""
    return f"<{tag}>{escape(str(content).translate(_CONTROL))}</{tag}>"


def rfc822(seconds: float) -> str:
    """Return a time as headers and elements write it."""
    return formatdate(seconds, usegmt=True)


def xml_error(reason: ServiceError, request_id: str, host: str) -> Answer:
    """Return a refusal of the REST protocol; clients want all four elements."""
    parts = (
        element("Code", reason.code),
        element("Message", reason.message),
        element("RequestId", request_id),
        element("HostId", host),
    )
    return xml(f"<Error>{''.join(parts)}</Error>", reason.status)


def json_error(reason: ServiceError) -> Answer:
    """Return a refusal of the tunnel protocol."""
    return json_answer({"Code": reason.code, "Message": reason.message}, reason.status)
