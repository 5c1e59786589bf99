"""What a way needs around it: a broker's topic, an endpoint with a table, connections."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ways.orders import Orders
from benchmarks.workloads import Workload
from demo.airflow_home import isolate
from odps import ODPS

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

_TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where from and where to."""

    servers: str
    endpoint: RunningEndpoint
    target: str
    """The endpoint, or a sink in front of it."""
    folder: Path
    """Where Airflow's files and the logs go."""

    def create_table(self, workload: Workload) -> None:
        """Create the workload's table."""
        columns = ", ".join(f"`{name}` {workload.types[name]}" for name in workload.columns)
        levels = ", ".join(f"{name} STRING" for name in workload.partition_by or ())
        partitioned = f" PARTITIONED BY ({levels})" if levels else ""
        self.client().execute_sql(f"CREATE TABLE {table_of(workload)} ({columns}){partitioned}")

    def client(self) -> ODPS:
        """Return a client of the endpoint itself."""
        one = self.endpoint
        return ODPS(one.access_id, one.access_key, one.project, one.endpoint, overwrite_global=False)

    def orders(self, workload: Workload, topic: str, rows: int) -> Orders:
        """Return the orders to load a topic that was filled with so many rows of the workload."""
        ends = dict.fromkeys(map(str, range(workload.partitions)), 0)
        for number in range(rows):
            ends[str(workload.partition_of(number))] += 1
        return Orders(
            servers=self.servers,
            topic=topic,
            ends=ends,
            endpoint=self.target,
            project=self.endpoint.project,
            access_id=self.endpoint.access_id,
            access_key=self.endpoint.access_key,
            table=table_of(workload),
            columns=workload.columns,
            types=workload.types,
            where=workload.where,
            partition_by=workload.partition_by,
        )

    def environment(self) -> Mapping[str, str]:
        """Return the environment of a way's process."""
        environment: dict[str, str] = {}
        isolate(environment, self.folder / "airflow")
        account = {"access_key_id": self.endpoint.access_id, "access_key_secret": self.endpoint.access_key}
        # The endpoint names itself as the tunnel, whoever is in front of it.
        place = {"project": self.endpoint.project, "endpoint": self.target, "tunnel_endpoint": self.target}
        return environment | {
            "PYTHONPATH": python_path(),
            # An installed package has its bytecode: compiling is not to be timed, in any of the ways.
            "PYTHONDONTWRITEBYTECODE": "",
            "AIRFLOW_CONN_KAFKA_DEFAULT": _connection("kafka", {"bootstrap.servers": self.servers}),
            "AIRFLOW_CONN_MAXCOMPUTE_DEFAULT": _connection("maxcompute", account | place),
        }


def python_path() -> str:
    """Return where a process of the benchmarks finds its modules, whatever its parent was started as."""
    here = [str(_TESTS), str(_TESTS.parent / "example_dags")]
    return os.pathsep.join([*here, *filter(None, [os.environ.get("PYTHONPATH")])])


def table_of(workload: Workload) -> str:
    """Return the name of the workload's table."""
    return f"bench_{workload.name.lower()}"


def _connection(kind: str, extra: Mapping[str, Any]) -> str:
    return json.dumps({"conn_type": kind, "extra": extra})
