"""The example DAGs, run by Airflow itself, and the demo that shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.sdk import DAG
from airflow.utils.session import create_session
from airflow.utils.types import DagRunType
from demo import records
from demo.airflow_runs import Finished, example, run, run_again
from demo.broker import Broker
from kit.airflow_home import ROOT
from kit.dags import run_as
from sqlalchemy import select

from airflow_provider_kafka_odps.core.table.names import TableName
from airflow_provider_kafka_odps.hooks.odps import OdpsHook
from airflow_provider_kafka_odps.transfers.kafka_to_maxcompute import KafkaToMaxComputeOperator

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
pytestmark = pytest.mark.usefixtures("airflow_db", "tutorial_topic")


@pytest.fixture(scope="module")
def tutorial_topic(broker: Broker, admin: KafkaAdminClient) -> Iterator[str]:
    """Create the tutorial's topic with its messages, and later ones in the next hour."""
    admin.create_topics({records.TOPIC: {"num_partitions": records.PARTITIONS, "replication_factor": 1}})
    records.send(broker.bootstrap_servers, records.tutorial_messages(HOUR - timedelta(hours=2)))
    yield records.TOPIC
    admin.delete_topics([records.TOPIC])


@pytest.fixture
def tutorial(odps: OdpsHook) -> Finished:
    """Run the tutorial's DAG, which creates its table."""
    odps.run_sql("DROP TABLE IF EXISTS testkafka")
    return run("tutorial_kafka_to_maxcompute", HOUR)


def table(odps: OdpsHook) -> list[tuple[object, ...]]:
    """Return the tutorial's table in order."""
    found = odps.run_sql("SELECT * FROM testkafka ORDER BY partition1, `offset`")
    return [tuple(row.values()) for row in found.to_pylist()]


def test_tutorial_and_its_rerun(tutorial: Finished, odps: OdpsHook, broker: Broker) -> None:
    """The two messages have no key, `123`, and NULL for both paths; the rerun gives the same rows."""
    assert tutorial.state == "success"
    before = table(odps)
    assert [(row[0], row[1], row[2], row[4], row[5], row[6], row[7]) for row in before] == [
        (None, "123", "0", "0", "123", None, None),
        (None, "abc", "1", "0", "123", None, None),
        (None, '{"event_id": "e001", "tag": {"desc": "click"}}', "2", "0", "123", "e001", "click"),
        (None, '{"event_id": "e002", "tag": {"desc": "buy"}}', "2", "1", "123", "e002", "buy"),
        (None, '{"event_id": "e004", "tag": {"desc": "click"}}', "2", "2", "123", "e004", "click"),
        (None, '{"event_id": "e003", "tag": {"desc": "view"}}', "3", "0", "123", "e003", "view"),
    ]

    records.send(broker.bootstrap_servers, records.more_messages(HOUR - timedelta(hours=1)))
    again = run_again(tutorial)
    assert (again.state, again.window) == ("success", tutorial.window)
    assert table(odps) == before

    hourly = run("hourly_kafka_to_maxcompute", HOUR)
    assert hourly.state == "success"
    loaded = odps.run_sql("SELECT event_id, ds, hh FROM testkafka_hourly ORDER BY event_id").to_pylist()
    hour = HOUR - timedelta(hours=1)
    assert [row["event_id"] for row in loaded] == [f"e{number:03}" for number in range(6, 14)]
    assert {(row["ds"], row["hh"]) for row in loaded} == {(f"{hour:%Y%m%d}", f"{hour:%H}")}


def test_the_tutorials_table_is_the_one_that_its_page_shows(tutorial: Finished, odps: OdpsHook) -> None:
    """The statement of the page makes the same table as the DAG, which is what an error suggests, too."""
    assert tutorial.state == "success"
    made = odps.describe(TableName.parse("testkafka"))
    odps.run_sql("DROP TABLE testkafka")
    odps.run_sql(records.TABLE)
    assert odps.describe(TableName.parse("testkafka")) == made


def test_backfill_by_form(odps: OdpsHook) -> None:
    """Offsets per partition, typed as JSON into the form, reach the operator as they are."""
    conf = {"start": '{"2": 1, "3": 0}', "end": '{"2": 3, "3": 1}', "partitions": "2-3", "table": "by_form"}
    finished = run("backfill_kafka_to_maxcompute", HOUR, conf)

    assert finished.state == "success"
    assert finished.window is not None
    assert finished.window["partitions"] == {"2": [1, 3], "3": [0, 1]}
    assert odps.run_sql("SELECT COUNT(*) AS n FROM by_form")["n"].to_pylist() == [3]


def test_the_dataworks_job(tutorial: Finished, odps: OdpsHook) -> None:
    """The guide's own job, as it is, gives the rows that the guide shows, and the same ones when it is run again."""
    before = table(odps)
    for _ in range(2):
        finished = run("dataworks_job", HOUR)
        assert finished.state == "success"
        assert tutorial.window is not None
        assert finished.window is not None
        assert finished.window["end"]["asked"] == "3"
        assert table(odps) == [row for row in before if int(str(row[4])) < 3]


def test_what_has_come_since(tutorial: Finished, odps: OdpsHook) -> None:
    """The first run loads all there is, the next one what has come since: nothing."""
    assert tutorial.state == "success"
    first, second = (run("continuous_kafka_to_maxcompute", HOUR + timedelta(minutes=10 * n)) for n in range(2))
    assert first.window is not None
    assert second.window is not None
    assert (second.state, second.window["start"]["source"]) == ("success", f"end of run {first.run_id}")
    loaded = odps.run_sql("SELECT COUNT(*) AS n FROM testkafka_continuous")["n"].to_pylist()
    assert loaded == [first.window["span"]]
    assert second.window["span"] == 0


