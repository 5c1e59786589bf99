"""The pages of windows, in a browser, against made-up answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from kit.browser import needs_browser
from ui.airflow_double import AirflowDouble
from ui.made_up import DAG, HOSTILE, Loaded, hours, instance_of, journal_of, receipt_of, run_of, window_of
from ui.seen import PHONE, Looking, Seen

from airflow_provider_kafka_odps.core.accounting.counts import Counts
from airflow_provider_kafka_odps.core.journal.entry import Phase

pytestmark = needs_browser


def unfinished(airflow: AirflowDouble, load: Loaded, state: str) -> None:
    """Have the run of an hour not be done, although it has planned its window."""
    instance = {**instance_of(state), "dag_run_id": run_of(load.hour)}
    path = f"dags/{DAG}/dagRuns/~/taskInstances"
    known = airflow.answers.by_path.get(path, {"task_instances": []})["task_instances"]
    airflow.answers.by_path[path] = {"task_instances": [*known, instance], "total_entries": len(known) + 1}
    airflow.answers.task(instance, journal_of(Phase.UPLOADING, load.receipt.window), hour=load.hour)


def title(seen: Seen) -> str:
    """Return what is the case, in one sentence."""
    return str(seen.find("document.querySelector('.verdict h1').lastChild.textContent"))


@pytest.mark.parametrize(("scheme", "name"), [("light", "windows"), ("dark", "windows-dark")])
def test_windows_that_tile_the_log(
    airflow: AirflowDouble, looking: Looking, tmp_path: Path, scheme: str, name: str
) -> None:
    """Ten windows of three partitions: complete, up to when, and how many offsets are behind them."""
    airflow.answers.loads(hours(range(10), 3))
    with looking(airflow.windows_page(), scheme=scheme) as seen:
        assert title(seen) == "Complete up to 2026-11-22 10:00 UTC: no hole, no overlap"
        assert "10 windows cover 18\u202f330 offsets, each of them once." in seen.text
        assert "1\u202f500 offsets" in seen.text, "the lag"
        seen.is_sound()
        seen.picture(name, tmp_path)


def test_a_failed_load_leaves_a_hole(airflow: AirflowDouble, looking: Looking, tmp_path: Path) -> None:
    """The hole is named by its offsets, with the run that should have had them, and a link to it."""
    loads = hours(range(48), 12)
    airflow.answers.loads(loads[:30] + loads[31:])
    unfinished(airflow, loads[30], "failed")
    unfinished(airflow, hours([48], 12)[0], "running")
    airflow.answers.by_path["assets/7/state-store"] = {
        "asset_state_store": [
            {
                "key": f"cut:5L6g3nShT-eMCtK--X86sw:orders:2026-11-22T{hour:02}:00:00Z:end",
                "value": {"offsets": {"0": 1000 * hour}, "run_id": run_of(hour)},
                "updated_at": "2026-11-22T01:00:07Z",
            }
            for hour in range(3)
        ],
        "total_entries": 3,
    }
    with looking(airflow.windows_page()) as seen:
        assert title(seen) == "4\u202f874 offsets are missing: the load between others has failed"
        assert "orders[0]@[30000, 31000), orders[1]@[15000, 15500), orders[2]@[9990, 10323), and 9" in seen.text
        assert f"Run {run_of(30)} has failed there." in seen.text
        assert "1 load runs or waits." in seen.text
        assert "3 boundary instants remembered, with their offsets" in seen.text
        link = "[...document.querySelectorAll('li a')].find(each => each.innerText.startsWith('scheduled__'))"
        run_id = quote(run_of(30), safe="")
        assert seen.find(f"{link}.href") == (
            f"{airflow.root}/kafka-odps/task.html?dag_id={DAG}&run_id={run_id}&task_id=load"
        )
        seen.is_sound()
        seen.picture("windows-hole", tmp_path, 940)


def test_a_load_that_failed_at_the_end(airflow: AirflowDouble, looking: Looking) -> None:
    """It leaves no hole yet, and is the first thing to be read all the same."""
    airflow.answers.loads(hours(range(5), 3))
    unfinished(airflow, hours([5], 3)[0], "failed")
    with looking(airflow.windows_page()) as seen:
        assert title(seen) == "1 load has failed; the others have no hole and no overlap"


def test_a_load_that_failed_once_and_is_done_by_now(airflow: AirflowDouble, looking: Looking) -> None:
    """Its rows are there: what failed afterwards is for its own page."""
    loads = hours(range(5), 3)
    airflow.answers.loads(loads)
    unfinished(airflow, loads[4], "failed")
    with looking(airflow.windows_page()) as seen:
        assert title(seen).startswith("Complete up to")


def test_a_failed_load_without_a_window(airflow: AirflowDouble, looking: Looking) -> None:
    """It is listed, although nobody knows which offsets it would have loaded."""
    airflow.answers.loads(hours(range(5), 3))
    instance = {**instance_of("failed"), "dag_run_id": run_of(5)}
    path = f"dags/{DAG}/dagRuns/~/taskInstances"
    airflow.answers.by_path[path] = {"task_instances": [instance], "total_entries": 1}
    with looking(airflow.windows_page()) as seen:
        assert f"{DAG} \u00b7 {run_of(5)} is failed, and has planned no window" in seen.text


def test_overlaps(airflow: AirflowDouble, looking: Looking, tmp_path: Path) -> None:
    """Offsets of two windows are a doubt, with both runs: filters, or a replaced load, may keep the rows apart."""
    loads = hours(range(5), 3)
    window = window_of(5, {0: (4_900, 6_000), 1: (2_500, 3_000), 2: (1_665, 1_998)})
    airflow.answers.loads([*loads, Loaded(receipt_of(window), 5)])
    with looking(airflow.windows_page()) as seen:
        assert title(seen) == "100 offsets are in two windows"
        assert "orders[0]@[4900, 5000)" in seen.text
        seen.is_sound()
        seen.picture("windows-overlap", tmp_path, 860)


def test_the_same_window_twice_is_one(airflow: AirflowDouble, looking: Looking) -> None:
    """A cleared task has another event: kept rows have the same upload, and replaced ones the same window."""
    loads = hours(range(5), 3)
    again = replace(loads[2], receipt=replace(loads[2].receipt, upload_id="another"))
    airflow.answers.loads([*loads, loads[1], again])
    with looking(airflow.windows_page()) as seen:
        assert title(seen).startswith("Complete up to")
        assert "5 windows cover" in seen.text


def test_a_topic_that_was_created_again_is_another(airflow: AirflowDouble, looking: Looking) -> None:
    """Its offsets begin at 0 again, and are no overlap with those of before."""
    before = hours(range(5), 1)
    other = [
        replace(each, receipt=receipt_of(replace(each.receipt.window, topic_id="another"), upload_id=f"u{each.hour}"))
        for each in before
    ]
    airflow.answers.loads([*before, *other])
    with looking(airflow.windows_page()) as seen:
        assert seen.find("document.querySelectorAll('article').length") == 2
        assert "two windows" not in seen.text


def test_what_was_lost_rejected_or_late_is_in_the_list(airflow: AirflowDouble, looking: Looking) -> None:
    """Whoever asks why rows are missing sees in which window."""
    loads = hours(range(3), 1)
    odd = receipt_of(loads[1].receipt.window, {0: Counts(900, 40, 0, missing=60, late=7)})
    airflow.answers.loads([loads[0], replace(loads[1], receipt=odd), loads[2]])
    with looking(airflow.windows_page()) as seen:
        row = "[...document.querySelectorAll('tbody tr')].find(each => each.innerText.includes('01:00')).innerText"
        assert seen.find(row).split("\t")[2:6] == ["900", "40", "7", "60"]


def test_five_thousand_windows(airflow: AirflowDouble, looking: Looking, tmp_path: Path) -> None:
    """The newest come first; the others are asked for by a button, and drawn as columns of several windows."""
    airflow.answers.loads(hours(range(5_000), 3))
    with looking(airflow.windows_page()) as seen:
        assert "Of the newest 300 of 5000 loads." in seen.text
        assert airflow.answers.asked.count("assets/events") == 3
        seen.page.click("document.querySelector('#older')")
        seen.until("1\u202f300 of 5\u202f000 are here")
        for here in ("2\u202f300", "3\u202f300", "4\u202f300"):
            seen.page.click("document.querySelector('#older')")
            seen.until(f"{here} of 5\u202f000 are here")
        seen.page.click("document.querySelector('#older')")
        seen.until("5\u202f000 windows cover")
        seen.page.click("document.querySelector('[id^=wide-Inf]')")
        seen.page.until("document.querySelector('[id^=wide-Inf]').getAttribute('aria-pressed') === 'true'", 10)
        assert seen.find("document.querySelectorAll('tbody tr').length") == 25
        seen.is_sound()
        seen.picture("windows-5000", tmp_path, 860)


def test_a_hole_that_an_older_event_fills_is_none(airflow: AirflowDouble, looking: Looking) -> None:
    """A window in the middle may have been loaded long ago: a hole is said to be one when all events were asked for."""
    loads = hours(range(900), 1)
    airflow.answers.loads([loads[800], *loads[:800], *loads[801:]])
    with looking(airflow.windows_page()) as seen:
        assert title(seen).startswith("Complete up to")
        assert airflow.answers.asked.count("assets/events") == 9


def test_three_hundred_partitions(airflow: AirflowDouble, looking: Looking, tmp_path: Path) -> None:
    """Those with a hole are among the rows that are shown first."""
    loads = hours(range(60), 300)
    ranges = {
        each.partition: (each.start, each.end) for each in loads[40].receipt.window.ranges if each.partition != 211
    }
    airflow.answers.loads([*loads[:40], Loaded(receipt_of(window_of(40, ranges)), 40), *loads[41:]])
    with looking(airflow.windows_page()) as seen:
        assert "orders[211]@[" in seen.text
        heading = "[...document.querySelectorAll('h2')].find(each => each.innerText.startsWith('Windows,')).innerText"
        assert seen.find(heading).endswith("a row for each partition, 0 to 211")
        seen.page.click("document.querySelector('[id^=rows-]')")
        seen.page.until(f"{heading}.endsWith('0 to 299')", 10)
        seen.is_sound()
        seen.picture("windows-300", tmp_path, 860)


def test_the_map_by_the_keyboard(airflow: AirflowDouble, looking: Looking) -> None:
    """Arrows move from window to window and from partition to partition, what is there can be read, Enter opens it."""
    airflow.answers.loads(hours(range(10), 3))
    with looking(airflow.windows_page()) as seen:
        seen.page.value("document.querySelector('canvas').focus()")
        seen.page.press("ArrowLeft", 37)
        seen.until(f"orders[0]@[9000, 10000) \u00b7 loaded \u00b7 run {run_of(9)}")
        seen.page.press("ArrowDown", 40)
        seen.page.press("ArrowLeft", 37)
        seen.until("orders[1]@[4000, 4500)")
        for _ in range(5):
            seen.page.press("ArrowDown", 40)
        seen.until("orders[2]@[2664, 2997)")
        assert seen.find("document.querySelector('canvas').getAttribute('aria-label')")
        seen.page.press("Enter", 13)
        seen.page.until("location.pathname.endsWith('/kafka-odps/task.html')", 30)
        assert f"run_id={quote(run_of(8), safe='')}" in seen.find("location.search")


def test_the_map_by_the_mouse(airflow: AirflowDouble, looking: Looking) -> None:
    """A cell that is pointed at says what it is, and a click opens its run."""
    airflow.answers.loads(hours(range(10), 3))
    with looking(airflow.windows_page()) as seen:
        seen.page.click("document.querySelector('canvas')")
        seen.page.until("location.pathname.endsWith('/kafka-odps/task.html')", 30)


def test_by_the_keyboard_alone(airflow: AirflowDouble, looking: Looking) -> None:
    """From the top: all tables, the table, the map, the list with its links."""
    airflow.answers.loads(hours(range(3), 1))
    with looking(airflow.windows_page()) as seen:
        reached = []
        for _ in range(5):
            seen.page.press("Tab", 9)
            reached.append(seen.find("document.activeElement.tagName + ' ' + document.activeElement.id"))
        assert reached == ["A ", "A ", "CANVAS map-0", "DIV ", "A "]


def test_on_a_phone(airflow: AirflowDouble, looking: Looking, tmp_path: Path) -> None:
    """Only the list scrolls sideways."""
    loads = hours(range(40), 3)
    airflow.answers.loads(loads[:20] + loads[21:])
    with looking(airflow.windows_page(), PHONE) as seen:
        seen.is_sound()
        seen.picture("windows-phone", tmp_path, 1100)


def test_names_are_hostile(airflow: AirflowDouble, looking: Looking) -> None:
    """Markup in a name is text, wherever it stands: topic, table, DAG, and whatever a window was asked for."""
    loads = []
    for each in hours(range(3), 1):
        window = each.receipt.window
        window = window_of(
            each.hour, {0: (window.ranges[0].start + 5 * each.hour, window.ranges[0].end)}, topic=HOSTILE
        )
        window = replace(window, start=replace(window.start, asked=HOSTILE))
        loads.append(replace(each, receipt=receipt_of(window), dag_id=HOSTILE, uri=HOSTILE))
    airflow.answers.loads(loads)
    airflow.answers.by_path["assets/7/state-store"] = {
        "asset_state_store": [
            {"key": f"cut:{HOSTILE}", "value": {"offsets": {HOSTILE: HOSTILE}}, "updated_at": HOSTILE}
        ],
        "total_entries": 1,
    }
    with looking(airflow.windows_page("asset_id=7")) as seen:
        seen.page.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert seen.text.count(HOSTILE) > 8
        seen.is_sound()
        seen.page.value("document.querySelector('canvas').focus()")
        seen.page.press("ArrowLeft", 37)
        seen.until("loaded \u00b7 run")
        seen.is_sound()
    with looking(airflow.windows_page("")) as seen:
        assert seen.text.count(HOSTILE) > 2
        seen.is_sound()


@pytest.mark.parametrize("query", [f"dag_id={DAG}", "asset_id=7", ""])
@pytest.mark.parametrize(("status", "words"), [(401, "Log in to Airflow first"), (403, "may not see"), (500, "answer")])
def test_who_may_not_see_it_is_told_so(
    airflow: AirflowDouble, looking: Looking, query: str, status: int, words: str
) -> None:
    """Without the right to assets there is no picture, and a sentence says which right is missing."""
    airflow.answers.by_path |= {"assets/events": status, "assets": status}
    with looking(airflow.windows_page(query)) as seen:
        assert words in seen.text
        seen.is_sound()


def test_who_may_see_only_some_of_it_sees_that(airflow: AirflowDouble, looking: Looking) -> None:
    """Without the right to task instances or to the state of assets, the loads that are done are shown."""
    airflow.answers.loads(hours(range(3), 1))
    airflow.answers.by_path |= {f"dags/{DAG}/dagRuns/~/taskInstances": 403, "assets/7/state-store": 403}
    with looking(airflow.windows_page()) as seen:
        assert title(seen).startswith("Complete up to")
        seen.is_sound()


def test_nothing_is_loaded_yet(airflow: AirflowDouble, looking: Looking) -> None:
    """A DAG without loads, and a deployment without tables, say what will be here."""
    airflow.answers.by_path["assets"] = {"assets": [], "total_entries": 0}
    for query, words in (
        (f"dag_id={DAG}", "No window of Kafka offsets"),
        ("", "No table is loaded from Kafka here yet"),
    ):
        with looking(airflow.windows_page(query)) as seen:
            assert words in seen.text
            seen.is_sound()


def test_events_of_others_are_no_loads(airflow: AirflowDouble, looking: Looking) -> None:
    """Assets that somebody else fills have events, too."""
    loads = hours(range(3), 1)
    airflow.answers.loads(loads)
    strange: list[Any] = [None, {}, {"window": None}, {"window": "x"}, {"window": {"partitions": [1]}}]
    airflow.answers.events += [{**loads[0].event(90 + at), "extra": extra} for at, extra in enumerate(strange)]
    with looking(airflow.windows_page()) as seen:
        assert "3 windows cover" in seen.text
        seen.is_sound()


def test_the_list_of_all_tables(airflow: AirflowDouble, looking: Looking, tmp_path: Path) -> None:
    """Each table with topics, last load and DAGs, also one that was never loaded; each leads to its page."""
    airflow.answers.loads(hours(range(3), 1))
    airflow.answers.by_path["assets"] = {
        "assets": [
            {
                "id": number,
                "uri": uri,
                "name": uri,
                "producing_tasks": [{"dag_id": DAG, "task_id": "load"}],
                "last_asset_event": {"id": 1, "timestamp": "2026-11-22T03:00:47Z"} if number == 7 else None,
            }
            for number, uri in [(7, "maxcompute://shop/orders_hourly"), (8, "maxcompute://shop/never")]
        ],
        "total_entries": 2,
    }
    with looking(airflow.windows_page("")) as seen:
        assert "2 tables." in seen.text
        assert "never" in seen.text
        assert "2026-11-22 02:00 \u2192 03:00 UTC, 1\u202f000 rows" in seen.text
        seen.is_sound()
        seen.picture("tables", tmp_path)
        seen.page.click("document.querySelector('th a')")
        seen.until("Complete up to")
        assert seen.find("location.search") == "?asset_id=7"
