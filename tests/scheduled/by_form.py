"""The forms of the example DAGs, in a browser: what a person sees, types and clicks."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from kit.airflow_pages import open_log
from kit.airflow_service import AirflowService
from kit.browser import Page, browser_is_there, browsing
from scheduled.history import History

_SUBMIT = "document.querySelector('[data-testid=trigger-dag-submit]')"
_EDITOR = "document.querySelector('#element_ranges .view-lines')"
# High enough for a form and its complaints: Airflow's notices cover the lower corner, and the button with it.
_SIZE = (1280, 2000)


@dataclass(frozen=True)
class Form:
    """The form of a DAG, open in a browser."""

    page: Page
    airflow: AirflowService
    dag_id: str

    def open(self) -> None:
        """Open the DAG's page, and click *Trigger*."""
        self.page.open(f"{self.airflow.url}/dags/{self.dag_id}", *_SIZE, mobile=False)
        self.page.click("document.querySelector('[data-testid=trigger-dag-button]')")
        self.page.until(_SUBMIT)
        self.page.until("document.querySelector('[id^=element_], [name^=element_]')")

    def fill(self, **fields: str) -> None:
        """Type a text into each of these fields."""
        for name, text in fields.items():
            self.page.fill(f"document.querySelector('input[name=element_{name}]')", text)

    def await_sendable(self, *, sendable: bool) -> None:
        """Wait until the form can be sent, or cannot."""
        self.page.until(f"{_SUBMIT}.disabled === {str(not sendable).lower()}")

    def is_refused(self, field: str, complaint: str) -> None:
        """Send the form, and wait until it says what is wrong with a field."""
        self.page.click(_SUBMIT)
        shown = "[...document.querySelectorAll('[role=dialog]')].map(each => each.innerText).join()"
        self.page.until(f"{shown}.includes({json.dumps(f'Invalid input for param {field}: {complaint}')})")

    def send(self, **conf: Any) -> dict[str, Any]:
        """Send the form, wait until a run with this conf has ended, and return the run."""
        self._submit()
        found = self.airflow.until(
            lambda: [run for run in self.runs() if run["conf"] == conf],
            complaint=lambda: f"{self.dag_id} has no run with {conf}: {self.runs()}",
        )
        self.airflow.await_run(self.dag_id, found[0]["dag_run_id"], 900)
        return self.airflow.run(self.dag_id, found[0]["dag_run_id"])

    def _submit(self) -> None:
        """Click until the dialog has gone: a click into a form that is still being drawn is lost."""
        for _ in range(5):
            self.page.click(_SUBMIT)
            with suppress(AssertionError):
                self.page.until(f"!{_SUBMIT}", 20)
                return
        pytest.fail(f"the form of {self.dag_id} cannot be sent")

    def runs(self) -> list[dict[str, Any]]:
        """Return the DAG's runs; another history may have some, too."""
        listed: list[dict[str, Any]] = self.airflow.call("GET", f"dags/{self.dag_id}/dagRuns")["dag_runs"]
        return listed


def backfill_kafka_to_maxcompute(history: History, random: Random) -> None:
    """Open each form: it can be sent as it opens, and what is wrong is refused before there is a run."""
    if not browser_is_there():
        pytest.skip("the browser is for Linux on x86_64, and CHROMIUM names no other")
    for partition in (0, 1):
        history.records.send([random.uniform(0, 1) for _ in range(3)], partition)
    with browsing(1200) as page:
        _backfill(Form(page, history.airflow, history.dag_id), history)
        _ranges(Form(page, history.airflow, "ranges_kafka_to_maxcompute"))
        _waiting(Form(page, history.airflow, "waiting_kafka_to_maxcompute"))


def _backfill(form: Form, history: History) -> None:
    form.open()
    form.await_sendable(sendable=True)
    form.fill(partitions="0;1")
    form.is_refused("partitions", "'0;1' does not match")
    form.fill(partitions="", start="2026-11-29 10:00")
    form.is_refused("start", "'2026-11-29 10:00' does not match")
    assert form.runs() == []
    form.fill(start="")
    form.await_sendable(sendable=False)
    form.fill(start="earliest")
    form.await_sendable(sendable=True)
    run = form.send(topic=history.name, table=history.name, start="earliest", end="latest", partitions=None)
    assert run["state"] == "success"
    history.check_rows()


def _ranges(form: Form) -> None:
    form.open()
    form.page.until(f"{_EDITOR} && {_EDITOR}.innerText.includes('0')")
    form.await_sendable(sendable=True)
    run = form.send(ranges={"0": [0, 0]}, piece=10_000_000)
    assert run["state"] == "success"
    # In sight, and not only in the log: what a task prints, and why it is skipped, may be folded away.
    open_log(form.page, form.airflow, (form.dag_id, run["dag_run_id"], "split"), "ranges names no offset")

    form.open()
    form.page.fill(_EDITOR, '{"0": [0, 3')
    form.await_sendable(sendable=False)
    form.page.fill(_EDITOR, '{"0": [0, 1, 2]}')
    form.await_sendable(sendable=True)
    form.is_refused("ranges", "[0, 1, 2] is too long")


def _waiting(form: Form) -> None:
    form.open()
    form.await_sendable(sendable=True)
    form.fill(new_offsets="")
    form.await_sendable(sendable=False)
    form.fill(new_offsets="7")
    form.await_sendable(sendable=True)
