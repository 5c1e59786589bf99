"""The history of a topic whose records have times of three days, and whose loads are killed wherever they can be."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from delivery.test_rejects import POINTS as REJECTING
from delivery.test_routed import REPLACING, ROUTED
from scheduled.history import PARTITIONS, History
from scheduled.killed import deaths, folder_of, order, visited
from scheduled.moments import Loaded, check_moments
from scheduled.named import MIDNIGHT

from airflow_provider_kafka_odps.hooks.odps import OdpsHook

_ZONE = ZoneInfo("Asia/Shanghai")
_AWAY = (0, -24, 1, None, 23, None, 0, -21, None)
"""Hours from the timestamp of a record to its own time: late, early, in the future; None: nobody can read it."""
_UNREADABLE = (
    ', "t": null',
    ', "t": "soon"',
    "",
    ', "t": 1e30',
    ', "t": ',
    ', "t": "2026-03-01 10:00:00"',
    ', "t": {}',
)

FIRST = {
    3: ["save planned", "read", "rejects commit", "save merging"],
    4: ["announce", "batch", "rejects status", "look at the staged"],
    5: ["topic id", "read to the end", "save committing", "save merging #2"],
    6: ["ensure", "block 1", "start merge", "await merge"],
    7: ["open", "read #2", "look at the staged #2", "save committed"],
    8: ["survey"],
    0: ["save uploading", "batch #2", "commit", "drop the staged"],
    1: ["block 0", "batch #3", "save publishing", "reconcile"],
    2: ["read to the end #2", "topic id #2", "rejects open", "rejects block 0", "end"],
    9: [],
}
"""Where the attempts of each hour die, one after the other."""
AGAIN = {
    0: ["count", "block 1", "save replacing", "start removal", "save replacing #2", "await removal", "save committed"],
    5: ["count #3", "save committing", "commit", "save merging", "start merge", "await merge"],
}
"""The same, when they are cleared and their rows replaced."""
KEPT = (3, 7)
"""Hours that are cleared and keep their rows."""


def three_days(history: History, random: Random) -> None:
    """Load hours of late, early, future and unreadable times, killed everywhere, backfilled, cleared: each once."""
    folder = history.bundle / "three_days"
    for hour in range(8):
        order(folder, hour, FIRST[hour])
    history.records.text = texts()
    for hour in range(9):
        for partition, records in enumerate((4, 5)):
            history.records.send([hour + random.uniform(0, 1) for _ in range(records)], partition)

    history.unpause()
    number = history.start_backfill_by_command(0, 2, "--max-active-runs", "3")
    history.records.send([random.uniform(0, 9) for _ in range(9)])
    # Who dies while it plans holds up all who have not planned yet: until its session is over, the others die.
    _await_planned(history, [*range(8)])
    _let_go_on(history, 8)
    history.await_backfill(number)
    history.await_runs(9)
    history.records.send([random.uniform(0, 9) for _ in range(18)], partition=1)
    _clear(history)
    _let_go_on(history, 9)
    history.await_runs(10)
    _check_deaths(history)
    _check_end(history)


def _await_planned(history: History, hours: Sequence[int]) -> None:
    def left() -> list[int]:
        return [hour for hour in hours if "topic id" not in visited(_folder(history, hour))]

    history.until(lambda: not left(), complaint=lambda: f"the hours {left()} are not planned: {history.runs()}")


def _let_go_on(history: History, hour: int) -> None:
    """Let the run of an hour begin, which waits for its orders."""
    order(history.bundle / "three_days", hour, FIRST[hour])


def _folder(history: History, hour: int) -> Path:
    return folder_of(history.bundle / "three_days", hour)


def texts() -> Callable[[str, float], str]:
    """Return what makes the values of records: JSON with a time of their own, or without, or no JSON."""
    away, unreadable = cycle(_AWAY), cycle(_UNREADABLE)

    def text(name: str, hour: float) -> str:
        hours = next(away)
        if hours is None:
            return f'{{"name": "{name}"{next(unreadable)}}}'
        at = MIDNIGHT + timedelta(hours=hour + hours)
        return json.dumps({"name": name, "t": int(at.timestamp() * 1000)})

    return text


def place_of(text: str) -> str | None:
    """Return the partition that a record's time names, by the clock of Python; None: it has no time."""
    try:
        at = json.loads(text).get("t")
    except ValueError:
        return None
    if not isinstance(at, int):
        return None
    return f"{datetime.fromtimestamp(at / 1000, UTC).astimezone(_ZONE):ds=%Y%m%d,hh=%H}"


def _staged(history: History) -> set[str]:
    """Return the loads of which rows are staged."""
    found = OdpsHook().run_sql(f"SELECT DISTINCT load_id FROM {history.name}__kafka_staging").to_pylist()
    return {row["load_id"] for row in found}


