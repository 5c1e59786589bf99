"""Jobs to read: the guide's own one, and what can be changed in it."""

import json
from collections.abc import Mapping
from copy import deepcopy
from itertools import pairwise
from typing import Any

GUIDE: dict[str, Any] = {
    "type": "job",
    "version": "2.0",
    "steps": [
        {
            "stepType": "kafka",
            "name": "Reader",
            "category": "reader",
            "parameter": {
                "server": "broker.example:9092",
                "kafkaConfig": {"group.id": "console-consumer-83505"},
                "topic": "testkafka",
                "keyType": "ByteArray",
                "valueType": "ByteArray",
                "column": [
                    "__key__",
                    "__value__",
                    "__partition__",
                    "__timestamp__",
                    "__offset__",
                    "'123'",
                    "event_id",
                    "tag.desc",
                ],
                "waitTime": "10",
                "beginOffset": "0",
                "endOffset": "3",
            },
        },
        {
            "stepType": "odps",
            "name": "Writer",
            "category": "writer",
            "parameter": {
                "datasource": "odps_first",
                "table": "testkafka",
                "partition": "",
                "truncate": True,
                "compress": False,
                "emptyAsNull": False,
                "column": ["key", "value", "partition1", "timestamp1", "offset", "t123", "event_id", "tag"],
            },
        },
    ],
    "order": {"hops": [{"from": "Reader", "to": "Writer"}]},
    "setting": {"errorLimit": {"record": ""}, "speed": {"throttle": False, "concurrent": 1, "dmu": 1}},
}
"""What the best practice describes (its column list is the demo's table)."""


def changed(
    reader: Mapping[str, Any] | None = None,
    writer: Mapping[str, Any] | None = None,
    setting: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the guide's job with some keys replaced; None removes one."""
    job = deepcopy(GUIDE)
    for part, keys in (
        (job["steps"][0]["parameter"], reader),
        (job["steps"][1]["parameter"], writer),
        (job["setting"], setting),
    ):
        part.update(keys or {})
        for key in [key for key, value in part.items() if value is None]:
            del part[key]
    return job


def as_datax(job: Mapping[str, Any]) -> str:
    """Return the same job in the shape of DataX, as text."""
    reader, writer = (step["parameter"] for step in job["steps"])
    content = [
        {"reader": {"name": "kafkareader", "parameter": reader}, "writer": {"name": "odpswriter", "parameter": writer}}
    ]
    return json.dumps({"job": {"content": content, "setting": job["setting"]}})


def between(job: Mapping[str, Any], *steps: Mapping[str, Any]) -> dict[str, Any]:
    """Return the job with steps between its reader and its writer, and hops through all of them."""
    reader, writer = job["steps"]
    names = ["Reader", *(step["name"] for step in steps), "Writer"]
    hops = [{"from": first, "to": second} for first, second in pairwise(names)]
    return {**job, "steps": [reader, *steps, writer], "order": {"hops": hops}}


def replacing(**rule: Any) -> dict[str, Any]:
    """Return a step that replaces texts, with one rule for the column phone."""
    condition = {"name": "phone", "replaceString": "[0-9]", "replaceByString": "*", "useRegex": True, **rule}
    return {"category": "map", "stepType": "stringreplace", "name": "Mask", "parameter": {"condition": [condition]}}


def transforming(job: Mapping[str, Any], *transformers: tuple[str, int, list[Any]]) -> dict[str, Any]:
    """Return the job in the shape of DataX, with transformers: name, index of the column, paras."""
    read: dict[str, Any] = json.loads(as_datax(job))
    read["job"]["content"][0]["transformer"] = [
        {"name": name, "parameter": {"columnIndex": index, "paras": paras}} for name, index, paras in transformers
    ]
    return read
