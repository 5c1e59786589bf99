"""What the operator tells OpenLineage, where that is installed, and what it keeps for it while it loads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_kafka_odps.exceptions import KafkaOdpsError

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Asset

    from airflow_provider_kafka_odps.core.delivery.attempt import Attempt
    from airflow_provider_kafka_odps.core.journal.receipt import Receipt
    from airflow_provider_kafka_odps.core.window.window import Window
    from airflow_provider_kafka_odps.lineage.description import KnownLoad
    from airflow_provider_kafka_odps.lineage.window_told import WindowTold


_log = logging.getLogger(__name__)


class ToldLineage:
    """What of the operator is about OpenLineage.

    Its provider calls ``get_openlineage_facets_…`` in a process that it forks from the task's, which must not ask for
    connections: both would use one socket to Airflow. So what is told is kept while the load runs, as plain values, and
    put together only there; whoever has no OpenLineage pays some milliseconds.
    """

    topic: str
    table: str
    asset: Asset | None

    _known: KnownLoad | None = None
    _window: Window | None = None
    _receipt: Receipt | None = None
    _loaded = False

    def keep_attempt(self, attempt: Attempt) -> Attempt:
        """Keep what lineage tells of an attempt, and return one that keeps its window, too.

        Nothing that goes wrong here is a reason for a load to fail.
        """
        try:
            from airflow_provider_kafka_odps.transfers.known import known_load

            self._known = known_load(attempt, self.asset)
        except Exception as error:  # noqa: BLE001 - whatever it is, the load goes on
            _log.warning("OpenLineage will not hear which datasets this load is about: %s", _told(error))
        announce = attempt.ports.announce

        def keep(window: Window) -> None:
            self._window = window
            announce(window)

        return replace(attempt, ports=replace(attempt.ports, announce=keep))

    def keep_receipt(self, receipt: Receipt, event: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what came of the load, and return it as the operator does."""
        # An empty window has been loaded, too; rows that a rerun keeps have not.
        self._receipt, self._loaded = receipt, event["changed"] or receipt.upload_id is None
        return receipt.to_json()

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """Return what is known before anything runs: no dataset, for their names need the connections.

        Without this method the provider would take inlets and outlets, and name the table as an input of itself.
        """
        return self._lineage(self._nothing)

    def get_openlineage_facets_on_complete(self, task_instance: object) -> OperatorLineage[Any, Any]:
        """Return topic and table, the columns' sources, and how much was read and written."""
        del task_instance
        return self._lineage(self._described)

    def get_openlineage_facets_on_failure(self, task_instance: object) -> OperatorLineage[Any, Any]:
        """Return what the load was about, as far as it got; nothing of what was read or written."""
        del task_instance
        return self._lineage(self._described)

    def _lineage(self, made: Callable[[], OperatorLineage[Any, Any]]) -> OperatorLineage[Any, Any]:
        try:
            return made()
        except Exception as error:  # noqa: BLE001 - raised, the provider would take inlets and outlets
            _log.warning("OpenLineage does not hear which datasets this load is about: %s", _told(error))
            return self._nothing()

    def _described(self) -> OperatorLineage[Any, Any]:
        from airflow_provider_kafka_odps.lineage.description import describe
        from airflow_provider_kafka_odps.lineage.translation import lineage

        if self._known is None:
            return self._nothing()
        return lineage(describe(self._known, self._window, self._receipt, loaded=self._loaded))

    def _nothing(self) -> OperatorLineage[Any, Any]:
        from airflow_provider_kafka_odps.lineage.translation import nothing
        from airflow_provider_kafka_odps.lineage.window_told import WindowTold

        told: WindowTold = WindowTold(topic=str(self.topic), table=str(self.table))
        return nothing(told)


def _told(error: Exception) -> str:
    """Return an error in words; one of somebody else's might show what it has seen of a connection."""
    return str(error) if isinstance(error, KafkaOdpsError) else type(error).__name__
