"""Beside the official providers of Kafka, Alibaba Cloud and OpenLineage: types stay theirs, and our hooks work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeTopic
from delivery.scene import environment
from demo.airflow_home import isolate, migrate
from demo.broker import Broker
from kit.airflow_home import ROOT

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

pytestmark = pytest.mark.timeout(300)
OURS = "airflow-provider-kafka-odps"
OFFICIAL = {f"apache-airflow-providers-{name}" for name in ("apache-kafka", "alibaba", "openlineage")}

BOTH = """
import json, sys
from airflow.providers.alibaba.cloud.hooks.maxcompute import MaxComputeHook
from airflow.providers.apache.kafka.hooks.client import KafkaAdminClientHook
from airflow.providers_manager import ProvidersManager
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

topic, table = sys.argv[1:]
operator = KafkaToMaxComputeOperator(task_id="load", topic=topic, table=table)
operator.odps_hook.run_sql(f"CREATE TABLE {table} (c STRING)")
types = ProvidersManager().hooks
print("FOUND", json.dumps({
    "official topics": topic in KafkaAdminClientHook().get_conn.list_topics().topics,
    "our window": KafkaHook().plan(topic, start="earliest", end="latest").span,
    "official table": MaxComputeHook().get_client().exist_table(table),
    "our rows": OdpsHook().run_sql(f"SELECT COUNT(*) AS n FROM {table}")["n"].to_pylist(),
    "types": {name: types[name].hook_class_name.rpartition(".")[2] for name in ("kafka", "maxcompute")},
    "the operator's": [type(operator.kafka_hook).__module__, type(operator.odps_hook).__module__],
}))
"""


@dataclass(frozen=True, slots=True)
class Beside:
    """An environment that has all of them."""

    python: Path
    settings: Mapping[str, str]

    def run(self, *words: str) -> str:
        """Run Python with these words, and return what it prints; raise AssertionError, with that, if it fails."""
        ended = subprocess.run(
            [str(self.python), *words], check=False, capture_output=True, text=True, env=dict(self.settings)
        )
        assert ended.returncode == 0, f"{words}: {ended.stdout[-2000:]}{ended.stderr[-4000:]}"
        return ended.stdout

    def airflow(self, *words: str) -> Any:
        """Run ``airflow`` with these words, and return what it prints as JSON."""
        printed = self.run("-m", "airflow", *words, "--output", "json")
        return json.loads(printed[printed.index("[") :])


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory, broker: Broker, endpoint: RunningEndpoint) -> Beside:
    """Return an environment on top of this one, into which pip installs what is not here: in a few seconds."""
    folder = tmp_path_factory.mktemp("beside")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    (site,) = folder.glob("venv/lib/python*/site-packages")
    site.joinpath("this_one.pth").write_text(sysconfig.get_path("purelib"))
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--group", "beside"]
    limits = ["--constraint", "constraints.txt", "--build-constraint", "constraints.txt"]
    installed = subprocess.run([*install, *limits], check=False, capture_output=True, text=True, cwd=ROOT)
    assert installed.returncode == 0, installed.stderr
    settings = dict(os.environ)
    folder.joinpath("home").mkdir()
    isolate(settings, folder / "home")
    settings |= {
        **environment(broker, endpoint),
        # What of this process is not in its packages: the wheel, or the checkout.
        "PYTHONPATH": str(ROOT / os.environ.get("BUILT_WHEEL", "")),
        "COLUMNS": "1000",
    }
    migrate(folder / "home", ROOT / "build" / "airflow", settings)
    return Beside(python, settings)


def test_airflow_lists_all_of_them(beside: Beside) -> None:
    """None of their descriptions keeps the others from being read."""
    listed = {each["package_name"] for each in beside.airflow("providers", "list")}
    assert {OURS, *OFFICIAL} <= listed


def test_the_connection_types_are_the_official_ones(beside: Beside) -> None:
    """Who has connections of these types keeps their forms and their test buttons."""
    hooks = {each["connection_type"]: each for each in beside.airflow("providers", "hooks")}
    assert hooks["kafka"]["class"] == "airflow.providers.apache.kafka.hooks.base.KafkaBaseHook"
    assert hooks["maxcompute"]["class"] == "airflow.providers.alibaba.cloud.hooks.maxcompute.MaxComputeHook"


def test_plugin_and_link_are_there(beside: Beside) -> None:
    """`airflow plugins` has our pages beside OpenLineage's, and `airflow providers links` our link."""
    plugins = {each["name"] for each in beside.airflow("plugins")}
    assert {"kafka_odps", "OpenLineageProviderPlugin"} <= plugins
    links = {each["extra_link_class_name"] for each in beside.airflow("providers", "links")}
    assert "airflow_provider_kafka_odps.ui.link.KafkaWindowLink" in links


def test_the_check_can_be_run(beside: Beside) -> None:
    """The command line starts where all of them are."""
    assert "usage" in beside.run("-m", "airflow_provider_kafka_odps", "check", "--help").lower()


def test_one_connection_serves_both(beside: Beside, make_topic: MakeTopic) -> None:
    """Official hooks and ours see the same topic and the same table, in one process, by the same connections."""
    topic = make_topic()
    printed = beside.run("-c", BOTH, topic, topic.replace("-", "_"))
    found = json.loads(printed.partition("FOUND ")[2])
    assert found == {
        "official topics": True,
        "our window": 0,
        "official table": True,
        "our rows": [0],
        "types": {"kafka": "KafkaBaseHook", "maxcompute": "MaxComputeHook"},
        "the operator's": ["airflow_provider_kafka_odps.hooks.kafka", "airflow_provider_kafka_odps.hooks.odps"],
    }
