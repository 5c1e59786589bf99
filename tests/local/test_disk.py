"""What an endpoint that runs for days keeps on its disk."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from airflow_provider_kafka_odps.local.api.services import open_services
from airflow_provider_kafka_odps.local.catalog.model import TableName
from airflow_provider_kafka_odps.local.sessions.blocks import BodyFormat
from airflow_provider_kafka_odps.local.settings import Settings
from airflow_provider_kafka_odps.local.wire.frames import encode_frames

DAY = 24 * 60 * 60 * 1000


def test_abandoned_uploads_leave_the_disk_without_a_restart(tmp_path: Path) -> None:
    """A day after sessions expired their blocks and logs are removed; rows that were committed stay."""
    clock = [1_800_000_000_000]
    services = open_services(Settings(folder=tmp_path), lambda: clock[0])
    services.instances.engine.run("CREATE TABLE t (k BIGINT)", {})
    name = TableName("demo_project", "default", "t")
    names = []
    for commits in (True, False):
        session = services.uploads.create(services.store.catalog.tables[name], (), overwrite=False, owner="me")
        writer = services.uploads.open_block(session, 0, BodyFormat.ARROW, "")
        batch = pa.record_batch({"k": pa.array([7], pa.int64())})
        writer.feed(b"".join(encode_frames(iter([batch.serialize().to_pybytes()]))))
        names.append(services.uploads.keep_block(session, 0, writer, None).blob.name)
        if commits:
            services.uploads.commit(session)
    assert {path.name for path in (tmp_path / "rows").iterdir()} == set(names)
    clock[0] += 2 * DAY
    newest = services.uploads.create(services.store.catalog.tables[name], (), overwrite=False, owner="me")
    services.instances.close()
    assert [path.name for path in (tmp_path / "rows").iterdir()] == names[:1]
    assert [path.name for path in (tmp_path / "uploads").iterdir()] == [f"{newest.upload_id}.jsonl"]
