"""Run by test_durability: kills a child before each file operation of a scenario, and looks at what is left.

Prints one line for each kill point that left something else than an old or a new state.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path

import duckdb  # noqa: F401 - imported once, before the children
import google_crc32c  # noqa: F401 - the same
import pandas as pd  # noqa: F401 - the same: pyarrow looks for it
import pyarrow as pa
import sqlglot

from airflow_provider_kafka_odps.local.api.services import Services, open_services
from airflow_provider_kafka_odps.local.catalog.model import TableName
from airflow_provider_kafka_odps.local.catalog.rows import read_rows
from airflow_provider_kafka_odps.local.sessions.blocks import BodyFormat
from airflow_provider_kafka_odps.local.sessions.upload import UploadStatus
from airflow_provider_kafka_odps.local.settings import Settings
from airflow_provider_kafka_odps.local.wire.frames import encode_frames

NAME = TableName("demo_project", "default", "t")
NOW = 1_800_000_000_000
OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate")
# What a reader may see, in this order: no table, empty, two blocks, two more, overwritten, inserted, dropped.
STATES = [None, [], [1, 2], [1, 2, 1, 2], [5], [5, 7], None]


def die_at(operation: int, folder: Path) -> None:
    """Kill this process right before the file operation of this number below `folder`."""
    seen = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in OPERATIONS and arguments and str(arguments[0]).startswith(str(folder)):
            seen += 1
            if seen == operation:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def upload(services: Services, blocks: dict[int, list[int]], *, overwrite: bool) -> None:
    """Load blocks of values in one session."""
    table = services.store.catalog.tables[NAME]
    session = services.uploads.create(table, (), overwrite=overwrite, owner="me")
    for block_id, values in blocks.items():
        writer = services.uploads.open_block(session, block_id, BodyFormat.ARROW, "")
        batch = pa.record_batch([pa.array(values, pa.int64())], names=["c0"])
        writer.feed(b"".join(encode_frames(iter([batch.serialize().to_pybytes()]))))
        services.uploads.keep_block(session, block_id, writer, None)
    services.uploads.commit(session)


def run(folder: Path) -> None:
    """Go through all states."""
    services = open_services(Settings(folder=folder), lambda: NOW)
    engine = services.instances.engine
    engine.run("CREATE TABLE t (k BIGINT)", {})
    upload(services, {0: [9], 1: [2]} | {0: [1]}, overwrite=False)
    upload(services, {0: [1], 1: [2]}, overwrite=False)
    upload(services, {3: [5]}, overwrite=True)
    engine.run("INSERT INTO t VALUES (7)", {})
    services.downloads.open_table(services.store.catalog.tables[NAME], ())
    engine.run("DROP TABLE t", {})


def seen(services: Services) -> list[int] | None:
    """Return the rows that a reader finds now."""
    table = services.store.catalog.find(NAME)
    if table is None:
        return None
    rows = read_rows(services.store.blobs, table.partitions[()].blobs, table.columns)
    return list(rows.column("k").to_pylist())


def look(folder: Path) -> int:
    """Return 0 if what was left is a state, and sessions agree with it; otherwise say what is wrong and return 1."""
    services = open_services(Settings(folder=folder), lambda: NOW)
    rows = seen(services)
    if rows not in STATES:
        sys.stdout.write(f"rows {rows}\n")
        return 1
    closed = sum(session.status is UploadStatus.CLOSED for session in services.uploads.all())
    if any(each not in {s.upload_id for s in services.uploads.all()} for each in services.store.catalog.ended):
        sys.stdout.write(f"sessions {services.uploads.all()}\n")
        return 1
    wanted = {"[]": 0, "[1, 2]": 1, "[1, 2, 1, 2]": 2, "[5]": 3, "[5, 7]": 3}.get(str(rows))
    if wanted is not None and closed != wanted:
        sys.stdout.write(f"closed {closed} rows {rows}\n")
        return 1
    return 0


def child(job: object, *arguments: object) -> int:
    """Run in a process of its own; return its exit status, negative for the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = int(job(*arguments) or 0)  # type: ignore[operator]
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def doomed(operation: int, folder: Path) -> None:
    """Run the scenario until its file operation of this number."""
    die_at(operation, folder)
    run(folder)


def main(base: Path) -> None:
    """Try every kill point."""
    sqlglot.transpile("SELECT 1", read="hive", write="duckdb")
    for operation in count(1):
        folder = base / str(operation)
        ended = child(doomed, operation, folder)
        left = child(look, folder)
        if left != 0 or ended not in (0, -signal.SIGKILL):
            sys.stdout.write(f"kill point {operation} ended {ended} left {left}\n")
        shutil.rmtree(folder, ignore_errors=True)
        if ended == 0:
            sys.stdout.write(f"kill points: {operation - 1}\n")
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
