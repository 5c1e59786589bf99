"""The pages in a real Airflow, below a path: tabs, link, and what they show of real loads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import MakeTopic
from delivery.scene import environment
from demo.broker import Broker
from kit.airflow_pages import open_log
from kit.airflow_service import AirflowService, running_airflow
from kit.browser import Page, browsing, needs_browser
from kit.kafka_topics import producer

from airflow_provider_kafka_odps.local.testing import RunningEndpoint

pytestmark = [pytest.mark.timeout(900), needs_browser]
_SIZE = (1400, 1000)


@dataclass(frozen=True)
class Looked:
    """An Airflow with a topic to load, and a browser in which somebody is logged in."""

    airflow: AirflowService
    topic: str
    page: Page

    def run(self, dag_id: str, start: int, end: int) -> str:
        """Trigger a load of some offsets, and return the id of its run."""
        return self._trigger(dag_id, {0: start}, {0: end})

    def run_slowly(self) -> str:
        """Trigger a load of nine partitions, that takes a while."""
        return self._trigger("watched", dict.fromkeys(range(1, 10), 0), dict.fromkeys(range(1, 10), 10))

    def _trigger(self, dag_id: str, start: Mapping[int, int], end: Mapping[int, int]) -> str:
        bounds = {"start": json.dumps(start), "end": json.dumps(end), "partitions": ",".join(map(str, start))}
        return self.airflow.trigger(dag_id, {"topic": self.topic, **bounds})

    def open(self, path: str) -> None:
        """Open a page of Airflow."""
        self.page.open(f"{self.airflow.url}/{path}", *_SIZE, mobile=False)

    def bare(self, dag_id: str, run_id: str) -> str:
        """Return the path of the page of a run's load, as the link has it."""
        return f"kafka-odps/task.html?dag_id={dag_id}&run_id={quote(run_id, safe='')}&task_id=load"

    def reads(self, *texts: str, framed: bool = False) -> None:
        """Wait until these can be read, in the page or in the frame in it."""
        body = "(document.querySelector('iframe')?.contentDocument ?? {}).body" if framed else "document.body"
        for text in texts:
            self.page.until(f"({body}?.innerText ?? '').includes({json.dumps(text)})", 60)


@pytest.fixture(scope="module")
def looked(broker: Broker, endpoint: RunningEndpoint, make_topic: MakeTopic) -> Iterator[Looked]:
    """Return it, with sixty records, of which one does not fit the table, and some in each of nine partitions more."""
    topic = make_topic(10)
    sender = producer(broker.bootstrap_servers)
    for number in range(60):
        value: Any = "no number" if number == 45 else number
        sender.produce(topic, json.dumps({"n": value, "x": "x" * 20}).encode(), partition=0)
    for number in range(90):
        sender.produce(topic, json.dumps({"n": number, "x": "x" * 20}).encode(), partition=1 + number % 9)
    assert sender.flush(60) == 0
    dags = {"pages": Path(__file__).parent / "dags"}
    # Tasks wait for an API server that has much else to do.
    settings = environment(broker, endpoint) | {"AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60"}
    with (
        running_airflow(dags, settings, path="/data/airflow") as airflow,
        browsing(800) as page,
    ):
        looked = Looked(airflow, topic, page)
        # Airflow logs in whoever opens its own page, as it is set up here; the bare pages do not.
        looked.open("dags")
        looked.reads("looked_at")
        yield looked


@pytest.fixture(scope="module")
def loaded(looked: Looked) -> str:
    """Return a run that has loaded the first thirty records."""
    run_id = looked.run("looked_at", 0, 30)
    ended = looked.airflow.await_run("looked_at", run_id)
    assert ended == "success", looked.airflow.log(("looked_at", run_id, "load"), 1)
    return run_id


@pytest.fixture(scope="module")
def failed(looked: Looked, loaded: str) -> str:
    """Return a run that was to load the next ones, behind a hole, and failed."""
    del loaded
    run_id = looked.run("looked_at", 40, 50)
    assert looked.airflow.await_run("looked_at", run_id) == "failed"
    return run_id


def test_the_tab_of_a_task_shows_its_window(looked: Looked, loaded: str, tmp_path: Path) -> None:
    """The tab stands in the page of the task instance, and its frame shows what was loaded."""
    looked.open(f"dags/looked_at/runs/{quote(loaded)}/tasks/load/plugin/kafka-window")
    looked.reads("Loaded: 30 rows", f"{looked.topic} \u2192 ", "compared by offsets", framed=True)
    looked.page.picture(tmp_path / "tab.png")


def test_the_link_leads_to_the_bare_page(looked: Looked, loaded: str) -> None:
    """Whoever may not see tabs of plugins finds it among the extra links, in a deployment under a path, too."""
    looked.open(f"dags/looked_at/runs/{quote(loaded)}/tasks/load/details")
    link = "document.querySelector('a[href*=\"task.html\"]')"
    looked.page.until(link, 60)
    assert looked.page.value(f"{link}.href") == f"{looked.airflow.url}/{looked.bare('looked_at', loaded)}"
    looked.open(looked.bare("looked_at", loaded))
    looked.reads("Loaded: 30 rows", "Receipt, and where the window came from")


def test_a_failed_load_says_why(looked: Looked, failed: str) -> None:
    """The reason is that of the real log, and the state of the table that of the real journal."""
    looked.open(looked.bare("looked_at", failed))
    looked.reads("Failed: nothing was committed", "No row of this load is visible", "RecordsRejected")
    looked.reads("45", "What to do", "clear this task")


def test_a_load_that_runs_is_seen_to_move(looked: Looked) -> None:
    """What the task writes into its state store every ten seconds is on the page while it loads."""
    run_id = looked.run_slowly()
    looked.airflow.await_task(("watched", run_id, "load"), lambda seen: seen["state"] == "running")
    looked.open(looked.bare("watched", run_id))
    looked.reads("rows so far", "No row of this load is visible")
    looked.airflow.mark(("watched", run_id, "load"), "failed")


def test_the_log_is_folded(looked: Looked, loaded: str) -> None:
    """Four groups, and between them what nobody has to unfold; a click shows what is in one."""
    open_log(looked.page, looked.airflow, ("looked_at", loaded, "load"), "What limited it")
    shown = str(looked.page.value("document.body.innerText"))
    order = ["plan", "load", "commit", "30 rows are in", "reconcile", "What limited it", "Post Execute"]
    places = [shown.find(text if " " in text else f"\u25b6 {text}") for text in order]
    assert sorted(places) == places, shown
    assert places[0] > 0, shown
    assert "loading 30 offsets" not in shown
    looked.page.click("[...document.querySelectorAll('*')].findLast(e => e.innerText?.trim() === '\u25b6 load')")
    looked.reads("loading 30 offsets")


def test_the_error_of_a_failed_load_is_in_no_group(looked: Looked, failed: str) -> None:
    """Whoever opens the log of a task that has failed reads why, and what to do, without a click."""
    open_log(looked.page, looked.airflow, ("looked_at", failed, "load"), "RecordsRejected")
    looked.reads("offset 45", "\u25b6 load")


def test_the_pages_of_a_dag_and_of_all_tables(looked: Looked, failed: str) -> None:
    """The tab of the DAG has the load that is done and the one that failed; the page under Browse has the table."""
    del failed
    looked.open("dags/looked_at/plugin/kafka-windows")
    looked.reads("1 load has failed; the others have no hole and no overlap", framed=True)
    looked.open("plugin/kafka-odps")
    looked.reads("Kafka to MaxCompute", "looked_at", framed=True)
