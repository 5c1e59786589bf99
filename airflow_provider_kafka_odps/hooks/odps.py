"""OdpsHook: describe and create tables, open uploads and ask what became of them, run statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_kafka_odps.clients.clock import StoppableClock, SystemClock
from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import Retrier, RetryPolicy
from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings, parse_odps_settings
from airflow_provider_kafka_odps.core.options import Compression
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.statements import columns_statement, create_statement, partition_statement
from airflow_provider_kafka_odps.exceptions import InvalidConnection, InvalidInput, KafkaOdpsError, StatementFailed
from airflow_provider_kafka_odps.hooks.masking import mask, mask_connection

# PyODPS and pyarrow take seconds to import, and DAG files are parsed often: they are imported where they are used.
if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import BoundedRestClient
    from airflow_provider_kafka_odps.clients.maxcompute.pyodps import ODPS
    from airflow_provider_kafka_odps.clients.maxcompute.tunnel import Tunnel
    from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload
    from airflow_provider_kafka_odps.clients.maxcompute.upload_address import UploadPlace
    from airflow_provider_kafka_odps.core.clock import Clock
    from airflow_provider_kafka_odps.core.statement import StatementEnd
    from airflow_provider_kafka_odps.core.table.schema import Column, TableSchema

_RETRY = RetryPolicy()
BLOCK_RETRY = RetryPolicy(total=900.0, connect=30.0, read=120.0, first_pause=1.0, longest_pause=30.0)


class OdpsHook(BaseHook):
    """Talk to MaxCompute through a connection of the official `maxcompute` type.

    A request that gets no answer in time raises Unreachable, with the endpoint and for how long it was tried.

    :param maxcompute_conn_id: the Airflow connection.
    :param project: the project to use in place of the connection's.
    :param endpoint: the endpoint to use in place of the connection's.
    :param quota_name: the quota to use in place of the connection's.
    :param patience: how long to try a request, and how long to wait between tries.
    :param block_patience: the same for writing a block, all tries together, and for a commit, which is tried once.
    :param statement_seconds: how many seconds a statement may run.
    :param clock: the clock for deadlines and pauses; with a ``StoppableClock``, every wait for an answer can be broken
        off.
    :param on_refused: called with the service's words whenever its tunnel asks for less (429, or a quota that is used
        up); what was refused is tried again, within the same deadlines.
    """

    conn_name_attr = "maxcompute_conn_id"
    default_conn_name = "maxcompute_default"
    conn_type = "maxcompute"
    hook_name = "MaxCompute"

    def __init__(  # noqa: PLR0913 - each is named at the call
        self,
        maxcompute_conn_id: str = "maxcompute_default",
        *,
        project: str | None = None,
        endpoint: str | None = None,
        quota_name: str | None = None,
        patience: RetryPolicy = _RETRY,
        block_patience: RetryPolicy = BLOCK_RETRY,
        statement_seconds: float = 3600.0,
        clock: Clock | None = None,
        on_refused: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self.maxcompute_conn_id = maxcompute_conn_id
        self._given = {"project": project, "endpoint": endpoint, "quota_name": quota_name}
        self._clock = clock or SystemClock()
        check = self._clock.check if isinstance(self._clock, StoppableClock) else None
        self._retrier = Retrier(patience, self._clock, check=check)
        self._on_refused = on_refused
        self._tunnel_retrier = replace(self._retrier, on_throttled=self._throttled)
        self._block_retrier = replace(self._tunnel_retrier, policy=block_patience)
        self._statement_seconds = statement_seconds

    @cached_property
    def settings(self) -> OdpsSettings:
        """The connection as one value; InvalidConnection with everything that is wrong with it."""
        try:
            connection = self.get_connection(self.maxcompute_conn_id)
        except AirflowNotFoundException as error:
            raise InvalidConnection(self.maxcompute_conn_id, "there is no connection of this name") from error
        extra = connection.extra_dejson
        if connection.extra and not extra and connection.extra.strip() != "{}":
            raise InvalidConnection(self.maxcompute_conn_id, "its extra is not JSON")
        mask_connection(connection)
        return parse_odps_settings(
            self.maxcompute_conn_id,
            extra,
            connection.login,
            connection.password,
            connection.host,
            **self._given,
        )

    def get_conn(self) -> ODPS:
        """Return PyODPS's entry object, whose REST calls keep this hook's deadlines."""
        return self._odps

    def test_connection(self) -> tuple[bool, str]:
        """Tell whether this connection works, and if not, at which address and which step; within half a minute."""
        from airflow_provider_kafka_odps.clients.maxcompute.check import answer

        try:
            return answer(self.settings, self._clock, mask)
        except KafkaOdpsError as error:
            return False, str(error)

    @cached_property
    def _odps(self) -> ODPS:
        from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import connect

        return connect(self.settings, self._retrier, mask)

    @cached_property
    def _two_level_odps(self) -> ODPS:
        from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import TwoLevelOdps, connect

        return connect(replace(self.settings, schema=None), self._retrier, mask, TwoLevelOdps)

    def _odps_for(self, hints: Mapping[str, str]) -> ODPS:
        from airflow_provider_kafka_odps.clients.maxcompute.sql import reads_two_levels

        return self._two_level_odps if reads_two_levels(hints) else self._odps

    @cached_property
    def _tunnel_client(self) -> BoundedRestClient:
        from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import tunnel_client

        return tunnel_client(self.settings, self._odps, self._tunnel_retrier)

    def _throttled(self, error: Exception) -> None:
        from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import words_of

        if self._on_refused is not None:
            self._on_refused(words_of(error))

    def resolve(self, table: TableName) -> TableName:
        """Return the table with the connection's project and, in that project, schema where it names none."""
        project = table.project or self.settings.project
        own = project == self.settings.project
        return replace(table, project=project, schema=table.schema or (self.settings.schema if own else None))

    def describe(self, table: TableName, *, extended: bool = False) -> TableSchema | None:
        """Return the table's columns, ``extended`` also whether it is clustered; None where there is no such table."""
        from airflow_provider_kafka_odps.clients.maxcompute import tables

        return tables.describe(self._odps, self.settings, self.resolve(table), extended=extended)

    def create_table(self, table: TableName, schema: TableSchema, lifecycle: int | None = None) -> str:
        """Create the table where it is missing, and return the DDL that ran.

        :param lifecycle: days after which MaxCompute removes what was not touched; None keeps it.
        :raises StatementFailed: with the DDL and the service's words.
        """
        if lifecycle is not None and lifecycle < 1:
            raise InvalidInput(f"lifecycle={lifecycle} is not a number of days: 1 or more, or None to keep the table")
        resolved = self.resolve(table)
        return self._change(create_statement(resolved, schema, lifecycle), resolved)

    def add_columns(self, table: TableName, columns: Sequence[Column]) -> str:
        """Add columns behind those of a table, unless somebody else has by now, and return the DDL that ran.

        :raises StatementFailed: with the DDL and the service's words.
        """
        resolved = self.resolve(table)
        statement = columns_statement(resolved, columns)
        try:
            self._change(statement, resolved)
        except StatementFailed:
            found = self.describe(resolved)
            if found is None or not set(columns) <= set(found.columns):
                raise
        return statement

    def create_partition(self, table: TableName, partition: PartitionSpec) -> str:
        """Create the partition where it is missing, and return the DDL that ran."""
        resolved = self.resolve(table)
        return self._change(partition_statement(resolved, partition), resolved)

    def partition_exists(self, table: TableName, partition: PartitionSpec) -> bool:
        """Tell whether a partition of an existing table exists."""
        return self.partition_size(table, partition) is not None

    def partition_size(self, table: TableName, partition: PartitionSpec) -> int | None:
        """Return how many bytes a partition of an existing table takes; None where there is no such partition."""
        from airflow_provider_kafka_odps.clients.maxcompute import tables

        return tables.partition_size(self._odps, self.settings, self.resolve(table), partition)

    def last_change(self, table: TableName, *places: PartitionSpec) -> str:
        """Return when a table, or a partition of it, was changed last and how large it is, as the service has it.

        It is another text after rows were written, by whomever; also after files were merged or the table was touched.
        """
        from airflow_provider_kafka_odps.clients.maxcompute import tables

        return tables.last_change(self._odps, self.settings, self.resolve(table), places)

    def open_upload(
        self,
        table: TableName,
        partition: PartitionSpec | None = None,
        overwrite: bool = False,
        compression: Compression = Compression.NONE,
    ) -> OdpsUpload:
        """Open an upload session to a table or one existing partition of it.

        :param overwrite: whether its commit replaces the rows of the table or partition.
        :param compression: how its blocks are packed on their way.
        :raises TableRefused: with the service's words, such as NoSuchPartition.
        """
        from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload

        tunnel = self._tunnel_to(table, partition)
        opened = tunnel.open(overwrite=overwrite)
        return OdpsUpload(tunnel, str(opened["UploadID"]), self._block_retrier, opened, compression)

    def attach_upload(self, table: TableName, partition: PartitionSpec | None, upload_id: str) -> OdpsUpload:
        """Return a session that was opened before, by whomever, without asking whether it is still there."""
        from airflow_provider_kafka_odps.clients.maxcompute.upload import OdpsUpload

        return OdpsUpload(self._tunnel_to(table, partition), upload_id, self._block_retrier)

    def upload_place(
        self, table: TableName, partition: PartitionSpec | None, upload_id: str, compression: Compression
    ) -> UploadPlace:
        """Return a session by value, for another process to write blocks of it; secrets are in it."""
        from airflow_provider_kafka_odps.clients.maxcompute.upload_address import UploadPlace

        to = self._tunnel_to(table, partition)
        which = (upload_id, compression, self._block_retrier.policy)
        return UploadPlace(self.settings, to.client.endpoint, to.url, to.label, to.params, *which)

    def run_sql(self, statement: str, hints: Mapping[str, str] | None = None) -> pa.Table:
        """Run a statement and return its rows; DDL gives a table without columns.

        :param hints: settings of the statement, such as ``{"odps.namespace.schema": "true"}``.
        :raises StatementFailed: with the statement and the service's words.
        """
        from airflow_provider_kafka_odps.clients.maxcompute import sql

        return sql.fetch(self._run(statement, hints or {}), statement, self._tunnel_client)

    def start_sql(
        self, statement: str, table: TableName, name: str | None = None, hints: Mapping[str, str] | None = None
    ) -> str:
        """Start a statement on one table and return the id of its instance, without waiting for it.

        :param name: of statements of the same name only the first runs; the others return its instance.
        :param hints: settings of the statement, beside those that every statement on this table needs.
        :raises StatementFailed: where the service refuses it at once.
        """
        from airflow_provider_kafka_odps.clients.maxcompute import sql

        self.log.info("%s", statement)
        settings = {**sql.hints_for(self.resolve(table)), **(hints or {})}
        return sql.start(self._odps_for(settings), self.settings, statement, settings, name)

    def await_sql(self, instance_id: str, seconds: float | None = None) -> StatementEnd:
        """Wait until a started statement has ended, and return how.

        :param seconds: for how long to wait; None: ``statement_seconds``.
        """
        from airflow_provider_kafka_odps.clients.maxcompute import sql

        most = self._statement_seconds if seconds is None else seconds
        return sql.end(self._odps, self.settings, instance_id, self._clock, most)

    def _change(self, statement: str, table: TableName) -> str:
        from airflow_provider_kafka_odps.clients.maxcompute import sql

        self.log.info("%s", statement)
        self._run(statement, sql.hints_for(table))
        return statement

    def _run(self, statement: str, hints: Mapping[str, str]) -> Any:
        from airflow_provider_kafka_odps.clients.maxcompute import sql

        return sql.run(self._odps_for(hints), self.settings, statement, hints, self._clock, self._statement_seconds)

    def _tunnel_to(self, table: TableName, partition: PartitionSpec | None) -> Tunnel:
        from airflow_provider_kafka_odps.clients.maxcompute.tables import table_of
        from airflow_provider_kafka_odps.clients.maxcompute.tunnel import Tunnel

        resolved = self.resolve(table)
        asked = {"partition": str(partition or ""), "quotaName": self.settings.quota_name}
        params = {name: value for name, value in asked.items() if value}
        label, of = f"{resolved}/{partition}" if partition else str(resolved), self._tunnel_client
        return Tunnel(self.settings, of, table_of(self._odps, resolved).table_resource(client=of), label, params)
