"""Every example of docs/connections.md is the same connection wherever Airflow keeps it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.models.connection import Connection
from airflow.sdk.configuration import clear_secrets_backends_cache
from airflow.utils.session import create_session
from kit.airflow_home import ROOT
from kit.documented import documented

from airflow_provider_kafka_odps.commands.origin import origin
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook

PAGE = (ROOT / "docs" / "connections.md").read_text()
HOOKS: dict[str, Callable[[str], KafkaHook | OdpsHook]] = {"Kafka": KafkaHook, "MaxCompute": OdpsHook}
EXAMPLES = [(service, way, example) for service in HOOKS for way, example in documented(service).items()]
BY_NAME = {f"{example[0].lower()}_{number}": example for number, example in enumerate(EXAMPLES)}
READ_BACK = """
from airflow_provider_kafka_odps.commands.origin import look_as_airflow_does, origin
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook

look_as_airflow_does()
print(KafkaHook().settings.bootstrap_servers, origin("kafka_default"), sep="\\n")
"""
_ADD = re.compile(r"^\$ (airflow connections add (\w+) --conn-json '.*')$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow the function of an example, as its deployment would."""
    monkeypatch.setenv("AIRFLOW__APACHE_KAFKA__CALLBACK_ALLOWLIST", "our_company.kafka.token")


@pytest.fixture
def from_environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return each example's settings as they are read from an environment variable, which is gone afterwards."""
    found = {}
    for name, (service, _, example) in BY_NAME.items():
        with monkeypatch.context() as own:
            own.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(example))
            found[name] = HOOKS[service](name).settings
    return found


@pytest.fixture
def stored(airflow_db: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put each example into Airflow's database as `airflow connections add --conn-json` does."""
    del airflow_db
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    with create_session() as session:
        for name, (*_, example) in BY_NAME.items():
            session.add(Connection.from_json(conn_id=name, value=json.dumps(example)))
    yield
    with create_session() as session:
        session.query(Connection).filter(Connection.conn_id.in_(BY_NAME)).delete()


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Configure the backend that the page has, and return the file that it reads."""
    (ini,) = re.findall(r"```ini\n\[secrets\]\nbackend = (.*)\nbackend_kwargs = (.*)\n```", PAGE)
    file = tmp_path / "connections.json"
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", ini[0])
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND_KWARGS", json.dumps(dict.fromkeys(json.loads(ini[1]), str(file))))
    # A process keeps the backends that it has made: neither earlier ones nor this one may be left.
    clear_secrets_backends_cache()
    yield file
    clear_secrets_backends_cache()


def _settings() -> dict[str, Any]:
    return {name: HOOKS[service](name).settings for name, (service, *_) in BY_NAME.items()}


@pytest.mark.usefixtures("stored")
def test_each_example_is_read_from_airflows_database(from_environment: dict[str, Any]) -> None:
    """What `--conn-json` stores is what the environment variable would have been."""
    assert len(from_environment) == len(EXAMPLES) > 10
    assert _settings() == from_environment


def test_each_example_is_read_from_a_secrets_backend(from_environment: dict[str, Any], secrets: Path) -> None:
    """The same JSON, under the connection's id in the file of Airflow's own backend."""
    secrets.write_text(json.dumps({name: example for name, (*_, example) in BY_NAME.items()}))
    assert _settings() == from_environment


def test_the_file_of_the_page_has_both_connections(secrets: Path) -> None:
    """What the page shows for the backend's file is read as it stands there, and `check` says where it was."""
    (shown,) = re.findall(r'```json\n(\{"kafka_default".*?)```', PAGE, flags=re.DOTALL)
    secrets.write_text(shown)
    assert KafkaHook().settings.bootstrap_servers == ("broker-1:9092",)
    assert OdpsHook().settings.project == "my_project"
    assert origin("kafka_default") == "the secrets backend LocalFilesystemBackend"


def test_the_commands_of_the_page_are_whole_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both, as a shell takes them apart."""
    for command, conn_id in _ADD.findall(PAGE):
        *_, conn_json = shlex.split(command)
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", conn_json)
    assert KafkaHook().settings.bootstrap_servers == ("broker-1:9092",)
    assert OdpsHook().settings.project == "my_project"


def test_a_command_of_the_page_in_a_shell(airflow_db: Path) -> None:
    """Bash runs it, Airflow stores it, and the hook and `check` find it in the database."""
    del airflow_db
    add = {conn_id: command for command, conn_id in _ADD.findall(PAGE)}["kafka_default"]
    try:
        _run("bash", "-c", add)
        # In a process of its own: this one may have another key for what is encrypted in the database.
        assert _run(sys.executable, "-c", READ_BACK).splitlines()[-2:] == [
            "('broker-1:9092',)",
            "Airflow's database (Admin → Connections → kafka_default)",
        ]
    finally:
        with create_session() as session:
            session.query(Connection).filter(Connection.conn_id == "kafka_default").delete()


def _run(*command: str) -> str:
    """Run a command that finds `airflow` beside this Python, and return what it prints."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
