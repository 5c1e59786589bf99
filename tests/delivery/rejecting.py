"""A topic with records that do not fit the table, and where the rejects of a task instance are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from delivery.scene import COLUMNS, Log, Row, Scene
from kit.kafka_topics import producer, send

from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.hooks.odps import OdpsHook

VALUES = {0: [b'{"n": 1}', b'{"n": "x"}', b'{"n": 3}'], 1: [b'{"n": "y"}']}
REJECTS = [(0, 1), (1, 0)]


class RejectsTo(StrEnum):
    """The parameter that says where rejects go."""

    TABLE = "rejects_table"
    PATH = "rejects_path"


class RejectingLog(Log):
    """A topic of which two records do not fit a table with a number."""

    def fill(self) -> None:
        """Write them."""
        for partition, values in VALUES.items():
            send(producer(self.servers), self.topic, values, partition=partition)

    def records(self, ranges: Mapping[str, tuple[int, int]]) -> list[Row]:
        """Return a row for every record that fits; no test here reads less than all of them."""
        assert {number: (*each,) for number, each in ranges.items()} == {"0": (0, 3), "1": (0, 1), "2": (0, 0)}
        every = [(p, o, value.decode()) for p, values in VALUES.items() for o, value in enumerate(values)]
        return [row for row in every if row[:2] not in REJECTS]


def reject(scene: Scene, log: RejectingLog, place: RejectsTo) -> Scene:
    """Have a task instance load this topic into a table with a number, and its rejects into a place."""
    scene.log = log
    OdpsHook().run_sql(f"ALTER TABLE {scene.table} ADD COLUMNS (n BIGINT)")
    to = {RejectsTo.TABLE: f"{scene.table}_rejects", RejectsTo.PATH: str(scene.folder / "rejects.jsonl")}
    scene.parameters |= {
        "topic": log.topic,
        "columns": {**COLUMNS, "n": "n"},
        "start": {"0": 0, "1": 0, "2": 0},
        "max_rejects": "unlimited",
        place.value: to[place],
    }
    return scene


def visible_rejects(scene: Scene) -> list[tuple[int, int]]:
    """Return partition and offset of the rejects that are visible, in order."""
    if path := scene.parameters.get(RejectsTo.PATH):
        file = Path(path)
        found = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    else:
        hook, table = OdpsHook(), scene.parameters[RejectsTo.TABLE]
        known = hook.describe(hook.resolve(TableName.parse(table))) is not None
        found = hook.run_sql(f"SELECT * FROM {table}").to_pylist() if known else []
    return sorted((row["kafka_partition"], row["kafka_offset"]) for row in found)
