"""A DAG that loads many partitions at once, and one that runs once for each of them."""

from __future__ import annotations

from airflow.sdk import PartitionedAssetTimetable, task
from scheduled.loads import dag_of, load

with dag_of("per_partition", None):
    loading = load(
        "per_partition",
        start="earliest",
        end="latest",
        partition_by={"hh": "__timestamp__ | format('ddHH', 'UTC')"},
        partition_events=True,
    )

assert loading.asset is not None
with dag_of("of_a_partition", PartitionedAssetTimetable(assets=loading.asset), catchup=False):

    @task
    def which(dag_run: object = None) -> str:
        """Return the partition that this run is for."""
        key: str = dag_run.partition_key  # type: ignore[attr-defined]
        return key

    which()
