"""What a command prints suits whoever reads it: colours for a person, text for a pipe, JSON for a script."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from kit.shell import program

from airflow_provider_kafka_odps.commands.ending import Code, ended
from airflow_provider_kafka_odps.commands.terminal import Terminal
from airflow_provider_kafka_odps.exceptions import InvalidInput

ESCAPE = "\x1b["
_PLAIN = {
    name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"}
}


def on_a_terminal(command: list[str], **environment: str) -> str:
    """Return what a program prints on a terminal: on both of its streams."""
    ours, its = pty.openpty()
    settings = {**_PLAIN, "TERM": "xterm-256color", **environment}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=its, stderr=its, env=settings):
        os.close(its)
        read = bytearray()
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:
                # The other side has closed it.
                break
            if not more:
                break
            read += more
    os.close(ours)
    return read.decode()


def _examples(tmp_path: Path) -> list[str]:
    (tmp_path / "tutorial_kafka_to_maxcompute.py").touch()
    return program("examples", str(tmp_path))


def test_a_person_sees_colours(tmp_path: Path) -> None:
    """On a terminal, what went wrong is seen before it is read."""
    assert ESCAPE in on_a_terminal(_examples(tmp_path))


def test_a_person_may_want_none(tmp_path: Path) -> None:
    """NO_COLOR takes them away."""
    printed = on_a_terminal(_examples(tmp_path), NO_COLOR="1")
    assert "FileExistsError" in printed
    assert "[31m" not in printed


def test_a_pipe_gets_plain_text(tmp_path: Path) -> None:
    """No codes, and no line is broken: what reads from the pipe decides on that."""
    answer = subprocess.run(_examples(tmp_path), check=False, capture_output=True, text=True, env=_PLAIN)
    assert ESCAPE not in answer.stdout + answer.stderr
    assert "these files exist and are not overwritten; nothing was written:" in answer.stderr


_PROGRESS = """
from airflow_provider_kafka_odps.commands.terminal import Terminal
with Terminal(as_json={as_json}).progress("reading", 10) as advance:
    advance(10)
"""


@pytest.mark.parametrize("as_json", [True, False])
def test_progress_is_for_persons(as_json: bool) -> None:
    """A bar is drawn on a terminal, and neither into a pipe nor for a script."""
    command = [sys.executable, "-c", _PROGRESS.format(as_json=as_json)]
    assert ("reading" in on_a_terminal(command)) != as_json
    piped = subprocess.run(command, check=True, capture_output=True, env=_PLAIN)
    assert piped.stdout + piped.stderr == b""


def test_names_are_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """What a topic, a table or a server says cannot clear a screen, or write over a line."""
    terminal = Terminal(as_json=False)
    terminal.say("topic a\x1b[2Jb\rc [bold]d[/bold]")
    terminal.table(["name"], [["x\x1b]0;title\x07y"], ["[red]z"]])
    printed = capsys.readouterr().out
    assert printed == "topic a\\x1b[2Jb\\rc [bold]d[/bold]\nname\nx\\x1b]0;title\\x07y\n[red]z\n"


def test_a_table_in_a_pipe_is_as_wide_as_it_has_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    """No cell is cut off or folded; numbers are lined up on their right."""
    Terminal(as_json=False).table(["name", "rows"], [["n" * 300, 5], ["m", 12345]], right=["rows"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"{'n' * 300}      5"
    assert lines[2] == f"m{' ' * 299}  12345"


def test_our_errors_end_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """The name of the error, which the reference explains, and its message; nobody can tell more."""

    def refuse() -> Code:
        raise InvalidInput("this cannot be used")

    assert ended(Terminal(as_json=False), refuse) == Code.CANNOT_TELL
    assert capsys.readouterr() == ("", "InvalidInput: this cannot be used\n")


def test_a_script_gets_an_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Its standard output is JSON, whatever happens."""

    def refuse() -> Code:
        raise InvalidInput("this cannot be used")

    ended(Terminal(as_json=True), refuse)
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"error": {"name": "InvalidInput", "message": "this cannot be used"}}
