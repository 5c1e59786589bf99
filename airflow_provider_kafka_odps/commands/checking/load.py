"""What `check` is about: names that were given, or those of one load; and whether that load's parameters fit."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from airflow_provider_kafka_odps.commands.checking.machine import machine_step
from airflow_provider_kafka_odps.commands.checking.steps import Step
from airflow_provider_kafka_odps.commands.loads.wanted import WantedLoad, wanted_load
from airflow_provider_kafka_odps.core.load.resources import MAX_MEMORY, Resources
from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError
from airflow_provider_kafka_odps.transfers.parameters import cores, parse_bytes, resources_of


@dataclass(frozen=True, slots=True)
class Checked:
    """The names of what is tried."""

    kafka: str
    maxcompute: str
    topic: str | None
    table: TableName | None
    wanted: WantedLoad | None
    """None: names alone were given."""

    @classmethod
    def of(cls, asked: argparse.Namespace) -> Checked:
        """Return what the options name: those of a load, unless others are given.

        Raises InvalidInput for a load that is described wrongly.
        """
        described = asked.dag_file is not None or asked.parameters is not None or asked.given
        wanted = wanted_load(asked) if described else None
        if wanted is None:
            kafka, maxcompute = asked.kafka or "kafka_default", asked.maxcompute or "maxcompute_default"
            return cls(kafka, maxcompute, asked.topic, asked.table, None)
        parameters = wanted.parameters
        return cls(
            asked.kafka or parameters.from_where.kafka_config_id,
            asked.maxcompute or parameters.to_where.maxcompute_conn_id,
            asked.topic or parameters.what.topic,
            # A table that the load would create is missing for a good reason.
            asked.table or (None if parameters.to_where.create_table else TableName.parse(parameters.to_where.table)),
            wanted,
        )

    def machine(self) -> Step:
        """Return whether this machine has what the load takes."""
        if self.wanted is None:
            return machine_step(Resources.within(cores=cores()), MAX_MEMORY)
        fast = self.wanted.parameters.how_fast
        try:
            return machine_step(resources_of(fast), parse_bytes(fast.max_memory, "max_memory"))
        except KafkaOdpsError as refused:
            return Step("machine", works=False, seen=str(refused))

    def load(self, wanted: WantedLoad) -> Step:
        """Return whether parameters, table and columns fit, as the load finds out when it begins."""
        try:
            held = wanted.held()
        except KafkaOdpsError as refused:
            return Step("load", works=False, seen=str(refused))
        names = ", ".join(held.destination.columns)
        return Step("load", works=True, seen=f"its parameters fit {held.load.target.table}: {names}")
