"""The entry for Airflow's registry of providers names what there is, and all of it."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from airflow.sdk import BaseHook, BaseOperator, BaseOperatorLink
from airflow.sdk.bases.sensor import BaseSensorOperator
from airflow.triggers.base import BaseTrigger
from kit.airflow_home import ROOT

import airflow_provider_kafka_odps as package
from airflow_provider_kafka_odps.get_provider_info import get_provider_info

yaml: Any = import_module("yaml")
ENTRY: dict[str, Any] = yaml.safe_load((ROOT / ".airflow-registry.yaml").read_text(encoding="utf-8"))
SECTIONS = {
    "sensors": BaseSensorOperator,
    "triggers": BaseTrigger,
    "hooks": BaseHook,
    "transfers": BaseOperator,
    "other": BaseOperatorLink,
}
"""Which kind of class is in which section; a sensor is an operator, too, so it comes first."""


def _named(section: str) -> list[str]:
    return [each["module"] for each in ENTRY[section]]


def _classes() -> Iterator[type[Any]]:
    """Yield every public class of the package that Airflow runs or shows."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name.partition(".")[2].startswith(("hooks", "sensors", "triggers", "transfers", "ui.link")):
            module = import_module(found.name)
            for name, each in inspect.getmembers(module, inspect.isclass):
                if each.__module__ == found.name and not name.startswith("_"):
                    yield each


def _section(each: type[Any]) -> str | None:
    return next((section for section, base in SECTIONS.items() if issubclass(each, base)), None)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_class_of_the_entry_is_there_and_no_public_one_is_missing(section: str) -> None:
    """The registry imports what is named, and shows nothing else."""
    there = {f"{each.__module__}.{each.__name__}" for each in _classes() if _section(each) == section}
    assert there
    assert sorted(_named(section)) == sorted(there)


def test_the_entry_says_what_the_provider_description_says() -> None:
    """Name, title and text are the same in both, and so are the modules."""
    info = get_provider_info()
    assert [ENTRY[name] for name in ("package-name", "display-name")] == [info["package-name"], info["name"]]
    modules = {each["python-module"] for each in info["transfers"]}
    for kind in ("hooks", "sensors", "triggers"):
        modules |= {module for each in info[kind] for module in each["python-modules"]}
    named = {name.rpartition(".")[0] for section in SECTIONS if section != "other" for name in _named(section)}
    assert named == modules
    assert _named("other") == info["extra-links"]


def test_the_entry_has_nothing_that_the_registry_does_not_know() -> None:
    """Its keys are those of the format; each class has a line about it."""
    assert set(ENTRY) == {"package-name", "display-name", "description", "docs-url", *SECTIONS}
    assert all(each.keys() == {"module", "description"} for section in SECTIONS for each in ENTRY[section])
    assert all(each["description"] for section in SECTIONS for each in ENTRY[section])
