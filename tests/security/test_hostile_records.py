"""Records, names and values that would like to be SQL, a template, a line of a log, or endless."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from demo.broker import Broker
from kit.kafka_topics import producer, send
from kit.task_run import TaskRun
from kit.unbroken import fails

from airflow_provider_kafka_odps.core.mapping.arrow_sql import query
from airflow_provider_kafka_odps.core.mapping.expressions import FieldPath
from airflow_provider_kafka_odps.core.mapping.sources.json_paths import JsonReader
from airflow_provider_kafka_odps.core.table.names import PartitionSpec, TableName
from airflow_provider_kafka_odps.core.table.schema import columns_of
from airflow_provider_kafka_odps.exceptions import InvalidInput
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.local.testing import RunningEndpoint

HOSTILE = "x'); DROP TABLE t; --`\"\n2026-11-23 CRITICAL forged line \x1b[31m{{ 1+1 }} %s {0} ${jndi:x} \u202e"
NAMES = [
    "a` BIGINT); DROP TABLE t; --",
    "a'; DROP TABLE t; --",
    'a" OR 1=1',
    "a b",
    "a\n",
    "a;",
    "a/**/",
    "a.b.c.d",
    "../a",
    "é",
    "",
    "1a",
    "a" * 129,
    "{{ a }}",
]
TYPES = {
    "c_bigint": "BIGINT",
    "c_int": "INT",
    "c_double": "DOUBLE",
    "c_decimal": "DECIMAL(10,2)",
    "c_boolean": "BOOLEAN",
    "c_date": "DATE",
    "c_datetime": "DATETIME",
    "c_timestamp": "TIMESTAMP",
    "c_char": "CHAR(3)",
    "c_varchar": "VARCHAR(3)",
    "c_array": "ARRAY<BIGINT>",
    "c_map": "MAP<STRING,BIGINT>",
    "c_struct": "STRUCT<a:BIGINT>",
}
LONG = HOSTILE + "A" * 200_000
REASON = 1_000
"""Characters that a reason, or what a message says of one record, has at most."""


@pytest.fixture(autouse=True)
def connections(broker: Broker, endpoint: RunningEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make broker and endpoint the default connections."""
    odps = {
        "endpoint": endpoint.endpoint,
        "project": endpoint.project,
        "access_key_id": endpoint.access_id,
        "access_key_secret": endpoint.access_key,
    }
    kafka = {"bootstrap.servers": broker.bootstrap_servers}
    monkeypatch.setenv("AIRFLOW_CONN_MAXCOMPUTE_DEFAULT", json.dumps({"conn_type": "maxcompute", "extra": odps}))
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps({"conn_type": "kafka", "extra": kafka}))


def load(topic: str, **more: Any) -> dict[str, Any]:
    """Load a topic into a table of its own."""
    whole = {"start": "earliest", "end": "latest", "create_table": True, "poll_timeout": 20}
    return TaskRun().attempt(topic=topic, table=topic.replace("-", "_"), **{**whole, **more})


def test_what_a_record_says_is_only_ever_a_value(make_topic: Callable[..., str], broker: Broker) -> None:
    """Values, keys, names in JSON and names of headers arrive as they are; nothing of them runs or is rendered."""
    topic = make_topic()
    record = {HOSTILE: HOSTILE, "plain": HOSTILE, "nested": {HOSTILE: [HOSTILE]}}
    value = json.dumps(record).encode()
    send(
        producer(broker.bootstrap_servers), topic, [value], key=HOSTILE.encode(), headers=[(HOSTILE, HOSTILE.encode())]
    )
    columns = {
        "record_key": "__key__",
        "plain": "plain",
        "nested": "nested",
        "rest": "*",
        "headers": "__headers__",
        "p": "__partition__",
        "o": "__offset__",
    }
    assert load(topic, columns=columns)["rows"] == 1
    (row,) = OdpsHook().run_sql(f"SELECT * FROM {topic.replace('-', '_')}").to_pylist()
    assert (row["record_key"], row["plain"]) == (HOSTILE, HOSTILE)
    assert json.loads(row["nested"]) == {HOSTILE: [HOSTILE]}
    assert json.loads(row["rest"]) == {HOSTILE: HOSTILE}
    assert json.loads(row["headers"]) == [{"key": HOSTILE, "value": HOSTILE}]


