"""Removes a guard from a copy of the package, and tells whether what is named notices."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from mutants.guard import MODEL, Guard
from mutants.guards import (
    accounting,
    answers,
    blocks,
    changed_since,
    commit,
    filters,
    functions,
    interval,
    lanes,
    merging,
    next_attempt,
    order_of_effects,
    planning,
    replacing,
    times,
    turns,
    verified,
)

ROOT = Path(__file__).parents[2]
PACKAGE = "airflow_provider_kafka_odps"
SECTIONS: Mapping[str, Sequence[Guard]] = {
    "The order of effects": (*order_of_effects.GUARDS, *commit.GUARDS),
    "What the next attempt does": next_attempt.GUARDS,
    "Rows in place of others": replacing.GUARDS,
    "Rows in the partitions that records say": merging.GUARDS,
    "What has changed since": changed_since.GUARDS,
    "The account of every offset": accounting.GUARDS,
    "Records that are left out": filters.GUARDS,
    "Functions": functions.GUARDS,
    "Blocks, lanes and workers": (*blocks.GUARDS, *lanes.GUARDS),
    "The service's answers": answers.GUARDS,
    "Times, and what the log has": times.GUARDS,
    "Plans of several runs": planning.GUARDS,
    "Planners at the same moment": turns.GUARDS,
    "Several runs of one interval": interval.GUARDS,
    "What is told afterwards": verified.GUARDS,
}
GUARDS = tuple(guard for guards in SECTIONS.values() for guard in guards)
_SECONDS = 300


def without(guard: Guard | None, place: Path) -> Path:
    """Copy the package to a folder, without the guard; return where to import it from."""
    shutil.copytree(ROOT / PACKAGE, place / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    if guard is not None:
        module = place / PACKAGE / guard.module
        module.write_text(guard.without(module.read_text()))
    return place


def noticed(guard: Guard, by: str) -> bool:
    """Remove a guard, and tell whether a test, or the simulation, fails."""
    with TemporaryDirectory() as folder:
        return fails([by], without(guard, Path(folder)))


def failing_anyway(by: Iterable[str]) -> bool:
    """Tell whether any of these fails where nothing is missing: then a failure says nothing."""
    with TemporaryDirectory() as folder:
        return fails(sorted(set(by)), without(None, Path(folder)))


def fails(by: Sequence[str], place: Path) -> bool:
    """Run tests, and the shorter histories of the simulation, on the package at a place."""
    if MODEL in by and _fails([sys.executable, "-m", "mutants.model"], place):
        return True
    tests = [f"tests/{each}" for each in by if each != MODEL]
    quick = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--hypothesis-seed=1"]
    return bool(tests) and _fails([sys.executable, "-m", "pytest", *quick, *tests], place)


def _fails(command: Sequence[str], place: Path) -> bool:
    # Nothing of the checkout may come before the copy.
    path = os.pathsep.join([str(place), str(ROOT / "tests"), str(ROOT / "example_dags")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1", "SEED": "1"}
    try:
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, timeout=_SECONDS, check=False, text=True
        )
    except subprocess.TimeoutExpired:
        # It never ends: nobody would call that a success.
        return True
    if ended.returncode not in {0, 1}:
        raise RuntimeError(
            f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}"
        )
    return ended.returncode == 1
