"""The plugin: where Airflow's UI shows the pages.

The entry point ``airflow.plugins`` leads here, so every task of the deployment imports this module, whatever its
operator: it must cost nothing. What only the API server asks for is made when it asks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

# Not `airflow.plugins_manager`, which brings FastAPI along: each task would pay half a second for both.
from airflow.sdk.plugins_manager import AirflowPlugin

from airflow_provider_kafka_odps.ui.addresses import PREFIX, TASK_PAGE, WINDOWS_PAGE

_TASK_OF_TAB = f"{TASK_PAGE}?dag_id={{DAG_ID}}&run_id={{RUN_ID}}&task_id={{TASK_ID}}&map_index={{MAP_INDEX}}"


class _WhenAsked:
    """A list of the plugin that is made by whoever asks for it."""

    def __init__(self, make: Callable[[], list[dict[str, Any]]]) -> None:
        self._make = make

    def __get__(self, plugin: object, owner: type) -> list[dict[str, Any]]:
        """Return the list."""
        return self._make()


@cache
def _apps() -> list[dict[str, Any]]:
    from airflow_provider_kafka_odps.ui.app import static_app

    return [{"name": "Kafka windows", "app": static_app(), "url_prefix": PREFIX}]


def _views() -> list[dict[str, Any]]:
    """Return the page of all tables, and the tabs unless the configuration takes them away.

    A path without a slash in front is looked up from Airflow's own root, also where that is not the host's.
    """
    from airflow.sdk.configuration import conf

    everywhere = {
        "name": "Kafka to MaxCompute",
        "href": WINDOWS_PAGE,
        "destination": "nav",
        "category": "browse",
        "url_route": "kafka-odps",
    }
    if not conf.getboolean("kafka_odps", "ui_tabs", fallback=True):
        return [everywhere]
    of_task = {
        "name": "Kafka window",
        "href": _TASK_OF_TAB,
        "destination": "task_instance",
        "url_route": "kafka-window",
    }
    of_dag = {
        "name": "Kafka windows",
        "href": f"{WINDOWS_PAGE}?dag_id={{DAG_ID}}",
        "destination": "dag",
        "url_route": "kafka-windows",
    }
    return [everywhere, of_task, of_dag]


class KafkaOdpsPlugin(AirflowPlugin):
    """Pages about windows of Kafka offsets: of a task instance, of a DAG, of a table."""

    name = "kafka_odps"
    fastapi_apps: Any = _WhenAsked(_apps)
    external_views: Any = _WhenAsked(_views)
