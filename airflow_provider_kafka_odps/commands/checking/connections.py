"""What `check` tries: both connections, the topic and the table, each as the operator would use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from airflow.sdk.log import redact  # type: ignore[attr-defined]  # what masks the logs; it is imported there

from airflow_provider_kafka_odps.commands.checking.steps import Step
from airflow_provider_kafka_odps.commands.origin import origin
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError, UnknownTopic
from airflow_provider_kafka_odps.hooks.kafka import KafkaHook
from airflow_provider_kafka_odps.hooks.odps import OdpsHook

if TYPE_CHECKING:
    from airflow_provider_kafka_odps.core.table.names import TableName
    from airflow_provider_kafka_odps.core.table.schema import Column


@dataclass(frozen=True, slots=True)
class _Advice:
    """What was seen where a load works, and would be better off otherwise."""

    seen: str
    to_do: str


_Question: TypeAlias = "tuple[str, Callable[[], str | _Advice]]"
"""What is tried, and how; it returns what was seen, or raises."""
_READ_SECONDS = 15.0
_FETCH_BYTES = 1 << 20
_SHOWN = 10
"""How many partitions or columns are named; of the others only their number."""


class _Failed(KafkaOdpsError):
    """A step that fails without an error of its own."""

    def __init__(self, seen: str, to_do: str = "") -> None:
        super().__init__(seen)
        self.to_do = to_do


def kafka_steps(conn_id: str, topic: str | None) -> Iterator[Step]:
    """Yield the steps of the Kafka side; after one that fails there are no others."""
    hook = KafkaHook(conn_id)
    questions: list[_Question] = [
        (f"connection {conn_id}", lambda: f"{', '.join(hook.settings.bootstrap_servers)}; read from {origin(conn_id)}"),
        ("Kafka", lambda: _connects(conn_id, *hook.test_connection())),
    ]
    if topic is not None:
        questions += [
            (f"topic {topic}", lambda: _offsets(hook, topic)),
            (f"read {topic}", lambda: _read(hook, topic)),
            (f"settings of {topic}", lambda: _policy(hook, topic)),
            (f"planning for {topic}", lambda: _planning(hook, topic)),
        ]
    return _in_turn(questions)


def maxcompute_steps(conn_id: str, table: TableName | None) -> Iterator[Step]:
    """Yield the steps of the MaxCompute side; after one that fails there are no others."""
    hook = OdpsHook(conn_id)
    questions: list[_Question] = [
        (
            f"connection {conn_id}",
            lambda: f"{hook.settings.endpoint}, project {hook.settings.project}; read from {origin(conn_id)}",
        ),
        ("MaxCompute", lambda: _connects(conn_id, *hook.test_connection())),
    ]
    if table is not None:
        questions += [
            (f"table {table}", lambda: _columns(hook, table)),
            (f"query {table}", lambda: _query(hook, table)),
        ]
    return _in_turn(questions)


def _in_turn(questions: list[_Question]) -> Iterator[Step]:
    for name, ask in questions:
        try:
            found = ask()
            advised = _Advice(found, "") if isinstance(found, str) else found
            step = Step(name, works=True, seen=advised.seen, to_do=advised.to_do)
        except _Failed as failed:
            step = Step(name, works=False, seen=str(failed), to_do=failed.to_do)
        except KafkaOdpsError as error:
            # The errors of this package say themselves what to do.
            step = Step(name, works=False, seen=str(error))
        # The hooks hide secrets; a server may repeat one in its own words all the same.
        yield replace(step, seen=str(redact(step.seen)), to_do=str(redact(step.to_do)))
        if not step.works:
            return


def _connects(conn_id: str, works: bool, answer: str) -> str:
    if not works:
        raise _Failed(answer, f"if the connection is wrong, correct it: {origin(conn_id)}")
    return answer


def _offsets(hook: KafkaHook, topic: str) -> str:
    try:
        ranges = hook.plan(topic, "earliest", "latest").ranges
    except UnknownTopic as error:
        raise _Failed(
            str(error), "correct the name, create the topic, or give the login the right Describe on it"
        ) from None
    named = ", ".join(str(each) for each in ranges[:_SHOWN]) + (", …" if len(ranges) > _SHOWN else "")
    return f"{len(ranges)} partitions, {sum(each.span for each in ranges)} offsets: {named}"


def _read(hook: KafkaHook, topic: str) -> str:
    """Read the last offset of the longest log: who may describe a topic need not be allowed to read it."""
    window = hook.plan(topic, "earliest", "latest")
    longest = max(window.ranges, key=lambda each: each.span)
    if not longest.span:
        return "the topic is empty; whether it may be read shows when it has records"
    last = replace(longest, start=longest.end - 1)
    for _ in hook.read(replace(window, ranges=(last,)), poll_timeout=_READ_SECONDS, fetch_bytes=_FETCH_BYTES):
        pass
    return f"{last} was read"


def _policy(hook: KafkaHook, topic: str) -> str | _Advice:
    policy = hook.cleanup_policy(topic)
    if policy is not None:
        return f"cleanup.policy is {policy}"
    return _Advice(
        "this login may not know them",
        f"give it the right DescribeConfigs on topic {topic}: without it, nobody can tell compacted records from lost "
        "ones, and a load that meets a gap fails",
    )


def _planning(hook: KafkaHook, topic: str) -> str | _Advice:
    """Ask for the right to a group of those who plan: that of one table is as good as another's."""
    from airflow_provider_kafka_odps.clients.kafka.groups.planning_lock import GROUPS, group_of
    from airflow_provider_kafka_odps.clients.kafka.groups.rights import may_read_group

    match may_read_group(hook.cluster, group_of(topic, "check")):
        case True:
            return f"runs that plan at the same moment take turns, by groups {GROUPS}…"
        case None:
            return "whether runs that plan at the same moment may take turns, the broker does not tell so far"
        case _:
            return _Advice(
                "runs that plan at the same moment do not take turns, and may hinder each other",
                f"give this login the right Read on groups with the prefix {GROUPS}",
            )


def _columns(hook: OdpsHook, table: TableName) -> str:
    found = hook.describe(table)
    if found is None:
        raise _Failed(
            f"{hook.resolve(table)} does not exist",
            "create it, or have the operator create it by create_table=True; without it, the operator's error has a "
            "CREATE TABLE for your columns",
        )
    partitions = f"; partitioned by {_named(found.partition_columns)}" if found.partition_columns else ""
    return f"{hook.resolve(table)} has {len(found.columns)} columns: {_named(found.columns)}{partitions}"


def _named(columns: tuple[Column, ...]) -> str:
    named = ", ".join(f"{column.name} {column.type.ddl}" for column in columns[:_SHOWN])
    return named + (", …" if len(columns) > _SHOWN else "")


def _query(hook: OdpsHook, table: TableName) -> str:
    """Count no rows, in no partition: the service checks the rights, and scans nothing."""
    from airflow_provider_kafka_odps.clients.maxcompute.sql import hints_for

    resolved, found = hook.resolve(table), hook.describe(table)
    partitions = found.partition_columns if found else ()
    nothing = f"`{partitions[0].name}` IS NULL" if partitions else "1 = 0"
    hook.run_sql(f"SELECT COUNT(*) FROM {resolved.quoted} WHERE {nothing};", hints_for(resolved))  # noqa: S608 - checked names
    return "a SELECT runs, as the operator's count after a load does"
