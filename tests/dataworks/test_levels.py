"""Jobs whose records say the partition: what of their columns are levels, and how their times are written."""

from __future__ import annotations

from typing import Any

import pytest
from dataworks.jobs import changed

from airflow_provider_kafka_odps.dataworks.arguments import operator_arguments
from airflow_provider_kafka_odps.dataworks.hazards.every import hazards
from airflow_provider_kafka_odps.dataworks.job import read_job
from airflow_provider_kafka_odps.exceptions import InvalidJob

READS = {"column": ["id", "created_at", "country"]}
WRITES = {"column": ["id", "ds", "region"], "truncate": False, "supportDynamicPartition": True}
DAY = {"name": "ds", "srcDateFormat": "yyyy-MM-dd HH:mm:ss", "dateFormat": "yyyyMMdd"}


def arguments(*mapping: dict[str, Any], reader: dict[str, Any] | None = None, **writer: Any) -> dict[str, Any]:
    """Return what the operator gets of a job with these levels."""
    job = changed({**READS, **(reader or {})}, {**WRITES, "partitionColumnMapping": [*mapping], **writer})
    return operator_arguments(read_job(job))


def test_levels_are_taken_from_the_columns() -> None:
    """A text as it is, a time by the one clock that both patterns are of."""
    found = arguments(DAY, {"name": "REGION"})
    assert found["columns"] == {"id": "id"}
    assert found["partition_by"] == {
        "ds": "created_at | local_time('yyyy-MM-dd HH:mm:ss') | format('yyyyMMdd')",
        "region": "country",
    }
    assert found["mode"] == "append"


def test_the_timestamp_of_the_record_needs_no_pattern() -> None:
    """It is an instant already."""
    found = arguments({"name": "ds", "dateFormat": "yyyyMMdd"}, reader={"column": ["id", "__timestamp__", "country"]})
    assert found["partition_by"] == {"ds": "__timestamp__ | format('yyyyMMdd')"}


@pytest.mark.parametrize(
    ("mapping", "more", "says"),
    [
        ([], {}, "partitionColumnMapping is wanted with supportDynamicPartition"),
        ([DAY], {"truncate": True}, "truncate is true, with supportDynamicPartition: each partition that a record"),
        ([DAY], {"truncate": None}, "truncate is missing, which means true|truncate is true"),
        ([DAY], {"supportDynamicPartition": False}, "is there, and supportDynamicPartition is not true"),
        ([{"name": "dd"}], {}, r"partitionColumnMapping\[0\].name is 'dd', which is none of the writer's columns"),
        ([{"name": "ds", "dateFormat": "yyyyMMdd"}], {}, "how the times of created_at are written is not in the job"),
        ([{"name": "ds", "srcDateFormat": "yyyy-MM-dd"}], {}, "srcDateFormat without dateFormat"),
        ([{**DAY, "dateFormat": "YYYY-MM-dd"}], {}, r"dateFormat: .*In Java, YYYY is the year of the week"),
        ([{**DAY, "srcDateFormat": "yyyy-MM-dd hh:mm:ss"}], {}, "hh is the hour from 1 to 12"),
        ([DAY], {"column": ["*"]}, "does not say which columns are levels: name them all"),
    ],
)
def test_what_cannot_be_done_without_a_guess(mapping: list[dict[str, Any]], more: dict[str, Any], says: str) -> None:
    """With the place in the JSON, and what to do."""
    with pytest.raises(InvalidJob, match=says):
        arguments(*mapping, **more)


def test_lint_says_what_is_wrong_with_it_there() -> None:
    """Partitions are committed one by one, and may be lost."""
    job = read_job(changed(READS, {**WRITES, "partitionColumnMapping": [DAY]}))
    assert "partition-by-partition" in {hazard.name for hazard in hazards(job)}
    assert "partition-by-partition" not in {hazard.name for hazard in hazards(read_job(changed()))}
