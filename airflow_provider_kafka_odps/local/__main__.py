"""Command line: python -m airflow_provider_kafka_odps.local."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from airflow_provider_kafka_odps.local.errors import ServiceError
from airflow_provider_kafka_odps.local.settings import (
    DEFAULT_ACCESS_ID,
    DEFAULT_ACCESS_KEY,
    DEFAULT_FOLDER,
    DEFAULT_PROJECT,
    IN_MEMORY,
    LONGEST_BLOCK,
    Bounds,
    Pace,
    Settings,
)

_DEFAULT_PORT = 8631


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal; the exit code is 0 after a clean stop and 2 when it cannot start."""
    options = _parser().parse_args(arguments)
    folder = None if options.data == IN_MEMORY else Path(options.data)
    try:
        settings = Settings(
            options.project,
            options.access_id,
            options.access_key,
            folder,
            strict_limits=options.strict_limits,
            sts_token=options.sts_token,
            longest_block=options.longest_block,
            schemas=not options.no_schemas,
            pace=Pace(options.running_polls, options.running_seconds),
            hosts=frozenset(name.lower() for name in (options.host, *options.allowed_host)),
            bounds=Bounds(options.memory_limit, options.spill_limit, options.statement_timeout),
        )
        # The libraries take a second: --help must not wait for them.
        from airflow_provider_kafka_odps.local.http.server import serve

        serve(settings, options.host, options.port, until_stdin_closes=options.until_stdin_closes)
    except (ValueError, OSError, OverflowError, ServiceError) as reason:
        # OverflowError: a port that no port can be.
        print(f"The MaxCompute endpoint cannot start: {reason}", file=sys.stderr)  # noqa: T201 - a command's answer
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_kafka_odps.local",
        description="A MaxCompute endpoint in one process: REST and tunnel on one port.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=_DEFAULT_PORT, help="port to listen on; 0 takes a free one")
    parser.add_argument("--data", default=DEFAULT_FOLDER, help=f"directory for tables, or {IN_MEMORY} to keep nothing")
    parser.add_argument("--project", default=DEFAULT_PROJECT, help="the only project")
    parser.add_argument("--access-id", default=DEFAULT_ACCESS_ID, help="access id that clients sign with")
    parser.add_argument("--access-key", default=DEFAULT_ACCESS_KEY, help="access key that clients sign with")
    parser.add_argument("--sts-token", default="", help="temporary token that every request must carry")
    parser.add_argument(
        "--no-schemas", action="store_true", help="the tenant's names have no schemas: two parts are project and table"
    )
    parser.add_argument(
        "--longest-block", type=int, default=LONGEST_BLOCK, help="bytes that one block may have when it is unpacked"
    )
    parser.add_argument(
        "--running-polls", type=int, default=0, help="status requests to which a statement is shown as running"
    )
    parser.add_argument(
        "--running-seconds", type=float, default=0.0, help="seconds that a statement is shown as running for at least"
    )
    _add_bounds(parser)
    parser.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        help="a name besides localhost by which browsers may ask for the page, and scripts for the control route",
    )
    parser.add_argument("--strict-limits", action="store_true", help="enforce the service's documented limits")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="stop when standard input ends: with whoever started it"
    )
    return parser


def _add_bounds(parser: argparse.ArgumentParser) -> None:
    bounds = Bounds()
    parser.add_argument(
        "--memory-limit", type=int, default=bounds.memory, help="bytes of memory that all statements may take together"
    )
    parser.add_argument(
        "--spill-limit", type=int, default=bounds.spill, help="bytes of disk that they may take where memory is short"
    )
    parser.add_argument(
        "--statement-timeout", type=float, default=bounds.seconds, help="seconds after which a statement is ended"
    )


if __name__ == "__main__":
    sys.exit(main())
