"""A consumer group's committed offsets, for tools that show its lag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.kafka_settings import KafkaSettings
from airflow_provider_kafka_odps.core.window import Window
from airflow_provider_kafka_odps.exceptions import BrokerRefused
from airflow_provider_kafka_odps.hooks.kafka_survey import needing, patiently

if TYPE_CHECKING:
    from kafka import TopicPartition
    from kafka.admin import KafkaAdminClient


def commit_ends(client: KafkaAdminClient, settings: KafkaSettings, group: str, window: Window) -> Mapping[int, int]:
    """Commit the window's ends where the group has not come as far; return what was committed, by partition.

    The group is not joined: like any commit from outside, this needs a group without members.
    Raises BrokerRefused with the broker's words.
    """
    from kafka import OffsetAndMetadata, TopicPartition

    ends = {TopicPartition(window.topic, offsets.partition): offsets.end for offsets in window.ranges()}
    with needing(f"Describe on Group {group!r}"):
        known = patiently(lambda: client.list_group_offsets({group: list(ends)})[group])
    # Never back: an old window that is loaded again says nothing about the newer ones.
    ahead = {place: end for place, end in ends.items() if place not in known or known[place].offset < end}
    if ahead:
        wanted = {place: OffsetAndMetadata(end, "", -1) for place, end in ahead.items()}
        with needing(f"Read on Group {group!r} and Read on Topic {window.topic!r}"):
            _check(settings, group, patiently(lambda: client.alter_group_offsets(group, wanted)))
    return {place.partition: end for place, end in sorted(ahead.items())}


def _check(settings: KafkaSettings, group: str, answer: Mapping[TopicPartition, type[Exception]]) -> None:
    from kafka.errors import AuthorizationError, NoError

    if denied := next((error for error in answer.values() if issubclass(error, AuthorizationError)), None):
        raise denied(f"the window's ends were not committed to group {group!r}; the rows are in the table")
    refused = {place.partition: error for place, error in sorted(answer.items()) if error is not NoError}
    if refused:
        listed = ", ".join(f"partition {number}: {error.__name__}" for number, error in refused.items())
        raise BrokerRefused(
            f"connection {settings.conn_id!r}: the window's ends were not committed to group {group!r}: {listed}. "
            "The rows are in the table, and stay there. A group that others have joined cannot be committed to from "
            "outside: give this connection a group.id of its own"
        )
