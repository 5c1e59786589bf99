"""PyODPS's signing client with deadlines of our own, and what its errors mean; imported when something is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import requests
import urllib3.exceptions

from airflow_provider_kafka_odps.clients.interruptible import interruptible
from airflow_provider_kafka_odps.clients.maxcompute.connection.account import OnSecret, account_of
from airflow_provider_kafka_odps.clients.maxcompute.connection.replies import (
    Busy,
    DirectSession,
    Misdirected,
    check_reply,
    session_to,
)
from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import Outcome, Retrier
from airflow_provider_kafka_odps.clients.maxcompute.pyodps import ODPS, RestClient
from airflow_provider_kafka_odps.clients.maxcompute.pyodps import errors as odps_errors
from airflow_provider_kafka_odps.exceptions import InvalidConnection, TableRefused

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings

_LEAST_SECONDS = 0.1
_UNAUTHORIZED = 401
_NOT_FOUND = 404
_PROXY_REFUSES = 407
_TOO_SLOW = 408
_THROTTLED = 429
_SERVER_ERRORS = range(500, 600)
_REPEATABLE = frozenset({"get", "head", "put", "delete"})
# The family of codes for a missing, wrong or expired key, signature or token.
_NOT_AUTHENTICATED = "ODPS-0410"
# Tunnel error codes that are not about the request itself; their HTTP status is not documented.
_TROUBLE = frozenset(
    {
        "CorruptedDataStream",
        "DataStoreError",
        "DataUnderReplication",
        "IncompleteBody",
        "InternalServerError",
        "MalformedDataStream",
        "RequestTimeOut",
        "ServiceUnavailable",
    }
)


class BoundedRestClient(RestClient):  # type: ignore[misc]  # PyODPS publishes no types
    """Signs and sends as PyODPS does, but retries as ``retrier`` says, and sends no usage statistics."""

    def __init__(self, *args: Any, retrier: Retrier, via: str | None = None, **kwargs: Any) -> None:
        # retry_enabled=False: PyODPS's own retries would multiply with ours. Its proxy is an option of the whole
        # process otherwise.
        super().__init__(*args, **{**kwargs, "retry_enabled": False, "proxy": via or kwargs.get("proxy")})
        self.retrier = retrier

    def upload_survey_log(self) -> None:
        """Send nothing: PyODPS would report before any request which of its functions were called."""

    @property
    def session(self) -> DirectSession:
        """The connections of this thread, apart from those of other clients: PyODPS's own follow every redirect."""
        return session_to(self.endpoint)

    def request(self, url: str, method: str, stream: bool = False, **kwargs: Any) -> Any:
        """Send until there is an answer, and return it; Unreachable where there is none in time.

        ``repeatable=True`` also repeats a POST whose answer was lost; ``retrier`` replaces the client's own, for which
        the seconds of ``uncounted`` do not count; ``slot`` gives what each try is made in; ``expect`` raises Strange
        for an answer with a good status that is none of the service's.
        """
        repeatable = kwargs.pop("repeatable", method.lower() in _REPEATABLE)
        retrier = kwargs.pop("retrier", self.retrier)
        expect: Callable[[Any], object] = kwargs.pop("expect", None) or check_reply
        uncounted: Callable[[], float] = kwargs.pop("uncounted", None) or (lambda: 0.0)
        slot: Callable[[], AbstractContextManager[None]] = kwargs.pop("slot", None) or nullcontext

        def send(left: float) -> Any:
            # PyODPS adds its own parameters to the mappings it is given: each try gets its own.
            own = {key: dict(value) if isinstance(value, dict) else value for key, value in kwargs.items()}
            # At least a little: a pause that overslept leaves nothing, and no time at all is refused as a timeout.
            left = max(left, _LEAST_SECONDS)
            own["timeout"] = (min(retrier.policy.connect, left), min(retrier.policy.read, left))
            whole = partial(super(BoundedRestClient, self).request, url, method, stream=stream, **own)
            with slot(), _through_the_proxy():
                reply = whole() if retrier.check is None else interruptible(whole, retrier.check)
            check_reply(reply)
            expect(reply)
            return reply

        return retrier.ask(self.endpoint, send, classify, repeatable=repeatable, uncounted=uncounted)


@contextmanager
def _through_the_proxy() -> Iterator[None]:
    """Tell a refusal of the proxy from one of the service, for which PyODPS takes it."""
    try:
        yield
    except odps_errors.BaseODPSError as error:
        if error.status_code == _PROXY_REFUSES:
            raise requests.exceptions.ProxyError(
                f"the proxy does not accept its user and password ({_PROXY_REFUSES})"
            ) from error
        raise


class QuietOdps(ODPS):  # type: ignore[misc]  # the same
    """PyODPS's entry object, built without asking anything."""

    def get_job_insight_host(self) -> None:
        """Return nothing: the constructor would ask the service for an address that only log views need."""


class TwoLevelOdps(QuietOdps):
    """The same for statements whose names have no schemas, whatever the tenant says."""

    def is_schema_namespace_enabled(self, settings: Any = None) -> bool:  # noqa: ARG002 - PyODPS gives it
        """Return False: PyODPS would replace the setting of a statement by the tenant's."""
        return False


