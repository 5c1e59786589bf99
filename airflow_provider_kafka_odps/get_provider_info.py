"""What Airflow's provider discovery is told about this package, as plain metadata."""

from __future__ import annotations

from typing import Any

from airflow_provider_kafka_odps import __version__
from airflow_provider_kafka_odps.connection_types import connection_types

_KAFKA = "Apache Kafka"
_MAXCOMPUTE = "MaxCompute"
_ASSET_URIS = "airflow_provider_kafka_odps.lineage.asset_uris"
_TABLE_URIS = {
    "schemes": ["maxcompute"],
    "handler": f"{_ASSET_URIS}.unchanged",
    "to_openlineage_converter": f"{_ASSET_URIS}.to_dataset",
}
"""What Airflow does with the address of a table as an asset."""
_CONFIG = {
    "kafka_odps": {
        "description": "Pages about windows of Kafka offsets in Airflow's UI.",
        "options": {
            "ui_tabs": {
                "description": (
                    "Whether pages of DAGs and of task instances have tabs about windows. Airflow shows a tab "
                    "on all of them, whatever they run. Without them there are still the page under Browse "
                    "and the link on the tasks that load."
                ),
                "version_added": "0.1.0",
                "type": "boolean",
                "example": None,
                "default": "True",
            },
        },
    },
}
"""The options of our own section of Airflow's configuration."""


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description in the shape of Airflow's `provider_info.schema.json`.

    It has the types `kafka` and `maxcompute` only where the official providers do not: see ``connection_types``.
    """
    return {
        "package-name": "airflow-provider-kafka-odps",
        "name": "Kafka to MaxCompute",
        "description": "Load bounded windows of Kafka offsets into MaxCompute (ODPS) tables, each record once.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": _KAFKA,
                "external-doc-url": "https://kafka.apache.org/documentation/",
                "tags": ["apache"],
            },
            {
                "integration-name": _MAXCOMPUTE,
                "external-doc-url": "https://www.alibabacloud.com/help/en/maxcompute/",
                "tags": ["service"],
            },
        ],
        "connection-types": connection_types(),
        "hooks": [
            {"integration-name": _KAFKA, "python-modules": ["airflow_provider_kafka_odps.hooks.kafka"]},
            {"integration-name": _MAXCOMPUTE, "python-modules": ["airflow_provider_kafka_odps.hooks.odps"]},
        ],
        "sensors": [
            {"integration-name": _KAFKA, "python-modules": ["airflow_provider_kafka_odps.sensors.kafka_window"]},
        ],
        "triggers": [
            {"integration-name": _KAFKA, "python-modules": ["airflow_provider_kafka_odps.triggers.kafka_window"]},
        ],
        "transfers": [
            {
                "source-integration-name": _KAFKA,
                "target-integration-name": _MAXCOMPUTE,
                "python-module": "airflow_provider_kafka_odps.transfers.kafka_to_maxcompute",
            },
        ],
        "extra-links": ["airflow_provider_kafka_odps.ui.link.KafkaWindowLink"],
        "asset-uris": [_TABLE_URIS],
        "config": _CONFIG,
    }
