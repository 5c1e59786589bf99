"""Groups in the log of a task and spans in its trace, of tasks that a supervisor of Airflow's runs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeTopic
from delivery.scene import environment
from demo.broker import Broker
from kit.supervised import supervised
from kit.task_run import Send
from kit.trace_collector import Collector, trace_collector

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

pytestmark = pytest.mark.timeout(300)
FILE = Path(__file__).parent / "dags" / "watched_loads.py"
WHOLE = {"start": "earliest", "end": "latest", "create_table": True, "poll_timeout": 20}
ALL = ["plan", "load", "commit", "reconcile"]
ERROR = 2
SECRET = "planted-access-key-that-is-wrong"


@dataclass(frozen=True, slots=True)
class Ran:
    """What the tasks have left."""

    topic: str
    folder: Path
    states: dict[str, str]
    traces: Collector

    def events(self, dag_id: str, attempt: int = 1) -> list[str]:
        """Return what is in the log file of an attempt, as the page shows it: one event per line."""
        # In their order: which number the second one has is Airflow's own business.
        paths = sorted(self.folder.glob(f"home/logs/dag_id={dag_id}/**/attempt=*.log"))
        return [json.loads(line)["event"] for line in paths[attempt - 1].read_text().splitlines()]


@pytest.fixture(scope="module")
def ran(
    broker: Broker,
    endpoint: RunningEndpoint,
    make_topic: MakeTopic,
    send: Send,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Ran]:
    """Run each load once, and return what they have left."""
    topic, folder = make_topic(), tmp_path_factory.mktemp("sections")
    for value in (b'{"n": 1}', b'{"n": "no number"}', b'{"n": 3}'):
        send(topic, value)
    number = {"columns": {"n": "n"}, "column_types": {"n": "BIGINT"}}
    wanted: dict[str, dict[str, Any]] = {
        "good": {"partition": "ds=20261122"},
        "kept": {},
        "rejected": number,
        "tolerated": {**number, "max_rejects": 1},
        "no_plan": {"start": 7, "end": 9},
        "no_login": {"maxcompute_conn_id": "wrong"},
        "stopped": {},
        "killed": {},
    }
    loads = {
        name: {"topic": topic, "table": f"t_{uuid.uuid4().hex[:8]}", **WHOLE, **more} for name, more in wanted.items()
    }
    wrong = {
        "endpoint": endpoint.endpoint,
        "project": endpoint.project,
        "access_key_id": endpoint.access_id,
        "access_key_secret": SECRET,
    }
    with trace_collector() as traces:
        variables = {
            **environment(broker, endpoint),
            **traces.environment,
            "AIRFLOW_CONN_WRONG": json.dumps({"conn_type": "maxcompute", "extra": wrong}),
            "WATCHED_LOADS": json.dumps(loads),
        }
        yield Ran(topic, folder, supervised(folder, FILE, variables), traces)


def groups(events: list[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return what is in no group, and what is in each, as Airflow's page reads a log.

    >>> groups(["::group::a", "1", "::endgroup::", "2"])
    (['2'], {'a': ['1']})
    """
    opened: list[str] = []
    outside: list[str] = []
    inside: dict[str, list[str]] = {}
    for event in events:
        if "::group::" in event:
            opened.append(event.split("::group::")[1])
            inside.setdefault(opened[-1], [])
        elif "::endgroup::" in event:
            opened.pop()
        elif opened:
            inside[opened[-1]].append(event)
        else:
            outside.append(event)
    assert opened == [], "a group is not closed"
    return outside, inside


def ours(events: list[str]) -> list[str]:
    """Return the names of our groups in order."""
    return [name for name in groups(events)[1] if name not in {"Pre Execute", "Post Execute"}]


def test_what_became_of_the_loads(ran: Ran) -> None:
    """Those that are to succeed do, and the others do not."""
    good = {"good", "kept", "tolerated"}
    assert {name for name, state in ran.states.items() if state == "success"} == good
    assert {state for name, state in ran.states.items() if name not in good} <= {"failed", "running"}


def test_a_load_has_four_groups(ran: Ran) -> None:
    """What is between them is what one wants to know at a glance: the rows, and what limited the load."""
    outside, inside = groups(ran.events("good"))
    assert ours(ran.events("good")) == ALL
    assert any(line.startswith(f"window {ran.topic}") for line in inside["plan"])
    assert any(": loading 3 offsets" in line for line in inside["load"])
    assert any("the table shows 3 rows" in line for line in inside["reconcile"])
    assert any(line.startswith("3 rows are in ") for line in outside)
    assert len(outside) == 2