def _clear(history: History) -> None:
    """Clear some runs that keep their rows, all at once, and some whose rows are replaced, one after the other."""
    # Of the load that died before it could remove them; another load of its window does.
    assert len(_staged(history)) == 1, _staged(history)
    before = {hour: _receipt(history, hour) for hour in (*KEPT, *AGAIN)}
    several = [{"dag_run_id": history.run_of(hour)} for hour in KEPT]
    body = {"dry_run": False, "only_failed": False, "dag_runs": several}
    history.airflow.call("POST", f"dags/{history.dag_id}/clearDagRuns", body)
    for hour, points in AGAIN.items():
        order(history.bundle / "three_days", hour, points, "replace")
        assert history.clear(history.run_of(hour)) == "success", history.log(history.run_of(hour))
    history.await_runs(9)
    for hour, receipt in before.items():
        after = _receipt(history, hour)
        changed = {name for name in ("window", "per_partition", "upload_id") if after[name] != receipt[name]}
        assert changed == (set() if hour in KEPT else {"upload_id"}), f"hour {hour}: {changed} changed"


def _receipt(history: History, hour: int) -> Mapping[str, Any]:
    receipt: Mapping[str, Any] = history.airflow.xcom(history.task(history.run_of(hour)))
    return receipt


def _check_deaths(history: History) -> None:
    """Hold that an attempt has died at each point that there is: of a load, and of one that replaces rows."""
    planned = {hour: [*points, *AGAIN.get(hour, [])] for hour, points in FIRST.items()}
    died = {hour: deaths(_folder(history, hour), points) for hour, points in planned.items()}
    assert died == planned, f"died at {died}"
    for points, there in ((FIRST, {*ROUTED, *REJECTING}), (AGAIN, {*REPLACING})):
        missing = there - {point for hour in points.values() for point in hour}
        assert not missing, f"nobody has died at {missing}"


def _check_end(history: History) -> None:
    """Hold that each record is where it belongs, once, and that no load was ever visible in part."""
    sent = history.records.sent
    places = {(number, at): place_of(text) for number, texts in sent.items() for at, text in enumerate(texts)}
    history.check_windows()
    loads, rejects = [], []
    for hour in FIRST:
        window = _receipt(history, hour)["window"]["partitions"]
        mine = {(number, at): places[number, at] for number in range(PARTITIONS) for at in range(*window[str(number)])}
        rows = {place: partition for place, partition in mine.items() if partition is not None}
        loads.append(Loaded(f"hour {hour}", rows, int(hour in AGAIN)))
        rejects.append(sorted(mine.keys() - rows.keys()))
        _check_receipt(_receipt(history, hour), rows, rejects[-1])
    _check_tables(history, {place: partition for place, partition in places.items() if partition}, rejects)
    days = {partition.partition(",")[0] for load in loads for partition in load.rows.values()}
    assert len(days) == 3, days
    check_moments(history.recording.of(history.name), loads)


def _check_receipt(
    receipt: Mapping[str, Any], rows: Mapping[tuple[int, int], str], rejects: list[tuple[int, int]]
) -> None:
    told, wanted = receipt["per_partition"], dict(Counter(rows.values()))
    assert told == wanted, f"{receipt['summary']}: {told}, not {wanted}"
    assert (receipt["rows"], receipt["rejects"]) == (len(rows), len(rejects)), receipt["summary"]
    assert receipt["reconciled"] == "offsets", receipt["summary"]
    # Several partitions and some rejects: otherwise a load can neither be seen in part nor die at all points.
    assert len(wanted) > 1, f"{receipt['summary']}: {wanted}"
    assert rejects, receipt["summary"]


def _check_tables(history: History, rows: Mapping[tuple[int, int], str], rejects: list[list[tuple[int, int]]]) -> None:
    hook, sent = OdpsHook(), history.records.sent
    found = hook.run_sql(f"SELECT p, o, v, ds, hh FROM {history.name} ORDER BY p, o").to_pylist()
    loaded = [tuple(row.values()) for row in found]
    wanted = [
        (number, at, sent[number][at], *re.findall(r"=(\d+)", partition))
        for (number, at), partition in sorted(rows.items())
    ]
    seen, belong = Counter(loaded), Counter(wanted)
    assert loaded == wanted, f"too many: {seen - belong}, too few: {belong - seen}"
    found = hook.run_sql(f"SELECT load_id, kafka_partition, kafka_offset FROM {history.name}_rejects").to_pylist()
    by_load: dict[str, list[tuple[int, int]]] = {}
    for load_id, number, at in sorted(tuple(row.values()) for row in found):
        by_load.setdefault(load_id, []).append((number, at))
    assert sorted(by_load.values()) == sorted(rejects), by_load
    assert not _staged(history), _staged(history)
