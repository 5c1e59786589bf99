"""Rejects that are longer than a field of their table may be."""

from collections.abc import Iterator

import pytest
from core.world import batch_of
from odps import ODPS
from twins.spool import Spool

from airflow_provider_kafka_odps.core.load.rejecting import Rejecting
from airflow_provider_kafka_odps.core.mapping.reject import Reject
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint, running_endpoint
from airflow_provider_kafka_odps.transfers.adapters.reject_table import RejectTable

MB = 1024 * 1024


@pytest.fixture(scope="module")
def endpoint() -> Iterator[RunningEndpoint]:
    """Return an endpoint that enforces the service's limits."""
    with running_endpoint(arguments=("--strict-limits",)) as endpoint:
        yield endpoint


def test_a_long_reject_is_kept_in_its_table(odps_hook: OdpsHook, plain_odps: ODPS) -> None:
    """Values of 9 MB, whose base64 is longer than a field, are in the table: cut, and with their coordinates."""
    table = RejectTable(odps_hook, odps_hook.resolve(TableName("rejects")), PartitionSpec.parse("load_id=r"), print)
    rejecting = Rejecting(table, Spool)
    batch = batch_of(0, dict.fromkeys(range(3), b"x" * 9 * MB))
    rejecting.take(batch, [Reject("orders", 0, offset, "amount", "no", None, offset) for offset in range(3)])
    sealed = rejecting.seal()
    assert sealed is not None
    table.attach_upload(sealed.upload_id).commit(sealed.blocks)
    with plain_odps.get_table("rejects").open_reader(partition="load_id=r") as reader:
        rows = [(row["kafka_offset"], len(row["record_value"]), row["reason"]) for row in reader]
    assert rows == [
        (offset, 8 * MB, "no; record_value is cut: the first 6291456 of 9437184 bytes are here") for offset in range(3)
    ]
