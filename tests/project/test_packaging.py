"""What a user installs: whole, honest about itself, and known to Airflow."""

import importlib
import json
import os
from importlib.metadata import distribution, entry_points
from importlib.resources import files
from pathlib import Path

import airflow
import jsonschema
from airflow.providers_manager import ProvidersManager
from airflow.sdk import BaseOperatorLink
from kit.airflow_home import ROOT

import airflow_provider_kafka_odps as package
from airflow_provider_kafka_odps.get_provider_info import get_provider_info

NAME = "airflow-provider-kafka-odps"


def test_the_package_under_test_is_the_one_that_was_asked_for() -> None:
    """`make` names the folder of the built wheel, and nothing of the checkout stands before it."""
    assert Path(package.__file__).parents[1] == ROOT / os.environ.get("BUILT_WHEEL", "")


def test_types_are_published() -> None:
    """Type checkers find the marker, so our annotations count in a user's project."""
    assert (files(package) / "py.typed").is_file()


def test_the_metadata_tell_the_version_of_the_code() -> None:
    """What pip shows is what `__version__` says."""
    assert distribution(NAME).version == package.__version__


def test_the_entry_point_leads_to_the_provider_description() -> None:
    """Airflow looks providers up by this entry point."""
    (entry,) = {e for e in entry_points(group="apache_airflow_provider") if e.module.startswith(package.__name__)}
    assert entry.load() is get_provider_info


def test_the_provider_description_fits_airflows_schema() -> None:
    """Airflow's own schema for run-time provider descriptions accepts ours."""
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(get_provider_info())


def test_every_module_in_the_provider_description_exists() -> None:
    """The registry's pages and Airflow's UI link to modules that can be imported."""
    description = get_provider_info()
    modules = [module for hooks in description["hooks"] for module in hooks["python-modules"]]
    modules += [transfer["python-module"] for transfer in description["transfers"]]
    for module in modules:
        importlib.import_module(module)
    for link in description["extra-links"]:
        module, _, name = link.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), name), BaseOperatorLink)


def test_airflow_discovers_the_provider_with_its_version() -> None:
    """`airflow providers list` shows the package."""
    assert ProvidersManager().providers[NAME].version == package.__version__
