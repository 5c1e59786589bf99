"""The answer to "does this MaxCompute connection work?", for a person who is to fix it if not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.clients.interruptible import interruptible
from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import answers, connect, tunnel_client
from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import Retrier, RetryPolicy
from airflow_provider_kafka_odps.exceptions import Unreachable

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.maxcompute.connection.account import OnSecret
    from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings
    from airflow_provider_kafka_odps.core.clock import Clock

_SECONDS = 30.0
_STEP = RetryPolicy(total=10.0, connect=5.0, read=8.0, tries=2)


def answer(settings: OdpsSettings, clock: Clock, on_secret: OnSecret, seconds: float = _SECONDS) -> tuple[bool, str]:
    """Return whether the connection works, and a sentence about it, within ``seconds``.

    Raises InvalidConnection (authenticate) and TableRefused (authorise, find the project).
    """
    ends = clock.monotonic() + seconds

    def check() -> None:
        if clock.monotonic() > ends:
            raise Unreachable(f"MaxCompute at {settings.endpoint}: no answer within {seconds:.0f} s")

    try:
        return interruptible(lambda: _tried(settings, Retrier(_STEP, clock), on_secret, check), check)
    except Unreachable as error:
        return False, f"connection {settings.conn_id!r}, step {_step(str(error))}: {error}"


def _step(words: str) -> str:
    """Return which step of a request failed, by the error texts of the libraries beneath."""
    if "NameResolution" in words or "getaddrinfo" in words:
        return "resolve"
    if "SSL" in words:
        return "TLS"
    return "connect"


def _tried(
    settings: OdpsSettings, retrier: Retrier, on_secret: OnSecret, check: Callable[[], None]
) -> tuple[bool, str]:
    odps = connect(settings, retrier, on_secret)
    check()
    with answers(settings, f"step authorise: looking for project {settings.project!r}"):
        odps.get_project(settings.project).reload()
    check()
    tunnel = tunnel_client(settings, odps, retrier)
    return True, (
        f"connection {settings.conn_id!r}: MaxCompute at {settings.endpoint} has project {settings.project!r}; "
        f"uploads go to {tunnel.endpoint}"
    )
