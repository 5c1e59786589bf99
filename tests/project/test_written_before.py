"""What earlier releases have left in state stores, XCom and the triggerer is read by this one."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from core.world import World
from twins.stores import Memory, Store

from airflow_provider_kafka_odps.core.history.chain import Chain, chain_keys
from airflow_provider_kafka_odps.core.history.cuts import Author, Claim, cut_key, instants_of
from airflow_provider_kafka_odps.core.journal.entry import Journal
from airflow_provider_kafka_odps.core.journal.interval import IntervalJournal, IntervalKeys
from airflow_provider_kafka_odps.core.journal.next_step import NextStep, next_step
from airflow_provider_kafka_odps.core.journal.receipt import Receipt
from airflow_provider_kafka_odps.core.window.bounds import Side
from airflow_provider_kafka_odps.core.window.goal import parse_goal
from airflow_provider_kafka_odps.core.window.window import Window

_FOLDER = Path(__file__).parent / "written_before"
_AUTHOR = Author("hourly.load[3]", "scheduled__2026-11-22T10:00:00+00:00")
_CLUSTER = "5L6g3nShT-eMCtK--X86sw"


def _written(name: str) -> dict[str, Any]:
    """Return what release 0.1.0 has written."""
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _known(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Return what is written now, without what earlier releases did not know."""
    return {key: _known(now[key], old) if isinstance(old, dict) else now[key] for key, old in before.items()}


@pytest.mark.parametrize(("name", "epochs"), [("window", {}), ("window_with_epochs", {0: 5, 10: 0})])
def test_windows_are_read_and_written_alike(name: str, epochs: dict[int, int]) -> None:
    """The window in XCom is the same text; one of before the epochs has none, and gets none."""
    before = _written(name)
    window = Window.from_json(before)
    assert (window.epochs, "epochs" in window.to_json()) == (epochs, bool(epochs))
    assert _known(window.to_json(), before) == before
    assert (window.log_ends, "log_end" in window.to_json()) == ({}, False)


def test_receipts_are_read_and_written_alike() -> None:
    """The return value is the same, field by field."""
    before = _written("receipt")
    now = Receipt.from_json(before).to_json()
    assert _known(now, before) == before
    assert "log_end" not in now


@pytest.mark.parametrize(
    ("phase", "step"),
    [
        ("planned", NextStep.LOAD),
        ("uploading", NextStep.LOAD),
        ("publishing", NextStep.PUBLISH),
        ("committing", NextStep.SETTLE),
        ("committed", NextStep.KEEP),
        ("replacing", NextStep.REPLACE),
        ("nothing_loaded", NextStep.KEEP),
    ],
)
def test_a_retry_goes_on_from_a_journal_of_each_phase(phase: str, step: NextStep) -> None:
    """An upgrade between two tries of a task changes nothing about what the second one does."""
    before = _written("journals")[phase]
    entry = Journal.from_json(before)
    assert next_step(entry, entry.clear_number) is step
    assert _known(entry.to_json(), before) == before


def test_cuts_are_found_under_their_key() -> None:
    """The neighbour of a window that was planned before the upgrade meets it."""
    written = _written("cut")
    key = cut_key(_CLUSTER, "orders", "2026-11-22T11:00:00Z", Side.END)
    assert key == written["key"]
    claim = Claim.from_json(written["value"], key)
    assert (claim.author, claim.to_json()) == (_AUTHOR, written["value"])


def test_the_index_of_instants_is_read() -> None:
    """Instants that were cut before are known."""
    written = _written("instants")
    assert instants_of(written["value"], written["key"]) == written["value"]["instants"]


def test_chains_are_found_under_their_key() -> None:
    """A window from "previous" starts where the last one before the upgrade ended."""
    written = _written("chain")
    key = written["key"]
    assert key in chain_keys(_CLUSTER, "orders", _AUTHOR, "shop.orders", None)
    assert Chain.from_json(written["value"], key).to_json() == written["value"]


def test_the_journal_of_an_interval_is_taken_over() -> None:
    """A run that is created again after the upgrade goes on from what the deleted one had left."""
    written = _written("interval")
    memory = Memory({written["key"]: json.dumps(written["value"])})
    keys = IntervalKeys("journal:with the table", (written["key"],), written["value"]["journal"]["table"])
    journal = IntervalJournal(Store(World()), memory, keys, "another run", 0, 1, lambda *_: False)
    assert journal.load() == {**written["value"]["journal"], "clear_number": -1}


def test_a_trigger_that_waits_is_built_again() -> None:
    """The triggerer finds the class that it has stored, and its goal is understood."""
    written = _written("trigger")
    module, _, name = written["path"].rpartition(".")
    trigger = getattr(importlib.import_module(module), name)(**written["arguments"])
    assert trigger.serialize() == (written["path"], written["arguments"])
    parse_goal(**trigger.goal)
