"""``windows``: the windows of a DAG, with holes and overlaps."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.commands.airflow.options import URL, add_airflow, airflow_of
from airflow_provider_kafka_odps.commands.ending import Code
from airflow_provider_kafka_odps.commands.options import Subparsers, add_json, amount, read_by
from airflow_provider_kafka_odps.commands.terminal import BAD, CAUTION, GOOD, Terminal, logs_aside
from airflow_provider_kafka_odps.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.commands.windows.listed import Listed
    from airflow_provider_kafka_odps.core.verification.tiling import Tiling

_USUAL = 100


def add(commands: Subparsers, program: str) -> None:
    """Add the command."""
    windows = commands.add_parser(
        "windows",
        help="list the windows of a DAG, with holes and overlaps between them",
        description="List the windows that the runs of a DAG have loaded, by Airflow's REST API, and the offsets that "
        "are in none of them, or in two. Nothing is changed.",
        epilog=f"Example: {program} windows --airflow http://localhost:8080 --dag-id orders_hourly. "
        "Exit code: 0 if the windows follow each other, 1 if there are holes or overlaps, 2 if nobody can tell.",
    )
    windows.add_argument("--dag-id", required=True, help="whose windows")
    windows.add_argument("--task-id", help="of one task alone")
    windows.add_argument(
        "--limit", default=_USUAL, type=read_by(amount), metavar="LOADS", help=f"the newest ones; default: {_USUAL}"
    )
    add_airflow(windows)
    add_json(windows)
    windows.set_defaults(run=_run)


def _run(asked: argparse.Namespace, terminal: Terminal) -> Code:
    with logs_aside():
        from airflow_provider_kafka_odps.commands.windows.listed import listed
        from airflow_provider_kafka_odps.core.verification.tiling import tiling

        api = airflow_of(asked)
        if api is None:
            raise InvalidInput(f"which Airflow? Give its base URL by --airflow, or in {URL}")
        with terminal.progress("asking Airflow", asked.limit) as advance:
            found = list(listed(api, asked.dag_id, asked.task_id, asked.limit, lambda: advance(1)))
        between = tiling(tile for each in found if (tile := each.tile) is not None)
    if not found:
        raise InvalidInput(f"DAG {asked.dag_id!r} has no task instance of a KafkaToMaxComputeOperator")
    _tell(found, between, terminal)
    terminal.document(
        {
            "follow_each_other": between.is_whole,
            "windows": [each.to_json() for each in found],
            "holes": [
                {"offsets": str(each.offsets), "before": each.before, "behind": each.behind, "planned": each.pending}
                for each in between.holes
            ],
            "overlaps": [{"offsets": str(each.offsets), "runs": each.runs} for each in between.overlaps],
        }
    )
    return Code.YES if between.is_whole else Code.NO


def _tell(found: list[Listed], between: Tiling, terminal: Terminal) -> None:
    names = ["run", "task", "state", "window", "offsets", "rows", "rejects", "late"]
    terminal.table(names, [_row(each) for each in reversed(found)], right=names[4:])
    for hole in between.holes:
        terminal.say(("hole      ", CAUTION if hole.is_covered else BAD), str(hole))
    for overlap in between.overlaps:
        terminal.say(("overlap   ", BAD), str(overlap))
    if between.is_whole:
        terminal.say(("ok        ", GOOD), "the windows follow each other")


def _row(each: Listed) -> list[object]:
    from airflow_provider_kafka_odps.core.journal.window_text import bounds_text

    start = [each.run_id, each.task, each.says]
    if each.window is None:
        return [*start, "none is known", "", "", "", ""]
    counts = ["", "", ""]
    if (receipt := each.receipt) is not None:
        counts = [str(receipt.rows), str(receipt.rejects), str(receipt.late)]
    return [*start, bounds_text(each.window), each.window.span, *counts]
