"""Every contract of import-linter turns red when an import that it forbids is planted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from grimp import ImportGraph, build_graph
from importlinter import api
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract
from kit.airflow_home import ROOT

PACKAGE = "airflow_provider_kafka_odps"
_TYPES: dict[str, type[Contract]] = {
    "acyclic_siblings": AcyclicSiblingsContract,
    "forbidden": ForbiddenContract,
    "layers": LayersContract,
}


@dataclass(frozen=True)
class Side:
    """One side of a wall: a package, and what none of its modules may import."""

    package: str
    imports: tuple[str, ...]
    but: tuple[str, ...] = ()
    """What of the package may import it all the same."""

    def modules(self) -> Iterator[str]:
        """Yield every module of this side: a contract that lists modules must not have forgotten one."""
        root = f"{PACKAGE}.{self.package}"
        allowed = [f"{PACKAGE}.{each}." for each in self.but]
        for module in sorted({root, *graph().find_descendants(root)}):
            if not any(f"{module}.".startswith(each) for each in allowed):
                yield module


_OUTSIDE = ("airflow", "kafka", "odps", "openlineage", "requests", "urllib3", "socket", "os", "time", "random")
_TO_OPERATOR = ("transfers.kafka_to_maxcompute",)

WALLS = {
    "commands →": [
        Side("standard_output", ("core", "exceptions", "commands")),
        Side("exceptions", ("core", "transfers")),
        Side("ui", ("core", "hooks", "transfers")),
        Side("core", ("decoding", "clients", "hooks", "triggers", "transfers")),
        Side("decoding", ("clients", "hooks", "dataworks")),
        Side("clients", ("hooks", "triggers", "transfers")),
        Side("hooks", ("triggers", "dataworks", "sensors", "transfers")),
        Side("triggers", ("dataworks", "sensors", "transfers")),
        Side("dataworks", ("triggers", "lineage", "sensors", "transfers")),
        Side("lineage", ("triggers", "dataworks", "sensors", "transfers")),
        Side("sensors", ("transfers", "commands")),
        Side("transfers", ("sensors", "commands")),
    ],
    "core:": [
        *(
            Side(f"core.{low}", ("core.table", "core.window"))
            for low in (
                "options",
                "clock",
                "cancellation",
                "upload",
                "statement",
                "arrow",
                "backoff",
                "versioned",
                "zones",
            )
        ),
        Side("core.table", ("core.window", "core.mapping", "core.delivery")),
        Side("core.window", ("core.mapping", "core.history", "core.journal")),
        Side("core.mapping", ("core.routing", "core.accounting", "core.history", "core.load")),
        Side("core.routing", ("core.accounting", "core.history", "core.journal", "core.delivery")),
        Side("core.accounting", ("core.history", "core.journal", "core.load")),
        Side("core.history", ("core.accounting", "core.journal", "core.delivery")),
        Side("core.journal", ("core.load", "core.delivery")),
        Side("core.load", ("core.journal", "core.delivery")),
        Side("core.verification", ("core.journal", "core.delivery")),
    ],
    "transfers:": [
        Side("transfers.parameters", ("transfers.runtime", "transfers.build", *_TO_OPERATOR)),
        Side("transfers.runtime", ("transfers.parameters", "transfers.adapters", *_TO_OPERATOR)),
        Side("transfers.adapters", ("transfers.workers", "transfers.build", *_TO_OPERATOR)),
        Side("transfers.destination", ("transfers.workers", "transfers.build", *_TO_OPERATOR)),
        Side("transfers.workers", ("transfers.destination", "transfers.build", "transfers.dataworks", *_TO_OPERATOR)),
        Side("transfers.build", ("transfers.dataworks", *_TO_OPERATOR)),
        Side("transfers.dataworks", ("transfers.build", *_TO_OPERATOR)),
        Side("transfers.known", ("transfers.build", "transfers.destination", "transfers.lineage", *_TO_OPERATOR)),
        Side("transfers.lineage", ("transfers.build", "transfers.dataworks", *_TO_OPERATOR)),
    ],
    "clients:": [
        Side("clients.kafka", ("clients.maxcompute",)),
        Side("clients.maxcompute", ("clients.kafka",)),
        Side("clients.interruptible", ("clients.kafka", "clients.maxcompute")),
        Side("clients.clock", ("clients.interruptible", "clients.kafka")),
    ],
    "clients know no Airflow": [Side("clients", ("airflow",))],
    "to clients, hooks, sensors and triggers, time is an argument": [
        Side("clients.kafka", ("time",), but=("clients.kafka.transport",)),
        *(Side(each, ("time",)) for each in ("clients.interruptible", "clients.maxcompute")),
        *(Side(each, ("time",)) for each in ("hooks", "sensors", "triggers")),
    ],
    "the core knows no outside": [Side(each, _OUTSIDE) for each in ("core", "dataworks", "exceptions")],
    "lineage is told of values": [
        Side("lineage", ("kafka", "odps", "requests", "socket", "os", "time", "clients", "decoding", "hooks")),
        Side("lineage", ("airflow", "openlineage"), but=("lineage.asset_uris", "lineage.translation")),
    ],
    "in the core, threads": [
        Side("core", ("threading",), but=("core.load", "core.mapping.arrow_sql")),
        Side("core", ("concurrent", "multiprocessing", "asyncio", "queue")),
    ],
    "in the core, DuckDB": [Side("core", ("duckdb",), but=("core.mapping",))],
    "decoding knows no client and no Airflow": [Side("decoding", ("airflow", "kafka", "odps", "requests"))],
    "PyODPS comes in by one door": [
        Side("clients", ("odps",), but=("clients.maxcompute.pyodps",)),
        *(Side(each, ("odps",)) for each in ("commands", "hooks", "sensors", "transfers", "triggers")),
    ],
    "the Kafka side does not know MaxCompute": [
        Side(each, ("odps", "clients.maxcompute", "hooks.odps")) for each in ("clients.kafka", "hooks.kafka")
    ],
    "the MaxCompute side does not know Kafka": [
        Side(each, ("kafka", "clients.kafka", "decoding", "hooks.kafka"))
        for each in ("clients.maxcompute", "hooks.odps")
    ],
    "the pages know nothing of the package": [
        Side("ui", ("core", "clients", "transfers", "local", "odps", "kafka", "pyarrow")),
    ],
    "nothing imports the local endpoint": [
        Side(each, ("local", "local.testing"))
        for each in (
            "__main__",
            "clients",
            "commands",
            "connection_types",
            "core",
            "dataworks",
            "decoding",
            "exceptions",
            "get_provider_info",
            "hooks",
            "lineage",
            "sensors",
            "standard_output",
            "transfers",
            "triggers",
            "ui",
        )
    ],
    "the local endpoint is a peer, not a mirror": [
        Side("local", ("odps", "airflow", "kafka", "clients", "core", "decoding", "exceptions", "hooks", "transfers")),
    ],
    "no circle of packages": [
        Side("local.settings", ("local.instances",)),
        Side("local.faults", ("local.testing",)),
        Side("local.wire", ("local.catalog", "local.api")),
        Side("local.sql.parsing", ("local.sql.scope",)),
        Side("local.sessions.upload", ("local.sessions.uploads",)),
    ],
}
"""By how the name of a contract begins: from where something must not be imported, which it has to notice."""


@cache
def graph() -> ImportGraph:
    """Return who imports whom, as import-linter sees it; nobody may change it."""
    return build_graph(PACKAGE, include_external_packages=True, cache_dir=None)


@cache
def contracts() -> dict[str, Contract]:
    """Return the contracts of pyproject.toml by their names."""
    options: dict[str, Any] = api.read_configuration(str(ROOT / "pyproject.toml"))
    session = options["session_options"]
    return {each["name"]: _TYPES[each["type"]](each["name"], session, each) for each in options["contracts_options"]}


def _named(wall: str) -> list[str]:
    """Return the names of the contracts that begin so."""
    return [name for name in contracts() if name.startswith(wall)]


def _holds(wall: str, planted: tuple[str, str] | None = None) -> bool:
    """Tell whether the contract is kept, with one more import from the first module of the second."""
    (name,) = _named(wall)
    tried = deepcopy(graph())
    if planted is not None:
        importer, imported = planted
        if imported not in tried.modules:
            tried.add_module(imported, is_squashed=True)
        tried.add_import(importer=importer, imported=imported, line_number=1, line_contents=f"import {imported}")
    return contracts()[name].check(tried, verbose=False).kept


def _absolute(imported: str) -> str:
    """Return the name of a module of ours in full, and that of another package as it is."""
    ours = f"{PACKAGE}.{imported}"
    return ours if ours in graph().modules else imported


def test_every_contract_is_tried() -> None:
    """A contract that nobody has tried to break is added to this file's table, and one that is gone leaves it."""
    assert {wall: len(_named(wall)) for wall in WALLS} == dict.fromkeys(WALLS, 1)
    assert {name for wall in WALLS for name in _named(wall)} == set(contracts())


