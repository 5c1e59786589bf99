"""Options that say which load is meant: by parameters, or as a task of a DAG's file."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_provider_kafka_odps.commands.options import read_by
from airflow_provider_kafka_odps.core.window.bounds import At, Side
from airflow_provider_kafka_odps.core.window.parsing import Interval, parse_bound
from airflow_provider_kafka_odps.exceptions import InvalidInput

EPILOG = (
    "A value of --set is JSON, or a text where it is none: --set table=ods_orders --set start=30 "
    """--set columns='{"id": "a.b"}'. """
)


def add_load(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    wanted = parser.add_argument_group("which load", "the operator's parameters, or a task with them")
    wanted.add_argument(
        "--parameters", type=Path, metavar="FILE", help="a JSON object: the operator's parameters by their names"
    )
    wanted.add_argument(
        "--set", action="append", default=[], type=read_by(_parameter), metavar="NAME=VALUE", dest="given",
        help="one parameter; it wins over that of the file, or of the task",
    )  # fmt: skip
    wanted.add_argument("--dag-file", type=Path, metavar="FILE", help="a DAG's file; it is imported, and not run")
    wanted.add_argument("--dag-id", help="which DAG, where the file has several")
    wanted.add_argument("--task-id", help="which task, where several load into MaxCompute")
    wanted.add_argument(
        "--param", action="append", default=[], type=read_by(_parameter), metavar="NAME=VALUE", dest="params",
        help="one of the DAG's params, as the form of Trigger has it",
    )  # fmt: skip
    for side in Side:
        wanted.add_argument(
            f"--interval-{side}", type=read_by(_moment), metavar="TIME",
            help=f"the {side} of the run's data interval, such as 2026-11-22T10:00:00Z",
        )  # fmt: skip


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidInput(f"{text!r}: NAME=VALUE is wanted, such as table=ods_orders")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _moment(text: str) -> datetime:
    bound = parse_bound(text, Side.START, Interval(None, None))
    if not isinstance(bound, At):
        raise InvalidInput(f"{text!r} is no time; write one with a zone, such as 2026-11-22T10:00:00Z")
    return bound.moment
