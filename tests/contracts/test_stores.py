from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError
from contracts.store_backends import StoresBackend
from twins.stores import Superseded

REFUSED = (Superseded, AirflowRuntimeError)
"""By the twin, and by Airflow."""
VALUES: list[dict[str, Any]] = [
    {},
    {"offsets": [2**53 + 1, 2**63 - 1, -(2**63), 2**70]},
    {"topic": "größe ключ 🔑 \x00 \u2028", "кл\u00fcч": "\"'\\/"},
    {"none": None, "list": [None, [], {}, ""], "true": True, "zero": 0, "no": False},
    {"seconds": 0.1, "large": 1e300, "small": -5e-324, "whole": 3.0},
    {"partitions": {"0": [0, 10], "10": [1, 2], "2": [3, 4]}},
]
KEYS = ["cut:kafka://orders/2026-11-22T11:00:00Z", "a/b?c=d&e%2Ff#g", "größe ключ 🔑", "..", " "]


def entry(**parts: Any) -> dict[str, Any]:
    """Return a journal's entry."""
    return {"version": 1, "phase": "planned", **parts}


def test_nothing_is_there_at_first(stores: StoresBackend) -> None:
    """A first attempt finds no journal, and no value of the asset."""
    attempt = stores.attempt()
    assert attempt.journal.load() is None
    assert attempt.asset.get("cut:1") is None


@pytest.mark.parametrize("value", VALUES, ids=lambda value: next(iter(value), "empty"))
def test_values_come_back_as_they_were(stores: StoresBackend, value: dict[str, Any]) -> None:
    """Large numbers, other alphabets, None and the order of keys survive, for every later reader."""
    attempt = stores.attempt()
    attempt.journal.save(entry(value=value))
    attempt.asset.set("key", value)
    for later in (False, True):
        stored = stores.attempt() if later else attempt
        assert stored.journal.load() == entry(value=value)
        found = stored.asset.get("key")
        assert found == value
        assert list(found or {}) == list(value)


@pytest.mark.parametrize("value", [{"window": (1, 2)}, {"window": {0: 1}}, {"window": {1, 2}}, {"at": b"bytes"}])
def test_what_is_no_json_is_refused(stores: StoresBackend, value: dict[str, Any]) -> None:
    """Nothing is kept that would come back as something else."""
    attempt = stores.attempt()
    with pytest.raises((TypeError, ValueError)):
        attempt.journal.save(entry(**value))
    with pytest.raises((TypeError, ValueError)):
        attempt.asset.set("key", value)
    assert (attempt.journal.load(), attempt.asset.get("key")) == (None, None)


def test_what_is_saved_is_not_what_is_held(stores: StoresBackend) -> None:
    """A value that is changed after it was saved is not changed in the store."""
    attempt, kept = stores.attempt(), entry(list=[1])
    attempt.journal.save(kept)
    attempt.asset.set("key", kept)
    kept["list"].append(2)
    assert attempt.journal.load() == attempt.asset.get("key") == entry(list=[1])


def test_the_last_one_counts(stores: StoresBackend) -> None:
    """A value that is set again replaces the one before as a whole."""
    attempt = stores.attempt()
    for number in range(3):
        attempt.journal.save(entry(**{f"number {number}": number}))
        attempt.asset.set("key", {f"number {number}": number})
    assert attempt.journal.load() == entry(**{"number 2": 2})
    assert attempt.asset.get("key") == {"number 2": 2}


@pytest.mark.parametrize("key", KEYS)
def test_keys_may_have_any_letters(stores: StoresBackend, key: str) -> None:
    """A key is found under its name and under no other."""
    asset = stores.attempt().asset
    asset.set(key, {"is": key})
    assert asset.get(key) == {"is": key}
    assert asset.get(f"{key}2") is None
    asset.delete(key)
    assert asset.get(key) is None


def test_nothing_can_be_deleted(stores: StoresBackend) -> None:
    """Deleting what is not there, or twice, is harmless, and takes nothing else along."""
    asset = stores.attempt().asset
    asset.set("kept", {"a": 1})
    asset.delete("never there")
    asset.set("key", {"a": 2})
    asset.delete("key")
    asset.delete("key")
    assert (asset.get("key"), asset.get("kept")) == (None, {"a": 1})


def test_a_later_attempt_finds_what_was_kept(stores: StoresBackend) -> None:
    """Journal and asset survive the attempt that wrote them."""
    first = stores.attempt()
    first.journal.save(entry())
    first.asset.set("key", {"a": 1})
    later = stores.attempt()
    assert (later.journal.load(), later.asset.get("key")) == (entry(), {"a": 1})
    later.journal.save(entry(phase="committed"))
    assert stores.attempt().journal.load() == entry(phase="committed")


def test_beginning_to_plan_leaves_no_window(stores: StoresBackend) -> None:
    """An attempt that died while it planned has recorded nothing."""
    stores.attempt().journal.begin()
    assert stores.attempt().journal.load() is None


def test_a_superseded_attempt_saves_nothing(stores: StoresBackend) -> None:
    """As soon as a later attempt has begun, the one before can neither begin nor save."""
    first = stores.attempt()
    first.journal.save(entry())
    later = stores.attempt()
    for _ in range(2):
        with pytest.raises(REFUSED, match="404"):
            first.journal.save(entry(phase="committing"))
        with pytest.raises(REFUSED, match="404"):
            first.journal.begin()
        assert later.journal.load() == entry()
        later.journal.save(entry())


def test_a_superseded_attempt_finds_no_journal(stores: StoresBackend) -> None:
    """To it the journal looks as if nothing had ever been recorded: it must not plan on that."""
    first = stores.attempt()
    first.journal.save(entry())
    stores.attempt()
    assert first.journal.load() is None


def test_a_superseded_attempt_and_the_asset(stores: StoresBackend) -> None:
    """It reads and deletes what others wrote, and writes nothing."""
    first = stores.attempt()
    first.asset.set("key", {"a": 1})
    stores.attempt()
    assert first.asset.get("key") == {"a": 1}
    with pytest.raises(REFUSED, match="404"):
        first.asset.set("key", {"a": 2})
    assert first.asset.get("key") == {"a": 1}
    first.asset.delete("key")
    assert first.asset.get("key") is None
