"""A load whose attempts are killed, stopped or held up where the conf of the run says so."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG
from delivery.pausable import PausableOperator

with DAG("pausable_load", schedule=None):
    PausableOperator(
        task_id="load",
        topic="{{ dag_run.conf['topic'] }}",
        table="{{ dag_run.conf['table'] }}",
        columns={"p": "__partition__", "o": "__offset__", "v": "__value__"},
        start="{{ dag_run.conf['start'] }}",
        end="latest",
        poll_timeout=30,
        retries=2,
        retry_delay=timedelta(0),
    )
