"""The tunnel service of a project: where it is, and one request to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import (
    BoundedRestClient,
    answers,
)
from airflow_provider_kafka_odps.exceptions import Unreachable

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import Retrier
    from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings


_HEADERS = {
    "odps-tunnel-date-transform": "v1",
    # Without it the service refuses tables whose columns were changed once.
    "odps-tunnel-sdk-support-schema-evolution": "true",
    "x-odps-tunnel-version": "6",
}


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Where the sessions of one table, or one partition of it, are opened and asked for."""

    settings: OdpsSettings
    client: BoundedRestClient
    url: str
    """The table's address at the tunnel."""
    label: str
    """The table and partition as people write them."""
    params: Mapping[str, str] = field(default_factory=dict)
    """What every request has: the partition, the quota."""

    def open(self, *, overwrite: bool) -> Mapping[str, Any]:
        """Open a session. A lost answer leaves one more behind, which expires: asking again is safe."""
        params = {**self.params, "reload": "False", "uploads": "1"}
        if overwrite:
            params["overwrite"] = "true"
        with answers(self.settings, f"opening an upload to {self.label}"):
            answer = self.client.post(
                self.url, "", params=params, headers={**_HEADERS, "Content-Length": "0"}, repeatable=True
            )
        return self._mapping(answer)

    def look(self, upload_id: str, asker: Retrier | None = None) -> Mapping[str, Any]:
        """Ask for a session; the service's errors pass through."""
        params = {**self.params, "reload": "True", "uploadid": upload_id}
        asking = {"asker": asker} if asker else {}
        return self._mapping(
            self.client.get(self.url, params=params, headers={**_HEADERS, "Content-Length": "0"}, **asking)
        )

    def _mapping(self, answer: Any) -> Mapping[str, Any]:
        try:
            found = answer.json()
        except ValueError as error:
            raise Unreachable(
                f"{self.client.endpoint} answers, but not as a MaxCompute tunnel does: {error}"
            ) from error
        return found if isinstance(found, Mapping) else {}
