"""``python -m airflow_provider_kafka_odps.dataworks lint|convert JOB.json``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from airflow_provider_kafka_odps.dataworks.arguments import operator_arguments, rendered
from airflow_provider_kafka_odps.dataworks.hazards.every import hazards
from airflow_provider_kafka_odps.dataworks.job import read_job
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.printing import operator_call
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.standard_output import print_line, readers_may_leave


def main(argv: Sequence[str] | None = None) -> int:
    """Print the hazards of a job, or the operator call that it stands for; return the exit code: 2 for no such job."""
    asked = _parser().parse_args(argv)
    try:
        job = read_job(asked.job)
        lines = _lint(job, asked) if asked.command == "lint" else _convert(job, asked)
    except InvalidInput as error:
        print(f"{asked.job}: {error}", file=sys.stderr)  # noqa: T201 - a command prints
        return 2
    print_line(lines)
    return 0


def _lint(job: Job, asked: argparse.Namespace) -> str:
    # Whether it can be run at all is part of the answer.
    operator_arguments(job, timezone=asked.timezone or "UTC", variables=_variables(asked))
    read, clock = rendered(job, asked.timezone or "UTC", _variables(asked))
    found = [str(hazard) for hazard in hazards(read, clock.render)]
    unknown = [f"not understood, and ignored: {key}" for key in job.unknown()]
    return "\n\n".join([f"{asked.job}: {len(found)} hazards", *found, *unknown])


def _convert(job: Job, asked: argparse.Namespace) -> str:
    arguments = operator_arguments(job, timezone=asked.timezone, variables=_variables(asked))
    return operator_call(asked.task_id or f"load_{arguments['topic']}", arguments).rstrip()


def _variables(asked: argparse.Namespace) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in asked.variable]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise InvalidInput(f"--variable {wrong[0]}: name=value is wanted, such as day='$[yyyymmdd-1]'")
    return {name: value for name, _, value in pairs}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_kafka_odps.dataworks", description="Read a job of DataWorks or DataX."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    lint = commands.add_parser("lint", help="print each hazard of the job, with what the operator does instead")
    convert = commands.add_parser("convert", help="print the equivalent operator call as Python")
    convert.add_argument("--task-id", help="default: load_ and the topic")
    for command in (lint, convert):
        command.add_argument("job", metavar="JOB.json", help="the file of the job")
        command.add_argument(
            "--timezone", help="by which clock times are meant where the job does not say: Asia/Shanghai"
        )
        command.add_argument(
            "--variable", action="append", default=[], metavar="NAME=VALUE",
            help="what the job's schedule assigns to a variable of its own, such as day='$[yyyymmdd-1]'",
        )  # fmt: skip
    return parser


if __name__ == "__main__":
    with readers_may_leave():
        sys.exit(main())
