"""What the plugin costs a task, and what it gives to the API server."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from importlib.resources import files

import pytest

import airflow_provider_kafka_odps as package
from airflow_provider_kafka_odps.ui.plugin import KafkaOdpsPlugin

# What a task does before it runs: `airflow.sdk.execution_time.task_runner.startup`.
_AS_A_TASK = """
import sys
from airflow.sdk.plugins_manager import integrate_macros_plugins
before = set(sys.modules)
from airflow_provider_kafka_odps.ui.plugin import KafkaOdpsPlugin
print(sorted(each for each in ("airflow.plugins_manager", "fastapi", "starlette") if each in sys.modules))
print(sorted(each for each in set(sys.modules) - before if not each.startswith("airflow_provider_kafka_odps")))
integrate_macros_plugins()
print(sorted(each for each in ("airflow.plugins_manager", "fastapi") if each in sys.modules))
KafkaOdpsPlugin.fastapi_apps
print("fastapi" in sys.modules)
"""


def test_a_task_pays_nothing_for_the_pages() -> None:
    """Every task of a deployment imports the plugin: neither Airflow's own manager of plugins comes along nor FastAPI.

    Only whoever asks for the app imports FastAPI.
    """
    told = subprocess.run([sys.executable, "-c", _AS_A_TASK], check=False, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-4:] == ["[]", "[]", "[]", "True"]


def test_airflow_finds_the_plugin() -> None:
    """The entry point of Airflow's plugins leads to it."""
    (entry,) = {each for each in entry_points(group="airflow.plugins") if each.module.startswith(package.__name__)}
    assert entry.load() is KafkaOdpsPlugin


def test_the_api_server_takes_the_app_and_the_views() -> None:
    """Airflow's own manager accepts the plugin: one app, one page of all tables, one tab for DAGs and one for tasks."""
    from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse
    from airflow.sdk._shared.plugins_manager import is_valid_plugin

    assert is_valid_plugin(KafkaOdpsPlugin)
    (app,) = KafkaOdpsPlugin.fastapi_apps
    assert KafkaOdpsPlugin.fastapi_apps[0]["app"] is app["app"], "one app, however often it is asked for"
    assert app["url_prefix"] == "/kafka-odps"
    views = [ExternalViewResponse.model_validate(view) for view in KafkaOdpsPlugin.external_views]
    assert [view.destination for view in views] == ["nav", "task_instance", "dag"]
    assert len({view.url_route for view in views}) == len(views), "a second one of the same route is dropped"
    # A slash in front would lead out of a deployment under a path.
    assert [view.href for view in views if view.href.startswith("/")] == []


def test_the_tabs_can_be_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where ``[kafka_odps] ui_tabs`` is false, only the page under Browse is left."""
    monkeypatch.setenv("AIRFLOW__KAFKA_ODPS__UI_TABS", "False")
    assert [view["destination"] for view in KafkaOdpsPlugin.external_views] == ["nav"]


def test_the_files_are_in_the_package() -> None:
    """Whoever installs the wheel has pages, scripts and styles."""
    static = files("airflow_provider_kafka_odps.ui") / "static"
    names = {each.name.rpartition(".")[2] for each in static.iterdir() if each.is_file()}
    assert {"html", "js", "css"} <= names
