"""Signed requests without a client in between, and the bodies and paths they are made of."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from airflow_provider_kafka_odps.local.http.auth import canonical
from airflow_provider_kafka_odps.local.testing import RunningEndpoint


class Raw:
    """Sends signed requests without a client in between."""

    def __init__(self, endpoint: RunningEndpoint) -> None:
        self.endpoint = endpoint
        self.address = urlsplit(endpoint.endpoint).netloc

    def ask(
        self, method: str, path: str, body: Any = b"", headers: dict[str, str] | None = None, *, date: str = ""
    ) -> tuple[int, bytes]:
        """Send a signed request; return status and body."""
        plain, _, text = path.partition("?")
        head = {"date": date or formatdate(usegmt=True), **(headers or {})}
        query = dict(parse_qsl(text, keep_blank_values=True))
        signed = canonical(method, plain, query, {name.lower(): head[name] for name in head}).encode()
        key = hmac.new(self.endpoint.access_key.encode(), signed, hashlib.sha1).digest()
        head["authorization"] = f"ODPS {self.endpoint.access_id}:{base64.b64encode(key).decode()}"
        return self.send(method, path, body, head)

    def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        """Send a request as it is."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request(method, path, body, headers, encode_chunked=not isinstance(body, bytes))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def block_path(endpoint: RunningEndpoint, upload: Any, name: str, extra: str = "") -> str:
    """Return the path of block 0."""
    return f"/projects/{endpoint.project}/tables/{name}?blockid=0&uploadid={upload.id}{extra}"


def job(query: str, settings: str = "{}") -> bytes:
    """Return the XML of a job."""
    from xml.sax.saxutils import escape

    return (
        "<Instance><Job><Tasks><SQL><Name>t</Name><Config><Property><Name>settings</Name>"
        f"<Value>{escape(settings)}</Value></Property></Config><Query>{escape(query)}</Query></SQL></Tasks></Job></Instance>"
    ).encode()
