"""The page of a task instance, in a browser, against made-up answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from kit.airflow_home import ROOT
from kit.browser import needs_browser
from ui.airflow_double import AirflowDouble
from ui.made_up import (
    DAG,
    HOSTILE,
    Loaded,
    hours,
    instance_of,
    journal_of,
    progress_of,
    receipt_of,
    run_of,
    window_of,
)
from ui.seen import PHONE, Looking

from airflow_provider_kafka_odps.core.accounting.counts import Counts, RejectsUpload
from airflow_provider_kafka_odps.core.journal.entry import Phase
from airflow_provider_kafka_odps.core.journal.short_text import short_lines
from airflow_provider_kafka_odps.core.window.window import Window

pytestmark = needs_browser

MILLION = 1_000_000
RECORDS = [MILLION, 500_000, 333_333]
"""Of an hour, in each partition."""


def hour_of(hour: int) -> Window:
    """Return the window of an hour."""
    return window_of(hour, {number: (hour * its, (hour + 1) * its) for number, its in enumerate(RECORDS)}, lag=500)


WINDOW = hour_of(10)
SOME_ODD = {1: Counts(499_000, 3, 997, control=7, compacted=990, late=12)}
DONE = receipt_of(WINDOW, SOME_ODD, rejected_to=RejectsUpload("shop.rejects", "r1", 1, 3))
EXPIRED = (
    "OffsetsExpired: orders[1]: the window starts at 5000000 but the log starts at 5400000; 400000 offsets were "
    "deleted before they were loaded. Raise the topic's retention, and clear the task with on_data_loss='skip' to load "
    "what is left\nNothing of this load is visible; when this is corrected, clear the task: it loads the same window"
)
FAILED = ("AirflowFailException", short_lines(EXPIRED, "AirflowFailException: "))


def loads_around() -> list[Loaded]:
    """Return the loads of the hour before and the hour after."""
    return [Loaded(receipt_of(hour_of(hour)), hour) for hour in (9, 11)]


def done(airflow: AirflowDouble) -> None:
    """Have the load be done."""
    airflow.answers.loads(loads_around())
    airflow.answers.task(instance_of("success"), journal_of(Phase.COMMITTED, WINDOW, DONE), DONE.to_json())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_load_that_is_done(airflow: AirflowDouble, looking: Looking, tmp_path: Path, scheme: str) -> None:
    """One look says what is in the table; then what became of each offset, how fast and why, and the neighbours."""
    done(airflow)
    with looking(airflow.task_page(), scheme=scheme) as seen:
        seen.until("Neighbours")
        seen.is_sound()
        title, *rest = seen.find("document.querySelector('.verdict').innerText").splitlines()
        assert "Loaded: 1\u202f832\u202f333 rows of 2026-11-22 10:00 \u2192 11:00 UTC" in title + "".join(rest)
        for words in (
            "The table shows every one of them, compared by offsets.",
            "3 records did not fit the table, kept in shop.rejects.",
            "499\u202f000 rows, 3 rejected, 990 removed by compaction, 7 transaction markers",
            "8 lanes of 9.8 MB/s each",
            "What limited it: MaxCompute took 9.8 MB/s of each block",
            "[5000000, 5500000)",
        ):
            assert words in seen.text
        assert seen.text.count("meets this window") == 2
        assert seen.find("document.querySelector('.slowest th').innerText") == "write"
        background = seen.find("getComputedStyle(document.documentElement).backgroundColor")
        assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(11, 15, 25)")
        seen.picture(f"task-done{'-dark' if scheme == 'dark' else ''}", tmp_path)


def test_a_load_that_failed(airflow: AirflowDouble, looking: Looking, tmp_path: Path) -> None:
    """Which window, what the table shows, why, and what to do: in sight, and without a log."""
    airflow.answers.loads(loads_around()[:1])
    airflow.answers.task(instance_of("failed"), journal_of(Phase.UPLOADING, WINDOW), error=FAILED)
    with looking(airflow.task_page()) as seen:
        seen.until("Neighbours")
        seen.is_sound()
        verdict = seen.find("document.querySelector('.verdict.bad').innerText")
        assert [line for line in verdict.splitlines() if line.strip()] == [
            "\u2715Failed: nothing was committed",
            "No row of this load is visible in shop.orders_hourly.",
            "Why",
            "OffsetsExpired",
            f"{EXPIRED.split('. ', maxsplit=1)[0].removeprefix('OffsetsExpired: ')}.",
            "Raise the topic's retention, and clear the task with on_data_loss='skip' to load what is left",
            "What to do",
            "When the cause is corrected, clear this task: it loads the same window again, the whole of it, once.",
        ]
        assert "partition 1 \u2715" in seen.text, "the partition that the error names"
        assert seen.find("document.querySelector('.next').getBoundingClientRect().bottom") < 600, "without scrolling"
        seen.picture("task-failed", tmp_path)


def test_a_load_that_runs(airflow: AirflowDouble, looking: Looking, tmp_path: Path) -> None:
    """It says how far it is, and moves: the page asks again, until the load is done."""
    entry = journal_of(Phase.UPLOADING, WINDOW)
    now = datetime.now(UTC)
    airflow.answers.task(instance_of("running"), entry, progress=progress_of(WINDOW, 0.2, entry["upload_id"], now))
    with looking(airflow.task_page()) as seen:
        seen.is_sound()
        share = seen.find("document.querySelector('progress').value")
        assert seen.find("document.querySelector('#root').dataset.asksAgain") == "true"
        assert 0.1 < share < 0.9
        assert "about" in seen.text
        assert "No row of this load is visible in shop.orders_hourly." in seen.text
        seen.picture("task-running", tmp_path)
        more = progress_of(WINDOW, 0.9, entry["upload_id"], now)
        airflow.answers.task(instance_of("running"), entry, progress=more)
        seen.page.until(f"document.querySelector('progress').value > {share}", 30)
        done(airflow)
        seen.until("Loaded: ")
        seen.page.until("document.querySelector('#root').dataset.asksAgain === 'false'", 30)


def test_progress_of_an_earlier_upload_says_nothing(airflow: AirflowDouble, looking: Looking) -> None:
    """What an attempt before has left is not how far this one is."""
    airflow.answers.task(
        instance_of("running", try_number=2),
        journal_of(Phase.UPLOADING, WINDOW),
        progress=progress_of(WINDOW, 0.9, "another", datetime.now(UTC)),
    )
    with looking(airflow.task_page()) as seen:
        seen.until("Loading \u2026")
        assert seen.find("document.querySelector('progress')") is None


PHASES: list[tuple[Phase, dict[str, Any], str, str]] = [
    (Phase.PLANNED, {}, "bad", "No row of this load is visible"),
    (Phase.UPLOADING, {}, "bad", "No row of this load is visible"),
    (Phase.PUBLISHING, {}, "bad", "Its rejects may be."),
    (Phase.COMMITTING, {}, "doubt", "In doubt: upload upload-2026112211 was being committed; its rows may be in"),
    (Phase.REPLACING, {"removing": True, "replaces": DONE}, "bad", "Rows of an earlier load may be removed"),
    (Phase.UPLOADING, {"replaces": DONE}, "bad", "The rows of an earlier load are as they were"),
    (Phase.COMMITTED, {}, "warn", "1\u202f832\u202f333 rows of this window are visible, committed once."),
]


@pytest.mark.parametrize(("phase", "more", "tone", "means"), PHASES)
def test_what_a_failure_means_for_the_table(
    airflow: AirflowDouble, looking: Looking, phase: Phase, more: dict[str, Any], tone: str, means: str
) -> None:
    """It depends on how far the load was; where it is in doubt, nobody is told to forget the window."""
    airflow.answers.task(instance_of("failed"), journal_of(phase, WINDOW, DONE, **more), error=("RuntimeError", "no"))
    with looking(airflow.task_page()) as seen:
        seen.is_sound()
        verdict = seen.find(f"document.querySelector('.verdict.{tone}').innerText")
        assert means in verdict
        assert "RuntimeError" in verdict
        assert "Clear this task" in verdict or "clear this task" in verdict
        assert ("Do not forget the recorded window" in verdict) == (phase in (Phase.COMMITTING, Phase.REPLACING))


@pytest.mark.parametrize(
    ("instance", "journal", "title"),
    [
        (instance_of("failed"), None, "Failed before a window was planned"),
        (instance_of("failed"), {"version": 1, "phase": "planning"}, "Failed before a window was planned"),
        (instance_of("up_for_retry"), journal_of(Phase.UPLOADING, WINDOW), "Try 1 has failed; Airflow tries again"),
        (instance_of("queued"), None, "Waiting for Airflow: the task is queued"),
        (instance_of("running"), {"version": 1, "phase": "planning"}, "Planning the window"),
        (instance_of("running"), journal_of(Phase.COMMITTING, WINDOW), "Committing"),
        (instance_of("success"), None, "This task has recorded no window of Kafka offsets"),
        (instance_of("skipped"), None, "Nothing has run yet"),
        (instance_of(None), None, "Nothing has run yet"),
        (instance_of("success"), {"__var": "elsewhere"}, "This window is kept elsewhere"),
        (404, None, "Airflow has no such task instance"),
        (401, None, "Log in to Airflow first"),
        (403, None, "You may not see this task"),
        (500, None, "Airflow did not answer"),
    ],
)
def test_every_state_has_its_words(
    airflow: AirflowDouble, looking: Looking, instance: Any, journal: Any, title: str
) -> None:
    """Whatever Airflow says, the page says what is the case, and nothing of it is an error of the page."""
    airflow.answers.task(instance, journal)
    with looking(airflow.task_page()) as seen:
        assert title in seen.text
        seen.is_sound()


def test_a_process_that_was_killed_has_no_error(airflow: AirflowDouble, looking: Looking) -> None:
    """Nothing in the log says why: it was stopped from outside, and the page says so."""
    airflow.answers.task(instance_of("failed"), journal_of(Phase.UPLOADING, WINDOW))
    with looking(airflow.task_page()) as seen:
        assert "The log of try 1 has no error: the process was killed from outside" in seen.text


def test_who_may_not_read_everything_sees_the_rest(airflow: AirflowDouble, looking: Looking) -> None:
    """Without the right to XCom, to the state store or to logs, what is left is shown, and what is not is named."""
    airflow.answers.task(instance_of("failed"), journal_of(Phase.UPLOADING, WINDOW), 403, error=FAILED)
    path = f"dags/{DAG}/dagRuns/{run_of(10)}/taskInstances/load"
    for hidden in ("xcomEntries/window", "xcomEntries/return_value", "logs/1"):
        airflow.answers.by_path[f"{path}/{hidden}"] = 403
    with looking(airflow.task_page()) as seen:
        assert "Failed: nothing was committed" in seen.text
        assert "Not known here: the log, which you may not read." in seen.text
        assert "You may not read XCom." in seen.text
        seen.is_sound()
    for hidden in ("state-store/kafka_to_maxcompute", "state-store/progress"):
        airflow.answers.by_path[f"{path}/{hidden}"] = 403
    airflow.answers.by_path[path] = instance_of("success")
    with looking(airflow.task_page()) as seen:
        assert "You may not see this window" in seen.text
        assert "the right to read XCom and the task's state store of this DAG" in seen.text


def test_three_hundred_partitions(airflow: AirflowDouble, looking: Looking, tmp_path: Path) -> None:
    """Those that are worth a look come first: where something was lost, then where something did not fit."""
    window = window_of(10, {number: (0, 40_000 + number) for number in range(300)})
    odd = {217: Counts(39_000, 0, 0, missing=1_217), 44: Counts(40_040, 4, 0)}
    receipt = receipt_of(window, odd, missing=("orders[217]@[0, 1217)",))
    airflow.answers.task(instance_of("success"), journal_of(Phase.COMMITTED, window, receipt), receipt.to_json())
    with looking(airflow.task_page()) as seen:
        labels = "[...document.querySelectorAll('.bars tbody th')].map(each => each.innerText)"
        assert seen.find(labels)[:3] == ["partition 217", "partition 44", "partition 299"]
        assert "1\u202f217 offsets were lost before they could be loaded: orders[217]@[0, 1217)." in seen.text
        seen.picture("task-300", tmp_path)
        seen.page.click("document.querySelector('#all-partitions')")
        seen.page.until(f"{labels}.length >= 300", 10)
        assert seen.find(labels)[:3] == ["partition 0", "partition 1", "partition 2"]
        assert seen.find("document.activeElement.id") == "all-partitions", "where the reader was"
        seen.is_sound()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(airflow: AirflowDouble, looking: Looking, tmp_path: Path, scheme: str) -> None:
    """Nothing is wider than the screen, and the verdict is the first thing that is seen."""
    airflow.answers.task(instance_of("failed"), journal_of(Phase.UPLOADING, WINDOW), error=FAILED)
    with looking(airflow.task_page(), PHONE, scheme) as seen:
        seen.is_sound()
        assert seen.find("document.querySelector('.next').getBoundingClientRect().bottom") < 844
        seen.picture(f"task-phone{'-dark' if scheme == 'dark' else ''}", tmp_path)


def test_names_are_hostile(airflow: AirflowDouble, looking: Looking) -> None:
    """Topic, table, partition, run, error, and all that is written: markup in a name is text, wherever it stands."""
    window = window_of(10, {0: (0, 10)}, topic=HOSTILE)
    window = replace(
        window,
        start=replace(window.start, asked=HOSTILE, source=HOSTILE),
        cluster_id=HOSTILE,
        possibly_missing=(HOSTILE,),
        left_out=(HOSTILE,),
    )
    receipt = receipt_of(
        window,
        table=HOSTILE,
        partition=HOSTILE,
        limit=HOSTILE,
        missing=(HOSTILE,),
        upload_id=HOSTILE,
        differs=(HOSTILE,),
    )
    airflow.answers.loads([replace(each, dag_id=HOSTILE, receipt=receipt) for each in hours([9], 1)])
    written = {**receipt.to_json(), "commit": HOSTILE, "reconciled": HOSTILE}
    airflow.answers.task(
        instance_of("success"), {**journal_of(Phase.COMMITTED, window, receipt), "mode": HOSTILE}, written
    )
    with looking(airflow.task_page()) as seen:
        seen.page.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert seen.text.count(HOSTILE) > 8
        seen.is_sound()
    airflow.answers.task(
        {**instance_of("failed"), "operator_name": HOSTILE},
        {**journal_of(Phase.COMMITTING, window, receipt), "upload_id": HOSTILE},
        error=(HOSTILE, HOSTILE),
    )
    with looking(airflow.task_page()) as seen:
        assert seen.text.count(HOSTILE) > 4
        seen.is_sound()


def test_hostile_names_in_the_address(airflow: AirflowDouble, looking: Looking) -> None:
    """What the address names is asked for as one name, and shown as text."""
    named = quote(HOSTILE, safe="")
    with looking(f"{airflow.root}/kafka-odps/task.html?dag_id={named}&run_id=..%2F..&task_id={named}") as seen:
        assert "Airflow has no such task instance" in seen.text
        assert HOSTILE in seen.text
        seen.is_sound()
    with looking(f"{airflow.root}/kafka-odps/task.html?dag_id=..&run_id=..&task_id=.") as seen:
        assert "Airflow has no such task instance" in seen.text
    assert [path for path in airflow.answers.asked if not path.startswith("dags/")] == []


def test_an_address_without_a_task(airflow: AirflowDouble, looking: Looking) -> None:
    """Whoever opens the bare page is told where it is opened from."""
    with looking(f"{airflow.root}/kafka-odps/task.html") as seen:
        assert "This page is opened from a task instance" in seen.text
        seen.is_sound()


def test_by_the_keyboard(airflow: AirflowDouble, looking: Looking) -> None:
    """Links, tables and what may be opened are reached by the tab key, in the order in which they are read."""
    done(airflow)
    with looking(airflow.task_page()) as seen:
        seen.until("Neighbours")
        reached = []
        for _ in range(7):
            seen.page.press("Tab", 9)
            reached.append(seen.find("(document.activeElement.innerText || '').split('\\n')[0].slice(0, 40)"))
        assert reached[:2] == ["load", DAG]
        assert reached[-1].endswith("Receipt, and where the window came from")
        seen.page.press("Enter", 13)
        seen.page.until("document.querySelector('#details').open", 10)
        assert "the service said so when it was asked to commit" in seen.text


def test_what_is_seen_can_be_heard(airflow: AirflowDouble, looking: Looking) -> None:
    """Every part has a name, every table a caption, and no picture is without words beside it."""
    done(airflow)
    with looking(airflow.task_page()) as seen:
        seen.until("Neighbours")
        unnamed = "[...document.querySelectorAll('section, [role=region]')].filter(e => !e.getAttribute('aria-label'))"
        assert seen.find(f"{unnamed}.length") == 0
        assert seen.find("[...document.querySelectorAll('table')].every(each => each.caption?.innerText)") is True
        assert seen.find("document.querySelectorAll('svg:not([aria-hidden=true])').length") == 0
        assert seen.find("document.documentElement.lang") == "en"
        assert seen.find("document.querySelectorAll('h1').length") == 1


def test_inside_airflows_frame(airflow: AirflowDouble, looking: Looking) -> None:
    """It has the colours of the page around it, and its link to the task leads that page, not the frame, elsewhere."""
    done(airflow)
    page = airflow.task_page()
    with looking_at_frame(airflow, looking, page) as seen:
        inner = "document.querySelector('iframe').contentDocument"
        seen.page.until(f"{inner}?.querySelector('.verdict.good')", 30)
        assert seen.find(f"{inner}.documentElement.dataset.theme") == "dark"
        seen.page.value("document.documentElement.className = 'light'")
        seen.page.until(f"{inner}.documentElement.dataset.theme === 'light'", 10)
        seen.page.value(f"{inner}.querySelector('.where a').click()")
        seen.page.until("document.body.innerText.includes('own page')", 30)
        path = f"/dags/{DAG}/runs/{quote(run_of(10), safe='')}/tasks/load"
        assert seen.find("location.href") == f"{airflow.root}{path}"


def looking_at_frame(airflow: AirflowDouble, looking: Looking, page: str) -> Any:
    """Open a page of Airflow with the page in its frame."""
    return looking(
        f"{airflow.root}/outer?theme=dark&src={quote(page, safe='')}", drawn="document.querySelector('iframe')"
    )


def test_a_receipt_of_an_earlier_release(airflow: AirflowDouble, looking: Looking) -> None:
    """What it does not know is left out."""
    written = json.loads((ROOT / "tests" / "project" / "written_before" / "receipt.json").read_text())
    journal = {**written, "phase": "committed", "topic": "orders", "receipt": written}
    airflow.answers.task(instance_of("success"), journal, written)
    with looking(airflow.task_page()) as seen:
        assert "Loaded: " in seen.text
        assert "undefined" not in seen.text
        assert "NaN" not in seen.text
        seen.is_sound()


def test_the_journal_alone_is_enough(airflow: AirflowDouble, looking: Looking) -> None:
    """Where XCom was cleared, or is kept elsewhere, the task's state store has the receipt."""
    airflow.answers.task(instance_of("success"), journal_of(Phase.COMMITTED, WINDOW, DONE))
    with looking(airflow.task_page()) as seen:
        assert "Loaded: 1\u202f832\u202f333 rows" in seen.text
        seen.is_sound()
