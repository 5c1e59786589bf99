"""What the hooks of scripted services are made with."""

from collections.abc import Callable

from airflow_provider_kafka_odps.clients.maxcompute.connection.retry import RetryPolicy
from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.hooks.odps import OdpsHook

TABLE = TableName("t")
PATIENCE = RetryPolicy(total=30, first_pause=1)
MakeHook = Callable[..., OdpsHook]
