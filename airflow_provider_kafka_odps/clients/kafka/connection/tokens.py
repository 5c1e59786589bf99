"""Tokens for OAUTHBEARER: asked for once, and again shortly before they expire."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from pkgutil import resolve_name
from typing import Any, TypeAlias, assert_never

import requests
from kafka.errors import SaslAuthenticationFailedError
from kafka.net.sasl.oauth import AbstractTokenProvider

from airflow_provider_kafka_odps.clients.clock import SystemClock
from airflow_provider_kafka_odps.clients.kafka.connection.login import CallbackTokens, OidcTokens
from airflow_provider_kafka_odps.core.clock import Clock
from airflow_provider_kafka_odps.exceptions import InvalidConnection

_EARLY = 0.2
"""The last part of a token's life in which a new one is taken."""
_TIMEOUT = (5.0, 10.0)
"""Seconds to connect to the token endpoint, and to wait for its bytes."""
_UNTOLD_LIFE = 300.0
_LARGEST_ANSWER = 1 << 20
Fetch: TypeAlias = Callable[[], tuple[str, float]]
"""Returns a token, and the seconds that it lives."""
OnSecret: TypeAlias = Callable[[Iterable[str | None]], None]
"""Gets each token before anybody else does."""


class CachedTokens(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python has no types
    """Hands out one token until most of its life has passed; connections share it."""

    def __init__(
        self, fetch: Fetch, clock: Clock, on_secret: OnSecret, extensions: Iterable[tuple[str, str]] = ()
    ) -> None:
        super().__init__()
        self._fetch, self._clock, self._on_secret, self._extensions = fetch, clock, on_secret, dict(extensions)
        self._token, self._until = "", 0.0
        self._lock = threading.Lock()

    def token(self) -> str:
        """Return a token that is still good; SaslAuthenticationFailedError where none can be fetched."""
        with self._lock:
            now = self._clock.monotonic()
            if now >= self._until:
                self._token, life = self._fetch()
                self._on_secret([self._token])
                self._until = now + life * (1 - _EARLY)
            return self._token

    def extensions(self) -> dict[str, str]:
        """Return what is sent together with the token."""
        return self._extensions


@lru_cache(maxsize=32)
def token_provider(conn_id: str, tokens: OidcTokens | CallbackTokens, on_secret: OnSecret) -> CachedTokens:
    """Return where tokens come from, the same for all clients; InvalidConnection for a function that is not there."""
    # Not a clock of the caller's: tokens outlive the task or the question that was the first to need one.
    clock = SystemClock()
    match tokens:
        case OidcTokens():
            return CachedTokens(lambda: _from_endpoint(tokens), clock, on_secret, tokens.extensions)
        case CallbackTokens():
            call = _function(conn_id, tokens.path)
            return CachedTokens(lambda: _from_function(call, tokens, clock), clock, on_secret)
    assert_never(tokens)


def _from_endpoint(tokens: OidcTokens) -> tuple[str, float]:
    """Ask by the client credentials grant (RFC 6749, 4.4)."""
    form = {"grant_type": "client_credentials"} | ({"scope": tokens.scope} if tokens.scope else {})
    try:
        answer = requests.post(
            tokens.url,
            data=form,
            auth=(tokens.client_id, tokens.client_secret),
            timeout=_TIMEOUT,
            verify=tokens.ca_location or True,
            # A redirect would carry the secret to somebody else.
            allow_redirects=False,
            stream=True,
        )
        with answer:
            body = answer.raw.read(_LARGEST_ANSWER, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise _no_token(f"the token endpoint {tokens.url} does not answer ({type(error).__name__})") from error
    if answer.status_code != requests.codes.ok:
        raise _no_token(f"the token endpoint {tokens.url} refused client {tokens.client_id!r}: {answer.status_code}")
    return _parsed(tokens.url, body)


def _parsed(url: str, body: bytes) -> tuple[str, float]:
    try:
        found = json.loads(body)
        token, life = found["access_token"], float(found.get("expires_in", _UNTOLD_LIFE))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _no_token(f"the token endpoint {url} answered without an access_token") from error
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise _no_token(f"the token endpoint {url} answered with an access_token that is not text")
    return token, life


def _from_function(call: Callable[[str], Any], tokens: CallbackTokens, clock: Clock) -> tuple[str, float]:
    """Call as the official provider's client does: text in, (token, Unix seconds of its end, …) out."""
    try:
        token, until = call(tokens.argument)[:2]
        return str(token), float(until) - clock.now().timestamp()
    except Exception as error:
        raise _no_token(f"oauth_cb {tokens.path} raised {type(error).__name__}") from error


def _no_token(reason: str) -> SaslAuthenticationFailedError:
    return SaslAuthenticationFailedError(reason)


def _function(conn_id: str, path: str) -> Callable[[str], Any]:
    try:
        found = resolve_name(path)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidConnection(conn_id, f"oauth_cb={path!r} cannot be imported: {error}") from error
    if not callable(found):
        raise InvalidConnection(conn_id, f"oauth_cb={path!r} is not a function")
    called: Callable[[str], Any] = found
    return called