@pytest.mark.parametrize("wall", WALLS)
def test_a_contract_is_kept_as_the_code_is(wall: str) -> None:
    """Nothing is planted: the contract is green."""
    assert _holds(wall)


@pytest.mark.parametrize("wall", WALLS)
def test_a_forbidden_import_breaks_its_contract(wall: str) -> None:
    """One import from whatever module of a forbidden side, and the contract is red."""
    planted = [
        (module, _absolute(imported)) for side in WALLS[wall] for module in side.modules() for imported in side.imports
    ]
    assert planted
    assert [(importer, imported) for importer, imported in planted if _holds(wall, (importer, imported))] == []


def test_every_package_is_behind_the_wall_of_the_local_endpoint() -> None:
    """A package that is added must not import the local endpoint either."""
    packages = {module.removeprefix(f"{PACKAGE}.") for module in graph().find_children(PACKAGE)} - {"local"}
    assert packages == {side.package for side in WALLS["nothing imports the local endpoint"]}


def test_a_line_in_a_file_turns_the_command_red(tmp_path: Path) -> None:
    """`lint-imports` names the contract that one line in one function breaks, and exits with an error."""
    shutil.copytree(ROOT / PACKAGE, tmp_path / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / PACKAGE / "core" / "clock.py").open("a") as module:
        module.write("\n\ndef now() -> float:\n    import time\n\n    return time.time()\n")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    answer = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, check=False, capture_output=True, text=True
    )
    assert answer.returncode == 1, answer.stdout + answer.stderr
    broken = [line.removesuffix(" BROKEN") for line in answer.stdout.splitlines() if line.endswith(" BROKEN")]
    assert broken == ["the core knows no outside"]
