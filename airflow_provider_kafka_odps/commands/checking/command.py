"""``check``: both connections, step by step."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain

from airflow_provider_kafka_odps.commands.checking.steps import Step, as_document, as_text
from airflow_provider_kafka_odps.commands.ending import Code
from airflow_provider_kafka_odps.commands.loads.options import EPILOG, add_load
from airflow_provider_kafka_odps.commands.options import Subparsers, add_json, table_name
from airflow_provider_kafka_odps.commands.origin import look_as_airflow_does
from airflow_provider_kafka_odps.commands.terminal import BAD, GOOD, Terminal, logs_aside

_MARK = len("FAILED  ")


def add(commands: Subparsers, program: str) -> None:
    """Add the command."""
    check = commands.add_parser(
        "check",
        help="try both connections, step by step; run this first",
        description="Try both connections, step by step, and say what to do where a step fails. Nothing is written.",
        epilog=f"Examples: {program} check --topic orders --table my_project.ods_orders; "
        f"{program} check --dag-file dags/orders.py. {EPILOG}"
        "Exit code: 0 if every step works, 1 if one fails, 2 if the command is written wrong.",
    )
    for name in ("kafka", "maxcompute"):
        check.add_argument(f"--{name}", metavar="CONN_ID", help=f"default: the load's, or {name}_default")
    check.add_argument("--topic", help="whether it is there, its offsets, and whether its records may be read")
    check.add_argument(
        "--table", type=table_name, help="whether it is there, its columns, and whether it may be queried"
    )
    add_load(check)
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
    from airflow_provider_kafka_odps.commands.checking.load import Checked

    look_as_airflow_does()
    checked = Checked.of(asked)
    failed = False
    sides = (kafka_steps(checked.kafka, checked.topic), maxcompute_steps(checked.maxcompute, checked.table))
    for step in chain.from_iterable(sides):
        failed |= not step.works
        yield step
    yield checked.machine()
    if checked.wanted is not None and not failed:
        yield checked.load(checked.wanted)


def _with_logs_aside(steps: Iterator[Step]) -> Iterator[Step]:
    while True:
        with logs_aside():
            step = next(steps, None)
        if step is None:
            return
        yield step
