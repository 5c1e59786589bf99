"""``python -m airflow_provider_kafka_odps check|plan|verify|windows|examples|dataworks|local``."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Sequence

from airflow_provider_kafka_odps import __version__
from airflow_provider_kafka_odps.commands import examples
from airflow_provider_kafka_odps.commands.checking import command as checking
from airflow_provider_kafka_odps.commands.ending import ended
from airflow_provider_kafka_odps.commands.planning import command as planning
from airflow_provider_kafka_odps.commands.terminal import Terminal
from airflow_provider_kafka_odps.commands.verifying import command as verifying
from airflow_provider_kafka_odps.commands.windows import command as windows

_PROGRAM = "python -m airflow_provider_kafka_odps"
_COMMANDS = (checking, planning, verifying, windows, examples)
"""Each has ``add``, which makes its parser and gives it what runs it."""
_WITH_PARSERS_OF_THEIR_OWN = {
    "dataworks": "print the hazards of a DataWorks or DataX job, or the operator call that it stands for",
    "local": "serve a MaxCompute endpoint on this machine, for tries and tests",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code (docs/command-line.md)."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in _WITH_PARSERS_OF_THEIR_OWN:
        return _pass_on(*words)
    asked = _parser().parse_args(words)
    terminal = Terminal(as_json=asked.json)
    return ended(terminal, lambda: asked.run(asked, terminal))


def _pass_on(name: str, *words: str) -> int:
    module = f"airflow_provider_kafka_odps.{name}"
    sys.argv = [module, *words]
    # By its name, because nothing imports the local endpoint; it ends with an exit code of its own.
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Commands of the provider Kafka to MaxCompute.",
        epilog="Exit codes: 0 yes, 1 no, 2 nobody can tell (the command is written wrong, or a service does not "
        "answer), 130 stopped by Ctrl-C. Each command has --help.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for each in _COMMANDS:
        each.add(commands, _PROGRAM)
    for name, summary in _WITH_PARSERS_OF_THEIR_OWN.items():
        commands.add_parser(name, help=summary)
    return parser
