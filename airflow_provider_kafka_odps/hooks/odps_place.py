"""An open upload session by value, and the way back from it, in another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.effort import Compression
from airflow_provider_kafka_odps.core.odps_settings import OdpsSettings
from airflow_provider_kafka_odps.hooks.odps_patience import Asker, Patience

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.settling import Clock
    from airflow_provider_kafka_odps.hooks.odps_upload import OdpsUpload


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
    patience: Patience

    def join(self, clock: Clock) -> OdpsUpload:
        """Return the session, to write blocks with numbers that nobody else writes."""
        from airflow_provider_kafka_odps.hooks.odps_account import account_of
        from airflow_provider_kafka_odps.hooks.odps_rest import BoundedRestClient
        from airflow_provider_kafka_odps.hooks.odps_upload import OdpsUpload, Tunnel

        asker = Asker(self.patience, clock)
        settings = self.settings
        account = account_of(settings)
        client = BoundedRestClient(
            account, self.address, settings.project, asker=asker, via=settings.proxy, tag="TUNNEL"
        )
        tunnel = Tunnel(settings, client, self.url, self.label, self.params)
        return OdpsUpload(tunnel, self.upload_id, asker, compression=self.compression)
