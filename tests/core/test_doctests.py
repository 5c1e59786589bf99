"""The examples in the docstrings of what is pure."""

import doctest
import importlib
import pkgutil

import pytest

from airflow_provider_kafka_odps import core, dataworks

MODULES = [
    module.name
    for package in (core, dataworks)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    """An example that a docstring shows is what the code answers."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    """The examples are found: a run that finds none proves nothing."""
    finder = doctest.DocTestFinder()
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) >= 5
