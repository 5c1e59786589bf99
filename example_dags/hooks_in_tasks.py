"""The hooks on their own, in tasks: look into a topic, and ask MaxCompute.

The table is that of the tutorial: run its DAG first.
"""

from __future__ import annotations

from airflow.sdk import DAG, task

# [START hooks]
with DAG("hooks_in_tasks", schedule=None, tags=["kafka", "maxcompute"]):

    @task
    def largest_value() -> int:
        """Return the bytes of the largest value in the topic, without loading it anywhere."""
        import pyarrow.compute as pc

        from airflow_provider_kafka_odps.hooks.kafka import KafkaHook

        hook = KafkaHook()
        window = hook.plan("testkafka", start="earliest", end="latest")
        batches = hook.read(window, wanted=frozenset({"value"}))
        return max((pc.max(pc.binary_length(batch["value"])).as_py() or 0 for batch in batches), default=0)

    @task
    def rows() -> int:
        """Return how many rows the tutorial's table has."""
        from airflow_provider_kafka_odps.hooks.odps import OdpsHook

        counted: int = OdpsHook().run_sql("SELECT COUNT(*) AS n FROM testkafka")["n"][0].as_py()
        return counted

    largest_value() >> rows()
# [END hooks]
