"""What can go wrong where a job reads Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from airflow_provider_kafka_odps.dataworks.hazards.hazard import Hazard
from airflow_provider_kafka_odps.dataworks.parts import Job
from airflow_provider_kafka_odps.dataworks.variables import Template


def _auto_commit(job: Job) -> Hazard:
    group = job.reader.text("groupId") or job.reader.section("kafkaConfig").text("group.id")
    return Hazard(
        "auto-commit",
        f"{job.reader.where}: the consumer group",
        f"is {group!r}" if group else "is missing, so every run has a random group",
        "the reader commits positions by a timer, before the rows are in the table: a run that fails has moved the "
        "group on, and the next cycle by group offset never sees those records.",
        "no position is ever committed before the rows are; the window is recorded in the run, and a retry loads it.",
    )


def _beyond_the_end(job: Job) -> Hazard | None:
    if job.reader.switch("skipExceedRecord", otherwise=False):
        return Hazard(
            "dropped-past-the-end",
            f"{job.reader.where}.skipExceedRecord",
            "is true",
            "records behind the end are read and dropped, but their positions are committed: the next cycle by group "
            "offset does not see them.",
            "nothing behind the end is taken, and no position depends on the group.",
        )
    return Hazard(
        "records-past-the-end",
        f"{job.reader.where}.skipExceedRecord",
        "is off",
        "what the last poll brought beyond the end is written, too; the next range writes it again.",
        "the window is half-open, and ends at its end: such rows are not loaded.",
    )


def _one_range(job: Job) -> Hazard | None:
    typed = [key for key in ("beginOffset", "endOffset") if (job.reader.text(key) or "").isdecimal()]
    if not typed or job.reader.text("partition") is not None:
        return None
    shown = " and ".join(f"{key} {job.reader.text(key)}" for key in typed)
    return Hazard(
        "one-range-for-all-partitions",
        f"{job.reader.where}.{typed[0]}",
        f"({shown}) is one offset for every partition",
        "partitions have different logs: in some the range is too short, in some it does not exist.",
        'on_short_log="clamp" ends at each partition\'s log end, and the window in XCom says where; '
        'better are offsets per partition ({"0": 120, "1": 98}) or the run\'s interval.',
    )


def _typed_offsets(job: Job) -> Hazard | None:
    offset = job.reader.text("endOffset") or ""
    if not offset.isdecimal():
        return None
    return Hazard(
        "typed-offsets",
        f"{job.reader.where}.endOffset",
        f"is {offset}, typed by hand",
        "every scheduled run loads the same offsets until somebody edits the job.",
        'start="interval", end="interval" load each run\'s hour; start="previous" goes on where the last run ended.',
    )


def _late_records(job: Job) -> Hazard | None:
    keys = ("beginDateTime", "endDateTime", "beginTimestampMillis", "endTimestampMillis")
    timed = [key for key in keys if job.reader.text(key) is not None]
    if not timed:
        return None
    return Hazard(
        "late-records",
        f"{job.reader.where}.{timed[0]}",
        f"is {job.reader.raw(timed[0])!r}",
        "a record that arrives late, with a timestamp of an earlier range, is in no range.",
        "a boundary instant becomes offsets once, and both neighbours use them: every record is in one window.",
    )


def _silence_ends(job: Job) -> Hazard | None:
    stops = job.reader.switch("stopWhenPollEmpty", otherwise=False)
    return Hazard(
        "silence-taken-for-the-end" if stops else "waits-for-offsets-that-never-come",
        f"{job.reader.where}.stopWhenPollEmpty",
        f"is {'on' if stops else 'off'}"
        + (f", waitTime is {job.reader.text('waitTime')}" if job.reader.text("waitTime") else ""),
        "a slow broker ends the job early, and short reads are reported as success."
        if stops
        else "an end beyond the log, a compacted record or a transaction marker keeps the job waiting.",
        "a partition is finished when its position reaches the end; more silence than poll_timeout fails the task.",
    )


def _bytes_as_text(job: Job) -> Hazard | None:
    if (job.reader.text("valueType") or "bytearray").lower() != "bytearray":
        return None
    return Hazard(
        "replaced-characters",
        f"{job.reader.where}.valueType",
        "is ByteArray",
        "bytes that are no UTF-8 reach a STRING column as U+FFFD, silently.",
        "they are rejects, with partition, offset and reason; a BINARY column takes any bytes.",
    )


def _shared_group(job: Job) -> Hazard | None:
    group = job.reader.text("groupId") or job.reader.section("kafkaConfig").text("group.id")
    if group is None or not group.startswith("console-consumer-"):
        return None
    return Hazard(
        "borrowed-group",
        f"{job.reader.where}.kafkaConfig.group.id",
        f"is {group!r}",
        "it is the throw-away group of a console consumer: whoever shares it takes records away, and it expires.",
        "the operator joins no group: it assigns the partitions of its window.",
    )


def _no_zone(job: Job) -> Hazard | None:
    if job.reader.text("timeZone") is not None or not any(isinstance(text, Template) for text in _texts(job)):
        return None
    return Hazard(
        "no-time-zone",
        f"{job.reader.where}.timeZone",
        "is missing, and the job has schedule variables",
        "days and hours are those of the region that the job happens to run in.",
        "timezone= says by which clock they are meant.",
    )


def _texts(job: Job) -> Iterator[str]:
    """Yield the texts in which a day may stand; a login is nobody's to look at."""
    for part, keys in ((job.reader, _READ), (job.writer, _WRITTEN)):
        yield from filter(None, map(part.text, keys))
        yield from part.names("column")


_READ = ("topic", "beginDateTime", "endDateTime", "beginOffset", "endOffset", "groupId", "partition", "datasource")


_WRITTEN = ("table", "partition", "project", "schema", "tunnelQuota", "datasource")


def _addresses(job: Job) -> Hazard | None:
    server = job.reader.text("server")
    if server is None:
        return None
    return Hazard(
        "address-in-the-job",
        f"{job.reader.where}.server",
        f"is {server!r}",
        "the address is part of the job; when that one broker is away, so is the job.",
        "the address and the login come from the Airflow connection kafka_config_id.",
    )


def _login(job: Job) -> Hazard | None:
    secret = ("sasl.", "ssl.", "security.", "java.security.")
    keys = [key for key in job.reader.section("kafkaConfig").written() if key.lower().startswith(secret)]
    if not keys:
        return None
    return Hazard(
        "login-in-the-job",
        f"{job.reader.where}.kafkaConfig",
        f"has {', '.join(sorted(keys))}",
        "the login is part of the job, or of files that only its own machines have.",
        "the login comes from the Airflow connection kafka_config_id (docs: Connections), and is masked.",
    )


READER_HAZARDS: tuple[Callable[[Job], Hazard | None], ...] = (
    _auto_commit,
    _beyond_the_end,
    _one_range,
    _typed_offsets,
    _late_records,
    _silence_ends,
    _bytes_as_text,
    _shared_group,
    _no_zone,
    _addresses,
    _login,
)
