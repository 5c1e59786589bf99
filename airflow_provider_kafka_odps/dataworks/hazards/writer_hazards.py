"""What can go wrong where a job writes to MaxCompute, and with records that do not fit."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_kafka_odps.dataworks.hazards.hazard import Hazard
from airflow_provider_kafka_odps.dataworks.parts import Job


def _truncate_first(job: Job) -> Hazard | None:
    if not job.writer.switch("truncate", otherwise=True):
        return None
    return Hazard(
        "truncate-before-read",
        f"{job.writer.where}.truncate",
        "is true" if job.writer.has("truncate") else "is missing, which means true",
        "the table or partition is emptied before the first record is read; a run that fails leaves it empty.",
        'mode="overwrite": the new rows replace the old ones in one commit, or the old ones stay.',
    )


def _partial_append(job: Job) -> Hazard | None:
    if job.writer.switch("consistencyCommit", otherwise=False):
        return None
    return Hazard(
        "partial-commit",
        f"{job.writer.where}.consistencyCommit",
        "is off",
        "every thread commits its own rows; a run that fails leaves some of them visible, and a rerun doubles these "
        "when it appends.",
        "one upload, one commit: all rows of the window become visible together, or none.",
    )


def _unlimited_rejects(job: Job) -> Hazard | None:
    limit = job.setting.section("errorLimit")
    strategy = (limit.text("strategy") or "").lower()
    if strategy == "zerotolerance":
        return None
    if strategy != "ignore" and (limit.text("record") is not None or limit.text("percentage") is not None):
        return None
    return Hazard(
        "unlimited-dirty-rows",
        f"{job.setting.where}.errorLimit.record",
        'is ""' if limit.has("record") else "is missing",
        "any number of records that do not fit is dropped; at most ten are in the log, and there is no dead-letter "
        "target.",
        "max_rejects is checked before the commit, and rejects can go to a table or a file with their coordinates; "
        'this job keeps its own limit: max_rejects="unlimited".',
    )


def _rejects_stay(job: Job) -> Hazard | None:
    limit = job.setting.section("errorLimit")
    if limit.text("record") is None and limit.text("percentage") is None:
        return None
    return Hazard(
        "no-rollback",
        f"{job.setting.where}.errorLimit",
        f"has a limit of {limit.text('record') or limit.text('percentage')}",
        "when it is passed, the rows that were written by then stay in the table.",
        "the limit is checked before the commit: when it is passed, nothing is visible.",
    )


def _of_zone(job: Job) -> str:
    if job.reader.text("timeZone") or job.common.text("timeZone"):
        return "Times without an offset are by the job's timeZone."
    return "Times without an offset are rejects, because the job has no timeZone; timezone= says it."


def _wrapping(job: Job) -> Hazard:
    return Hazard(
        "silent-conversions",
        f"{job.writer.where}.column",
        f"has {len(job.writer.names('column'))} columns",
        "a number that is too large for INT or SMALLINT wraps around, 1.5 becomes 1 in a BIGINT, an offset behind a "
        "time is passed over, and types that the writer does not know become NULL.",
        'conversions="lenient": texts of numbers, booleans and times are converted as there, what would be altered is '
        "a reject with its reason, and a column that cannot be written is refused before any record is read. "
        + _of_zone(job),
    )


def _partition_by_partition(job: Job) -> Hazard | None:
    if not job.writer.switch("supportDynamicPartition", otherwise=False):
        return None
    return Hazard(
        "partition-by-partition",
        f"{job.writer.where}.supportDynamicPartition",
        "is true",
        "each thread opens an upload for each partition that it meets, and commits them one after the other: a run "
        "that fails leaves some of them visible. Where memory is short, the upload of a partition is dropped, and its "
        "rows are lost.",
        "partition_by: all rows wait in a staging table, and one statement that runs once makes all partitions visible "
        "together.",
    )


def _over_long(job: Job) -> Hazard | None:
    rule = job.writer.text("overLengthRule") or "keepOn"
    return Hazard(
        "altered-strings",
        f"{job.writer.where}.overLengthRule",
        f"is {rule}",
        {
            "truncate": "a string above 8 MB is cut, silently.",
            "setnull": "a string above 8 MB becomes NULL, silently.",
        }.get(rule.lower(), "a string above 8 MB fails the whole job when it is written."),
        "it is a reject, with partition, offset and reason.",
    )


def _secrets(job: Job) -> Hazard | None:
    keys = [key for key in ("accessId", "accessKey", "securityToken") if job.writer.has(key)]
    if not keys:
        return None
    return Hazard(
        "credentials-in-the-job",
        f"{job.writer.where}.{keys[0]}",
        "is in the job",
        "whoever reads the job has the account.",
        "the account comes from the Airflow connection maxcompute_conn_id, and is masked.",
    )


WRITER_HAZARDS: tuple[Callable[[Job], Hazard | None], ...] = (
    _truncate_first,
    _partial_append,
    _partition_by_partition,
    _unlimited_rejects,
    _rejects_stay,
    _wrapping,
    _over_long,
    _secrets,
)
