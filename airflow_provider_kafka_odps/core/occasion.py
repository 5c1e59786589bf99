"""The run on whose behalf a window is planned: what may be asked for in it, and what its asset event says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_kafka_odps.core.bounds import Bound, Offsets
from airflow_provider_kafka_odps.core.journal import Journal, Phase
from airflow_provider_kafka_odps.core.receipt import Receipt
from airflow_provider_kafka_odps.exceptions import InvalidInput


def refuse_repeated_offsets(run_type: str, conf: Mapping[str, Any] | None, *bounds: Bound) -> None:
    """Raise InvalidInput for explicit offsets in a run of a backfill that was given a conf.

    Airflow gives each run of a backfill the same conf: each would load the same offsets.
    """
    explicit = [bound for bound in bounds if isinstance(bound, Offsets)]
    if run_type == "backfill" and conf and explicit:
        raise InvalidInput(
            f"this run belongs to a backfill with the conf {dict(conf)}, and asks for the offsets "
            f"{' and '.join(map(str, explicit))}. Airflow gives every run of a backfill the same conf, so each of them "
            "would load the same offsets. Trigger the DAG once by hand with these offsets; "
            "or backfill by date, with start and end 'interval'"
        )


def event_of(receipt: Receipt, before: Mapping[str, Any] | None, clear_number: int) -> dict[str, Any]:
    """Return what the event of the table's asset says of a load, to be read by those whom it triggers.

    ``before`` is the journal with which this attempt began. Airflow emits an event whenever the task succeeds, also
    when a user cleared it and its rows were kept: ``changed`` is false then, and where no row was loaded.
    ``upload_id`` is another one for every load, so whoever must not take in a load twice can go by it.
    """
    entry = None if before is None else Journal.from_json(before)
    kept = (
        entry is not None
        and entry.phase is Phase.COMMITTED
        and entry.clear_number < clear_number
        and entry.upload_id == receipt.upload_id
    )
    return {
        "window": receipt.window.to_json(),
        "partition": receipt.partition,
        "rows": receipt.rows,
        "upload_id": receipt.upload_id,
        "changed": receipt.upload_id is not None and not kept,
    }
