"""What lineage has to know of a load, taken from the attempt before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kafka_odps.core.mapping.expressions import Part
from airflow_provider_kafka_odps.lineage.columns import Field
from airflow_provider_kafka_odps.lineage.description import KnownLoad, RejectsPlace
from airflow_provider_kafka_odps.lineage.names import asset_name, table_name, topic_names
from airflow_provider_kafka_odps.transfers.adapters.reject_table import RejectTable
from airflow_provider_kafka_odps.transfers.adapters.staging import StagedSink
from airflow_provider_kafka_odps.transfers.adapters.table import TableSink
from airflow_provider_kafka_odps.transfers.adapters.topic import TopicSource

if TYPE_CHECKING:
    from airflow.sdk import Asset

    from airflow_provider_kafka_odps.core.delivery.attempt import Attempt


def known_load(attempt: Attempt, asset: Asset | None) -> KnownLoad:
    """Return what is known of a load, as plain values; of the connections, addresses and nothing else."""
    load, source, sink, rejects = attempt.load, attempt.ports.source, attempt.ports.sink, attempt.ports.rejects
    target = sink.target if isinstance(sink, StagedSink) else sink
    assert isinstance(source, TopicSource), source
    assert isinstance(target, TableSink), target
    servers, endpoint = source.hook.settings.bootstrap_servers, target.hook.settings.endpoint
    origin = load.projection.origin
    schema = target.schema
    return KnownLoad(
        topic=topic_names(servers, load.request.topic),
        topic_name=load.request.topic,
        table=table_name(endpoint, target.table),
        table_name=str(target.table),
        asset=None if asset is None else asset_name(asset.uri),
        partition=load.target.partition,
        mode=load.target.mode,
        fields=tuple(Field(each.name, str(each.type)) for each in (*schema.columns, *schema.partition_columns)),
        columns=origin.columns,
        where=origin.wanted.where,
        formats={Part.KEY: origin.record_format.key.value, Part.VALUE: origin.record_format.value.value},
        created=target.create,
        widened=bool(target.added),
        staged=load.routing is not None,
        rejects=_place(endpoint, rejects) if isinstance(rejects, RejectTable) else None,
    )


def _place(endpoint: str, rejects: RejectTable) -> RejectsPlace:
    return RejectsPlace(table_name(endpoint, rejects.table), rejects.partition, rejects.place)
