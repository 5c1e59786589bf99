"""The tunnel service, as one table or partition is reached through it: the requests of upload sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.clients.maxcompute.connection.replies import (
    Strange,
    check_empty,
    check_status,
    json_object,
)
from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import BoundedRestClient, answers
from airflow_provider_kafka_odps.exceptions import TableRefused, Unreachable

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.maxcompute.blocks.body import BlockBody
    from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import Retrier
    from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings

_HEADERS = {
    "odps-tunnel-date-transform": "v1",
    # Without it the service refuses tables whose columns were changed once.
    "odps-tunnel-sdk-support-schema-evolution": "true",
    "x-odps-tunnel-version": "6",
}
_NO_BODY = {**_HEADERS, "Content-Length": "0"}
_BLOCK = {**_HEADERS, "Transfer-Encoding": "chunked", "Content-Type": "application/octet-stream"}


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Where the sessions of one table, or one partition of it, are opened, written and asked for."""

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
            opened = self._session(self.client.post(self.url, "", params=params, headers=_NO_BODY, repeatable=True))
        if not opened.get("UploadID"):
            raise Unreachable(f"{self.client.endpoint} is not a MaxCompute tunnel: its answer has no UploadID")
        overwrites = str(opened.get("IsOverwrite", overwrite)).lower() == "true"
        if overwrites is not overwrite:
            raise TableRefused(
                f"an upload to {self.label} was asked for with overwrite={overwrite}, and was opened with IsOverwrite="
                f"{overwrites}: does something between this worker and {self.client.endpoint} change requests?"
            )
        return opened

    def session(self, upload_id: str, retrier: Retrier | None = None) -> Mapping[str, Any]:
        """Ask for a session; the service's errors pass through."""
        params = {**self.params, "reload": "True", "uploadid": upload_id}
        by = {"retrier": retrier} if retrier else {}
        return self._session(self.client.get(self.url, params=params, headers=_NO_BODY, **by))

    def put_block(
        self, upload_id: str, number: int, body: BlockBody, *, arrow: bool, encoding: str | None, retrier: Retrier
    ) -> None:
        """Write one block; the service's errors pass through."""
        params = {**self.params, "uploadid": upload_id, "blockid": str(number)}
        if arrow:
            params["arrow"] = ""
        headers = {**_BLOCK, "Content-Encoding": encoding} if encoding else _BLOCK

        def check(reply: Any) -> None:
            if not body.is_sent:
                # The HTTP client takes an answer also where the connection was closed before it could send all.
                raise Strange(f"it answered {reply.status_code} before all rows were sent")
            check_empty(reply)

        asked = {"retrier": retrier, "expect": check, "uncounted": body.waited, "slot": body.slot}
        self.client.put(self.url, data=body, params=params, headers=headers, **asked)

    def commit(self, upload_id: str, retrier: Retrier) -> None:
        """Ask for all blocks of a session to be made visible; the service's errors pass through.

        Raises Unreachable for any answer but the session's: it says nothing of the commit.
        """
        params = {**self.params, "uploadid": upload_id}
        self.client.post(self.url, "", params=params, headers=_HEADERS, retrier=retrier, expect=_check_commit)

    def _session(self, answer: Any) -> Mapping[str, Any]:
        try:
            found = answer.json()
        except ValueError as error:
            raise Unreachable(
                f"{self.client.endpoint} is not a MaxCompute tunnel: its answer is no JSON ({error})"
            ) from error
        return found if isinstance(found, Mapping) else {}


def _check_commit(reply: Any) -> None:
    # The service answers with the blocks that are visible now; PyODPS and the Java SDK read the session of it.
    check_status(reply, HTTPStatus.OK)
    json_object(reply, ("UploadedBlockList", "UploadID"))
