"""Who signs the requests to MaxCompute: a key pair, a token, or a provider that renews both during a long load."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_kafka_odps.clients.maxcompute.pyodps import accounts
from airflow_provider_kafka_odps.exceptions import InvalidConnection

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings

OnSecret: TypeAlias = Callable[[Iterable[str | None]], None]
"""Gets each secret before a request is signed with it, so that logs can hide it."""


class RenewedAccount(accounts.CredentialProviderAccount):  # type: ignore[misc]  # PyODPS publishes no types
    """Signs each request with what the provider gives at that moment."""

    # Told again: PyODPS publishes no types, and what mypy infers of the base depends on which file it meets first.
    access_id: str | None
    secret_access_key: str | None
    sts_token: str | None

    def __init__(self, provider: Any, on_secret: OnSecret) -> None:
        """Take Alibaba Cloud's credentials client, or what gives credentials as it does."""
        self._on_secret = on_secret
        super().__init__(provider)

    def _refresh_credential(self) -> None:
        """Take the whole credential: PyODPS keeps an old token as long as the access key id stays the same."""
        found = self.provider.get_credential()
        with self._refresh_lock:
            new = (found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token())
            if new != (self.access_id, self.secret_access_key, self.sts_token):
                self._on_secret(new[1:])
                self._last_signature_date = None
                self.access_id, self.secret_access_key, self.sts_token = new


def account_of(settings: OdpsSettings, on_secret: OnSecret) -> Any:
    """Return PyODPS's account for a connection; ``on_secret`` gets secrets that are not in the connection itself.

    Raises InvalidConnection where the connection names a type of credentials whose package is not installed, or that
    this package refuses.
    """
    if settings.provider:
        return RenewedAccount(_provider(settings), on_secret)
    if settings.bearer_token:
        return accounts.BearerTokenAccount(settings.bearer_token, expired_hours=None)
    if settings.security_token:
        key = (settings.access_key_id, settings.access_key_secret, settings.security_token)
        # After 24 hours PyODPS would take what it finds in its environment variables, and log it.
        return accounts.StsAccount(*key, expired_hours=None)
    return accounts.CloudAccount(settings.access_key_id, settings.access_key_secret)


def _provider(settings: OdpsSettings) -> Any:
    """Return Alibaba Cloud's own credentials client; it renews what expires."""
    arguments = dict(settings.provider)
    try:
        from alibabacloud_credentials.client import Client  # type: ignore[import-not-found]
        from alibabacloud_credentials.models import Config  # type: ignore[import-not-found]
    except ImportError as error:
        raise InvalidConnection(
            settings.conn_id,
            f"credential_type {arguments['type']!r} needs a package: pip install alibabacloud-credentials",
        ) from error
    try:
        return Client(Config(**arguments))
    except Exception as error:
        raise InvalidConnection(settings.conn_id, f"credential_type {arguments['type']!r}: {error}") from error
