"""Options that say which Airflow is asked, and who asks."""

from __future__ import annotations

import argparse
import getpass
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_kafka_odps.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.commands.airflow.api import AirflowApi

URL, TOKEN, PASSWORD = "KAFKA_ODPS_AIRFLOW_URL", "KAFKA_ODPS_AIRFLOW_TOKEN", "KAFKA_ODPS_AIRFLOW_PASSWORD"
"""Variables of the environment: what stands in a command is seen by everybody on the machine."""


def add_airflow(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    wanted = parser.add_argument_group(
        "which Airflow", f"without a token and a user, {TOKEN} counts, and else a token that Airflow gives to anybody"
    )
    wanted.add_argument("--airflow", metavar="URL", help=f"its base URL, as a browser has it; or {URL}")
    wanted.add_argument("--token-file", type=Path, metavar="FILE", help="a file with a token of its REST API")
    wanted.add_argument("--user", help=f"a user's name; the password is asked for, or is in {PASSWORD}")


def airflow_of(asked: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> AirflowApi | None:
    """Return the Airflow that the options name; None where they name none.

    Raises InvalidInput for options that do not fit together.
    """
    from airflow_provider_kafka_odps.commands.airflow.api import AirflowApi

    url = asked.airflow or environment.get(URL)
    if asked.token_file is not None and asked.user is not None:
        raise InvalidInput("--token-file and --user: one of them says who asks")
    if url is None:
        if asked.token_file is not None or asked.user is not None:
            raise InvalidInput("--token-file and --user are for an Airflow: give its address by --airflow URL")
        return None
    if asked.user is not None:
        password = environment.get(PASSWORD)
        return AirflowApi.of_user(url, asked.user, getpass.getpass() if password is None else password)
    token = _token(asked.token_file) or environment.get(TOKEN)
    return AirflowApi.of_anybody(url) if token is None else AirflowApi(url, token)


ReadEntry: TypeAlias = Callable[[str], Mapping[str, Any] | None]
"""Reads an entry of an asset's state store."""


def reader_of(api: AirflowApi | None, uri: str | None) -> ReadEntry | None:
    """Return what reads the state store of an asset; None where no Airflow, or no asset, is known."""
    if api is None or uri is None:
        return None
    number = api.asset(uri)
    return lambda key: None if number is None else api.asset_entry(number, key)


def _token(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as problem:
        raise InvalidInput(f"--token-file {path} cannot be read: {problem.strerror}") from None