def test_reasons_quote_a_bounded_part_on_one_line(
    make_topic: Callable[..., str], broker: Broker, tmp_path: Path
) -> None:
    """Of a value, or a name, of hundreds of kilobytes a reason shows the beginning, escaped: no line can be forged."""
    topic = make_topic()
    bad = [{name: shape} for name in TYPES for shape in (LONG, [LONG], {"a": LONG}, {LONG: 1}, [[LONG]])]
    fits = ("c_array", "c_map", "c_struct")
    send(producer(broker.bootstrap_servers), topic, [json.dumps(one).encode() for one in bad])
    columns = {**{name: name for name in TYPES}, "p": "__partition__", "o": "__offset__"}
    path = tmp_path / "rejects.jsonl"
    wanted = {"columns": columns, "column_types": TYPES}
    receipt = load(topic, **wanted, max_rejects="unlimited", rejects_path=str(path))
    reasons = [json.loads(line)["reason"] for line in path.read_text().splitlines()]
    # A map may have any name, and of a struct other names are left alone.
    assert len(reasons) == receipt["rejects"] >= len(bad) - len(fits)
    assert max(map(len, reasons)) < REASON
    assert not [reason for reason in reasons if set(reason) & {"\n", "\r", "\x1b", "\u202e"}]
    assert len(json.dumps(receipt)) < 10 * REASON

    with fails("max_rejects=0") as refused:
        load(topic, **wanted)
    whole = "".join(traceback.format_exception(refused.value))
    assert len(whole) < 30 * REASON
    assert "\x1b" not in whole
    assert "\n2026-11-23 CRITICAL" not in whole


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_no_name_becomes_a_statement(name: str) -> None:
    """Columns, tables, projects and partitions are plain names, or refused with what was seen."""
    for make in (
        lambda: columns_of({name: "BIGINT"}),
        lambda: TableName(name),
        lambda: TableName("t", project=name),
        lambda: PartitionSpec(((name, "1"),)),
    ):
        with pytest.raises(InvalidInput):
            make()


@pytest.mark.parametrize(
    "value", ["1'", "1')", "1`", '1"', "1;", "1\n", "1,b=2", "1/b=2", "1=2", "../x", "é", "", "1+1", "\\"]
)
def test_no_partition_value_becomes_a_statement(value: str) -> None:
    """What could end a literal, an address or a path is refused."""
    with pytest.raises(InvalidInput):
        PartitionSpec((("ds", value),))


PATHS = [name for name in NAMES if name.isprintable()]


@pytest.mark.parametrize("name", [*PATHS, "$", "$.a", "a[0]", "#", "*", "/a", "'", "''", '"', "\\", "\\'"], ids=repr)
def test_no_json_path_becomes_sql(name: str) -> None:
    """Whatever the name of a field is, the path to it finds this field's value and no other's."""
    documents = pa.array([json.dumps({"other": 1, name: "found"}), json.dumps({"a": {name: [7]}})])
    direct, nested = JsonReader([FieldPath((name,)), FieldPath(("a", name, 0))]).extract(documents).leaves
    assert direct.to_pylist() == ['"found"', None]
    assert nested.to_pylist()[1] == "7"


def test_control_characters_are_no_part_of_a_path() -> None:
    """A name with them is refused where it is written, and the message shows it escaped."""
    with pytest.raises(InvalidInput) as refused:
        FieldPath((HOSTILE,))
    assert "\x1b" not in str(refused.value)


def test_the_columns_engine_reaches_nothing_outside(tmp_path: Path) -> None:
    """Should SQL ever slip in: it reads and writes no file."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for statement in (f"SELECT * FROM read_csv('{secret}')", f"COPY batch TO '{tmp_path / 'out.csv'}'"):
        with fails(r"(?i)permission|disabled"):
            query(statement, pa.array(["x"]))
    assert not (tmp_path / "out.csv").exists()