def connect(
    settings: OdpsSettings, retrier: Retrier, on_secret: OnSecret, kind: type[QuietOdps] = QuietOdps
) -> QuietOdps:
    """Return PyODPS's entry object for a connection; the service is not asked yet."""
    return kind(
        account=account_of(settings, on_secret),
        project=settings.project,
        endpoint=settings.endpoint,
        schema=settings.schema,
        quota_name=settings.quota_name,
        tunnel_endpoint=settings.tunnel_endpoint,
        # Given, because the constructor would ask the service for it otherwise.
        logview_host=settings.endpoint,
        # Several connections live in one worker process.
        overwrite_global=False,
        rest_client_cls=BoundedRestClient,
        rest_client_kwargs={"retrier": retrier, "via": settings.proxy},
    )


def tunnel_client(settings: OdpsSettings, odps: QuietOdps, retrier: Retrier) -> BoundedRestClient:
    """Return a client for the tunnel; its address is asked from the endpoint if the connection has none."""
    address = settings.tunnel_endpoint
    if address is None:
        with answers(settings, "asking for the tunnel's address"):
            quota = {"quotaName": settings.quota_name} if settings.quota_name else {}
            url = f"{settings.endpoint}/projects/{settings.project}/tunnel"
            host = odps.rest.get(url, action="service", params=quota).text.strip()
        address = host if "://" in host else f"{settings.endpoint.partition('://')[0]}://{host}"
    return BoundedRestClient(odps.account, address, settings.project, retrier=retrier, via=settings.proxy, tag="TUNNEL")


def classify(error: Exception) -> Outcome:
    """Tell whether an error of a request is an answer, and if not, whether the request may have taken effect."""
    match error:
        case odps_errors.ConnectTimeout():
            return Outcome.REFUSED
        case odps_errors.BaseODPSError():
            return _classify_answer(error)
        case requests.exceptions.SSLError() if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Outcome.HOPELESS
        case requests.exceptions.ProxyError() if str(_PROXY_REFUSES) in str(error):
            return Outcome.HOPELESS
        case Misdirected():
            return Outcome.HOPELESS
        case Busy():
            return Outcome.REFUSED
        case requests.exceptions.ConnectionError() if _never_sent(error):
            return Outcome.REFUSED
        case requests.exceptions.RequestException() | OSError():
            return Outcome.UNCERTAIN
    return Outcome.ANSWERED


def _classify_answer(error: odps_errors.BaseODPSError) -> Outcome:
    status = error.status_code
    if status == _THROTTLED or isinstance(error, odps_errors.RequestQuotaExceeded):
        return Outcome.THROTTLED
    if status == _TOO_SLOW or status in _SERVER_ERRORS or code_of(error) in _TROUBLE:
        return Outcome.UNCERTAIN
    return Outcome.ANSWERED


def _never_sent(error: requests.exceptions.ConnectionError) -> bool:
    """Tell whether no connection was made, by the error of urllib3 beneath."""
    beneath = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(beneath, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def code_of(error: Exception) -> str:
    """Return the service's code for an error: its name, such as NoSuchUpload or ODPS-0130131."""
    code = getattr(error, "code", None) or ""
    return str(code).partition(":")[0].strip()


def words_of(error: Exception) -> str:
    """Return the service's message on one line, with the request's id where there is one."""
    message = " ".join(str(error.args[0] if error.args else error).split())
    code, request = code_of(error), getattr(error, "request_id", None)
    # PyODPS puts the code before a message where it has no class for it.
    text = f"{code}: {message.removeprefix(code).lstrip(': ')}" if code else message
    return f"{text} (request {request})" if request else text


def is_unauthorized(error: Exception) -> bool:
    """Tell whether the service does not know who asks: a wrong key, signature or token, or a clock that is off."""
    return (
        isinstance(error, odps_errors.AuthorizationRequired | odps_errors.SignatureNotMatch)
        or code_of(error).startswith(_NOT_AUTHENTICATED)
        or getattr(error, "status_code", None) == _UNAUTHORIZED
    )


def is_foreign(error: Exception) -> bool:
    """Tell whether a 404 came from something that is not MaxCompute."""
    return getattr(error, "status_code", None) == _NOT_FOUND and not code_of(error)


@contextmanager
def answers(settings: OdpsSettings, doing: str) -> Iterator[None]:
    """Turn the service's refusals into our errors: InvalidConnection, or TableRefused with its words."""
    try:
        yield
    except odps_errors.BaseODPSError as error:
        raise refusal(settings, doing, error) from error


def refusal(settings: OdpsSettings, doing: str, error: odps_errors.BaseODPSError) -> InvalidConnection | TableRefused:
    """Return our error for a refusal of the service."""
    if is_unauthorized(error):
        return InvalidConnection(
            settings.conn_id, f"{settings.endpoint} does not accept the access key or token: {words_of(error)}"
        )
    if is_foreign(error):
        return InvalidConnection(
            settings.conn_id,
            f"{settings.endpoint} is not a MaxCompute endpoint: 404 while {doing}; most endpoints end in /api",
        )
    return TableRefused(f"{doing}: MaxCompute at {settings.endpoint} refuses: {words_of(error)}")