def test_a_kept_rerun_has_no_load_and_no_commit(ran: Ran) -> None:
    """It looks into its journal and at the table, and says between the two that nothing is loaded again."""
    outside, _ = groups(ran.events("kept", 2))
    assert ours(ran.events("kept", 2)) == ["plan", "reconcile"]
    assert ours(ran.events("kept", 1)) == ALL
    (line,) = outside
    assert line.startswith("3 rows are already there")


@pytest.mark.parametrize(
    ("dag_id", "sections"),
    [("rejected", ["plan", "load"]), ("no_plan", ["plan"]), ("no_login", ["plan"]), ("stopped", ["plan", "load"])],
)
def test_what_has_failed_is_in_no_group(ran: Ran, dag_id: str, sections: list[str]) -> None:
    """The group in which it failed is closed, so that Airflow's page does not fold the error."""
    events = ran.events(dag_id)
    assert ours(events) == sections
    outside, inside = groups(events)
    assert "Task failed with exception" in outside
    assert all("Task failed" not in line for lines in inside.values() for line in lines)


def test_a_warning_is_in_no_group(ran: Ran) -> None:
    """A load that succeeds without some of the records says so where nobody has to unfold it."""
    outside, inside = groups(ran.events("tolerated"))
    assert any("no number" in line for line in outside)
    assert all("no number" not in line for line in inside["load"])


def test_a_process_that_was_killed_leaves_its_group_open(ran: Ran) -> None:
    """Nobody is left to close it: what Airflow's supervisor says of the end is in it, as the page says."""
    events = ran.events("killed")
    with pytest.raises(AssertionError, match="a group is not closed"):
        groups(events)
    _, inside = groups([*events, "::endgroup::"])
    assert inside["load"][-1].startswith("Process terminated by signal")


def test_the_spans_are_below_the_tasks(ran: Ran) -> None:
    """One after the other, with what is known of the load by then."""
    spans = ran.traces.of("good")
    assert list(spans) == ["worker.load", *(f"kafka_odps.{section}" for section in ALL)]
    place = {
        "messaging.system": "kafka",
        "messaging.destination.name": ran.topic,
        "db.system.name": "maxcompute",
        "kafka_odps.mode": "append",
        "kafka_odps.partition": "ds=20261122",
        "kafka_odps.window.span": 3,
    }
    assert all(place.items() <= spans[f"kafka_odps.{section}"].attributes.items() for section in ALL)
    assert "kafka_odps.rows" not in spans["kafka_odps.plan"].attributes
    for section in ALL[1:]:
        found = spans[f"kafka_odps.{section}"].attributes
        assert (found["kafka_odps.rows"], found["kafka_odps.rejects"], found["kafka_odps.blocks"]) == (3, 0, 1)
        assert found["kafka_odps.bytes"] > 0
        assert found["kafka_odps.upload_id"]
    assert spans["kafka_odps.commit"].attributes["kafka_odps.commit"] == "answered"
    assert spans["kafka_odps.reconcile"].attributes["kafka_odps.reconciled"] == "offsets"
    assert all(span.status != ERROR for span in spans.values())


@pytest.mark.parametrize(
    ("dag_id", "section", "error"),
    [
        ("rejected", "load", "RecordsRejected"),
        ("no_plan", "plan", "LogTooShort"),
        ("no_login", "plan", "InvalidConnection"),
        ("stopped", "load", "Cancelled"),
    ],
)
def test_an_error_is_told_by_its_class_alone(ran: Ran, dag_id: str, section: str, error: str) -> None:
    """The span in which it was raised has the status ERROR; no text, which may show parts of records."""
    *_, last = ran.traces.of(dag_id).values()
    assert (last.name, last.status, last.message, last.events) == (f"kafka_odps.{section}", ERROR, error, 0)
    assert last.attributes["error.type"] == error


def test_no_span_has_a_secret_or_a_record(ran: Ran) -> None:
    """Neither the key of the connection, nor what a record has in it."""
    told = repr(ran.traces.spans)
    assert SECRET not in told
    assert "no number" not in told
