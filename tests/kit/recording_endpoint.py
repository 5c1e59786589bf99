"""A MaxCompute endpoint that writes down each state of some tables that anybody could have seen, in their order.

Who polls a table may miss what is there for a millisecond. All that is committed in the endpoint is one value, which is
replaced; so what is written down is each of these values, and between two of them nothing else was ever visible.
The endpoint runs in a process of its own: ``python -m kit.recording_endpoint FILE PREFIX …``, and its own arguments.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_kafka_odps.local.__main__ import main
from airflow_provider_kafka_odps.local.catalog.catalog import Catalog
from airflow_provider_kafka_odps.local.catalog.model import Table, spec_text
from airflow_provider_kafka_odps.local.catalog.rows import read_rows
from airflow_provider_kafka_odps.local.catalog.store import Store
from airflow_provider_kafka_odps.local.settings import DEFAULT_ACCESS_ID, DEFAULT_ACCESS_KEY, DEFAULT_PROJECT, IN_MEMORY
from airflow_provider_kafka_odps.local.testing import RunningEndpoint, stop

Place = tuple[int, int]
"""A Kafka partition and an offset."""
Moment = dict[str, list[Place]]
"""What was visible: the rows of each partition that had some, by the partition's name."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What an endpoint has written down by now."""

    file: Path

    def of(self, table: str) -> list[Moment]:
        """Return each state of a table, the oldest first."""
        lines = [json.loads(line) for line in self.file.read_text().splitlines()]
        return [
            {spec: [(partition, offset) for partition, offset in rows] for spec, rows in line["partitions"].items()}
            for line in lines
            if line["table"] == table
        ]


@contextmanager
def recording_endpoint(file: Path, prefix: str) -> Iterator[RunningEndpoint]:
    """Run an endpoint in memory that writes down the tables whose names begin so, by their columns ``p`` and ``o``."""
    arguments = ["--data", IN_MEMORY, "--port", "0", "--until-stdin-closes"]
    command = [sys.executable, "-m", "kit.recording_endpoint", str(file), prefix, *arguments]
    file.touch()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    try:
        assert process.stdout is not None
        ready = process.stdout.readline().decode().split()
        assert "ready:" in ready, f"the endpoint does not start: {ready}"
        url = ready[ready.index("ready:") + 1]
        yield RunningEndpoint(url, DEFAULT_PROJECT, DEFAULT_ACCESS_ID, DEFAULT_ACCESS_KEY, process.pid)
    finally:
        stop(process)


def record(file: Path, prefix: str) -> None:
    """Have every store of this process write down what it shows from now on."""
    change = Store.change

    def changed(self: Store, transition: Callable[[Catalog], Catalog], ended: str = "") -> Catalog:
        # Under the lock no file is removed, and nothing else becomes visible, before this is written down.
        with self.lock:
            before = self.catalog
            after = change(self, transition, ended)
            for name, table in after.tables.items():
                if name.table.startswith(prefix) and before.tables.get(name) is not table:
                    _write(file, self, table)
            return after

    Store.change = changed  # type: ignore[method-assign]


def _write(file: Path, store: Store, table: Table) -> None:
    columns = [column for column in table.columns if column.name in {"p", "o"}]
    partitions = {}
    for spec, partition in table.partitions.items():
        blobs = [blob for blob in partition.blobs if blob.rows]
        if blobs and columns:
            rows = read_rows(store.blobs, blobs, columns).to_pylist()
            partitions[spec_text(spec)] = [(row["p"], row["o"]) for row in rows]
    with file.open("a") as written:
        written.write(json.dumps({"table": table.name.table, "partitions": partitions}) + "\n")


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2])
    sys.exit(main(sys.argv[3:]))
