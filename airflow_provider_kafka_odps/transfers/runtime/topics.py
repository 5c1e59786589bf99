"""Which topics a table gets rows of: that there are several is told before a load, not by a count after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.core.journal.short_text import short_lines
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.versioned import VERSION

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
    from airflow_provider_kafka_odps.core.history.store import Store


@dataclass(frozen=True, slots=True)
class LoadedTopics:
    """The topics of a table, each with the partition that was loaded from it last, in the store of the table's asset.

    It is a hint and nothing more: two that are loaded for the first time at the same moment do not see each other, and
    a store that fails keeps no load from its rows.
    """

    store: Store
    attempt: Attempt

    @property
    def _mixes(self) -> bool:
        """Whether rows are found by partition and offset alone, which two topics have in common."""
        load = self.attempt.load
        return bool(load.found_by) and load.target.mode is Mode.APPEND

    @property
    def _key(self) -> str:
        return f"topics:{self.attempt.load.target.table}"

    def warn(self, warn: Callable[[str], None]) -> None:
        """Say so if rows of another topic are in the same table or partition."""
        target = self.attempt.load.target
        place = f"{target.table} ({target.partition})" if target.partition else target.table
        found = self._found() if self._mixes and self.attempt.load.reconcile else {}
        others = [
            topic for topic, partition in found.items() if topic != target.topic and partition == target.partition
        ]
        if others:
            text = (
                f"rows of topic {' and '.join(sorted(others))} go into {place}, too: partition and offset alone do not "
                f"tell them from those of {target.topic}, so comparing the table with what was loaded may fail, after "
                "the commit, with NotReconciled. Set reconcile=False; a column with the topic, such as "
                f"columns={{…, 'topic': \"'{target.topic}'\"}}, tells the rows apart for whoever reads them"
            )
            warn(short_lines(text))

    def note(self, rows: int) -> None:
        """Remember the topic, once there are rows of it."""
        if not rows or not self._mixes:
            return
        target, found = self.attempt.load.target, self._found()
        if target.topic not in found or found[target.topic] != target.partition:
            with suppress(Exception):
                self.store.set(self._key, {"version": VERSION, "topics": {**found, target.topic: target.partition}})

    def _found(self) -> Mapping[str, Any]:
        with suppress(Exception):
            written = self.store.get(self._key)
            if written is not None and written["version"] == VERSION:
                return dict(written["topics"])
        return {}