def test_rejects_are_replayed_after_a_fix(tutorial: Finished, odps: OdpsHook) -> None:
    """Events without a number are in the table of rejects; fixed and cleared, they are in the table."""
    assert tutorial.state == "success"
    first = run("rejects_kafka_to_maxcompute", HOUR)
    assert first.receipt is not None
    rejects, rows = first.receipt["rejects"], first.receipt["rows"]
    assert rejects > 0
    assert rows == 2
    assert odps.run_sql("SELECT COUNT(*) AS n FROM testkafka_rejects")["n"].to_pylist() == [rejects]

    task: Any = example("rejects_kafka_to_maxcompute").get_task("load")
    assert isinstance(task.columns, dict)
    task.columns = {**task.columns, "amount": "'1'"}
    again = run_again(first)

    assert again.receipt is not None
    assert (again.receipt["rows"], again.receipt["rejects"]) == (rows + rejects, 0)
    assert odps.run_sql("SELECT COUNT(*) AS n FROM testkafka_numbers")["n"].to_pylist() == [rows + rejects]
    assert odps.run_sql("SELECT COUNT(*) AS n FROM testkafka_rejects")["n"].to_pylist() == [0]


def test_a_long_range_in_pieces(odps: OdpsHook) -> None:
    """Each piece is called what its window is called, and every record of the range is loaded once."""
    conf = {"ranges": {"2": [0, 3], "3": [0, 1]}, "piece": 2}
    finished = run("ranges_kafka_to_maxcompute", HOUR, conf)

    assert finished.state == "success"
    found = odps.run_sql("SELECT `partition`, `offset` FROM testkafka_ranges ORDER BY `partition`, `offset`")
    assert [tuple(row.values()) for row in found.to_pylist()] == [(2, 0), (2, 1), (2, 2), (3, 0)]
    with create_session() as session:
        loads = select(TaskInstance).where(TaskInstance.run_id == finished.run_id, TaskInstance.task_id == "load")
        labels = {each.rendered_map_index for each in session.scalars(loads)}
    assert labels == {"testkafka[2]@[0, 2)", "testkafka[2]@[2, 3)", "testkafka[3]@[0, 1)"}


def test_what_the_sensor_waits_for_is_loaded(odps: OdpsHook) -> None:
    """The run goes on when there are enough new records, and loads as many as the sensor has seen."""
    finished = run("waiting_kafka_to_maxcompute", HOUR, {"new_offsets": 3})
    assert finished.state == "success"
    assert finished.window is not None
    assert odps.run_sql("SELECT COUNT(*) AS n FROM testkafka_waiting")["n"].to_pylist() == [finished.window["span"]]
    assert finished.window["span"] >= 3


def test_a_partition_by_its_key(odps: OdpsHook) -> None:
    """The records of the partition's interval are in the partition of its key."""
    hour = HOUR - timedelta(hours=2)
    which = {"partition_key": f"{hour:%Y%m%d%H}", "partition_date": hour}
    assert run_as(example("partitioned_kafka_to_maxcompute"), DagRunType.SCHEDULED, **which).state == "success"
    loaded = odps.run_sql("SELECT COUNT(*) AS n, MIN(pt) AS pt FROM testkafka_partitioned").to_pylist()
    assert loaded == [{"n": len(list(records.tutorial_messages(hour))), "pt": which["partition_key"]}]


def test_every_record_into_the_partition_of_its_time(odps: OdpsHook) -> None:
    """The hour's records are in the partitions that their timestamps name, by the clock of Shanghai."""
    odps.run_sql("DROP TABLE IF EXISTS testkafka_routed")
    finished = run("routed_kafka_to_maxcompute", HOUR)
    assert finished.state == "success"
    assert finished.receipt is not None
    loaded = odps.run_sql("SELECT ds, hh, COUNT(*) AS n FROM testkafka_routed GROUP BY ds, hh").to_pylist()
    found = {f"ds={row['ds']},hh={row['hh']}": row["n"] for row in loaded}
    assert found == finished.receipt["per_partition"]
    assert finished.receipt["rows"] == sum(found.values())


def test_a_run_without_an_interval_loads_nothing(odps: OdpsHook) -> None:
    """The hourly example, triggered without a logical date: it fails at once, with retries left, and makes no table."""
    odps.run_sql("DROP TABLE IF EXISTS testkafka_hourly")
    assert run_as(example("hourly_kafka_to_maxcompute"), DagRunType.MANUAL).state == "failed"
    assert odps.describe(odps.resolve(TableName("testkafka_hourly"))) is None


def test_hooks_in_tasks(tutorial: Finished) -> None:
    """The hooks work in tasks of one's own."""
    assert tutorial.state == "success"
    assert run("hooks_in_tasks", HOUR).state == "success"


def test_every_example_is_tested() -> None:
    """An example that nobody runs here would rot."""
    examples = {path.stem for path in (ROOT / "example_dags").glob("*.py")}
    assert examples == {
        "tutorial_kafka_to_maxcompute",
        "hourly_kafka_to_maxcompute",
        "continuous_kafka_to_maxcompute",
        "backfill_kafka_to_maxcompute",
        "hooks_in_tasks",
        "dataworks_job",
        "rejects_kafka_to_maxcompute",
        "waiting_kafka_to_maxcompute",
        "partitioned_kafka_to_maxcompute",
        "routed_kafka_to_maxcompute",
        "ranges_kafka_to_maxcompute",
    }


def test_the_readmes_operator() -> None:
    """The operator that the README shows is one that Airflow takes."""
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    with DAG("readme", schedule=None) as dag:
        exec(snippet, {"KafkaToMaxComputeOperator": KafkaToMaxComputeOperator})

    assert dag.task_ids == ["load"]
