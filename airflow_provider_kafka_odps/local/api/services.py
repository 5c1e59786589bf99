"""The parts of an endpoint, opened and put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_kafka_odps.local.api.call import Call
from airflow_provider_kafka_odps.local.catalog.catalog import DEFAULT_SCHEMA
from airflow_provider_kafka_odps.local.catalog.documents import DirectoryDocuments, MemoryDocuments
from airflow_provider_kafka_odps.local.catalog.model import Table, TableName
from airflow_provider_kafka_odps.local.catalog.store import Store, open_store
from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.instances.instances import Instances
from airflow_provider_kafka_odps.local.sessions.downloads import Downloads
from airflow_provider_kafka_odps.local.sessions.limits import Limits
from airflow_provider_kafka_odps.local.sessions.log import FileLog, MemoryLog
from airflow_provider_kafka_odps.local.sessions.uploads import Uploads
from airflow_provider_kafka_odps.local.settings import Settings
from airflow_provider_kafka_odps.local.sql.engine import Engine
from airflow_provider_kafka_odps.local.sql.queries.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one endpoint; `now` returns milliseconds since the epoch."""

    settings: Settings
    store: Store
    uploads: Uploads
    downloads: Downloads
    instances: Instances
    now: Callable[[], int]

    def close(self, patience: float = 0.0) -> bool:
        """End all statements, wait so many seconds for them, let go of the directory, and return whether all ended."""
        ended = self.instances.close(patience)
        self.store.close()
        return ended

    def require_project(self, name: str) -> None:
        """Refuse another project than the one that is here.

        Raises ServiceError (NoSuchProject).
        """
        if name.lower() != self.settings.project.lower():
            raise ServiceError(404, "NoSuchProject", f"The specified project does not exist: {name}")

    def schema_of(self, call: Call) -> str:
        """Return the schema a call is about: in its path, or its `curr_schema`, or the default one."""
        match call.segments:
            case ("projects", _, "schemas", schema, *_):
                return schema.lower()
            case _ if not self.settings.schemas:
                # Clients of a tenant without schemas name the project in its place.
                return DEFAULT_SCHEMA
            case _:
                return (call.query.get("curr_schema") or DEFAULT_SCHEMA).lower()

    def require_schema(self, call: Call) -> None:
        """Refuse a call about a schema that is not there: clients ask by a list whether it is.

        Raises ServiceError (NoSuchObject).
        """
        name = self.schema_of(call)
        if name not in self.store.catalog.schemas:
            raise ServiceError(404, "NoSuchObject", f"The specified schema does not exist: {name}")

    def table(self, call: Call, name: str) -> Table:
        """Return the table a call is about.

        Raises ServiceError (NoSuchTable).
        """
        found = TableName(self.store.catalog.project, self.schema_of(call), name.lower())
        table = self.store.catalog.find(found)
        if table is None:
            raise ServiceError(404, "NoSuchTable", f"The specified table does not exist: {found}")
        return table


def open_services(settings: Settings, now: Callable[[], int]) -> Services:
    """Open the directory of `settings` and continue where an earlier process stopped.

    Raises ValueError when the directory belongs to another project or process.
    """
    folder, limits = settings.folder, Limits() if settings.strict_limits else None
    store = open_store(settings.project, folder, lambda: now() // 1000)
    uploads = Uploads(
        store,
        FileLog(folder / "uploads") if folder else MemoryLog(),
        now,
        limits=limits,
        longest_block=settings.longest_block,
    )
    downloads = Downloads(store, DirectoryDocuments(folder / "downloads") if folder else MemoryDocuments(), now)
    database = Database(settings.bounds, folder / "spill" if folder else None)
    engine = Engine(store, now, settings.owner, settings.tenant, strict=settings.strict_limits, database=database)
    documents = DirectoryDocuments(folder / "instances") if folder else MemoryDocuments()
    instances = Instances(store, engine, documents, now, settings.pace, most_seconds=settings.bounds.seconds)
    # Last: only now it is known which files are still needed.
    store.sweep(uploads.blobs)
    return Services(settings, store, uploads, downloads, instances, now)
