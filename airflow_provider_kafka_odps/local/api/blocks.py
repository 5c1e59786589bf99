"""Writing a block: the one call whose body is not read at once, but goes from the socket into a file."""

from __future__ import annotations

import json
from dataclasses import dataclass

from airflow_provider_kafka_odps.local.api.call import Answer, Call
from airflow_provider_kafka_odps.local.api.services import Services
from airflow_provider_kafka_odps.local.catalog.model import Table
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.sessions.blocks import BlockWriter, BodyFormat
from airflow_provider_kafka_odps.local.sessions.upload import UploadSession


@dataclass(frozen=True, slots=True)
class OpenBlock:
    """A block that is being received."""

    services: Services
    session: UploadSession
    block_id: int
    version: int | None
    writer: BlockWriter
    started: int

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the body."""
        self.writer.feed(piece)

    def finish(self) -> Answer:
        """End the body, which is whole: the block is part of the session from now on."""
        self.services.uploads.keep_block(self.session, self.block_id, self.writer, self.version)
        # In microseconds; what the storage takes is not told apart from the rest.
        total = (self.services.now() - self.started) * 1000
        costs = {"ServerTotalCost": total, "ServerIOCost": 0, "PanguIOCost": 0, "RateLimitCost": 0}
        return Answer(headers={"odps-tunnel-metrics": json.dumps(costs)})

    def discard(self) -> None:
        """Forget a body that broke off or was refused: nothing is kept."""
        self.writer.discard()


def is_block(call: Call) -> bool:
    """Return whether a call carries a block."""
    return call.method == "PUT" and call.has("blockid")


def open_block(services: Services, call: Call) -> OpenBlock:
    """Start to receive a block.

    Raises ServiceError.
    """
    services.require_project(call.segments[1])
    table = _table(services, call)
    session = services.uploads.find(call.required("uploadid"), table.name)
    body = BodyFormat.ARROW if call.has("arrow") else BodyFormat.RECORDS
    block_id = call.integer("blockid")
    version = call.integer("block_version", 0) or None
    writer = services.uploads.open_block(session, block_id, body, call.headers.get("content-encoding", ""))
    return OpenBlock(services, session, block_id, version, writer, services.now())


def _table(services: Services, call: Call) -> Table:
    match call.segments:
        case ("projects", _, "tables", name) | ("projects", _, "schemas", _, "tables", name):
            return services.table(call, name)
        case _:
            raise ServiceError(404, "InvalidURI", f"There is no table at /{'/'.join(call.segments)}")
