"""Statements: run as instances, waited for within a deadline, and their rows fetched as Arrow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_kafka_odps.clients.maxcompute.blocks.arrow import unframed
from airflow_provider_kafka_odps.clients.maxcompute.connection.replies import json_object
from airflow_provider_kafka_odps.clients.maxcompute.connection.rest import (
    BoundedRestClient,
    is_foreign,
    is_unauthorized,
    refusal,
    words_of,
)
from airflow_provider_kafka_odps.clients.maxcompute.pyodps import errors as odps_errors
from airflow_provider_kafka_odps.core.backoff import Backoff
from airflow_provider_kafka_odps.core.statement import Fate, StatementEnd
from airflow_provider_kafka_odps.core.table.types import OdpsType
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError, StatementFailed, TableRefused

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import OdpsSettings
    from airflow_provider_kafka_odps.clients.maxcompute.pyodps import ODPS
    from airflow_provider_kafka_odps.core.clock import Clock
    from airflow_provider_kafka_odps.core.table.names import TableName

_HEADERS = {"x-odps-tunnel-version": "6", "Content-Length": "0"}
_SECONDS_AND_NANOS = pa.struct([("sec", pa.int64()), ("nano", pa.int32())])
_BETWEEN_POLLS = Backoff(first=0.02, longest=2.0)
# The types and decimals of this decade; without them the service knows seven types and one decimal.
_HINTS = {"odps.sql.type.system.odps2": "true", "odps.sql.decimal.odps2": "true"}
# Of a transactional table: the writer that ends later fails, and may try again.
_CONFLICT = re.compile("MetaTransaction|ACID constraint|transaction conflict", re.IGNORECASE)
_SCHEMA_SYNTAX = "odps.namespace.schema"
_THREE_LEVELS = {_SCHEMA_SYNTAX: "true", "odps.sql.allow.namespace.schema": "true"}
# Said in every statement: a tenant with schemas reads `project.table` as a schema and a table.
_TWO_LEVELS = {_SCHEMA_SYNTAX: "false"}


def hints_for(table: TableName) -> dict[str, str]:
    """Return the settings that a statement on this table needs, so that its name has one reading everywhere."""
    return {**_HINTS, **(_THREE_LEVELS if table.schema else _TWO_LEVELS)}


def reads_two_levels(hints: Mapping[str, str]) -> bool:
    """Tell whether a statement says that its names have no schemas."""
    return hints.get(_SCHEMA_SYNTAX, "").lower() == "false"


def run(
    odps: ODPS, settings: OdpsSettings, statement: str, hints: Mapping[str, str], clock: Clock, seconds: float
) -> Any:
    """Run a statement to its end and return PyODPS's instance.

    Raises StatementFailed with the statement and the service's words, also where it takes longer than ``seconds``.
    """
    with _answers(settings, statement, "running a statement"):
        instance = odps.run_sql(statement, hints={**_HINTS, **hints})
        _wait(instance, statement, clock, seconds)
        instance.wait_for_success()
    return instance


def start(odps: ODPS, settings: OdpsSettings, statement: str, hints: Mapping[str, str], name: str | None = None) -> str:
    """Start a statement and return the id of its instance.

    Of all statements of one ``name`` the service runs the first and answers the others with its instance. (The job's
    element Guid; the test UniqueIdentifyIDTest of the official Java SDK shows it.)
    Raises StatementFailed where the service refuses it at once.
    """
    with _answers(settings, statement, "running a statement"):
        return str(odps.run_sql(statement, hints={**_HINTS, **hints}, unique_identifier_id=name).id)


def end(odps: ODPS, settings: OdpsSettings, instance_id: str, clock: Clock, seconds: float) -> StatementEnd:
    """Wait for a started statement for so long, and return how it has ended."""
    statement = f"(started before, as instance {instance_id})"
    with _answers(settings, statement, f"waiting for instance {instance_id}"):
        try:
            instance = odps.get_instance(instance_id)
            if not _ended(instance, clock, seconds):
                return StatementEnd(Fate.RUNNING, _still(instance, seconds))
        except odps_errors.NoSuchObject as error:
            if is_unauthorized(error) or is_foreign(error):
                raise
            # Forgotten: it has ended long ago.
            return StatementEnd(Fate.FORGOTTEN, words_of(error))
    try:
        instance.wait_for_success()
    except odps_errors.BaseODPSError as error:
        words = words_of(error)
        return StatementEnd(Fate.CONFLICTED if _CONFLICT.search(words) else Fate.FAILED, words)
    return StatementEnd(Fate.SUCCEEDED)


@contextmanager
def _answers(settings: OdpsSettings, statement: str, doing: str) -> Iterator[None]:
    """Turn the service's refusals into our errors: of the connection, or of the statement."""
    try:
        yield
    except odps_errors.BaseODPSError as error:
        if is_unauthorized(error) or is_foreign(error):
            raise refusal(settings, doing, error) from error
        raise _failed(statement, words_of(error)) from error


