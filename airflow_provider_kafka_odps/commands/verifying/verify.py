"""What is compared with what, and what follows from it."""

from __future__ import annotations

import argparse
from dataclasses import replace

from airflow_provider_kafka_odps.commands.airflow.api import AirflowApi
from airflow_provider_kafka_odps.commands.airflow.options import airflow_of, reader_of
from airflow_provider_kafka_odps.commands.loads.wanted import HeldLoad, wanted_load
from airflow_provider_kafka_odps.commands.planning.plan import refuse_unknown_chain, window_of
from airflow_provider_kafka_odps.commands.terminal import Shown
from airflow_provider_kafka_odps.commands.verifying.receipt import hold_against_receipt, read_receipt
from airflow_provider_kafka_odps.commands.verifying.topic import TopicVerifier
from airflow_provider_kafka_odps.commands.verifying.verdict import Verified
from airflow_provider_kafka_odps.commands.windows.listed import receipt_of
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.options import Mode
from airflow_provider_kafka_odps.core.verification.differences import Differences
from airflow_provider_kafka_odps.core.window.facts import TopicFacts
from airflow_provider_kafka_odps.core.window.losses import losses, readable
from airflow_provider_kafka_odps.core.window.window import Window
from airflow_provider_kafka_odps.exceptions import InvalidInput, TopicReplaced, UnknownTable
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.adapters.table import TableWindowRows, visible_rows


def verified(asked: argparse.Namespace, shown: Shown) -> Verified:
    """Compare what the options name.

    Raises a KafkaOdpsError where nobody can tell: a service does not answer, or what was named cannot be compared.
    """
    api = airflow_of(asked)
    receipt = _receipt(asked, api)
    if asked.dag_file is None and asked.parameters is None and not asked.given:
        if receipt is None:
            raise InvalidInput(
                "what is to be compared? Give a load, by --parameters, --set or --dag-file, to compare the table with "
                "its topic; or --receipt FILE to compare it with that; or both"
            )
        found = Verified(receipt.window, receipt.table, receipt.partition)
        _hold_against_receipt(found, receipt, OdpsHook(asked.maxcompute))
        return found
    wanted = wanted_load(asked)
    read_entry = None
    if receipt is None:
        read_entry = reader_of(api, None if wanted.asset is None else wanted.asset.uri)
        refuse_unknown_chain(wanted, read_entry)
    held = wanted.held()
    if held.destination.target.create:
        raise UnknownTable(f"there is no table {held.load.target.table}")
    window = window_of(held, read_entry) if receipt is None else receipt.window
    found = Verified(window, held.load.target.table, held.destination.partition, notes=[*wanted.notes])
    if receipt is not None:
        _refuse_another_load(receipt, held)
        _hold_against_receipt(found, receipt, held.hooks.odps)
    _hold_against_topic(found, receipt, held, asked, shown)
    return found


def _receipt(asked: argparse.Namespace, api: AirflowApi | None) -> Receipt | None:
    if asked.run_id is None:
        return None if asked.receipt is None else read_receipt(asked.receipt)
    if asked.receipt is not None:
        raise InvalidInput("--receipt and --run-id: one of them is the receipt")
    if api is None or asked.dag_id is None or asked.task_id is None:
        raise InvalidInput("--run-id asks Airflow for the receipt: it needs --airflow, --dag-id and --task-id")
    instance = {"dag_id": asked.dag_id, "dag_run_id": asked.run_id, "task_id": asked.task_id}
    instance["map_index"] = asked.map_index
    found = receipt_of(api.xcom(instance, "return_value"))
    if found is None:
        raise InvalidInput(
            f"task {asked.task_id!r} of DAG {asked.dag_id!r} has returned no receipt in run {asked.run_id!r}: it has "
            "not succeeded, or Airflow has forgotten it, or it is mapped: --map-index says which instance is meant"
        )
    return found


def _refuse_another_load(receipt: Receipt, held: HeldLoad) -> None:
    ours = (held.load.request.topic, held.load.target.table)
    theirs = (receipt.window.topic, receipt.table)
    if ours != theirs:
        raise InvalidInput(
            f"the receipt is of topic {theirs[0]} in {theirs[1]}, and the load of {ours[0]} in {ours[1]}: name the "
            "load that the receipt is of"
        )


def _hold_against_receipt(found: Verified, receipt: Receipt, hook: OdpsHook) -> None:
    found.against.append("the receipt")
    held = hold_against_receipt(receipt, hook)
    found.different += [held.difference] if held.difference else []
    found.unknown += [held.unknown] if held.unknown else []


def _hold_against_topic(
    found: Verified, receipt: Receipt | None, held: HeldLoad, asked: argparse.Namespace, shown: Shown
) -> None:
    found.against.append("the topic")
    rows = held.destination.window_rows
    if not isinstance(rows, TableWindowRows):
        found.unknown.append(
            f"{found.table} is not filled with __partition__ and __offset__ by this load: nobody can tell which record "
            "a row is of"
        )
        return
    facts = held.source.look(found.window.topic)
    left = _left(found, facts)
    places = () if receipt is None else receipt.written
    verifier = TopicVerifier(held, rows.finder, facts, places)
    found.values, found.differences = asked.values, Differences(left.ranges)
    verifier.offsets(left, found.differences, values=asked.values == "all", shown=shown)
    if asked.values == "sample":
        verifier.sampled_values(left, asked.sample, found.differences)
    _look_beyond(found, held, facts)


def _left(found: Verified, facts: TopicFacts) -> Window:
    """Return what of the window the log still has; what it has no more, nobody can tell anything of."""
    window = found.window
    if window.topic_id != facts.topic_id:
        raise TopicReplaced(
            f"topic {window.topic} has the id {facts.topic_id}, and the window is of the one with the id "
            f"{window.topic_id}: it was deleted and created again, and its records are others"
        )
    lost = losses(window.ranges, facts)
    found.unknown += [f"{each}: whether the rows of these are right cannot be told" for each in lost]
    return replace(window, ranges=tuple(readable(each, facts) for each in window.ranges))


def _look_beyond(found: Verified, held: HeldLoad, facts: TopicFacts) -> None:
    """Judge what only the topic's policy, or the whole partition, can tell."""
    assert found.differences is not None
    differences = found.differences
    if differences.extra and "compact" in (held.source.cleanup_policy(facts.topic) or ""):
        for each in differences.partitions.values():
            each.extra = type(each.extra)(each.offsets.start, each.offsets.end)
        found.unknown.append(
            f"the table has rows of offsets that have no record: topic {facts.topic} is compacted, so they may have "
            "had one when they were loaded"
        )
    if held.load.target.mode is Mode.OVERWRITE and held.load.routing is None:
        shown = visible_rows(held.destination.target, held.destination.window_rows)
        if others := shown.rows() - differences.found:
            found.different.append(
                f"{others} rows are of no offset of this window: after mode='overwrite' there are no others"
            )
