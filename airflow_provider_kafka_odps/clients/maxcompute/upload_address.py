"""An open upload session by value, and the way back from it, in another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import Retrier, RetryPolicy
from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings
from airflow_provider_kafka_odps.core.options import Compression

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.maxcompute.connection.account import OnSecret
    from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload
    from airflow_provider_kafka_odps.core.clock import Clock


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """What another process needs to write blocks of a session; secrets do not show in its repr."""

    settings: OdpsSettings
    address: str
    """The tunnel's."""
    url: str
    label: str
    params: Mapping[str, str]
    upload_id: str
    compression: Compression
    retry: RetryPolicy

    def join(self, clock: Clock, on_secret: OnSecret, on_refused: Callable[[str], None]) -> OdpsUpload:
        """Return the session, to write blocks with numbers that nobody else writes.

        ``on_refused`` is called with the service's words whenever it asks for less.
        """
        from airflow_provider_kafka_odps.clients.maxcompute.connection.account import account_of
        from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import BoundedRestClient, words_of
        from airflow_provider_kafka_odps.clients.maxcompute.tunnel import Tunnel
        from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload

        settings = self.settings
        retrier = Retrier(self.retry, clock, on_throttled=lambda error: on_refused(words_of(error)))
        account = account_of(settings, on_secret)
        client = BoundedRestClient(
            account, self.address, settings.project, retrier=retrier, via=settings.proxy, tag="TUNNEL"
        )
        tunnel = Tunnel(settings, client, self.url, self.label, self.params)
        return OdpsUpload(tunnel, self.upload_id, retrier, compression=self.compression)
