"""The connection types of Airflow's form: ours where the official providers are missing, and nothing where they are."""

from __future__ import annotations

import json
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import airflow
import jsonschema
import pytest
from airflow.providers_manager import ProvidersManager
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

from airflow_provider_kafka_odps.clients.kafka.connection.settings import parse_kafka_settings
from airflow_provider_kafka_odps.clients.maxcompute.connection.settings import parse_odps_settings
from airflow_provider_kafka_odps.connection_types import connection_types
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook

NAME = "airflow-provider-kafka-odps"
OFFICIAL = {
    "kafka": "airflow.providers.apache.kafka.hooks.base",
    "maxcompute": "airflow.providers.alibaba.cloud.hooks.maxcompute",
}
OURS = {"kafka": KafkaHook, "maxcompute": OdpsHook}


class Installed(Loader):
    """Finds modules as if they were installed, and refuses to import the last one of each."""

    def __init__(self, *modules: str) -> None:
        self._modules = modules

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        del path, target
        if any(f"{module}.".startswith(f"{name}.") for module in self._modules):
            return ModuleSpec(name, self, is_package=name not in self._modules)
        return None

    def create_module(self, spec: Any) -> None:
        assert spec.name not in self._modules, f"{spec.name} is imported, and with it a client"

    def exec_module(self, module: Any) -> None:
        del module


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes modules findable until the test ends."""

    def install(*modules: str) -> None:
        monkeypatch.setattr(sys, "modules", dict(sys.modules))
        monkeypatch.setattr(sys, "meta_path", [Installed(*modules), *sys.meta_path])

    return install


def _types() -> list[str]:
    return [each["connection-type"] for each in connection_types()]


def _fields(kind: str) -> list[str]:
    (described,) = [each for each in connection_types() if each["connection-type"] == kind]
    return list(described["conn-fields"])


@pytest.mark.parametrize(
    ("installed", "ours"),
    [
        ([], ["kafka", "maxcompute"]),
        (["kafka"], ["maxcompute"]),
        (["maxcompute"], ["kafka"]),
        (["kafka", "maxcompute"], []),
    ],
)
def test_a_type_is_ours_where_no_official_provider_has_it(installed: list[str], ours: list[str], install: Any) -> None:
    """With an official provider nothing of ours is registered; its clients are not imported to find that out."""
    install(*(OFFICIAL[kind] for kind in installed))
    assert _types() == ours


def test_an_official_provider_without_the_hook_leaves_the_type_to_us(install: Any) -> None:
    """Older releases of the Alibaba provider know no MaxCompute."""
    install("airflow.providers.alibaba.cloud.hooks.oss")
    assert "maxcompute" in _types()


def test_an_official_provider_that_cannot_be_imported_keeps_its_type(
    install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that refuses this Airflow is there all the same."""

    def refuse(_: object, module: Any) -> None:
        raise RuntimeError(f"{module.__name__} needs another Airflow")

    install(OFFICIAL["kafka"])
    monkeypatch.setattr(Installed, "exec_module", refuse)
    assert "kafka" not in _types()


def test_airflow_offers_the_types_with_our_hooks() -> None:
    """The form, the test button and `get_hook` of a connection lead to our hooks, which are made by connection id."""
    offered = {each.connection_type: each for each in ProvidersManager().iter_connection_type_hook_ui_metadata()}
    for kind, hook in OURS.items():
        assert offered[kind].hook_class_name == f"{hook.__module__}.{hook.__qualname__}"
        found = ProvidersManagerTaskRuntime().hooks[kind]
        assert found is not None
        assert (found.package_name, found.connection_testable) == (NAME, True)
        assert vars(hook(**{found.connection_id_attribute_name: "mine"}))[found.connection_id_attribute_name] == "mine"


def test_the_types_fit_airflows_schema_of_forms() -> None:
    """The schema of Airflow's own providers knows every word of a form; that of discovery does not."""
    schema = json.loads((Path(airflow.__file__).parent / "provider.yaml.schema.json").read_text())
    described = {"definitions": schema.get("definitions", {}), **schema["properties"]["connection-types"]}
    jsonschema.Draft7Validator(described).validate(connection_types())


def test_what_the_kafka_form_stores_is_a_connection() -> None:
    """Each field is a key that the hook reads; those that are left empty are stored as null and count as missing."""
    filled = {"bootstrap.servers": "broker-1:9092", "group.id": "orders"}
    settings = parse_kafka_settings(
        "c", dict.fromkeys(_fields("kafka")) | filled, None, None, None, None, callbacks=frozenset()
    )
    assert (settings.bootstrap_servers, settings.group_id) == (("broker-1:9092",), "orders")


def test_what_the_maxcompute_form_stores_is_a_connection() -> None:
    """The same, of MaxCompute."""
    filled = {"access_key_id": "i", "access_key_secret": "s", "project": "p", "endpoint": "https://e/api"}
    settings = parse_odps_settings("c", dict.fromkeys(_fields("maxcompute")) | filled)
    assert (settings.project, settings.tunnel_endpoint) == ("p", None)


@pytest.mark.parametrize(
    ("kind", "secrets"),
    [
        ("kafka", ["sasl.password", "ssl.key.password"]),
        ("maxcompute", ["access_key_id", "access_key_secret", "security_token"]),
    ],
)
def test_secrets_are_typed_into_fields_that_hide_them(kind: str, secrets: list[str]) -> None:
    """What Airflow masks of a stored connection is hidden while it is typed, too; the official form hides the id."""
    (described,) = [each for each in connection_types() if each["connection-type"] == kind]
    fields = described["conn-fields"].items()
    assert [name for name, field in fields if field["schema"].get("format") == "password"] == secrets
