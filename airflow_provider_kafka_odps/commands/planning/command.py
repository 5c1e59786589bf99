"""``plan``: which window this load would have, and what it would do."""

from __future__ import annotations

import argparse

from airflow_provider_kafka_odps.commands.airflow.options import add_airflow, airflow_of, reader_of
from airflow_provider_kafka_odps.commands.ending import Code
from airflow_provider_kafka_odps.commands.loads.options import EPILOG, add_load
from airflow_provider_kafka_odps.commands.options import Subparsers, add_json, amount, read_by
from airflow_provider_kafka_odps.commands.origin import look_as_airflow_does
from airflow_provider_kafka_odps.commands.terminal import Terminal, logs_aside
from airflow_provider_kafka_odps.exceptions import (
    BrokerRefused,
    InvalidConnection,
    KafkaOdpsError,
    NoInterval,
    Unreachable,
)

_USUAL = 1_000
_UNTOLD = (BrokerRefused, InvalidConnection, NoInterval, Unreachable)
"""Errors that say nothing of the load: nobody could be asked, or the interval is missing here."""


def add(commands: Subparsers, program: str) -> None:
    """Add the command."""
    plan = commands.add_parser(
        "plan",
        help="show which window a load would have, and what it would do; nothing is written",
        description="Show which window a load would have: offsets per partition, records at most, bytes and blocks, "
        "partitions that it would touch, what is lost. Nothing is written anywhere, and no consumer group is used.",
        epilog=f"Example: {program} plan --dag-file dags/orders.py --task-id load. {EPILOG}"
        "Exit code: 0 if it can be loaded, 1 if the load would fail, 2 if nobody can tell.",
    )
    add_load(plan)
    plan.add_argument(
        "--sample", default=_USUAL, type=read_by(_amount), metavar="OFFSETS",
        help=f"how many offsets are looked at, or all; default: {_USUAL}",
    )  # fmt: skip
    add_airflow(plan)
    add_json(plan)
    plan.set_defaults(run=_run)


def _amount(text: str) -> int | None:
    return None if text == "all" else amount(text, "or all")


def _run(asked: argparse.Namespace, terminal: Terminal) -> Code:
    with logs_aside():
        # Airflow takes seconds to import: --help need not wait for it.
        from airflow_provider_kafka_odps.commands.loads.wanted import wanted_load
        from airflow_provider_kafka_odps.commands.planning.plan import plan_of, refuse_unknown_chain
        from airflow_provider_kafka_odps.commands.planning.told import document, tell

        look_as_airflow_does()
        wanted = wanted_load(asked)
        read_entry = reader_of(airflow_of(asked), None if wanted.asset is None else wanted.asset.uri)
        refuse_unknown_chain(wanted, read_entry)
        try:
            plan = plan_of(wanted.held(), read_entry, asked.sample, terminal.progress)
        except _UNTOLD:
            raise
        except KafkaOdpsError as refused:
            terminal.complain(refused)
            return Code.NO
    tell(plan, terminal)
    terminal.document(document(plan))
    return Code.NO if plan.sample.problem else Code.YES
