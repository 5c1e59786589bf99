"""Verifies signatures of requests, by the V2 and V4 schemes of the service."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from airflow_provider_kafka_odps.local.errors import ServiceError

CLOCK_SKEW = 15 * 60
"""Seconds that a request's date may be away from the endpoint's clock, as the service documents."""


_V4_PARTS = 5


def verify(
    method: str,
    paths: tuple[str, ...],
    query: Mapping[str, str],
    headers: Mapping[str, str],
    keys: Mapping[str, str],
    now: float,
    token: str = "",
) -> None:
    """Check who sent a request; `query` is decoded, `headers` in lower case, `keys` by access id.

    `paths` are those of which one must have been signed, decoded.

    `token` is the temporary one that the request must carry, if any.

    Raises ServiceError with the service's codes: ODPS-0410001 and -0410011 (no readable signature), -0410031 (too
    old), -0410051 (unknown access id, wrong token), -0410042 (wrong signature).
    """
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if not credentials and headers.get("x-odps-bearer-token"):
        raise ServiceError(
            401, "ODPS-0410051", "Invalid credentials - bearer tokens are not part of this endpoint; use an access key"
        )
    if not credentials:
        raise ServiceError(400, "ODPS-0410001", "Missing signature - the Authorization header is missing")
    name, colon, signature = credentials.strip().rpartition(":")
    if scheme != "ODPS" or not colon:
        raise ServiceError(
            400, "ODPS-0410011", "Invalid signature - the header is not 'Authorization: ODPS id:signature'"
        )
    access_id, *scope = name.split("/")
    key = keys.get(access_id)
    if key is None:
        raise ServiceError(401, "ODPS-0410051", f"Invalid credentials - accessKeyId not found: {access_id}")
    _check_date(headers.get("date", ""), now)
    secret = _v4_key(key, scope) if scope else key.encode()
    wanted = (_signature(secret, canonical(method, path, query, headers)) for path in paths)
    if not any(hmac.compare_digest(each, signature.encode()) for each in wanted):
        raise ServiceError(401, "ODPS-0410042", "Invalid signature value - the signature doesn't match the request")
    # Looked at last: who cannot sign must not learn whether a token is right.
    if token and not hmac.compare_digest(token.encode(), headers.get("authorization-sts-token", "").encode()):
        raise ServiceError(
            401, "ODPS-0410051", f"Invalid credentials - the security token of {access_id} is missing or wrong"
        )


def _signature(secret: bytes, text: str) -> bytes:
    return base64.b64encode(hmac.new(secret, text.encode(), hashlib.sha1).digest())


def canonical(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """Return the text that is signed: both schemes sign the same."""
    signed = {name: value for name, value in headers.items() if name.startswith("x-odps-")}
    signed |= {name: value for name, value in query.items() if name.startswith("x-odps-")}
    signed |= {name: headers.get(name, "") for name in ("content-md5", "content-type", "date")}
    lines = [f"{name}:{signed[name]}" if name.startswith("x-odps-") else signed[name] for name in sorted(signed)]
    parameters = "&".join(f"{name}={query[name]}" if query[name] else name for name in sorted(query))
    return "\n".join([method, *lines, f"{path}?{parameters}" if parameters else path])


def _check_date(text: str, now: float) -> None:
    try:
        sent = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise ServiceError(400, "ODPS-0410011", f"Invalid signature - the Date header is {text[:80]!r}") from None
    if abs(sent - now) > CLOCK_SKEW:
        raise ServiceError(
            400, "ODPS-0410031", f"Request expired - its date is {text}, more than 15 minutes away from the server's"
        )


def check_digest(claimed: str, body: bytes) -> None:
    """Compare the header Content-MD5, in hexadecimal or Base64, with the body that came.

    Raises ServiceError (InvalidDigest).
    """
    found = hashlib.md5(body, usedforsecurity=False).digest()
    if claimed and claimed.strip().lower() != found.hex() and claimed.strip() != base64.b64encode(found).decode():
        raise ServiceError(
            400, "InvalidDigest", f"Content-MD5 is {claimed[:80]!r}, but the body has {found.hex()}: it was changed"
        )


def _v4_key(key: str, scope: list[str]) -> bytes:
    if len(scope) != _V4_PARTS - 1 or scope[2:] != ["odps", "aliyun_v4_request"]:
        raise ServiceError(400, "ODPS-0410021", f"Invalid signature method - {'/'.join(scope)}")
    secret = f"aliyun_v4{key}".encode()
    for part in scope:
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    return secret
