"""Decoders as a load makes them, unless something else is said."""

from __future__ import annotations

from airflow_provider_kafka_odps.core.load.resources import UNPACK_LIMIT
from airflow_provider_kafka_odps.decoding.batch import ALL_COLUMNS
from airflow_provider_kafka_odps.decoding.decoder import BatchDecoder


def batch_decoder(wanted: frozenset[str] = ALL_COLUMNS, unpack_limit: int = UNPACK_LIMIT) -> BatchDecoder:
    """Return a decoder of these columns, with this bound for one batch."""
    return BatchDecoder(wanted, unpack_limit)
