"""Jobs in the shapes that people post, run as they are: what they load is what they loaded there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import ANY

import pendulum
from dataworks.jobs import between, changed, replacing
from kit.task_run import Send, TaskRun

from airflow_provider_kafka_odps.dataworks.arguments import operator_arguments
from airflow_provider_kafka_odps.dataworks.job import read_job
from airflow_provider_kafka_odps.hooks.odps import OdpsHook

OURS = {"kafka_config_id": "kafka_default", "maxcompute_conn_id": "maxcompute_default"}
RUN = (pendulum.datetime(2026, 11, 22, 10), pendulum.datetime(2026, 11, 22, 11))


def run(job: dict[str, Any], task_run: TaskRun, **given: Any) -> dict[str, Any]:
    """Run a job for an hour, and return the receipt."""
    return task_run.attempt(**{**operator_arguments(read_job(job), **given), **OURS})


def test_a_job_with_a_mask_and_variables(
    make_topic: Callable[..., str], send: Send, task_run: TaskRun, odps: OdpsHook
) -> None:
    """Numbers arrive masked, days rendered, uneven partitions whole, in a schema of the connection's project."""
    topic = make_topic(partitions=3)
    for partition, phone in [(0, "13812345678"), (0, "13912345678"), (1, "13712345678")]:
        send(topic, json.dumps({"phone": phone}).encode(), partition)
    odps.run_sql("CREATE SCHEMA IF NOT EXISTS jobs_raw")
    project = odps.settings.project
    odps.run_sql(f"CREATE TABLE {project}.jobs_raw.calls (phone STRING, day STRING) PARTITIONED BY (ds STRING)")
    mask = replacing(replaceString=r"(\d{3})\d{4}(\d{4})", replaceByString="$1****$2")
    job = changed(
        {"topic": topic, "column": ["phone", "'${bizdate}'"], "beginOffset": "${begin}", "endOffset": "${end}"},
        {"schema": "jobs_raw", "table": "calls", "partition": "ds=$gmtdate", "column": ["phone", "day"]},
        {"speed": {"concurrent": 32}},
    )
    task_run.interval, task_run.params = RUN, {"begin": "0", "end": "2"}
    variables = {"begin": "{{ params.begin }}", "end": "{{ params.end }}"}
    receipt = run(between(job, mask), task_run, timezone="Asia/Shanghai", variables=variables)
    assert (receipt["rows"], receipt["rejects"], receipt["partition"]) == (3, 0, "ds=20261122")
    found = odps.run_sql(f"SELECT phone, day FROM {project}.jobs_raw.calls WHERE ds = '20261122' ORDER BY phone")
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("137****5678", "20261121"),
        ("138****5678", "20261121"),
        ("139****5678", "20261121"),
    ]


def test_a_job_with_typed_columns(
    make_topic: Callable[..., str], send: Send, task_run: TaskRun, odps: OdpsHook
) -> None:
    """Texts and epochs are converted to the table's types, and the rows of the hour before make room for rows."""
    topic = make_topic(partitions=1)
    send(topic, b'{"id": "5", "amount": "1.50", "paid": "true", "created_at": "2026-11-22 18:00:00"}')
    send(topic, b'{"id": 6, "amount": 2, "paid": false, "created_at": 1795341600123}')
    odps.run_sql("CREATE TABLE jobs_typed (id BIGINT, amount DOUBLE, paid BOOLEAN, created_at DATETIME)")
    names = ["id", "amount", "paid", "created_at"]
    job = changed(
        {"topic": topic, "column": names, "timeZone": "Asia/Shanghai"}, {"table": "jobs_typed", "column": names}
    )
    receipt = run(job, task_run)
    assert (receipt["rows"], receipt["rejects"]) == (2, 0)
    found = odps.run_sql("SELECT id, amount, paid, created_at FROM jobs_typed ORDER BY id")
    assert [(*row.values(), row["created_at"].isoformat()) for row in found.to_pylist()] == [
        (5, 1.5, True, ANY, "2026-11-22T10:00:00"),
        (6, 2.0, False, ANY, "2026-11-22T10:00:00.123000"),
    ]
