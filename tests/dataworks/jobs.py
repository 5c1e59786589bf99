"""Jobs to read: the guide's own one, and what can be changed in it."""

import json
from collections.abc import Mapping
from copy import deepcopy
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
