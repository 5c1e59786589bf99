"""Options that several commands have, and how their values are read."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.exceptions import InvalidInput

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no other name
"""What commands are added to."""

T = TypeVar("T")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON document, for scripts")


def read_by(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return what reads the value of an option: what is refused is told as argparse tells its own refusals."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except InvalidInput as problem:
            raise argparse.ArgumentTypeError(str(problem)) from None

    return read


table_name = read_by(TableName.parse)
"""Reads the name of a table."""


def amount(text: str, otherwise: str = "") -> int:
    """Read a number of offsets; raise InvalidInput for what is none."""
    if not (text.isascii() and text.isdigit() and int(text)):
        wanted = f"a number of offsets is wanted, such as 1000{f', {otherwise}' if otherwise else ''}"
        raise InvalidInput(f"{text!r}: {wanted}")
    return int(text)
