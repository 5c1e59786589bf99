"""The link from a task instance to its page: also for those who may not see the tabs of plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

from airflow_provider_kafka_odps.ui.addresses import task_address

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class KafkaWindowLink(BaseOperatorLink):
    """Leads to the page of the task instance, in Airflow's own page of it: Details, Extra Links."""

    name = "Kafka window"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address, which the browser looks up from Airflow's root, wherever that is."""
        del operator
        return task_address(ti_key.dag_id, ti_key.run_id, ti_key.task_id, ti_key.map_index)

    def push_early(self, ti: Any) -> None:
        """Have the link shown while the task runs, and also where it is killed: Airflow pushes it at the end."""
        ti.xcom_push(self.xcom_key, task_address(ti.dag_id, ti.run_id, ti.task_id, ti.map_index))
