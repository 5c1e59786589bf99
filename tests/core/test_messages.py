"""What a user reads: each error says where, what was seen, and what to do."""

from collections.abc import Callable
from typing import Any

import pytest
from core.examples import PLANNED_AT, facts_of, plannable, target_of, window_of

from airflow_provider_kafka_odps import exceptions
from airflow_provider_kafka_odps.core.journal.entry import Journal, Phase
from airflow_provider_kafka_odps.core.mapping.compiler import compile_projection, parse_columns
from airflow_provider_kafka_odps.core.options import Mode, choice
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import TableSchema, columns_of
from airflow_provider_kafka_odps.core.window.bounds import Committed, Earliest, Latest, Offsets, PlannableBound, Side
from airflow_provider_kafka_odps.core.window.facts import PartitionFacts
from airflow_provider_kafka_odps.core.window.parsing import Interval, parse_bound, parse_partitions
from airflow_provider_kafka_odps.core.window.planning import plan_window
from airflow_provider_kafka_odps.exceptions import KafkaOdpsError

NONE = Interval(None, None)
EMPTY = Interval(PLANNED_AT, PLANNED_AT)
TABLE = TableName("t", "shop")
PLAIN = TableSchema(columns_of({"id": "bigint", "v": "string"}))
PARTITIONED = TableSchema(PLAIN.columns, columns_of({"ds": "string"}))
LOG = PartitionFacts(3, low=40, high=120, stable=100)


def _plan(start: PlannableBound, end: PlannableBound, partitions: frozenset[int] | None = None) -> Callable[[], object]:
    return lambda: plan_window(facts_of(LOG, group="g"), plannable(start, end, subset=partitions), PLANNED_AT)


def _bound(asked: Any, interval: Interval = NONE) -> Callable[[], object]:
    return lambda: parse_bound(asked, Side.START, interval)


def _all(offset: int) -> Offsets:
    return Offsets(offset, {})


# What the user did: the call; where it was; what was seen; what to do.
MESSAGES: dict[str, tuple[Callable[[], object], list[str], list[str], list[str]]] = {
    "offsets that expired": (
        _plan(_all(30), Latest()),
        ["orders[3]"],
        ["30", "40", "10 offsets"],
        ["Start where the log starts"],
    ),
    "offsets beyond the log": (
        _plan(Earliest(), _all(130)),
        ["orders[3]"],
        ["130", "100", "30 offsets", "high watermark is 120", "transaction"],
        ["Load later", "on_short_log='clamp'"],
    ),
    "start after end": (_plan(_all(70), _all(50)), ["orders[3]"], ["70", "50", "[40, 100)"], ["start=70, end=50"]),
    "an unknown partition": (_plan(Earliest(), Latest(), frozenset({9})), ["orders[9]"], ["0 to 3"], ["partitions"]),
    "no offset for a partition": (
        _plan(Offsets(None, {3: 1}), Offsets(None, {})),
        ["end", "orders[3]"],
        ["no offset"],
        ["add them", "partitions="],
    ),
    "nothing committed": (_plan(Committed(), Latest()), ["orders[3]"], ["'g'", "committed no"], ["first_start"]),
    "no data interval": (_bound("interval"), ["this run"], ["no data interval"], ["CronDataIntervalTimetable"]),
    "an empty data interval": (
        _bound("interval", EMPTY),
        ["data interval"],
        ["2026-11-22 11:00:07", "no length"],
        ["CronDataIntervalTimetable", "DeltaDataIntervalTimetable"],
    ),
    "no bound": (_bound("yesterday"), ["start="], ["'yesterday'"], ["'earliest'", "ISO-8601", "{'0': 120"]),
    "a time without a zone": (_bound("2026-11-22T10:00"), ["start="], ["no time zone"], ["+08:00"]),
    "a dict as a template printed it": (_bound("{'0': 5}"), ["start="], ["{'0': 5}", "not JSON"], ["tojson"]),
    "a negative offset": (_bound({"3": -2}), ["partition 3"], ["-2"], ["'earliest'"]),
    "no partition number": (lambda: parse_partitions("0,x"), ["partitions="], ["'x'"], ["'0,2-4'"]),
    "no such mode": (lambda: choice(Mode, "upsert", "mode"), ["mode="], ["'upsert'"], ["'append', 'overwrite'"]),
    "columns that are no mapping": (lambda: parse_columns("[1]"), ["columns="], ["[1]"], ["mapping of column names"]),
    "no table name": (lambda: TableName.parse("a.b.c.d"), ["table="], ["'a.b.c.d'"], ["project.schema.t"]),
    "no partition spec": (lambda: PartitionSpec.parse("20261122"), ["partition="], ["'20261122'"], ["ds=20261122"]),
    "a partition for a plain table": (
        lambda: PLAIN.check_partition(TABLE, PartitionSpec.parse("ds=1")),
        ["shop.t"],
        ["not partitioned", "'ds=1'"],
        ["leave it out"],
    ),
    "no partition for a partitioned table": (
        lambda: PARTITIONED.check_partition(TABLE, None),
        ["shop.t"],
        ["partitioned by ds", "no partition"],
        ["write 'ds=…'"],
    ),
    "a column that the table lacks": (
        lambda: compile_projection({"idd": "a"}, PLAIN),
        ["'idd'"],
        ["has no column"],
        ["The table has: id bigint, v string"],
    ),
    "a column that would be altered": (
        lambda: compile_projection({"id": "__value__"}, PLAIN),
        ["column id"],
        ["__value__", "bigint"],
        ["The table has: id bigint"],
    ),
    "an expression that does not parse": (
        lambda: compile_projection({"v": "tag..desc"}, PLAIN),
        ["'tag..desc'", "position 4"],
        ["\n  tag..desc\n      ^"],
        ["as in tag.desc"],
    ),
    "no such part of a record": (
        lambda: compile_projection({"v": "__valu__"}, PLAIN),
        ["'__valu__'"],
        ["no such part"],
        ["__value__"],
    ),
    "another table than was recorded": (
        lambda: Journal(Phase.PLANNED, target_of(), window_of((0, 1)), 0).check_target(target_of(table="shop.u")),
        ["this task instance"],
        ["shop.t", "shop.u", "nothing was loaded"],
        ["tab Storage"],
    ),
    "a journal that was edited to nonsense": (
        lambda: Journal.from_json({"version": 7}),
        ["journal of this task instance"],
        ["7"],
        ["tab Storage"],
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_says_where_what_and_what_to_do(name: str) -> None:
    """Who reads only the message knows where to look, what was seen there, and what to do next."""
    provoke, *parts = MESSAGES[name]
    with pytest.raises(KafkaOdpsError) as refused:
        provoke()
    message = str(refused.value)
    for part in parts:
        assert [words for words in part if words not in message] == [], message


def test_every_error_says_whether_a_retry_helps_as_the_tree_draws_it() -> None:
    """The tree in the module's docstring has every error, and marks exactly those that a retry may fix."""
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, KafkaOdpsError)]
    tree = exceptions.__doc__ or ""
    for kind in kinds:
        line = next((line for line in tree.splitlines() if line.split("─ ")[-1].split()[:1] == [kind.__name__]), None)
        assert line is not None, kind
        assert kind.retry_helps == ("retry" in line), kind
