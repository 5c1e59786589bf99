"""Whether a login may use a consumer group, asked without joining it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.clients.kafka.admin import open_admin
from airflow_provider_kafka_odps.clients.kafka.errors import retried

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.clients.kafka.connection.client import Cluster

_OFFSETS = "__consumer_offsets"
"""Whoever may not see it is told that, whether it is there or not."""


def may_read_group(cluster: Cluster, group: str) -> bool | None:
    """Tell whether this login has Read on a group, whether it exists or not; None where the broker does not tell.

    Nothing is asked of a cluster in which no group was ever used: looking for who is responsible for one creates the
    topic of all groups' offsets there. Raises Unreachable, BrokerRefused.
    """
    from kafka.errors import GroupAuthorizationFailedError, UnknownTopicOrPartitionError

    with open_admin(cluster) as admin:
        (offsets,) = retried(lambda: admin.client.describe_topics([_OFFSETS]), cluster.clock)
        if offsets["error_code"] == UnknownTopicOrPartitionError.errno:
            return None
        try:
            answer = retried(lambda: admin.client.describe_groups([group]), cluster.clock)[group]
        except GroupAuthorizationFailedError:
            return False
    if answer["error"] is not None:
        return False if GroupAuthorizationFailedError.__name__ in answer["error"] else None
    operations = answer.get("authorized_operations")
    return None if not operations else "READ" in operations
