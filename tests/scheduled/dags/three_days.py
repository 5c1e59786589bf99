"""An hourly DAG of Airflow whose records have times of their own; its attempts die where the history says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from scheduled.killed import KilledOperator
from scheduled.loads import dag_of, load
from scheduled.named import MIDNIGHT, name_of

FIRST, LAST = 3, 9
"""The hours of which the scheduler makes runs by itself; the last ones wait until the history lets them go on."""

first, last = (MIDNIGHT + timedelta(hours=hour) for hour in (FIRST, LAST))
with dag_of("three_days", start_date=first, end_date=last, catchup=True, max_active_runs=6):
    load(
        "three_days",
        KilledOperator,
        folder=str(Path(__file__).with_suffix("")),
        partition_by={
            "ds": "t | epoch_ms | format('yyyyMMdd', 'Asia/Shanghai')",
            "hh": "t | epoch_ms | format('HH', 'Asia/Shanghai')",
        },
        value_type="json",
        max_rejects=100,
        rejects_table=f"{name_of('three_days')}_rejects",
        retries=20,
        retry_delay=timedelta(0),
    )
