"""What of an answer is the service's own: redirects and pages of others on the way are told apart from it."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from airflow_provider_kafka_odps.clients.maxcompute.pyodps import options

_READING = frozenset({"GET", "HEAD"})
_DONE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_SHOWN = 80


class Misdirected(requests.exceptions.RequestException):
    """Something on the way sends a request elsewhere; asking again leads there, too."""


class Strange(requests.exceptions.RequestException):
    """An answer that counts as success and is none of the service's: whether the request arrived is not known."""


class Busy(requests.exceptions.RequestException):
    """The tunnel takes no requests at the moment."""


class DirectSession(requests.Session):
    """Follows no redirect of a request that changes something.

    `requests` would make a GET of a POST, and take its answer for that of the POST.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where a redirect leads, if it is to be followed."""
        return super().get_redirect_target(resp) if resp.request.method in _READING else None


_sessions = threading.local()


def session_to(endpoint: str) -> DirectSession:
    """Return this thread's connections to an address."""
    known: dict[str, DirectSession] = vars(_sessions).setdefault("known", {})
    if endpoint not in known:
        session = known[endpoint] = DirectSession()
        for scheme in ("http://", "https://"):
            adapter = requests.adapters.HTTPAdapter(options.pool_connections, options.pool_maxsize)
            session.mount(scheme, adapter)
    return known[endpoint]


def check_reply(reply: requests.Response) -> None:
    """Raise Misdirected, Busy or Strange for an answer that does not say that a changing request was done."""
    status, target = reply.status_code, reply.headers.get("Location")
    if reply.request.method in _READING or status in _DONE:
        return
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST and target:
        raise Misdirected(
            f"it answered {status}, a redirect to {_host(target)}, and what changes something is not sent on. "
            "Set the connection's endpoint, or its tunnel_endpoint, to the address that answers by itself"
        )
    if status == HTTPStatus.PERMANENT_REDIRECT:
        raise Busy(f"it answered {status}")
    check_status(reply, *_DONE)


def check_status(reply: requests.Response, *wanted: int) -> None:
    """Raise Strange for another status than these."""
    if reply.status_code not in wanted:
        raise Strange(f"it answered {reply.status_code}, which does not say that the request was done")


def json_object(reply: requests.Response, one_of: Collection[str] = ()) -> Mapping[str, Any]:
    """Return an answer of the service, which has one of these keys.

    Raises Strange for a body that is something else.
    """
    try:
        found = json.loads(reply.content)
    except ValueError:
        found = None
    if isinstance(found, dict) and (not one_of or any(found.get(key) is not None for key in one_of)):
        return found
    raise Strange(f"its answer ({reply.status_code}) is no JSON object of the service: {shown(reply)}")


def check_empty(reply: requests.Response) -> None:
    """Raise Strange for a body that is neither empty nor JSON, such as the page of a proxy."""
    if reply.content:
        json_object(reply)


def shown(reply: requests.Response) -> str:
    """Return the beginning of a body as messages have it."""
    text = repr(reply.content[:_SHOWN].decode(errors="replace"))
    return f"{text} …" if len(reply.content) > _SHOWN else text


def _host(target: str) -> str:
    """Return where a Location leads without its path, which may have secrets."""
    try:
        place = urlsplit(target).netloc.rpartition("@")[2]
    except ValueError:
        place = ""
    return place or "another path of the same address"
