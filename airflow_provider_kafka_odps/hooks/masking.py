"""Secrets of connections, told to Airflow's masker as soon as they are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.secret_forms import forms_of, secrets_of

if TYPE_CHECKING:
    from airflow.sdk import Connection


def mask(secrets: Iterable[str | None]) -> None:
    """Have each of these replaced by ``***`` in logs, in every form in which a library may write it.

    Airflow's masker leaves texts of fewer than five characters alone.
    """
    # Not at the top: a worker that knows no secret of Airflow's would wait a second for it.
    from airflow.sdk.log import mask_secret

    # One call: each is a message to the task's supervisor, which writes the log.
    mask_secret(list(dict.fromkeys(form for secret in secrets if secret for form in forms_of(secret))))


def mask_connection(connection: Connection) -> None:
    """Have the secrets of a connection masked, before anything of it is looked at.

    Airflow itself masks what its list of sensitive names has: not a private key, nor what is escaped or encoded.
    """
    mask(secrets_of(connection.extra_dejson, connection.password))