def _wait(instance: Any, statement: str, clock: Clock, seconds: float) -> None:
    if not _ended(instance, clock, seconds):
        raise _failed(statement, _still(instance, seconds))


def _ended(instance: Any, clock: Clock, seconds: float) -> bool:
    """Wait for an instance; tell whether it has ended in time."""
    until = clock.monotonic() + seconds
    polls = 0
    while not instance.is_terminated(retry=False, blocking=True):
        polls += 1
        if clock.monotonic() >= until:
            return False
        clock.sleep(_BETWEEN_POLLS.pause(polls))
    return True


def _still(instance: Any, seconds: float) -> str:
    return f"instance {instance.id} timed out: it still runs after {seconds:g} s, and was not stopped"


def fetch(instance: Any, statement: str, tunnel: BoundedRestClient) -> pa.Table:
    """Return the rows of a finished instance: DATETIME as timestamp[ms], and so on as in tunnel blocks.

    A statement that has no rows gives a table without columns.
    """
    url = instance.resource(client=tunnel)
    try:
        reply = tunnel.post(url, "", action="downloads", headers=_HEADERS, repeatable=True, expect=_check_opened)
    except (
        odps_errors.InvalidArgument,
        odps_errors.InvalidProjectTable,
        odps_errors.InstanceTypeNotSupported,
    ):
        # What the service answers for an instance that selected nothing.
        return pa.table({})
    except odps_errors.BaseODPSError as error:
        raise _failed(statement, words_of(error)) from error
    session = reply.json()
    schema = _schema(session, statement)
    rows = int(session["RecordCount"])
    if not rows:
        return schema.empty_table()
    params = {"downloadid": session["DownloadID"], "rowrange": f"(0,{rows})", "data": "", "arrow": ""}
    try:
        body = tunnel.get(url, params=params, headers=_HEADERS).content
    except odps_errors.BaseODPSError as error:
        raise _failed(statement, words_of(error)) from error
    carried = pa.schema([(column.name, _carried(column.type)) for column in schema])
    rows_as_carried = pa.ipc.open_stream(carried.serialize().to_pybytes() + unframed(body)).read_all()
    columns = [_instants(column) for column in rows_as_carried.columns]
    return pa.Table.from_arrays(columns, schema=schema)


def _check_opened(reply: Any) -> None:
    json_object(reply, ("DownloadID",))


def _carried(kind: pa.DataType) -> pa.DataType:
    """Return how a result carries a type: TIMESTAMPs as seconds and nanoseconds, unlike the blocks of a table."""
    return _SECONDS_AND_NANOS if kind == pa.timestamp("ns") else kind


def _instants(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type != _SECONDS_AND_NANOS:
        return column
    seconds, nanos = pc.struct_field(column, "sec"), pc.struct_field(column, "nano")
    return pc.add_checked(pc.multiply_checked(seconds, 10**9), nanos).cast(pa.timestamp("ns"))


def _schema(session: Mapping[str, Any], statement: str) -> pa.Schema:
    schema = session["Schema"]
    names = [column["name"] for column in schema["columns"]]
    try:
        # Not through TableSchema: a result may have two columns of one name, or names that no table takes.
        types = [OdpsType.parse(column["type"]).arrow for column in schema["columns"]]
    except TableRefused as error:
        raise _failed(statement, f"{error}; CAST the column AS STRING in the query") from error
    return pa.schema(list(zip(names, types, strict=True)))


def _failed(statement: str, words: str) -> KafkaOdpsError:
    return StatementFailed(f"a statement failed in MaxCompute: {words}\n{statement}")
