"""One entry point for all commands; those that were there before stay, and mean the same."""

from __future__ import annotations

import doctest
import json
import subprocess
from pathlib import Path

import pytest
from dataworks.jobs import GUIDE
from kit.shell import into_a_closed_pipe, program

from airflow_provider_kafka_odps import __version__
from airflow_provider_kafka_odps.commands import terminal
from airflow_provider_kafka_odps.commands.checking import steps
from airflow_provider_kafka_odps.commands.command import main
from airflow_provider_kafka_odps.commands.planning import told

COMMANDS = ("check", "plan", "verify", "windows", "examples")


def _run(*words: str, module: str = "airflow_provider_kafka_odps") -> subprocess.CompletedProcess[str]:
    return subprocess.run(program(*words, module=module), check=False, capture_output=True, text=True)


@pytest.fixture
def job(tmp_path: Path) -> str:
    """Return the path of the guide's job."""
    path = tmp_path / "job.json"
    path.write_text(json.dumps(GUIDE))
    return str(path)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Who knows the name of the package finds the rest."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert [
        name for name in ("check", "plan", "verify", "examples", "dataworks", "local") if f"    {name}" not in printed
    ] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is shown can be typed."""
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f": python -m airflow_provider_kafka_odps {command} " in " ".join(capsys.readouterr().out.split())


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Who reports something can say of which release."""
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == __version__


def test_help_waits_for_no_library() -> None:
    """Neither Airflow nor a client is imported to print a page."""
    code = (
        "import sys\nfrom airflow_provider_kafka_odps.commands.command import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'airflow', 'kafka', 'odps', 'pyarrow'} & set(sys.modules)"
    )
    command = [program()[0], "-c", code]
    assert subprocess.run(command, check=False, capture_output=True, text=True).stderr == ""


@pytest.mark.parametrize("words", [["lint"], ["convert", "--timezone", "Asia/Shanghai"]])
def test_dataworks_is_a_command(words: list[str], job: str) -> None:
    """It prints what `python -m airflow_provider_kafka_odps.dataworks` prints, with its exit code."""
    here = _run("dataworks", *words, job)
    before = _run(*words, job, module="airflow_provider_kafka_odps.dataworks")
    assert (here.returncode, here.stdout, here.stderr) == (0, before.stdout, before.stderr)
    assert here.stdout


def test_an_exit_code_is_passed_on(tmp_path: Path) -> None:
    """No such job: 2, as before."""
    assert _run("dataworks", "lint", str(tmp_path / "none.json")).returncode == 2


def test_local_is_a_command() -> None:
    """Its options are its own."""
    helped = _run("local", "--help")
    assert helped.returncode == 0
    assert "--strict-limits" in helped.stdout


@pytest.mark.parametrize("words", [["--help"], ["dataworks", "lint", "JOB"], ["dataworks", "--help"]])
def test_a_reader_who_leaves_is_no_error(words: list[str], job: str) -> None:
    """`… | head` prints no traceback, whatever is left to print."""
    ended = into_a_closed_pipe(*(job if word == "JOB" else word for word in words))
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("words", [["lint"], ["convert", "--timezone", "UTC"]])
def test_a_reader_of_the_old_command_may_leave(words: list[str], job: str) -> None:
    """The same of `python -m airflow_provider_kafka_odps.dataworks`."""
    ended = into_a_closed_pipe(*words, job, module="airflow_provider_kafka_odps.dataworks")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_examples_into_a_closed_pipe_are_written(tmp_path: Path) -> None:
    """The files are there although nobody reads the list."""
    ended = into_a_closed_pipe("examples", str(tmp_path / "dags"))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "dags" / "tutorial_kafka_to_maxcompute.py").is_file()


def test_examples_in_docstrings_are_true() -> None:
    """An example that a docstring shows is what the code answers."""
    tried = [doctest.testmod(each) for each in (steps, terminal, told)]
    assert [(each.failed, each.attempted) for each in tried] == [(0, 2), (0, 1), (0, 1)]
