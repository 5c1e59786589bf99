"""``examples DIR`` gives a user files of their own, and takes none away."""

from __future__ import annotations

import ast
import json
import os
import tomllib
from pathlib import Path

import pytest
from kit.airflow_home import ROOT

import airflow_provider_kafka_odps as package
from airflow_provider_kafka_odps.commands.command import main

EXAMPLES = ROOT / "example_dags"
NAMES = {path.relative_to(EXAMPLES).as_posix() for path in (*EXAMPLES.glob("*.py"), *EXAMPLES.glob("jobs/*"))}


def _files(folder: Path) -> dict[str, bytes]:
    """Return what is in the files of a folder; what pip compiles on its way is not of the wheel."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_examples_are_copied_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every DAG and the job that one of them reads, not the demo; the list has each, and what comes next."""
    folder = tmp_path / "new" / "dags"
    assert main(["examples", str(folder)]) == 0
    assert _files(folder) == {name: (EXAMPLES / name).read_bytes() for name in NAMES}
    printed = capsys.readouterr().out
    assert printed.startswith(f"Wrote {len(NAMES)} files:\n")
    assert [name for name in NAMES if f"  {folder / name}\n" not in printed] == []
    assert "Next: try your connections by `python -m airflow_provider_kafka_odps check`" in printed


def test_a_script_gets_the_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` has the paths of what was written."""
    assert main(["examples", "--json", str(tmp_path)]) == 0
    assert {*json.loads(capsys.readouterr().out)["written"]} == {str(tmp_path / name) for name in NAMES}


def test_no_file_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that exist are named at once, and nothing else is written either."""
    for name in ("tutorial_kafka_to_maxcompute.py", "jobs/testkafka.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    before = _files(tmp_path)
    assert main(["examples", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert [name for name in before if str(tmp_path / name) not in said.err] == []
    assert "nothing was written" in said.err
    assert _files(tmp_path) == before


@pytest.mark.parametrize("place", ["a-file", "a-file/below"])
def test_a_file_is_no_folder(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message has the path, and the file stays."""
    (tmp_path / "a-file").write_text("mine")
    assert main(["examples", str(tmp_path / place)]) == 1
    assert str(tmp_path / "a-file") in capsys.readouterr().err
    assert (tmp_path / "a-file").read_text() == "mine"


def test_the_wheel_takes_what_is_there() -> None:
    """An example that is added is added to the list in pyproject.toml; the folder is not called as Airflow's own are.

    Airflow loads `example_dags` of every provider where `[core] load_examples` is on, which is its default.
    """
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    taken = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert taken == {f"example_dags/{name}": f"airflow_provider_kafka_odps/examples/{name}" for name in NAMES}


@pytest.mark.skipif("BUILT_WHEEL" not in os.environ, reason="a checkout has them beside the package")
def test_the_wheel_has_them() -> None:
    """What pip installs has the same files as the checkout, and no package that somebody could import by mistake."""
    folder = Path(package.__file__).parent / "examples"
    assert _files(folder) == {name: (EXAMPLES / name).read_bytes() for name in NAMES}


def test_no_example_imports_another_file() -> None:
    """A copy stands by itself, wherever it is put."""
    stems = {Path(name).stem for name in NAMES} | {"demo", "example_dags"}
    for name in (name for name in NAMES if name.endswith(".py")):
        tree = ast.parse((EXAMPLES / name).read_text())
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported & stems == set()
