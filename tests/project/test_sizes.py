"""How large a function, a module and an interface may become; test_house has the folders."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.airflow_home import ROOT

PACKAGE = ROOT / "airflow_provider_kafka_odps"
MODULES = sorted(PACKAGE.rglob("*.py"))
FUNCTION, MODULE, INTERFACE = 45, 300, 3


def _lines_of_functions(source: str) -> dict[str, int]:
    """Return how many lines each function has, its signature among them and its docstring not."""
    return {
        node.name: _span(node) - (_span(node.body[0]) if ast.get_docstring(node) is not None else 0)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _span(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def _methods_of_interfaces(source: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each protocol with its methods; a name that is only read is none."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("Protocol") for base in node.bases):
            yield node.name, [part.name for part in node.body if isinstance(part, ast.FunctionDef) and not _read(part)]


def _read(method: ast.FunctionDef) -> bool:
    return any(ast.unparse(each) == "property" for each in method.decorator_list)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_module_and_no_function_is_too_long(path: Path) -> None:
    """A module can be read in one go, and a function fits on a page."""
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MODULE
    assert {name: lines for name, lines in _lines_of_functions(source).items() if lines > FUNCTION} == {}


@pytest.mark.parametrize("path", [path for path in MODULES if "local" not in path.parts], ids=_name)
def test_an_interface_is_small(path: Path) -> None:
    """A protocol asks for what its one caller needs: three methods at most."""
    interfaces = dict(_methods_of_interfaces(path.read_text(encoding="utf-8")))
    assert {name: methods for name, methods in interfaces.items() if len(methods) > INTERFACE} == {}


def test_what_is_too_large_is_found() -> None:
    """The measures count what they say: signatures, and neither docstrings nor names that are only read."""
    body = "\n".join(f"    x = {number}" for number in range(44))
    assert _lines_of_functions(f'def f(\n) -> None:\n    """Say."""\n{body}\n') == {"f": 46}
    methods = "\n".join(f"    def m{number}(self) -> None: ..." for number in range(4))
    interface = f"class Wide(Protocol):\n    @property\n    def id(self) -> str: ...\n{methods}\n"
    assert dict(_methods_of_interfaces(interface)) == {"Wide": ["m0", "m1", "m2", "m3"]}
