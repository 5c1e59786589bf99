"""``python -m airflow_provider_kafka_odps check|examples|dataworks|local``."""

from __future__ import annotations

import argparse
import os
import runpy
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from airflow_provider_kafka_odps.commands.examples import NEXT_STEP, copy_examples
from airflow_provider_kafka_odps.commands.origin import look_as_airflow_does
from airflow_provider_kafka_odps.commands.steps import Step, as_json, as_text
from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.standard_output import print_line

_PROGRAM = "python -m airflow_provider_kafka_odps"
_WITH_PARSERS_OF_THEIR_OWN = {
    "dataworks": "print the hazards of a DataWorks or DataX job, or the operator call that it stands for",
    "local": "serve a MaxCompute endpoint on this machine, for tries and tests",
}
_STOPPED = 130
"""The exit code of what Ctrl-C has ended, as shells have it."""
_STANDARD_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0, 1 if something failed, 2 if the command is written wrong."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in _WITH_PARSERS_OF_THEIR_OWN:
        return _pass_on(*words)
    parser = _parser()
    asked = parser.parse_args(words)
    if asked.command == "examples":
        return _examples(Path(asked.folder))
    try:
        table = TableName.parse(asked.table) if asked.table else None
    except InvalidInput as error:
        parser.error(str(error))
    with _ended_by_ctrl_c():
        return _check(asked, table)


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Have Ctrl-C end this process at once: there is nothing to be finished.

    A KeyboardInterrupt would be lost where it comes in the middle of a destructor, and libraries have many.
    """

    def end(*_: object) -> None:
        os.write(_STANDARD_ERROR, b"stopped\n")
        os._exit(_STOPPED)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _pass_on(name: str, *words: str) -> int:
    module = f"airflow_provider_kafka_odps.{name}"
    sys.argv = [module, *words]
    # By its name, because nothing imports the local endpoint; it ends with an exit code of its own.
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _examples(folder: Path) -> int:
    try:
        written = copy_examples(folder)
    except OSError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    print_line("\n".join([f"Wrote {len(written)} files:", *(f"  {path}" for path in written), NEXT_STEP]))
    return 0


def _check(asked: argparse.Namespace, table: TableName | None) -> int:
    steps = []
    for step in _with_logs_aside(_steps(asked, table)):
        steps.append(step)
        if not asked.json:
            print_line(as_text(step))
    if asked.json:
        print_line(as_json(steps))
    return 0 if all(step.works for step in steps) else 1


def _steps(asked: argparse.Namespace, table: TableName | None) -> Iterator[Step]:
    # Airflow takes seconds to import: --help need not wait for it.
    from airflow_provider_kafka_odps.commands.check import kafka_steps, maxcompute_steps

    look_as_airflow_does()
    yield from kafka_steps(asked.kafka, asked.topic)
    yield from maxcompute_steps(asked.maxcompute, table)


def _with_logs_aside(steps: Iterator[Step]) -> Iterator[Step]:
    """Yield the steps; what Airflow and the hooks log meanwhile, imports included, goes to standard error."""
    while True:
        with redirect_stdout(sys.stderr):
            step = next(steps, None)
        if step is None:
            return
        yield step


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description="Commands of the provider Kafka to MaxCompute.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_check(commands)
    examples = commands.add_parser(
        "examples",
        help="copy the example DAGs into a folder",
        description="Copy the example DAGs into a folder; a file that exists is never overwritten.",
        epilog=f"Example: {_PROGRAM} examples dags/kafka_odps",
    )
    examples.add_argument("folder", metavar="DIR", help="the folder; it is created if it is missing")
    for name, summary in _WITH_PARSERS_OF_THEIR_OWN.items():
        commands.add_parser(name, help=summary)
    return parser


def _add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = commands.add_parser(
        "check",
        help="try both connections, step by step; run this first",
        description="Try both connections, step by step, and say what to do where a step fails. Nothing is written.",
        epilog=f"Example: {_PROGRAM} check --topic orders --table my_project.ods_orders. "
        "Exit code: 0 if every step works, 1 if one fails, 2 if the command is written wrong.",
    )
    check.add_argument("--kafka", default="kafka_default", metavar="CONN_ID", help="default: kafka_default")
    check.add_argument(
        "--maxcompute", default="maxcompute_default", metavar="CONN_ID", help="default: maxcompute_default"
    )
    check.add_argument("--topic", help="whether it is there, its offsets, and whether its records may be read")
    check.add_argument("--table", help="whether it is there, its columns, and whether it may be queried")
    check.add_argument("--json", action="store_true", help="print one JSON document, for scripts")
