"""``verify``: a table or partition beside its topic, or beside a receipt."""

from __future__ import annotations

import argparse

from airflow_provider_kafka_odps.commands.airflow.options import add_airflow
from airflow_provider_kafka_odps.commands.ending import Code
from airflow_provider_kafka_odps.commands.loads.options import EPILOG, add_load
from airflow_provider_kafka_odps.commands.options import Subparsers, add_json, amount, read_by
from airflow_provider_kafka_odps.commands.origin import look_as_airflow_does
from airflow_provider_kafka_odps.commands.terminal import Terminal, logs_aside

_USUAL = 1_000


def add(commands: Subparsers, program: str) -> None:
    """Add the command."""
    verify = commands.add_parser(
        "verify",
        help="compare a table or partition with the topic, or with the receipt of a load",
        description="Compare a table or partition with the topic: missing, doubled and extra offsets per Kafka "
        "partition, and values. Or, with a receipt alone, with its numbers. Nothing is written; the statements that "
        "are run scan the partition.",
        epilog=f"Examples: {program} verify --receipt receipt.json; "
        f"{program} verify --dag-file dags/orders.py --receipt receipt.json --values all. {EPILOG}"
        "Exit code: 0 the same, 1 different, 2 nobody can tell.",
    )
    add_load(verify)
    verify.add_argument(
        "--receipt", metavar="FILE", help="what the task returned (its XCom return_value), or - for standard input: "
        "the window is the receipt's, and its numbers are compared, too",
    )  # fmt: skip
    verify.add_argument(
        "--maxcompute", default="maxcompute_default", metavar="CONN_ID",
        help="the connection, where a receipt alone is given; default: maxcompute_default",
    )  # fmt: skip
    verify.add_argument(
        "--values", choices=("none", "sample", "all"), default="sample",
        help="whose values are compared with what the mapping makes of the records now; default: sample",
    )  # fmt: skip
    verify.add_argument(
        "--sample", default=_USUAL, type=read_by(amount), metavar="OFFSETS", help=f"of --values; default: {_USUAL}"
    )
    verify.add_argument(
        "--run-id", help="the receipt is what the task has returned in this run, asked of --airflow; with --dag-id and "
        "--task-id",
    )  # fmt: skip
    verify.add_argument(
        "--map-index", default=-1, type=int, metavar="N", help="which instance of a mapped task --run-id means",
    )  # fmt: skip
    add_airflow(verify)
    add_json(verify)
    verify.set_defaults(run=_run)


def _run(asked: argparse.Namespace, terminal: Terminal) -> Code:
    with logs_aside():
        # Airflow takes seconds to import: --help need not wait for it.
        from airflow_provider_kafka_odps.commands.verifying.told import tell
        from airflow_provider_kafka_odps.commands.verifying.verify import verified

        look_as_airflow_does()
        found = verified(asked, terminal.progress)
    tell(found, terminal)
    terminal.document(found.to_json())
    return found.code
