"""A receipt of a load: read from a file, and a table held against its numbers."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.delivery.reconciling import reconcile
from airflow_provider_kafka_odps.core.delivery.window_rows import NoOffsetColumns, rows_sql_by
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.exceptions import InvalidInput, NotReconciled, UnknownTable
from airflow_provider_kafka_odps.transfers.adapters.table import TableVisibleRows, TableWindowRows

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.hooks.odps import OdpsHook

STANDARD_INPUT = "-"


def read_receipt(place: str) -> Receipt:
    """Return the receipt in a file, or on standard input: as the operator returns it, or as Airflow's API gives it.

    Raises InvalidInput for anything else.
    """
    try:
        if place == STANDARD_INPUT:
            text = sys.stdin.read()
        else:
            with open(place, encoding="utf-8") as file:  # noqa: PTH123 - as it was typed
                text = file.read()
        written = json.loads(text)
        # Airflow's API wraps an XCom, and gives it as text unless it is asked for more.
        written = written.get("value", written) if isinstance(written, dict) else written
        written = json.loads(written) if isinstance(written, str) else written
    except OSError as problem:
        raise InvalidInput(f"--receipt {place} cannot be read: {problem.strerror}") from None
    except ValueError as problem:
        raise InvalidInput(f"--receipt {place} is no JSON: {problem}") from None
    if not isinstance(written, dict):
        raise InvalidInput(f"--receipt {place}: an object is wanted, what the task returned")
    try:
        return Receipt.from_json(written)
    except InvalidInput as problem:
        raise InvalidInput(f"--receipt {place}: {problem}") from None


def partition_of(receipt: Receipt) -> PartitionSpec | None:
    """Return the partition that the load went to; None for one whose records say it, and for a table without."""
    if receipt.partition is None or receipt.per_partition is not None:
        return None
    return PartitionSpec.parse(receipt.partition)


@dataclass(frozen=True, slots=True)
class HeldAgainstReceipt:
    """What came of it."""

    difference: str | None
    """None: the table shows what the receipt says."""
    unknown: str | None
    """Why nobody can tell."""


def hold_against_receipt(receipt: Receipt, hook: OdpsHook) -> HeldAgainstReceipt:
    """Compare as the load itself does after its commit: rows and offsets per Kafka partition, all rows of an overwrite.

    Raises UnknownTable.
    """
    table = TableName.parse(receipt.table)
    found = hook.describe(table)
    if found is None:
        raise UnknownTable(f"there is no table {table}, of which the receipt says that it was loaded")
    overwritten = receipt.mode is Mode.OVERWRITE
    if receipt.per_partition is not None and not receipt.written:
        return HeldAgainstReceipt(None, None if not receipt.rows else "the receipt names no partition")
    places = receipt.written or tuple(filter(None, [partition_of(receipt)]))
    sql = rows_sql_by(receipt.found_by or (), table, found, None)
    rows = NoOffsetColumns() if sql is None else TableWindowRows(hook, replace(sql, places=places))
    try:
        by_what = reconcile(receipt, TableVisibleRows(hook, table, rows, places), overwritten=overwritten)
    except NotReconciled as different:
        return HeldAgainstReceipt(str(different), None)
    if by_what is None:
        return HeldAgainstReceipt(
            None, f"{table} has no columns for __partition__ and __offset__: nobody can tell whose its rows are"
        )
    return HeldAgainstReceipt(None, None)
