"""What Airflow and OpenLineage do with URIs of assets whose scheme is ``maxcompute``.

Airflow imports this module wherever an asset of any scheme is made, so it imports nothing that is slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult

if TYPE_CHECKING:
    from airflow.sdk import Asset
    from openlineage.client.event_v2 import Dataset


def unchanged(uri: SplitResult) -> SplitResult:
    """Leave each URI as it is: Airflow keeps what runs have left for each other by the asset's name and URI.

    None is refused either: the DAG's file could not be imported.
    """
    return uri


def to_dataset(asset: Asset, lineage_context: object) -> Dataset | None:
    """Return the dataset of a table's asset, which says no endpoint; None for a URI that names no table."""
    from openlineage.client.event_v2 import Dataset

    from airflow_provider_kafka_odps.lineage.names import asset_name

    del lineage_context
    name = asset_name(asset.uri)
    return None if name is None else Dataset(name.namespace, name.name)
