"""A topic with records of two hours, and task instances that overwrite the partitions of three."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from delivery.scene import OLD_ROW, Log, Row, Scene
from kit.kafka_topics import producer, send

from airflow_provider_kafka_odps.hooks.odps import OdpsHook

_BEGINS = datetime(2026, 11, 22, 10, tzinfo=UTC)
_VALUES = {0: [b"a", b"b", b"c", b"d", b"e", b"f", b"g"], 1: [b"h"]}
"""Of the first hour, and of the second."""


class DatedLog(Log):
    """A topic whose records have times."""

    def fill(self) -> None:
        """Write them."""
        for partition, values in _VALUES.items():
            moment = _BEGINS + timedelta(hours=partition, minutes=30)
            stamp = int(moment.timestamp() * 1000)
            send(producer(self.servers), self.topic, values, partition=partition, timestamp=stamp)

    def records(self, ranges: Mapping[str, tuple[int, int]]) -> list[Row]:
        """Return a row for every record."""
        assert {number: (*each,) for number, each in ranges.items()} == {"0": (0, 7), "1": (0, 1), "2": (0, 0)}
        return [(p, o, value.decode()) for p, values in _VALUES.items() for o, value in enumerate(values)]


def overwrite_hours(scene: Scene, log: DatedLog) -> Scene:
    """Have a scene overwrite three hours in a table of its own; one row is in the hour without records."""
    table = f"{scene.table}_hours"
    hook = OdpsHook()
    hook.run_sql(f"CREATE TABLE {table} (p BIGINT, o BIGINT, v STRING) PARTITIONED BY (hh STRING)")
    hook.run_sql(f"INSERT INTO TABLE {table} PARTITION (hh='2026112212') VALUES ({', '.join(map(repr, OLD_ROW))})")
    scene.log, scene.table = log, table
    scene.parameters |= {
        "topic": log.topic,
        "table": table,
        "mode": "overwrite",
        "start": _BEGINS.isoformat(),
        "end": (_BEGINS + timedelta(hours=3)).isoformat(),
        "partition_by": {"hh": "__timestamp__ | format('yyyyMMddHH', 'UTC')"},
        "partitions_within_interval": True,
    }
    return scene
