"""``check``: both connections, step by step."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from airflow_provider_kafka_odps.commands.checking.steps import Step, as_document, as_text
from airflow_provider_kafka_odps.commands.ending import Code
from airflow_provider_kafka_odps.commands.options import Subparsers, add_connections, add_json, table_name
from airflow_provider_kafka_odps.commands.origin import look_as_airflow_does
from airflow_provider_kafka_odps.commands.terminal import BAD, GOOD, Terminal, logs_aside

_MARK = len("FAILED  ")


def add(commands: Subparsers, program: str) -> None:
    """Add the command."""
    check = commands.add_parser(
        "check",
        help="try both connections, step by step; run this first",
        description="Try both connections, step by step, and say what to do where a step fails. Nothing is written.",
        epilog=f"Example: {program} check --topic orders --table my_project.ods_orders. "
        "Exit code: 0 if every step works, 1 if one fails, 2 if the command is written wrong.",
    )
    add_connections(check)
    check.add_argument("--topic", help="whether it is there, its offsets, and whether its records may be read")
    check.add_argument(
        "--table", type=table_name, help="whether it is there, its columns, and whether it may be queried"
    )
    add_json(check)
    check.set_defaults(run=_run)


def _run(asked: argparse.Namespace, terminal: Terminal) -> Code:
    steps = []
    for step in _with_logs_aside(_steps(asked)):
        steps.append(step)
        text = as_text(step)
        terminal.say((text[:_MARK], GOOD if step.works else BAD), text[_MARK:])
    terminal.document(as_document(steps))
    return Code.YES if all(step.works for step in steps) else Code.NO


def _steps(asked: argparse.Namespace) -> Iterator[Step]:
    # Airflow takes seconds to import: --help need not wait for it.
    from airflow_provider_kafka_odps.commands.checking.connections import kafka_steps, maxcompute_steps

    look_as_airflow_does()
    yield from kafka_steps(asked.kafka, asked.topic)
    yield from maxcompute_steps(asked.maxcompute, asked.table)


def _with_logs_aside(steps: Iterator[Step]) -> Iterator[Step]:
    while True:
        with logs_aside():
            step = next(steps, None)
        if step is None:
            return
        yield step
